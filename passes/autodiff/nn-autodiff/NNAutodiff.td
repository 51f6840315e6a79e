//===- NNAutodiff.td ------------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_AUTODIFF_NNAUTODIFF_TD
#define SINTER_PASSES_AUTODIFF_NNAUTODIFF_TD

include "mlir/Pass/PassBase.td"

def NNAutodiff : Pass<"nn-autodiff"> {
  let summary = "builds the backward graph that each nn.gradient stands for";
  let description = [{
    Reverse mode: from the outputs back to the inputs, each op between them
    contributes its vector-Jacobian product (DifferentiableOpInterface);
    cotangents that meet are added. An op on the way without a derivative is an
    error that names it.
  }];
  let dependentDialects = ["::sinter::nn::NNDialect"];
}

#endif
