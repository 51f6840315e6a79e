//===- NNIntegerProducts.h - dequantized products in integers --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands before nn-simplify, which would fold the dequantization of constant weights, and only
// where nn-assign-layout makes dot products of 8-bit integers of what comes out.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNINTEGERPRODUCTS_H
#define SINTER_PASSES_GRAPH_NNINTEGERPRODUCTS_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNINTEGERPRODUCTS
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-integer-products/NNIntegerProducts.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNINTEGERPRODUCTS_H
