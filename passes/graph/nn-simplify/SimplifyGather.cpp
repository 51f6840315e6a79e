//===- SimplifyGather.cpp - rows of tables: embeddings --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

using namespace mlir;
using namespace sinter;

static RankedTensorType typeOf(Value value) { return dyn_cast<RankedTensorType>(value.getType()); }

namespace {

/// The shape of table[indices] without the rows: that of the indices, then that of a row.
struct ShapeOfRows : OpRewritePattern<nn::ShapeOfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ShapeOfOp op, PatternRewriter &rewriter) const override {
    auto gather = op.getInput().getDefiningOp<nn::GatherOp>();
    RankedTensorType table = gather ? typeOf(gather.getInput()) : RankedTensorType(),
                     indices = gather ? typeOf(gather.getIndices()) : RankedTensorType();
    if (!table || !indices || gather.getAxis() != 0 || table.getRank() == 0 ||
        llvm::any_of(table.getShape().drop_front(), ShapedType::isDynamic))
      return rewriter.notifyMatchFailure(op, "no gather of rows of known sizes");
    int64_t rank = indices.getRank(), start = op.getStart(), end = op.getEnd();
    SmallVector<Value> parts;
    if (start < rank)
      parts.push_back(nn::ShapeOfOp::create(rewriter, op.getLoc(), gather.getIndices(), start,
                                            std::min(end, rank)));
    if (end > rank) {
      int64_t first = std::max<int64_t>(start - rank, 0);
      ArrayRef<int64_t> row = table.getShape().drop_front().slice(first, end - rank - first);
      parts.push_back(nn::createIndexConstant(rewriter, op.getLoc(), row));
    }
    if (parts.empty())
      return rewriter.notifyMatchFailure(op, "no dims");
    Value shape = parts.size() == 1
                      ? parts.front()
                      : nn::ConcatOp::create(rewriter, op.getLoc(), parts, 0).getResult();
    rewriter.replaceOp(op, shape);
    return success();
  }
};

/// transpose(table[indices]) → table[transpose(indices)], if the dims of a row stay where they are.
struct TransposeIndices : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    auto gather = op.getInput().getDefiningOp<nn::GatherOp>();
    if (!gather || gather.getAxis() != 0 || !gather->hasOneUse() ||
        gather->getBlock() != op->getBlock() || !typeOf(gather.getIndices()))
      return rewriter.notifyMatchFailure(op, "no gather of rows that nobody else reads");
    ArrayRef<int64_t> permutation = op.getPermutation();
    size_t rank = typeOf(gather.getIndices()).getRank();
    for (size_t i = rank; i < permutation.size(); ++i)
      if (permutation[i] != int64_t(i))
        return rewriter.notifyMatchFailure(op, "dims of a row move");
    Value indices = nn::TransposeOp::create(rewriter, op.getLoc(), gather.getIndices(),
                                            permutation.take_front(rank));
    rewriter.replaceOpWithNewOp<nn::GatherOp>(op, op.getResult().getType(), gather.getInput(),
                                              indices, 0);
    return success();
  }
};

/// table[indices] · W → (table · W)[indices]: the embedding of a small vocabulary, and the
/// projection behind it. Where both are constant and the product takes no more room than they do,
/// or where there are more indices than the table has rows, which saves work in a training, and
/// three times.
struct ProductOfRows : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  /// Multiplications an element, that outweigh copying it.
  static constexpr int64_t leastSaved = 16;
  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    auto gather = op.getLhs().getDefiningOp<nn::GatherOp>();
    if (!gather || gather.getAxis() != 0 || op.getTransposeLhs() || op.getRhsBlock() != 0)
      return rewriter.notifyMatchFailure(op, "no product of rows of a table");
    Value table = gather.getInput(), weights = op.getRhs();
    RankedTensorType tableType = typeOf(table), weightsType = typeOf(weights),
                     indicesType = typeOf(gather.getIndices());
    if (!tableType || !weightsType || !indicesType || tableType.getRank() != 2 ||
        weightsType.getRank() != 2 || indicesType.getRank() == 0 || !tableType.hasStaticShape() ||
        !weightsType.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "no matrices of known sizes");
    int64_t rows = tableType.getDimSize(0), inner = tableType.getDimSize(1),
            columns = weightsType.getDimSize(op.getTransposeRhs() ? 0 : 1);
    if (nn::getConstant(table) && nn::getConstant(weights)) {
      constexpr int64_t mostWork = int64_t(1) << 28; // multiplications, at compile time
      int64_t room = inner * columns + (gather->hasOneUse() ? rows * inner : 0);
      if (rows * columns > room || rows * columns * inner > mostWork)
        return rewriter.notifyMatchFailure(op, "the product of the whole table is larger");
    } else if (!indicesType.hasStaticShape() || indicesType.getNumElements() < 2 * rows ||
               inner < leastSaved) {
      return rewriter.notifyMatchFailure(op, "the product of the whole table is more work");
    }
    Value product = nn::MatMulOp::create(rewriter, op.getLoc(), table, weights,
                                         /*transpose_lhs=*/false, op.getTransposeRhs());
    rewriter.replaceOpWithNewOp<nn::GatherOp>(op, op.getResult().getType(), product,
                                              gather.getIndices(), 0);
    return success();
  }
};

} // namespace

void sinter::populateSimplifyGatherPatterns(RewritePatternSet &patterns) {
  patterns.add<ShapeOfRows, TransposeIndices, ProductOfRows>(patterns.getContext());
}
