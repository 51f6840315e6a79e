//===- NNVersionProducts.td -----------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNVERSIONPRODUCTS_TD
#define SINTER_PASSES_GRAPH_NNVERSIONPRODUCTS_TD

include "mlir/Pass/PassBase.td"

def NNVersionProducts : Pass<"nn-version-products", "::mlir::func::FuncOp"> {
  let summary = "Strassen's algorithm for many rows, the direct product for few";
  let description = [{
    A product by Strassen's algorithm whose number of rows is not known becomes
    an `nn.if`: few rows read their weights too seldom to pay for more of them.
    Both branches read what is packed once: the direct product's weights are
    those that the sums are made of.
  }];
}

#endif
