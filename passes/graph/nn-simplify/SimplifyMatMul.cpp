//===- SimplifyMatMul.cpp - transposes around products --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

using namespace mlir;
using namespace sinter;

// True if only the last two dims change places.
static bool swapsLastTwo(ArrayRef<int64_t> permutation) {
  int64_t rank = permutation.size();
  if (rank < 2 || permutation[rank - 1] != rank - 2 || permutation[rank - 2] != rank - 1)
    return false;
  for (int64_t i = 0; i < rank - 2; ++i)
    if (permutation[i] != i)
      return false;
  return true;
}

namespace {

/// matmul(transpose(x), transpose(y)) → matmul(x, y) with flags
struct TransposesToFlags : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    auto strip = [](Value value) -> Value {
      auto transpose = value.getDefiningOp<nn::TransposeOp>();
      return transpose && swapsLastTwo(transpose.getPermutation()) ? transpose.getInput() : Value();
    };
    // Strassen's sums are made of the left side's rows.
    Value lhs = op.getStrassen() ? Value() : strip(op.getLhs());
    Value rhs = op.getRhsBlock() == 0 ? strip(op.getRhs()) : Value();
    if (!lhs && !rhs)
      return rewriter.notifyMatchFailure(op, "no operand is transposed");
    rewriter.modifyOpInPlace(op, [&] {
      if (lhs) {
        op.getLhsMutable().assign(lhs);
        op.setTransposeLhs(!op.getTransposeLhs());
      }
      if (rhs) {
        op.getRhsMutable().assign(rhs);
        op.setTransposeRhs(!op.getTransposeRhs());
      }
    });
    return success();
  }
};

/// (Aᵀ B)ᵀ → Bᵀ A: the gradient of a weight that the model transposes.
struct TransposeOfProduct : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    auto product = op.getInput().getDefiningOp<nn::MatMulOp>();
    auto isMatrix = [](Value value) { return cast<ShapedType>(value.getType()).getRank() == 2; };
    if (!product || !product->hasOneUse() || product->getBlock() != op->getBlock() ||
        !swapsLastTwo(op.getPermutation()) || !isMatrix(product.getLhs()) ||
        !isMatrix(product.getRhs()) || product.getRhsBlock() != 0)
      return rewriter.notifyMatchFailure(op, "not of a product of matrices that nothing else uses");
    // Otherwise a kernel would have to read the new right side across its rows.
    if (!product.getTransposeLhs())
      return rewriter.notifyMatchFailure(op, "the left side is not transposed");
    rewriter.replaceOpWithNewOp<nn::MatMulOp>(op, product.getRhs(), product.getLhs(),
                                              !product.getTransposeRhs(), false);
    return success();
  }
};

} // namespace

void sinter::populateSimplifyMatMulPatterns(RewritePatternSet &patterns) {
  patterns.add<TransposesToFlags, TransposeOfProduct>(patterns.getContext());
}
