//===- Graph.cpp - the passes of the graph and of schedules ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/Host.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"
#include "passes/autodiff/nn-autodiff/NNAutodiff.h"
#include "passes/autodiff/nn-bucket-all-reduce/NNBucketAllReduce.h"
#include "passes/autodiff/nn-recompute/NNRecompute.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "passes/graph/nn-decompose/NNDecompose.h"
#include "passes/graph/nn-explicit-broadcast/NNExplicitBroadcast.h"
#include "passes/graph/nn-integer-products/NNIntegerProducts.h"
#include "passes/graph/nn-simplify/NNSimplify.h"
#include "passes/kernels/kernel-tile/KernelTile.h"

using namespace mlir;
using namespace sinter;

void sinter::addGraphPasses(PassManager &pm, const CompileOptions &options) {
  bool pack = options.assignLayout && !options.reference && !options.target.device;
  bool dot = pack && options.target.int8Dot;
  if (dot)
    pm.addPass(createNNIntegerProducts());
  // A normalisation behind a transposed convolution goes into its filter, which is taken apart
  // next.
  pm.addPass(createNNSimplify());
  pm.addNestedPass<func::FuncOp>(createNNDecompose());
  // A layer norm or a GELU that is one op has a shorter derivative than its primitives.
  pm.addPass(createNNSimplify());
  pm.addPass(createNNAutodiff());
  pm.addPass(createNNSimplify());
  if (options.assignLayout) {
    NNAssignLayoutOptions layout;
    layout.vector = options.target.lanes(4);
    // A device's threads read weights of plain channels-last filters side by side.
    layout.pack = pack;
    layout.fewerProducts = !options.strict && !options.target.device;
    if (dot)
      layout.dotFactors = options.target.unsignedDot ? DotFactors::Unsigned : DotFactors::Signed;
    layout.fmaPerCycle = options.target.fmaPerCycle;
    layout.memoryBandwidth = options.target.memoryBandwidth;
    pm.addNestedPass<func::FuncOp>(createNNAssignLayout(layout));
  }
  // Folds the packing of constant weights, but where the result is larger than they are.
  NNSimplifyOptions packed;
  packed.leaveGrowth = !options.reference && !options.target.device;
  pm.addPass(createNNSimplify(packed));
  pm.addPass(createNNExplicitBroadcast());
  pm.addPass(createNNSimplify(packed));
  if (options.checkpointing >= 0)
    pm.addNestedPass<func::FuncOp>(createNNRecompute({options.checkpointing}));
  pm.addNestedPass<func::FuncOp>(createNNBucketAllReduce());
}

void sinter::addTilingPasses(PassManager &pm, const CompileOptions &options) {
  if (!options.reference)
    pm.addPass(createKernelTile(options.target, options.tuning));
}
