//===- Bench.cpp - sinter bench -------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Commands.h"
#include "compiler/driver/Library.h"
#include "compiler/driver/Machine.h"
#include "compiler/driver/Profile.h"
#include "compiler/driver/Session.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <chrono>

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

using Clock = std::chrono::steady_clock;

static int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << '\n';
  return ModelFault;
}

static int benchMachine(bool json) {
  Machine machine = measureMachine();
  for (const MachineLimits &each : machine.limits) {
    if (json) {
      llvm::outs() << llvm::json::Value(toJson(each)) << '\n';
      continue;
    }
    llvm::outs() << machine.cpu << ", " << each.threads
                 << (each.threads > 1 ? " threads" : " thread") << "\n  FMA float32, GFLOP/s:";
    for (auto [bytes, rate] : each.fma)
      llvm::outs() << llvm::format("  %.0f in %lld-byte vectors", rate,
                                   static_cast<long long>(bytes));
    llvm::outs() << llvm::format("\n  GB/s:  triad %.1f  with streaming stores %.1f  reads from L1 "
                                 "%.0f  L2 %.0f  L3 %.0f\n",
                                 each.triad, each.streaming, each.l1, each.l2, each.l3);
    if (each.disturbed)
      llvm::outs() << "  other programs ran meanwhile: measure again when none does\n";
  }
  return Good;
}

static int benchLibrary(const BenchArguments &arguments, const std::string &path) {
  MLIRContext mlir(MLIRContext::Threading::DISABLED);
  Library library;
  std::string error;
  bool opened = true;
  auto measure = [&](llvm::function_ref<bool()> step) {
    auto start = Clock::now();
    opened = opened && step();
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  auto createContext = [&] { return library.createContext(arguments.threads, error); };
  double load = measure([&] { return library.load(path, error); });
  // The first context of a process also makes what the model derives from its weights.
  double first = measure(createContext);
  library.destroyContext();
  double other = measure(createContext);
  if (!opened)
    return fail(error);
  load += other;
  double prepare = std::max(first - other, 0.0);
  Profile profile;
  if (arguments.compile.profile && !profile.open(library))
    return fail(path + " measures no kernels; compile it with: sinter compile MODEL --profile -o " +
                path);
  const SinterModel &model = library.getModel();
  std::vector<nn::HostTensor> inputs;
  bool ok = arguments.inputs.empty()
                ? makeInputs(model, arguments.compile.dims, mlir, inputs, error)
                : readInputs(model, arguments.inputs, mlir, inputs, error);
  if (!ok)
    return fail(error);

  std::vector<DLTensor> in;
  for (const nn::HostTensor &input : inputs)
    in.push_back(toDLTensor(input));
  std::vector<DLTensor> out(model.output_count);
  auto once = [&] {
    for (int32_t i = 0; i < model.output_count; ++i) {
      out[i] = DLTensor();
      out[i].device.device_type = kDLCPU;
      out[i].dtype = model.outputs[i].dtype;
    }
    return model.run(library.getContext(), in.data(), in.size(), out.data(), out.size());
  };
  // The first runs touch the workspace and the weights.
  for (int i = 0; i < 5; ++i)
    if (once() != SINTER_OK)
      return fail(model.last_error(library.getContext()));
  if (arguments.compile.profile) {
    profile.take();
    profile.forget();
  }

  std::vector<double> times;
  auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(arguments.seconds));
  while (times.size() < 20 || (Clock::now() < end && times.size() < 1000000)) {
    auto before = Clock::now();
    once();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - before).count());
    if (arguments.compile.profile)
      profile.take();
  }
  std::sort(times.begin(), times.end());
  double least = times.front(), median = times[times.size() / 2],
         p99 = times[times.size() * 99 / 100];
  if (arguments.json) {
    llvm::json::Object object{{"runs", static_cast<int64_t>(times.size())},
                              {"load_ms", load},
                              {"prepare_ms", prepare},
                              {"min_ms", least},
                              {"median_ms", median},
                              {"p99_ms", p99}};
    if (arguments.compile.profile)
      for (auto &[key, value] : profile.toJson(library, arguments.threads))
        object[key] = std::move(value);
    llvm::outs() << llvm::json::Value(std::move(object)) << '\n';
    return Good;
  }
  std::string device = library.getDeviceName();
  llvm::outs() << model.name << " on " << model.target
               << (device.empty() ? "" : " (" + device + ")") << ": " << times.size() << " runs"
               << llvm::format("  min %.4f ms  median %.4f ms  p99 %.4f ms  load %.2f ms  "
                               "prepare %.2f ms\n",
                               least, median, p99, load, prepare);
  if (arguments.compile.profile)
    profile.print(library, arguments.threads, median, llvm::outs());
  return Good;
}

/// Compiles into the system's temporary folder, and leaves nothing there.
static int benchModel(const BenchArguments &arguments) {
  SmallString<128> folder;
  if (std::error_code code = llvm::sys::fs::createUniqueDirectory("sinter-bench", folder))
    return fail("no temporary folder: " + code.message());
  CompileArguments compiling = arguments.compile;
  compiling.model = arguments.library;
  compiling.output = (folder + "/model.so").str();
  compiling.name = modelName(arguments.library);
  int status = compile(compiling);
  if (status == Good)
    status = benchLibrary(arguments, compiling.output);
  (void)llvm::sys::fs::remove_directories(folder);
  return status;
}

int sinter::driver::bench(const BenchArguments &arguments) {
  if (arguments.machine)
    return benchMachine(arguments.json);
  StringRef path = arguments.library;
  if (path.ends_with(".onnx") || path.ends_with(".mlir"))
    return benchModel(arguments);
  return benchLibrary(arguments, arguments.library);
}
