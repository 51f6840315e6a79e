//===- NNInferShapes.td ---------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNINFERSHAPES_TD
#define SINTER_PASSES_GRAPH_NNINFERSHAPES_TD

include "mlir/Pass/PassBase.td"

def NNInferShapes : Pass<"nn-infer-shapes"> {
  let summary = "makes dims static wherever the graph tells them";
  let description = [{
    Runs each op's shape function over the whole function's symbols, so that
    shapes computed through Shape → Gather → Concat chains become static types.
    Carries what it finds through `nn.if`, `nn.loop` (a carried dim stays static
    only if the body keeps it) and into the function's type.
  }];
}

#endif
