//===- NNFoldConstants.td -------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNFOLDCONSTANTS_TD
#define SINTER_PASSES_GRAPH_NNFOLDCONSTANTS_TD

include "mlir/Pass/PassBase.td"

def NNFoldConstants : Pass<"nn-fold-constants"> {
  let summary = "evaluates what doesn't depend on the model's inputs";
  let description = [{
    Ops on constants are run by the reference evaluator; small integer tensors
    whose elements ShapeAnalysis knows become constants too. A result is only
    kept if it is no larger than `max-bytes`, or than what it is made of and an
    eighth more. Splats stay splats, however large.
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "67108864",
           "Largest constant to make from smaller ones">
  ];
}

#endif
