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

using namespace mlir;
using namespace sinter;

static LogicalResult writeText(ModuleOp module, StringRef text, StringRef path) {
  std::string error;
  if (!writeOutputFile(
          path, [&](llvm::raw_ostream &os) { os << text; }, error))
    return module.emitError(error);
  return success();
}

LogicalResult sinter::emit(ModuleOp module, Stage stage, StringRef name, StringRef path,
                           const CompileOptions &options) {
  auto note = [&](StringRef phase) {
    if (options.progress)
      options.progress(phase);
  };
  if (failed(advance(module, Stage::KernelTiled, options)))
    return failure();
  if (options.profile &&
      failed(runPasses(module, options, [](PassManager &pm) { pm.addPass(createProfileCalls()); })))
    return failure();
  auto interface = getInterface(module, name);
  if (failed(interface))
    return failure();

  // The interface has been read; LLVM does not know these attributes.
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    for (StringRef attribute : {"nn.name", "nn.dims", "sinter.dtype"})
      main.removeArgAttr(i, StringAttr::get(module.getContext(), attribute));
  main.removeResAttrsAttr();

  // Kernels.
  note("kernels");
  std::vector<KernelCode> kernels;
  if (stage == Stage::Loops) {
    std::string text;
    if (failed(printHalideLoops(module, options.target, text)))
      return failure();
    note("write");
    return writeText(module, text, path);
  }
  bool text = stage == Stage::LLVM || stage == Stage::Asm;
  KernelCache cache(options.cacheFolder, options.target, options.optLevel);
  if (!options.reference && failed(lowerKernelsToHalide(module, options.target, options.threads,
                                                        kernels, text ? nullptr : &cache)))
    return failure();
  if (options.kernelCounts)
    *options.kernelCounts = {cache.getFound(), cache.getMade()};

  // Host program, and the kernels that Halide's road left.
  note("host");
  if (failed(runPasses(module, options, [&](PassManager &pm) {
        pm.addPass(createLowerKernelsReference());
        addHostPasses(pm);
      })))
    return failure();
  note("weights");
  CollectedWeights weights;
  collectWeights(module, weights);

  note("host to LLVM");
  llvm::LLVMContext context;
  auto host = translateModuleToLLVMIR(module, context, name);
  if (!host)
    return module.emitError("the host program has no LLVM IR");

  NativeOptions native;
  native.optLevel = options.optLevel;
  native.threads = options.threads;
  native.progress = options.progress;
  native.output = stage == Stage::LLVM  ? NativeOutput::LLVM
                  : stage == Stage::Asm ? NativeOutput::Assembly
                  : stage == Stage::Obj ? NativeOutput::Object
                                        : NativeOutput::Library;
  for (const KernelCode &kernel : kernels)
    native.kernels.push_back(text ? kernel.bitcode : kernel.object);
  std::string error;
  if (!emitNative(std::move(host), *interface, weights.weights, options.target, native, path,
                  error))
    return module.emitError(error);
  return success();
}

LogicalResult sinter::emitHeader(ModuleOp module, StringRef name, StringRef path) {
  auto interface = getInterface(module, name);
  if (failed(interface))
    return failure();
  std::string error;
  if (!writeHeader(*interface, path, error))
    return module.emitError(error);
  return success();
}
