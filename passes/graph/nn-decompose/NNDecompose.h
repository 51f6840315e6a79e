//===- NNDecompose.h - recurrent layers to loops ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands before nn-simplify, which folds the weights' slices and transposes.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNDECOMPOSE_H
#define SINTER_PASSES_GRAPH_NNDECOMPOSE_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNDECOMPOSE
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-decompose/NNDecompose.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNDECOMPOSE_H
