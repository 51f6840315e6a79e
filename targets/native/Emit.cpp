//===- Emit.cpp - puts the parts of a model together ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each target that the library holds: host program and the runtime's kernels
// become one module, which is optimised as a whole. The linker joins them with the
// objects of Halide's kernels, the runtime, an object that the compiler carries,
// and the weights.
//
//===----------------------------------------------------------------------===//

#include "targets/native/Internal.h"
#include "targets/native/OutputFile.h"

#include "runtime/Bitcode.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <tuple>

using namespace sinter;
using namespace sinter::native;

namespace {

using Path = llvm::SmallString<256>;

/// A folder beside the output, so that the result only has to be renamed; gone
/// at the end of the scope, whatever happens.
class TemporaryFolder {
public:
  bool create(llvm::StringRef beside, std::string &error) {
    // A relative name would be taken as one in the system's temporary folder.
    Path absolute(beside.empty() ? "sinter" : beside);
    std::error_code code = llvm::sys::fs::make_absolute(absolute);
    if (!code)
      code = llvm::sys::fs::createUniqueDirectory(absolute, path);
    if (!code)
      return true;
    path.clear();
    error = "can't write beside " + beside.str() + ": " + code.message();
    return false;
  }
  ~TemporaryFolder() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }
  std::string file(const llvm::Twine &name) const { return (llvm::Twine(path) + "/" + name).str(); }
  llvm::StringRef folder() const { return path; }

private:
  Path path;
};

/// One variant on its way to objects.
struct Part {
  explicit Part(NativeVariant &variant)
      : target(variant.target), host(std::move(variant.host)), kernels(variant.kernels),
        calls(variant.calls), prepared(variant.prepared) {}

  const Target &target;
  std::unique_ptr<llvm::Module> host;
  llvm::ArrayRef<llvm::StringRef> kernels;
  llvm::ArrayRef<ProfiledCall> calls;
  llvm::ArrayRef<PreparedTensor> prepared;
  /// Ends the names of symbols that all hosts have; empty for the first.
  std::string suffix;
  std::unique_ptr<llvm::TargetMachine> machine;
  llvm::SmallString<0> object; ///< of the host
  std::string error;
};

class Emitter {
public:
  Emitter(llvm::MutableArrayRef<NativeVariant> variants, const ModelInterface &interface,
          const Weights &weights, const NativeOptions &options, llvm::StringRef outputPath,
          std::string &error)
      : interface(interface), weights(weights), target(variants.front().target), options(options),
        outputPath(outputPath), error(error) {
    for (NativeVariant &variant : variants)
      parts.push_back(std::make_unique<Part>(variant));
  }

  bool run();

private:
  bool addTables();
  bool prepareHost(Part &part);
  bool emitText(Part &part);
  bool linkRuntimeKernels(Part &part);
  bool addRuntime();
  std::string architecture() const;
  bool emitHost(Part &part);
  bool emitHosts();
  bool writeObject(const llvm::Twine &name, llvm::StringRef bytes);
  bool linkObjects();
  void placeWeights(llvm::Module &host);
  void phase(const char *name);

  std::vector<std::unique_ptr<Part>> parts;
  const ModelInterface &interface;
  const Weights &weights;
  const Target &target; ///< the first, whose architecture is that of all
  const NativeOptions &options;
  llvm::StringRef outputPath;
  std::string &error;

  TemporaryFolder temporary;
  std::vector<std::string> objects;
  bool needsWeights = false;
};

/// Names that the module leaves to others to define.
void noteNeeded(const llvm::Module &module, llvm::StringSet<> &needed) {
  for (const llvm::GlobalValue &value : module.global_values())
    if (value.isDeclarationForLinker())
      needed.insert(value.getName());
}

void Emitter::phase(const char *name) {
  if (options.progress)
    options.progress(name);
}

/// What the library says that it was compiled for.
static std::string targetText(llvm::ArrayRef<std::unique_ptr<Part>> parts) {
  std::string text;
  for (const std::unique_ptr<Part> &part : parts) {
    // "host" says nothing elsewhere.
    llvm::StringRef name = part->target.name;
    bool host = name.consume_front("host");
    text += (text.empty() ? "" : ",") + (host ? part->target.cpu : "") + name.str();
  }
  return text;
}

bool Emitter::addTables() {
  std::vector<std::string> variants;
  for (const std::unique_ptr<Part> &part : parts) {
    if (!part->host) {
      error = "there is no host program";
      return false;
    }
    variants.push_back("sinter_rt_variant" + part->suffix);
    for (const ModelInterface *each : getModels(interface))
      if (!addVariantTable(*part->host, *each,
                           {part->target, part->calls,
                            each == &interface ? part->prepared : llvm::ArrayRef<PreparedTensor>(),
                            weightsSize(weights)},
                           variantSymbol(variants.back(), *each), error))
        return false;
  }
  std::string target = targetText(parts);
  return addModelTable(*parts.front()->host, interface, {variants, target}, error);
}

bool Emitter::prepareHost(Part &part) {
  part.machine = createTargetMachine(part.target, options.optLevel, error);
  if (!part.machine)
    return false;
  captureErrors(part.host->getContext(), part.error);
  retarget(*part.host, *part.machine);
  placeWeights(*part.host);
  llvm::raw_string_ostream os(error);
  if (llvm::verifyModule(*part.host, &os)) {
    error = "the host program's LLVM IR is broken: " + error;
    return false;
  }
  error.clear();
  return true;
}

void Emitter::placeWeights(llvm::Module &host) {
  uint64_t total = weightsSize(weights);
  llvm::GlobalVariable *prepared = host.getGlobalVariable(preparedSymbol, /*AllowInternal=*/true);
  if (prepared)
    total += host.getDataLayout().getTypeAllocSize(prepared->getValueType());
  bool isLarge = total > largeWeights && llvm::Triple(target.triple).isX86_64();
  if (prepared && isLarge)
    prepared->setCodeModel(llvm::CodeModel::Large);
  llvm::GlobalVariable *symbol = host.getGlobalVariable("sinter_weights");
  if (!symbol || !symbol->isDeclaration())
    return;
  needsWeights = true;
  symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
  symbol->setDSOLocal(true);
  symbol->setAlignment(llvm::Align(64));
  if (isLarge)
    symbol->setCodeModel(llvm::CodeModel::Large);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// Host and kernels as one module, without the runtime: what a reader looks
/// for.
bool Emitter::emitText(Part &part) {
  llvm::Module &host = *part.host;
  llvm::StringSet<> needed; // symbols that cross the border of a module
  std::vector<std::unique_ptr<llvm::Module>> modules;
  for (llvm::StringRef bitcode : part.kernels) {
    auto module =
        llvm::parseBitcodeFile(llvm::MemoryBufferRef(bitcode, "kernel"), host.getContext());
    if (!module) {
      error = "cannot read a kernel's bitcode: " + llvm::toString(module.takeError());
      return false;
    }
    noteNeeded(**module, needed);
    modules.push_back(std::move(*module));
  }
  noteNeeded(host, needed);
  for (std::unique_ptr<llvm::Module> &module : modules) {
    retarget(*module, *part.machine);
    honorNonFinite(*module);
    keepOnly(*module, needed);
    if (llvm::Linker::linkModules(host, std::move(module))) {
      error = "cannot link a kernel: " + part.error;
      return false;
    }
  }
  std::string text;
  if (options.output == NativeOutput::LLVM) {
    llvm::raw_string_ostream os(text);
    os << host;
  } else {
    llvm::SmallString<0> buffer;
    llvm::raw_svector_ostream os(buffer);
    optimize(host, *part.machine, options.optLevel);
    if (!generateCode(host, *part.machine, /*assembly=*/true, os, part.error)) {
      error = part.error;
      return false;
    }
    text = buffer.str().str();
  }
  return writeOutputFile(
      outputPath, [&](llvm::raw_ostream &os) { os << text; }, error);
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

/// The runtime's kernels that the host calls, as bitcode: they profit from the
/// model's CPU.
bool Emitter::linkRuntimeKernels(Part &part) {
  llvm::Module &host = *part.host;
  Embedded code = kernelsBitcode(architecture());
  bool calls = llvm::any_of(host.functions(), [](const llvm::Function &f) {
    return f.isDeclaration() && f.getName().starts_with("sinter_k_");
  });
  if (!calls || !code.data)
    return true;
  auto module = llvm::getLazyBitcodeModule(llvm::MemoryBufferRef({code.data, code.size}, "kernels"),
                                           host.getContext());
  if (!module) {
    error = "cannot read the runtime's kernels: " + llvm::toString(module.takeError());
    return false;
  }
  retarget(**module, *part.machine);
  if (llvm::Linker::linkModules(host, std::move(*module), llvm::Linker::LinkOnlyNeeded)) {
    error = "cannot link the runtime's kernels: " + part.error;
    return false;
  }
  return true;
}

/// A file for the linker.
bool Emitter::writeObject(const llvm::Twine &name, llvm::StringRef bytes) {
  objects.push_back(temporary.file(name));
  return writeOutputFile(
      objects.back(), [&](llvm::raw_ostream &os) { os << bytes; }, error);
}

bool Emitter::addRuntime() {
  Embedded object = runtimeObject(architecture());
  if (!object.data) {
    error = "Sinter carries no runtime for '" + target.triple + "'";
    return false;
  }
  if (!writeObject("runtime.o", {object.data, object.size}))
    return false;
  if (llvm::none_of(parts, [](const auto &part) { return bool(part->target.device); }))
    return true;
  object = deviceObject(architecture());
  return writeObject("device.o", {object.data, object.size});
}

std::string Emitter::architecture() const {
  return llvm::Triple(target.triple).getArchName().str();
}

/// Runs on any thread: touches only the part and constant members.
bool Emitter::emitHost(Part &part) {
  // All else is the host's own: several hosts may hold the same of the runtime's kernels.
  llvm::StringSet<> exported;
  exported.insert("sinter_rt_model");
  for (const ModelInterface *each : getModels(interface))
    exported.insert(variantSymbol("sinter_rt_variant" + part.suffix, *each));
  exported.insert(modelFunction(interface));
  if (interface.training) {
    exported.insert(trainingFunction(interface));
    exported.insert("sinter_training");
    exported.insert("sinter_rt_model_eval_step");
    exported.insert("sinter_rt_model_forward");
  }
  keepOnly(*part.host, exported);
  optimize(*part.host, *part.machine, options.optLevel);
  llvm::raw_svector_ostream os(part.object);
  return generateCode(*part.host, *part.machine, /*assembly=*/false, os, part.error);
}

/// The hosts' code, at once, and the kernels' objects.
bool Emitter::emitHosts() {
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < parts.size();)
      if (!emitHost(*parts[i]) && parts[i]->error.empty())
        parts[i]->error = "unknown error";
  };
  unsigned threads = options.threads ? options.threads : std::thread::hardware_concurrency();
  threads = std::max<size_t>(1, std::min<size_t>(threads, parts.size()));
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();

  for (const std::unique_ptr<Part> &part : parts) {
    if (!part->error.empty()) {
      error = "code generation failed: " + part->error;
      return false;
    }
    if (!writeObject("host" + part->suffix + ".o", part->object))
      return false;
    for (llvm::StringRef kernel : part->kernels)
      if (!writeObject("kernel" + llvm::Twine(objects.size()) + ".o", kernel))
        return false;
  }
  return true;
}

