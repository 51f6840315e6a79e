//===- NNOutlinePrepare.td ------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNOUTLINEPREPARE_TD
#define SINTER_PASSES_GRAPH_NNOUTLINEPREPARE_TD

include "mlir/Pass/PassBase.td"

def NNOutlinePrepare : Pass<"nn-outline-prepare", "::mlir::ModuleOp"> {
  let summary = "what follows from constants alone is computed once, before the first run";
  let description = [{
    Constant expressions that nn-simplify has left because their results are
    larger than what they are made of, as transformed filters are, move out of
    @main into a function @prepare. Its results become arguments of @main,
    marked `nn.prepared`, behind those that it has: the library computes them
    once for all of its contexts.
  }];
  let options = [
    Option<"leastBytes", "least-bytes", "int64_t", "4096",
           "Smaller results are computed at each run">
  ];
}

#endif
