//===- NNAssignLayout.h - channels innermost --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after nn-simplify, which has folded normalization into weights, and
// before nn-fuse, so that the transposes that remain can join kernels.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNASSIGNLAYOUT_H
#define SINTER_PASSES_GRAPH_NNASSIGNLAYOUT_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

/// What a target's dot product of 8-bit integers multiplies signed ones by.
enum class DotFactors { None, Unsigned, Signed };

#define GEN_PASS_DECL_NNASSIGNLAYOUT
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-assign-layout/NNAssignLayout.h.inc"

/// Products of integers of 8 bits less a zero point, and constants, to products of 8-bit integers;
/// the first factor is unsigned or not.
void populateNarrowProductPatterns(mlir::RewritePatternSet &patterns, bool isUnsigned);
/// Convolutions and pooling to channels_last.
void populateChannelsLastPatterns(mlir::RewritePatternSet &patterns);
/// Transposes of operands become one transpose of the result, and cancel.
void populateSinkTransposePatterns(mlir::RewritePatternSet &patterns);
/// Products that sum over very many terms, in pieces.
void populateSplitProductPatterns(mlir::RewritePatternSet &patterns);
struct PackOptions {
  int64_t vector; ///< float32 lanes
  bool halves;    ///< vectors of half as many lanes multiply as fast
};
/// Packs constant filters and right-hand sides, and those that are packed once for many products.
void populatePackWeightsPatterns(mlir::RewritePatternSet &patterns, const PackOptions &options);

/// What the choice between a direct algorithm and one of fewer multiplications depends on.
struct AlgorithmOptions {
  int64_t vector;         ///< float32 lanes
  double fmaPerCycle;     ///< vector multiply-adds
  double memoryBandwidth; ///< bytes a cycle
};
/// Transforms and packs constant 3×3 filters where that pays.
void populatePackWinogradPatterns(mlir::RewritePatternSet &patterns,
                                  const AlgorithmOptions &options);
/// Products of large matrices by Strassen's algorithm, where that pays.
void populatePackStrassenPatterns(mlir::RewritePatternSet &patterns,
                                  const AlgorithmOptions &options);
/// Elementwise ops join such a product, whose rows have been flattened to one dim.
void populateSinkRowsPatterns(mlir::RewritePatternSet &patterns);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNASSIGNLAYOUT_H