bool Emitter::linkObjects() {
  if (!addRuntime())
    return false;
  if (needsWeights) {
    std::string path = temporary.file("weights.o");
    if (!writeWeightsObject(weights, target, path, error))
      return false;
    objects.push_back(path);
  }
  std::string result = temporary.file("result");
  std::vector<std::string> arguments = {"-o", result};
  if (options.threads)
    arguments.push_back("--threads=" + std::to_string(options.threads));

  std::vector<std::string> names, stubs;
  if (!undefinedSymbols(objects, names, error) ||
      !writeStubs(names, target, temporary.folder(), stubs, error))
    return false;
  if (options.output == NativeOutput::Object) {
    arguments.push_back("-r");
    arguments.insert(arguments.end(), objects.begin(), objects.end());
  } else {
    std::string script = temporary.file("exports");
    if (!writeOutputFile(
            script,
            [&](llvm::raw_ostream &os) {
              os << "{ global: sinter_model; " << modelFunction(interface);
              if (interface.training)
                os << "; sinter_training; " << trainingFunction(interface);
              os << (parts.front()->calls.empty() ? "" : "; sinter_profile") << "; local: *; };\n";
            },
            error))
      return false;
    arguments.insert(arguments.end(),
                     {"-shared", "-Bsymbolic", "--gc-sections", "-z", "now", "-z", "relro", "-z",
                      "noexecstack", "-z", "defs", "--hash-style=gnu", "--build-id=none", "-soname",
                      llvm::sys::path::filename(outputPath).str(), "--version-script", script});
    arguments.insert(arguments.end(), objects.begin(), objects.end());
    arguments.push_back("--as-needed");
    arguments.insert(arguments.end(), stubs.begin(), stubs.end());
  }
  if (!runLinker(arguments, error))
    return false;
  if (std::error_code code = llvm::sys::fs::rename(result, outputPath)) {
    error = "can't write " + outputPath.str() + ": " + code.message();
    return false;
  }
  return true;
}

bool Emitter::run() {
  for (size_t i = 1; i < parts.size(); ++i)
    parts[i]->suffix = ".v" + std::to_string(i);
  if (!addTables())
    return false;
  for (const std::unique_ptr<Part> &part : parts)
    if (!prepareHost(*part))
      return false;
  if (options.output == NativeOutput::LLVM || options.output == NativeOutput::Assembly) {
    if (parts.size() == 1)
      return emitText(*parts.front());
    error = "text can be written for one target at a time";
    return false;
  }
  phase("host code");
  if (!temporary.create(outputPath, error))
    return false;
  for (const std::unique_ptr<Part> &part : parts)
    if (!linkRuntimeKernels(*part))
      return false;
  if (!emitHosts())
    return false;
  phase("link");
  return linkObjects();
}

/// How much a target asks of the machine: a device, and which; then how much of the CPU's
/// architecture. The runtime tries the greatest first.
std::tuple<bool, int64_t, int64_t> extent(const Target &target) {
  int64_t bits = 0;
  for (const CpuRequirement &requirement : target.requirements)
    bits += llvm::popcount(requirement.mask);
  return {bool(target.device), target.device.capability, target.vectorBytes * 1024 + bits};
}

} // namespace

bool sinter::emitNative(std::vector<NativeVariant> variants, const ModelInterface &interface,
                        const Weights &weights, const NativeOptions &options,
                        llvm::StringRef outputPath, std::string &error) {
  error.clear();
  std::sort(variants.begin(), variants.end(),
            [](const auto &a, const auto &b) { return extent(a.target) > extent(b.target); });
  return Emitter(variants, interface, weights, options, outputPath, error).run();
}
