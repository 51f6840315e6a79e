//===- Emit.cpp - puts the parts of a model together ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host program and the runtime's kernels become one module, which is optimised
// as a whole. The linker joins it with the objects of Halide's kernels, the
// runtime, an object that the compiler carries, and the weights.
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
  bool linkRuntimeKernels();
  bool addRuntime();
  std::string architecture() const;
  bool emitHost();
  bool writeObject(llvm::StringRef name, llvm::StringRef bytes);
  bool linkObjects();
  void placeWeights();
  void noteNeeded(const llvm::Module &module);
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
  llvm::StringSet<> needed; ///< symbols that cross the border of a module
  std::vector<std::string> objects;
  bool needsWeights = false;
};

void Emitter::phase(const char *name) {
  if (options.progress)
    options.progress(name);
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
  return writeOutputFile(
      outputPath, [&](llvm::raw_ostream &os) { os << text; }, error);
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

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

/// A file for the linker.
bool Emitter::writeObject(llvm::StringRef name, llvm::StringRef bytes) {
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
  return writeObject("runtime.o", {object.data, object.size});
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

bool Emitter::emitHost() {
  llvm::StringSet<> exported = needed;
  exported.insert("sinter_rt_model");
  exported.insert(modelFunction(interface));
  keepOnly(*host, exported);
  optimize(*host, *machine, options.optLevel);
  llvm::SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  if (!generateCode(*host, *machine, /*assembly=*/false, os, hostError)) {
    error = "code generation failed: " + hostError;
    return false;
  }
  return writeObject("host.o", object);
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
  return true;
}

bool Emitter::run() {
  if (!prepareHost())
    return false;
  if (options.output == NativeOutput::LLVM || options.output == NativeOutput::Assembly)
    return emitText();
  phase("host code");
  if (!temporary.create(outputPath, error) || !linkRuntimeKernels() || !emitHost())
    return false;
  for (auto [i, object] : llvm::enumerate(options.kernels))
    if (!writeObject(("kernel" + llvm::Twine(i) + ".o").str(), object))
      return false;
  phase("link");
  return linkObjects();
}

} // namespace

bool sinter::emitNative(std::unique_ptr<llvm::Module> host, const ModelInterface &interface,
                        const Weights &weights, const Target &target, const NativeOptions &options,
                        llvm::StringRef outputPath, std::string &error) {
  error.clear();
  return Emitter(std::move(host), interface, weights, target, options, outputPath, error).run();
}
