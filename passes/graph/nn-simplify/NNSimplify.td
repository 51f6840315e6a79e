//===- NNSimplify.td ------------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNSIMPLIFY_TD
#define SINTER_PASSES_GRAPH_NNSIMPLIFY_TD

include "mlir/Pass/PassBase.td"

def NNSimplify : Pass<"nn-simplify"> {
  let summary = "canonical form of a model's graph";
  let description = [{
    Rounds of shape inference, constant folding, canonicalization and common
    subexpressions until nothing changes. On top of the ops' own
    canonicalization: BatchNorm becomes a scale and a shift, which fold into a
    preceding convolution's or matmul's constant weights; transposes of matmul's
    operands become its flags; zero pads and auto_pad become a convolution's
    pads; powers by small constants become products and roots; an expand that
    the following op would do anyway goes away; an `nn.if` with a constant
    condition is inlined.
  }];
  let options = [
    Option<"maxConstantBytes", "max-constant-bytes", "int64_t", "67108864",
           "Largest constant to make from smaller ones">,
    Option<"leaveGrowth", "leave-growth", "bool", "false",
           "Leave constants of @main that grow to nn-outline-prepare, but for a training's">,
    Option<"maxRounds", "max-rounds", "int64_t", "10", "When to stop at the latest">
  ];
}

#endif
