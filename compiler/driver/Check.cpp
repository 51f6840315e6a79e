//===- Check.cpp - sinter check -------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A test case is a folder with model.onnx and test_data_set_N/{input,output}_M.pb.
// It passes when number, shapes and element types of the outputs agree and
// |actual − expected| ≤ atol + rtol·|expected|; NaN equals NaN.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Emulator.h"
#include "compiler/driver/Session.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <csignal>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

namespace {

struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;
};

/// What one case came to.
struct Verdict {
  enum Kind { Pass, Fail, Unsupported } kind = Pass;
  std::string reason;
};

std::string join(StringRef folder, const Twine &name) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return std::string(path);
}

Tolerance readTolerance(StringRef folder, const CheckArguments &arguments) {
  Tolerance tolerance;
  if (auto buffer = llvm::MemoryBuffer::getFile(join(folder, "data.json"))) {
    if (auto json = llvm::json::parse((*buffer)->getBuffer())) {
      if (auto *object = json->getAsObject()) {
        tolerance.relative = object->getNumber("rtol").value_or(tolerance.relative);
        tolerance.absolute = object->getNumber("atol").value_or(tolerance.absolute);
      }
    } else {
      llvm::consumeError(json.takeError());
    }
  }
  if (arguments.rtol >= 0)
    tolerance.relative = arguments.rtol;
  if (arguments.atol >= 0)
    tolerance.absolute = arguments.atol;
  return tolerance;
}

/// "" if equal, else the first difference and how many there are.
std::string compare(const nn::HostTensor &actual, const nn::HostTensor &expected,
                    Tolerance tolerance, double &worst) {
  std::string text;
  llvm::raw_string_ostream os(text);
  DLDataType actualType = toDLDataType(actual.getElementType());
  DLDataType expectedType = toDLDataType(expected.getElementType());
  if (actual.getElementType() != expected.getElementType() ||
      actual.getShape() != expected.getShape()) {
    os << "is " << describe(actualType, actual.getShape()) << ", expected "
       << describe(expectedType, expected.getShape());
    return text;
  }
  int64_t wrong = 0, count = actual.getNumElements();
  for (int64_t i = 0; i < count; ++i) {
    double a, e;
    if (isa<FloatType>(actual.getElementType())) {
      a = actual.getDouble(i);
      e = expected.getDouble(i);
    } else {
      // 64-bit integers don't fit a double: equal bits first.
      int64_t ai = actual.getInt(i), ei = expected.getInt(i);
      if (ai == ei)
        continue;
      a = static_cast<double>(ai);
      e = static_cast<double>(ei);
    }
    if ((std::isnan(a) && std::isnan(e)) || a == e)
      continue;
    double difference = std::fabs(a - e);
    if (std::isfinite(difference))
      worst = std::max(worst, difference / std::max(std::fabs(e), 1e-30));
    if (difference <= tolerance.absolute + tolerance.relative * std::fabs(e))
      continue;
    if (wrong++ == 0)
      os << llvm::format("element %lld is %.9g, expected %.9g", static_cast<long long>(i), a, e);
  }
  if (wrong > 1)
    os << "; " << wrong << " of " << count << " elements differ";
  return text;
}

/// Runs one recorded data set.
Verdict runDataSet(Executor &library, StringRef dataSet, Tolerance tolerance, double &worst) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  std::string error;
  auto fail = [&](const Twine &why) { return Verdict{Verdict::Fail, why.str()}; };

  std::vector<nn::HostTensor> inputs;
  std::vector<NamedTensor> outputs;
  // By position, as ONNX's runner does; names are informal.
  for (unsigned i = 0;; ++i) {
    NamedTensor tensor;
    std::string path = join(dataSet, "input_" + Twine(i) + ".pb");
    if (!llvm::sys::fs::exists(path))
      break;
    if (!readTensor(path, context, tensor, error))
      return fail(error);
    inputs.push_back(tensor.tensor);
  }
  if (!library.run(inputs, outputs, context, error))
    return fail("run: " + error);
  if (llvm::sys::fs::exists(join(dataSet, "output_" + Twine(outputs.size()) + ".pb")))
    return fail("more outputs were recorded than the model has");
  for (auto [i, output] : llvm::enumerate(outputs)) {
    NamedTensor expected;
    if (!readTensor(join(dataSet, "output_" + Twine(i) + ".pb"), context, expected, error))
      return fail(error);
    std::string difference = compare(output.tensor, expected.tensor, tolerance, worst);
    if (!difference.empty())
      return fail("output '" + output.name + "' " + difference);
  }
  return {};
}

