//===- NNSimplify.h - canonical form of a model's graph ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands first: importers may write whatever is easiest to write, and every
// later pass sees one form of each idea. Runs again after nn-assign-layout,
// whose packing of weights it folds.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNSIMPLIFY_H
#define SINTER_PASSES_GRAPH_NNSIMPLIFY_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNSIMPLIFY
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-simplify/NNSimplify.h.inc"

/// nn.if with a constant condition.
void populateInlineBranchesPatterns(mlir::RewritePatternSet &patterns);
/// BatchNorm, and constant scales and shifts into weights.
void populateFoldAffinePatterns(mlir::RewritePatternSet &patterns);
/// Powers, expands, comparisons.
void populateSimplifyArithmeticPatterns(mlir::RewritePatternSet &patterns);
/// Pads of convolutions and pools.
void populateSimplifyWindowsPatterns(mlir::RewritePatternSet &patterns);
/// Elementwise ops go before concats.
void populateSimplifyConcatPatterns(mlir::RewritePatternSet &patterns);
/// Transposes and products behind a gather of rows.
void populateSimplifyGatherPatterns(mlir::RewritePatternSet &patterns);
/// Sums of parts with zeros around them.
void populateSimplifyPadsPatterns(mlir::RewritePatternSet &patterns);
/// Transposed operands of matmul.
void populateSimplifyMatMulPatterns(mlir::RewritePatternSet &patterns);
/// Layer norm and GELU out of the primitives that exporters write.
void populateRecognizeLayersPatterns(mlir::RewritePatternSet &patterns);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNSIMPLIFY_H
