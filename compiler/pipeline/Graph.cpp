//===- Graph.cpp - the passes of the graph and of schedules ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/Host.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "passes/graph/nn-decompose/NNDecompose.h"

using namespace mlir;
using namespace sinter;

void sinter::addGraphPasses(PassManager &pm, const CompileOptions &options) {
  pm.addNestedPass<func::FuncOp>(createNNDecompose());
  pm.addPass(createCanonicalizerPass());
  if (options.assignLayout) {
    NNAssignLayoutOptions layout;
    layout.vector = options.target.lanes(4);
    layout.pack = !options.reference;
    pm.addNestedPass<func::FuncOp>(createNNAssignLayout(layout));
    pm.addPass(createCanonicalizerPass());
  }
}

void sinter::addTilingPasses(PassManager &pm, const CompileOptions &options) {}