/// Compiles to a temporary library, unless the model is one already.
Verdict prepare(const CheckArguments &arguments, StringRef model, bool isolated,
                SmallString<128> &library) {
  if (model.ends_with(".so")) {
    library = model;
    return {};
  }
  Session session(/*threading=*/!isolated);
  if (isolated)
    session.captureErrors();
  CompileArguments compile = arguments.compile;
  compile.model = model.str();
  if (isolated)
    compile.threads = 1;
  CompileOptions options;
  Progress progress(isolated);
  options.progress = [&](StringRef name) { progress.phase(name); };
  auto configured = session.makeOptions(compile, options);
  options.progress = [&](StringRef name) { progress.phase(name); };
  auto failed = [&](StringRef what) {
    std::string reason = session.getErrors();
    // One line.
    std::replace(reason.begin(), reason.end(), '\n', ';');
    Verdict::Kind kind =
        StringRef(reason).contains("not supported") || StringRef(reason).contains("unsupported")
            ? Verdict::Unsupported
            : Verdict::Fail;
    return Verdict{kind, reason.empty() ? what.str() : reason};
  };
  if (!configured || !session.load(compile))
    return failed("import failed");
  if (llvm::sys::fs::createTemporaryFile("sinter-check", "so", library))
    return {Verdict::Fail, "can't make a temporary file"};
  if (mlir::failed(
          emit(session.getModule(), {Stage::Lib, modelName(compile.model), library, ""}, options)))
    return failed("compilation failed");
  return {};
}

/// Data set folders beside a model.
std::vector<std::string> findDataSets(StringRef folder) {
  std::vector<std::string> found;
  for (unsigned i = 0;; ++i) {
    std::string path = join(folder, "test_data_set_" + Twine(i));
    if (!llvm::sys::fs::is_directory(path))
      return found;
    found.push_back(path);
  }
}

/// Here, on a device, or under the emulator of the library's processor; `where` says which.
std::unique_ptr<Executor> openLibrary(const std::string &path, int32_t threads, std::string &where,
                                      std::string &error) {
  if (auto family = foreignFamily(path)) {
    where = " under " + family->emulator;
    auto emulator = std::make_unique<Emulator>();
    return emulator->open(*family, path, threads, error) ? std::move(emulator) : nullptr;
  }
  auto library = std::make_unique<Library>();
  if (!library->open(path, threads, error))
    return nullptr;
  if (std::string device = library->getDeviceName(); !device.empty())
    where = " on " + device;
  return library;
}

