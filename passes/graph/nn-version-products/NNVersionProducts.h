//===- NNVersionProducts.h - products of few and of many rows ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after nn-fuse, so that a branch holds all of a kernel, and before nn-outline-prepare,
// which takes out of the function what the sums of weights are made by.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNVERSIONPRODUCTS_H
#define SINTER_PASSES_GRAPH_NNVERSIONPRODUCTS_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNVERSIONPRODUCTS
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-version-products/NNVersionProducts.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNVERSIONPRODUCTS_H
