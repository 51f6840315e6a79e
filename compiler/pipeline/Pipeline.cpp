//===- Pipeline.cpp - the stages up to scheduled kernels ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/Pipeline.h"
#include "compiler/pipeline/Host.h"
#include "dialects/kernel/Kernel.h"
#include "dialects/nn/NN.h"
#include "mlir/Transforms/Passes.h"
#include "passes/graph/nn-fuse/NNFuse.h"
#include "passes/graph/nn-outline-prepare/NNOutlinePrepare.h"
#include "passes/graph/nn-split-batch/NNSplitBatch.h"
#include "passes/graph/nn-version-products/NNVersionProducts.h"
#include "passes/kernels/nn-to-kernel/NNToKernel.h"

using namespace mlir;
using namespace sinter;

static constexpr llvm::StringLiteral stageNames[] = {
    "nn", "nn-opt", "kernel", "kernel-tiled", "loops", "ptx", "llvm", "asm", "obj", "lib"};

StringRef sinter::stringifyStage(Stage stage) { return stageNames[static_cast<int>(stage)]; }

std::optional<Stage> sinter::parseStage(StringRef name) {
  if (name == "opencl")
    return Stage::DeviceCode;
  for (auto [i, each] : llvm::enumerate(stageNames))
    if (each == name)
      return static_cast<Stage>(i);
  return std::nullopt;
}

std::optional<Stage> sinter::getStage(ModuleOp module) {
  if (auto name = module->getAttrOfType<StringAttr>("sinter.stage"))
    return parseStage(name.getValue());
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

static void buildGraphPasses(PassManager &pm, const CompileOptions &options) {
  addGraphPasses(pm, options);
  if (!options.reference && !options.target.device)
    pm.addNestedPass<func::FuncOp>(createNNSplitBatch({options.target.l3Bytes / 8}));
  if (options.fuse) {
    NNFuseOptions fuse;
    fuse.remarks = options.remarks;
    pm.addNestedPass<func::FuncOp>(createNNFuse(fuse));
  }
  pm.addNestedPass<func::FuncOp>(createNNVersionProducts());
  if (!options.reference)
    pm.addPass(createNNOutlinePrepare());
}

static void buildKernelPasses(PassManager &pm, const CompileOptions &) {
  pm.addPass(createNNToKernel());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

LogicalResult sinter::runPasses(ModuleOp module, const CompileOptions &options,
                                function_ref<void(PassManager &)> build) {
  PassManager pm(module.getContext());
  if (options.configurePasses)
    options.configurePasses(pm);
  build(pm);
  return pm.run(module);
}

LogicalResult sinter::advance(ModuleOp module, Stage stage, const CompileOptions &options) {
  auto at = getStage(module);
  if (!at)
    return module.emitError("the module has no attribute sinter.stage, which "
                            "tells where to go on");
  struct Step {
    Stage from;
    void (*build)(PassManager &, const CompileOptions &);
  } steps[] = {{Stage::NN, buildGraphPasses},
               {Stage::NNOpt, buildKernelPasses},
               {Stage::Kernel, addTilingPasses}};
  for (auto &step : steps) {
    if (*at != step.from || step.from >= stage)
      continue;
    Stage next = static_cast<Stage>(static_cast<int>(step.from) + 1);
    if (options.progress)
      options.progress(stringifyStage(next));
    if (failed(runPasses(module, options, [&](PassManager &pm) { step.build(pm, options); })))
      return failure();
    at = next;
    module->setAttr("sinter.stage", StringAttr::get(module.getContext(), stringifyStage(*at)));
  }
  return success();
}
