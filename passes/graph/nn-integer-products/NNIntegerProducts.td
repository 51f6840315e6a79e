//===- NNIntegerProducts.td -----------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNINTEGERPRODUCTS_TD
#define SINTER_PASSES_GRAPH_NNINTEGERPRODUCTS_TD

include "mlir/Pass/PassBase.td"

def NNIntegerProducts : Pass<"nn-integer-products"> {
  let summary = "products of dequantized numbers become products of integers";
  let description = [{
    In a quantized model of QuantizeLinear and DequantizeLinear around float
    operators, a convolution or product of s (x − z) and of constant weights
    t w becomes s t Σ (x − z) w with the sum in i32, as QLinearConv and
    QLinearMatMul have it. Results differ by roundings of float32 only: the
    integers' sum is exact.
  }];
}

#endif
