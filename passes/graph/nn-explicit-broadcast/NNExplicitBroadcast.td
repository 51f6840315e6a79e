//===- NNExplicitBroadcast.td ---------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNEXPLICITBROADCAST_TD
#define SINTER_PASSES_GRAPH_NNEXPLICITBROADCAST_TD

include "mlir/Pass/PassBase.td"

def NNExplicitBroadcast : Pass<"nn-explicit-broadcast"> {
  let summary = "leaves no broadcast that only run time can tell";
  let description = [{
    Afterwards each dim of an elementwise op's operand is statically 1 or
    provably equal to the result's dim. Where that can't be shown (`?` against
    `?`) the operand goes through `nn.expand` first.
  }];
}

#endif