Verdict checkCase(const CheckArguments &arguments, StringRef model, ArrayRef<std::string> dataSets,
                  bool isolated, double &worst, std::string &where) {
  SmallString<128> path;
  Verdict verdict = prepare(arguments, model, isolated, path);
  if (verdict.kind != Verdict::Pass)
    return verdict;
  llvm::FileRemover remover;
  if (!model.ends_with(".so"))
    remover.setFile(path);
  std::string error;
  auto library = openLibrary(path.str().str(), arguments.threads, where, error);
  if (!library)
    return {Verdict::Fail, error};
  Tolerance tolerance = readTolerance(llvm::sys::path::parent_path(model), arguments);
  for (const std::string &dataSet : dataSets) {
    verdict = runDataSet(*library, dataSet, tolerance, worst);
    if (verdict.kind != Verdict::Pass) {
      if (dataSets.size() > 1)
        verdict.reason = llvm::sys::path::filename(dataSet).str() + ": " + verdict.reason;
      return verdict;
    }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

/// One child process per case: a crash or a hang is that case's own.
class Batch {
public:
  Batch(const CheckArguments &arguments) : arguments(arguments) {}

  int run(ArrayRef<std::string> folders) {
    unsigned jobs = arguments.jobs ? arguments.jobs : std::thread::hardware_concurrency();
    size_t next = 0;
    while (next < folders.size() || !children.empty()) {
      while (children.size() < jobs && next < folders.size())
        start(folders[next++]);
      collect();
    }
    return allPassed ? Good : ModelFault;
  }

private:
  struct Child {
    pid_t pid;
    int pipe;
    std::string folder, output;
    std::chrono::steady_clock::time_point start;
  };

  void start(const std::string &folder) {
    int ends[2];
    if (pipe(ends) != 0)
      llvm::report_fatal_error("no pipe");
    llvm::outs().flush();
    pid_t pid = fork();
    if (pid == 0) {
      close(ends[0]);
      setpgid(0, 0); // so that what it starts ends with it
      double worst = 0;
      std::string where;
      CheckArguments single = arguments;
      if (single.threads == 0)
        single.threads = 2;
      std::string model = join(folder, "model.onnx");
      std::vector<std::string> dataSets = findDataSets(folder);
      Verdict verdict = dataSets.empty()
                            ? Verdict{Verdict::Fail, "no test_data_set_0 in the folder"}
                            : checkCase(single, model, dataSets, /*isolated=*/true, worst, where);
      std::string text = std::to_string(verdict.kind) + verdict.reason;
      ssize_t written = write(ends[1], text.data(), std::min<size_t>(text.size(), 4000));
      _exit(written < 0);
    }
    close(ends[1]);
    children.push_back({pid, ends[0], folder, "", std::chrono::steady_clock::now()});
  }

  void collect() {
    std::vector<pollfd> polls;
    for (Child &child : children)
      polls.push_back({child.pipe, POLLIN, 0});
    poll(polls.data(), polls.size(), 500);
    for (size_t i = polls.size(); i-- > 0;) {
      Child &child = children[i];
      auto seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - child.start).count();
      if (polls[i].revents) {
        char buffer[4096];
        ssize_t count = read(child.pipe, buffer, sizeof buffer);
        if (count > 0) {
          child.output.append(buffer, count);
          continue;
        }
        finish(i, "");
      } else if (seconds > arguments.timeout) {
        kill(-child.pid, SIGKILL);
        finish(i, "took more than " + std::to_string(arguments.timeout) + " s");
      }
    }
  }

  void finish(size_t index, std::string reason) {
    Child child = children[index];
    children.erase(children.begin() + index);
    close(child.pipe);
    int status = 0;
    waitpid(child.pid, &status, 0);
    StringRef verdict = "FAIL";
    if (reason.empty() && WIFSIGNALED(status))
      reason = "crashed with signal " + std::to_string(WTERMSIG(status));
    else if (reason.empty() && child.output.empty())
      reason = "ended without a verdict";
    else if (reason.empty()) {
      reason = child.output.substr(1);
      if (child.output[0] == '0' + Verdict::Pass)
        verdict = "PASS";
      else if (child.output[0] == '0' + Verdict::Unsupported)
        verdict = "UNSUPPORTED";
    }
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    llvm::outs() << verdict << ' ' << child.folder;
    if (!reason.empty())
      llvm::outs() << ": " << reason;
    llvm::outs() << '\n';
    llvm::outs().flush();
    allPassed &= verdict == "PASS";
  }

  const CheckArguments &arguments;
  std::vector<Child> children;
  bool allPassed = true;
};

} // namespace

int sinter::driver::check(const CheckArguments &arguments) {
  if (!arguments.batch.empty()) {
    auto buffer = llvm::MemoryBuffer::getFile(arguments.batch);
    if (!buffer) {
      llvm::errs() << "error: can't read " << arguments.batch << ": " << buffer.getError().message()
                   << '\n';
      return ModelFault;
    }
    SmallVector<StringRef> lines;
    (*buffer)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
    std::vector<std::string> folders;
    for (StringRef line : lines)
      if (!line.trim().empty())
        folders.push_back(line.trim().rtrim('/').str());
    return Batch(arguments).run(folders);
  }

  std::string model = arguments.model;
  if (llvm::sys::fs::is_directory(model))
    model = join(model, "model.onnx");
  if (!llvm::sys::fs::exists(model)) {
    llvm::errs() << "error: can't read " << model << ": no such file\n";
    return ModelFault;
  }
  std::vector<std::string> dataSets = arguments.cases;
  if (dataSets.empty())
    dataSets = findDataSets(llvm::sys::path::parent_path(model));
  if (dataSets.empty()) {
    llvm::errs() << "error: no test_data_set_0 beside " << model
                 << "; name the folders with input_0.pb and output_0.pb\n";
    return ModelFault;
  }
  for (const std::string &dataSet : dataSets)
    if (!llvm::sys::fs::is_directory(dataSet)) {
      llvm::errs() << "error: there is no folder " << dataSet << " with recorded tensors\n";
      return ModelFault;
    }
  double worst = 0;
  std::string where;
  Verdict verdict = checkCase(arguments, model, dataSets, /*isolated=*/false, worst, where);
  if (verdict.kind == Verdict::Pass) {
    llvm::outs() << "PASS " << model << ": " << dataSets.size() << " data set"
                 << (dataSets.size() == 1 ? "" : "s") << where
                 << llvm::format(", greatest relative difference %.2g\n", worst);
    return Good;
  }
  llvm::outs() << "FAIL " << model << ": " << verdict.reason << '\n';
  return ModelFault;
}
