//===- NNDecompose.h - ops in terms of simpler ones -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands before nn-simplify, which folds the weights' slices and transposes.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNDECOMPOSE_H
#define SINTER_PASSES_GRAPH_NNDECOMPOSE_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNDECOMPOSE
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-decompose/NNDecompose.h.inc"

/// Sums over several dims, one dim after another.
void populateSplitSumPatterns(mlir::RewritePatternSet &patterns);

/// Transposed convolutions as convolutions, depth_to_space as a transpose.
void populatePhasePatterns(mlir::RewritePatternSet &patterns);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNDECOMPOSE_H
