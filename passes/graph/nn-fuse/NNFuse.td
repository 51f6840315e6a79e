//===- NNFuse.td ----------------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNFUSE_TD
#define SINTER_PASSES_GRAPH_NNFUSE_TD

include "mlir/Pass/PassBase.td"

def NNFuse : Pass<"nn-fuse"> {
  let summary = "groups ops into nn.fused regions, one future kernel each";
  let description = [{
    One contraction, window, reduction or movement with all the elementwise work
    that follows it at the same shape; a chain of elementwise ops; or attention,
    softmax(f(Q Kᵀ)) V with the transposes around it. A convolution by Winograd's
    algorithm takes in the max pool of its tiles, too. A group may
    have several results. Every refusal leaves a remark with its reason
    (option `remarks`).
  }];
  let options = [
    Option<"elementwise", "elementwise", "bool", "true",
           "Fuse elementwise ops into their producers' groups">,
    Option<"remarks", "remarks", "bool", "false", "Say why ops were not fused">
  ];
}

#endif
