//===- Emit.cpp - puts the parts of a model together ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host program and the runtime's kernels become one module, which is optimised
// as a whole. Each of Halide's kernels, optimised already, becomes an object of
// its own, on as many threads as there are cores. The linker joins them with
// the runtime, an object that the compiler carries, and the weights.
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
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/Internalize.h"

#include <atomic>
#include <chrono>
#include <thread>

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

/// One of Halide's kernels, in a context of its own.
struct Kernel {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  std::string error;
  std::string object;
};

class Emitter {
public:
  Emitter(std::unique_ptr<llvm::Module> host, const ModelInterface &interface,
          const Weights &weights, const Target &target, const NativeOptions &options,
          llvm::StringRef outputPath, std::string &error)
      : host(std::move(host)), interface(interface), weights(weights), target(target),
        options(options), outputPath(outputPath), error(error) {}

  bool run();

private:
  bool prepareHost();
  bool emitText();
  bool openKernels();
  bool linkRuntimeKernels();
  bool addRuntime();
  std::string architecture() const;
  bool emitHost();
  bool emitKernel(Kernel &kernel);
  bool emitObjects();
  bool linkObjects();
  void placeWeights();
  void noteNeeded(const llvm::Module &module);
  void keepOnly(llvm::Module &module, const llvm::StringSet<> &names);
  void phase(const char *name);

  std::unique_ptr<llvm::Module> host;
  const ModelInterface &interface;
  const Weights &weights;
  const Target &target;
  const NativeOptions &options;
  llvm::StringRef outputPath;
  std::string &error;

  std::unique_ptr<llvm::TargetMachine> machine;
  std::string hostError;
  TemporaryFolder temporary;
  std::vector<std::unique_ptr<Kernel>> kernels;
  llvm::StringSet<> needed; ///< symbols that cross the border of a module
  std::vector<std::string> objects;
  bool needsWeights = false;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};

/// Ends a phase that began at the last call.
void Emitter::phase(const char *name) {
  auto now = std::chrono::steady_clock::now();
  if (options.phases)
    options.phases->emplace_back(name, std::chrono::duration<double>(now - begin).count());
  begin = now;
}

bool Emitter::prepareHost() {
  machine = createTargetMachine(target, options.optLevel, error);
  if (!machine)
    return false;
  captureErrors(host->getContext(), hostError);
  retarget(*host, *machine);
  placeWeights();
  if (!addModelTable(*host, interface, target, error))
    return false;
  llvm::raw_string_ostream os(error);
  if (llvm::verifyModule(*host, &os)) {
    error = "the host program's LLVM IR is broken: " + error;
    return false;
  }
  error.clear();
  return true;
}

void Emitter::placeWeights() {
  llvm::GlobalVariable *symbol = host->getGlobalVariable("sinter_weights");
  needsWeights = symbol && symbol->isDeclaration();
  if (!needsWeights)
    return;
  symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
  symbol->setDSOLocal(true);
  symbol->setAlignment(llvm::Align(64));
  if (weightsSize(weights) > largeWeights && llvm::Triple(target.triple).isX86_64())
    symbol->setCodeModel(llvm::CodeModel::Large);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// Host and kernels as one module, without the runtime: what a reader looks
/// for.
bool Emitter::emitText() {
  std::vector<std::unique_ptr<llvm::Module>> modules;
  for (llvm::StringRef bitcode : options.kernels) {
    auto module =
        llvm::parseBitcodeFile(llvm::MemoryBufferRef(bitcode, "kernel"), host->getContext());
    if (!module) {
      error = "cannot read a kernel's bitcode: " + llvm::toString(module.takeError());
      return false;
    }
    noteNeeded(**module);
    modules.push_back(std::move(*module));
  }
  noteNeeded(*host);
  for (std::unique_ptr<llvm::Module> &module : modules) {
    retarget(*module, *machine);
    honorNonFinite(*module);
    keepOnly(*module, needed);
    if (llvm::Linker::linkModules(*host, std::move(module))) {
      error = "cannot link a kernel: " + hostError;
      return false;
    }
  }
  std::string text;
  if (options.output == NativeOutput::LLVM) {
    llvm::raw_string_ostream os(text);
    os << *host;
  } else {
    llvm::SmallString<0> buffer;
    llvm::raw_svector_ostream os(buffer);
    optimize(*host, *machine, options.optLevel);
    if (!generateCode(*host, *machine, /*assembly=*/true, os, hostError)) {
      error = hostError;
      return false;
    }
    text = buffer.str().str();
  }
  phase("text");
  return writeOutputFile(
      outputPath, [&](llvm::raw_ostream &os) { os << text; }, error);
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

/// Reads the kernels' symbols; their bodies are read where they are compiled.
bool Emitter::openKernels() {
  for (llvm::StringRef bitcode : options.kernels) {
    auto kernel = std::make_unique<Kernel>();
    captureErrors(kernel->context, kernel->error);
    auto module =
        llvm::getLazyBitcodeModule(llvm::MemoryBufferRef(bitcode, "kernel"), kernel->context);
    if (!module) {
      error = "cannot read a kernel's bitcode: " + llvm::toString(module.takeError());
      return false;
    }
    kernel->module = std::move(*module);
    noteNeeded(*kernel->module);
    kernels.push_back(std::move(kernel));
  }
  return true;
}

/// The runtime's kernels that the host calls, as bitcode: they profit from the
/// model's CPU.
bool Emitter::linkRuntimeKernels() {
  noteNeeded(*host);
  Embedded code = kernelsBitcode(architecture());
  bool calls = llvm::any_of(host->functions(), [](const llvm::Function &f) {
    return f.isDeclaration() && f.getName().starts_with("sinter_k_");
  });
  if (!calls || !code.data)
    return true;
  auto module = llvm::getLazyBitcodeModule(llvm::MemoryBufferRef({code.data, code.size}, "kernels"),
                                           host->getContext());
  if (!module) {
    error = "cannot read the runtime's kernels: " + llvm::toString(module.takeError());
    return false;
  }
  retarget(**module, *machine);
  if (llvm::Linker::linkModules(*host, std::move(*module), llvm::Linker::LinkOnlyNeeded)) {
    error = "cannot link the runtime's kernels: " + hostError;
    return false;
  }
  return true;
}

/// The runtime as a file for the linker.
bool Emitter::addRuntime() {
  Embedded object = runtimeObject(architecture());
  if (!object.data) {
    error = "Sinter carries no runtime for '" + target.triple + "'";
    return false;
  }
  objects.push_back(temporary.file("runtime.o"));
  return writeOutputFile(
      objects.back(),
      [&](llvm::raw_ostream &os) { os << llvm::StringRef(object.data, object.size); }, error);
}

std::string Emitter::architecture() const {
  return llvm::Triple(target.triple).getArchName().str();
}

/// Names that the module leaves to others to define.
void Emitter::noteNeeded(const llvm::Module &module) {
  for (const llvm::GlobalValue &value : module.global_values())
    if (value.isDeclarationForLinker())
      needed.insert(value.getName());
}

void Emitter::keepOnly(llvm::Module &module, const llvm::StringSet<> &names) {
  llvm::internalizeModule(
      module, [&](const llvm::GlobalValue &value) { return names.contains(value.getName()); });
  llvm::ModuleAnalysisManager analyses;
  llvm::GlobalDCEPass().run(module, analyses);
}

static bool writeObject(llvm::Module &module, llvm::TargetMachine &machine, const std::string &path,
                        std::string &error) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code) {
    error = "can't write " + path + ": " + code.message();
    return false;
  }
  bool generated = generateCode(module, machine, /*assembly=*/false, os, error);
  return closeOutput(os, path, error) && generated;
}

bool Emitter::emitHost() {
  llvm::StringSet<> exported = needed;
  exported.insert("sinter_rt_model");
  exported.insert(modelFunction(interface));
  keepOnly(*host, exported);
  optimize(*host, *machine, options.optLevel);
  return writeObject(*host, *machine, temporary.file("host.o"), hostError);
}

/// Runs on any thread: touches only the kernel and constant members.
bool Emitter::emitKernel(Kernel &kernel) {
  if (llvm::Error failure = kernel.module->materializeAll()) {
    kernel.error = llvm::toString(std::move(failure));
    return false;
  }
  auto machine = createTargetMachine(target, options.optLevel, kernel.error);
  if (!machine)
    return false;
  retarget(*kernel.module, *machine);
  honorNonFinite(*kernel.module);
  keepOnly(*kernel.module, needed);
  return writeObject(*kernel.module, *machine, kernel.object, kernel.error);
}

/// All modules, the host's first, since it is usually the largest.
bool Emitter::emitObjects() {
  objects.push_back(temporary.file("host.o"));
  for (size_t i = 0; i < kernels.size(); ++i) {
    kernels[i]->object = temporary.file("kernel" + llvm::Twine(i) + ".o");
    objects.push_back(kernels[i]->object);
  }
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < objects.size();) {
      if (i == 0)
        emitHost();
      else if (Kernel &kernel = *kernels[i - 1]; emitKernel(kernel))
        kernel.module.reset();
    }
  };
  unsigned threads = options.threads ? options.threads : std::thread::hardware_concurrency();
  threads = std::max<size_t>(1, std::min<size_t>(threads, objects.size()));
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();

  error = hostError;
  for (const auto &kernel : kernels)
    if (error.empty())
      error = kernel->error;
  if (!error.empty())
    error = "code generation failed: " + error;
  return error.empty();
}

bool Emitter::linkObjects() {
  if (!addRuntime())
    return false;
  if (needsWeights) {
    std::string path = temporary.file("weights.o");
    if (!writeWeightsObject(weights, target, path, error))
      return false;
    objects.push_back(path);
    phase("weights");
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
              os << "{ global: sinter_model; " << modelFunction(interface)
                 << (interface.calls.empty() ? "" : "; sinter_profile") << "; local: *; };\n";
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
  phase("link");
  return true;
}

bool Emitter::run() {
  if (!prepareHost())
    return false;
  if (options.output == NativeOutput::LLVM || options.output == NativeOutput::Assembly)
    return emitText();
  if (!temporary.create(outputPath, error) || !openKernels() || !linkRuntimeKernels())
    return false;
  phase("prepare");
  if (!emitObjects())
    return false;
  phase("code generation");
  return linkObjects();
}

} // namespace

bool sinter::emitNative(std::unique_ptr<llvm::Module> host, const ModelInterface &interface,
                        const Weights &weights, const Target &target, const NativeOptions &options,
                        llvm::StringRef outputPath, std::string &error) {
  error.clear();
  return Emitter(std::move(host), interface, weights, target, options, outputPath, error).run();
}
