//===- SplitProducts.cpp - long sums of products in pieces ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gradient of a weight is a product Aᵀ B that sums over the whole batch, and over time. A
// kernel keeps its sums in registers to the end, so that each block of rows reads a panel of B of
// the sum's whole length, which no longer fits the second cache. Of pieces that do, one batched
// product is made, and their sum. It also rounds less: see SplitSums.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"

using namespace mlir;
using namespace sinter;

/// Terms of a piece, at most and at least. 512 rows of three vectors are 96 KB.
static constexpr int64_t longestPiece = 512, shortestPiece = 128;
/// Fewer rows read a panel too seldom to pay for the sum of the pieces.
static constexpr int64_t fewestRows = 64;

// The greatest divisor of `terms` that makes a piece; 0 if there is none.
static int64_t choosePiece(int64_t terms) {
  for (int64_t piece = longestPiece; piece >= shortestPiece; --piece)
    if (terms % piece == 0)
      return piece;
  return 0;
}

namespace {

struct SplitProduct : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    if (!op.getTransposeLhs() || op.getTransposeRhs() || op.getRhsBlock() != 0 ||
        lhs.getRank() != 2 || rhs.getRank() != 2 || !lhs.hasStaticShape() ||
        !rhs.hasStaticShape() || !lhs.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "not a product of two plain matrices, transposed");
    int64_t terms = lhs.getDimSize(0), rows = lhs.getDimSize(1);
    if (terms < 2 * longestPiece || rows < fewestRows)
      return rewriter.notifyMatchFailure(op, "a short sum, or few rows");
    int64_t piece = choosePiece(terms);
    if (piece == 0)
      return rewriter.notifyMatchFailure(op, "no number of terms that divides");
    Location loc = op.getLoc();
    auto split = [&](Value matrix) -> Value {
      int64_t columns = cast<RankedTensorType>(matrix.getType()).getDimSize(1);
      Value shape = nn::createIndexConstant(rewriter, loc, {terms / piece, piece, columns});
      return nn::ReshapeOp::create(rewriter, loc, matrix, shape, /*allowzero=*/false);
    };
    Value parts = nn::MatMulOp::create(rewriter, loc, split(op.getLhs()), split(op.getRhs()),
                                       /*transpose_lhs=*/true, /*transpose_rhs=*/false);
    rewriter.replaceOpWithNewOp<nn::ReduceOp>(op, parts, nn::ReduceKind::sum, ArrayRef<int64_t>{0},
                                              /*keepdims=*/false);
    return success();
  }
};

} // namespace

void sinter::populateSplitProductPatterns(RewritePatternSet &patterns) {
  patterns.add<SplitProduct>(patterns.getContext());
}
