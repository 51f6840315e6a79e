//===- Graph.cpp - the passes of the graph and of schedules ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/Host.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace sinter;

void sinter::addGraphPasses(PassManager &pm, const CompileOptions &options) {
  pm.addPass(createCanonicalizerPass());
}

void sinter::addTilingPasses(PassManager &pm, const CompileOptions &options) {}
