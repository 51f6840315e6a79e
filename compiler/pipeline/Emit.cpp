//===- Emit.cpp - from scheduled kernels to native output -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/Host.h"
#include "compiler/pipeline/KernelCache.h"
#include "dialects/kernel/Kernel.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "passes/host/profile-calls/ProfileCalls.h"
#include "passes/kernels/lower-reference/LowerReference.h"
#include "targets/halide/HalideKernels.h"
#include "targets/native/OutputFile.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Signals.h"

using namespace mlir;
using namespace sinter;

static LogicalResult writeText(ModuleOp module, StringRef text, StringRef path) {
  std::string error;
  if (!writeOutputFile(
          path, [&](llvm::raw_ostream &os) { os << text; }, error))
    return module.emitError(error);
  return success();
}

/// The model on its way to native code, for one target.
struct Variant {
  OwningOpRef<ModuleOp> clone;
  ModuleOp module;
  CompileOptions options;
  std::string suffix; ///< of its kernels' symbols, which may be those of another variant
  std::vector<ProfiledCall> calls;
  std::vector<PreparedTensor> prepared;
  std::vector<KernelCode> kernels;
  // The host program, and before it the context that it lives in.
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> host;
};

/// LLVM does not know these attributes of the interface.
static void dropInterface(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>()) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      for (StringRef attribute : {"nn.name", "nn.dims", "nn.expected", "nn.state", "nn.initial",
                                  "nn.prepared", "sinter.dtype"})
        function.removeArgAttr(i, StringAttr::get(module.getContext(), attribute));
    function.removeResAttrsAttr();
  }
}

/// From kernel-tiled to LLVM IR; the kernels are bitcode for `text`, else objects.
static LogicalResult lower(Variant &variant, StringRef name, bool text, CollectedWeights &weights,
                           function_ref<void(StringRef)> note) {
  ModuleOp module = variant.module;
  const CompileOptions &options = variant.options;
  dropInterface(module);
  note("kernels");
  KernelCache cache(options.cacheFolder, options.target, options.optLevel);
  if (!options.reference &&
      failed(lowerKernelsToHalide(module, options.target, options.threads, variant.kernels,
                                  text ? nullptr : &cache, variant.suffix)))
    return failure();
  if (options.kernelCounts) {
    options.kernelCounts->first += cache.getFound();
    options.kernelCounts->second += cache.getMade();
  }

  // Host program, and the kernels that Halide's road left.
  note("host");
  if (failed(runPasses(module, options, [&](PassManager &pm) {
        pm.addPass(createLowerKernelsReference());
        addHostPasses(pm, bool(options.target.device));
      })))
    return failure();
  note("weights");
  // A device is given the weights as one block: what its kernels read must be there.
  collectWeights(module, weights, options.target.device ? 1 : 64);

  note("host to LLVM");
  variant.host = translateModuleToLLVMIR(module, variant.context, name);
  if (!variant.host)
    return module.emitError("the host program has no LLVM IR");
  return success();
}

LogicalResult sinter::emit(ModuleOp module, const Output &output, const CompileOptions &options) {
  auto note = [&](StringRef phase) {
    if (options.progress)
      options.progress(phase);
  };
  std::vector<std::unique_ptr<Variant>> variants;
  for (size_t i = 0; i <= options.alternatives.size(); ++i) {
    auto variant = std::make_unique<Variant>();
    variant->options = options;
    if (i > 0) {
      variant->clone = module.clone();
      variant->options.target = options.alternatives[i - 1];
      // What is fixed was measured for the first target.
      variant->options.tuning = nullptr;
      variant->suffix = "_v" + std::to_string(i);
    }
    variant->module = i > 0 ? *variant->clone : module;
    variants.push_back(std::move(variant));
  }
  for (auto &variant : variants) {
    if (failed(advance(variant->module, Stage::KernelTiled, variant->options)))
      return failure();
    if (options.profile && failed(runPasses(variant->module, variant->options, [](PassManager &pm) {
          pm.addPass(createProfileCalls());
        })))
      return failure();
    variant->calls = getProfiledCalls(variant->module);
    variant->prepared = getPrepared(variant->module);
  }
  CollectedWeights weights;
  auto interface = getInterface(module, output.name, weights);
  if (failed(interface))
    return failure();
  if (output.stage == Stage::Loops || output.stage == Stage::DeviceCode) {
    note("kernels");
    std::string text;
    auto print = output.stage == Stage::Loops ? printHalideLoops : printDeviceCode;
    if (failed(print(module, options.target, text)))
      return failure();
    note("write");
    return writeText(module, text, output.path);
  }
  std::string error;
  if (!output.header.empty()) {
    note("write");
    if (!writeHeader(*interface, output.header, error))
      return module.emitError(error);
    // A header without its library helps nobody: the caller removes it, or a crash does.
    llvm::sys::RemoveFileOnSignal(output.header);
  }

  bool text = output.stage == Stage::LLVM || output.stage == Stage::Asm;
  if (options.kernelCounts)
    *options.kernelCounts = {0, 0};
  for (auto &variant : variants)
    if (failed(lower(*variant, output.name, text, weights, note)))
      return failure();
  NativeOptions native;
  native.optLevel = options.optLevel;
  native.threads = options.threads;
  native.progress = options.progress;
  native.output = output.stage == Stage::LLVM  ? NativeOutput::LLVM
                  : output.stage == Stage::Asm ? NativeOutput::Assembly
                  : output.stage == Stage::Obj ? NativeOutput::Object
                                               : NativeOutput::Library;
  std::vector<NativeVariant> parts;
  for (auto &variant : variants) {
    parts.push_back(
        {variant->options.target, std::move(variant->host), {}, variant->calls, variant->prepared});
    for (const KernelCode &kernel : variant->kernels)
      parts.back().kernels.push_back(text ? kernel.bitcode : kernel.object);
  }
  if (!emitNative(std::move(parts), *interface, weights.weights, native, output.path, error))
    return module.emitError(error);
  return success();
}
