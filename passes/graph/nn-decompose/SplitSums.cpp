//===- SplitSums.cpp - sums over several dims, one after another ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rounding error of a sum grows with the number of terms that are added one after another
// (Higham 1993, "The accuracy of floating point summation", section 3). The average over a picture
// of rows × columns is taken over columns first, then over rows: the error grows with rows +
// columns, and the rows are summed in parallel.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-decompose/NNDecompose.h"

using namespace mlir;
using namespace sinter;

/// Sums of this many terms are not worth a second kernel.
static constexpr int64_t shortSum = 128;

namespace {

struct SplitSum : OpRewritePattern<nn::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ReduceOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getInput().getType());
    if (op.getKind() != nn::ReduceKind::sum && op.getKind() != nn::ReduceKind::mean)
      return rewriter.notifyMatchFailure(op, "not a sum");
    if (!isa<FloatType>(type.getElementType()))
      return rewriter.notifyMatchFailure(op, "integers do not round");
    // From the innermost dim outwards, as many as make a short sum.
    SmallVector<SmallVector<int64_t>> groups;
    int64_t terms = 0;
    for (int64_t axis : llvm::reverse(op.getAxes())) {
      int64_t size = type.getDimSize(axis);
      bool joins =
          !groups.empty() &&
          (size == 1 || (terms >= 0 && !ShapedType::isDynamic(size) && terms * size <= shortSum));
      if (!joins) {
        groups.emplace_back();
        terms = 1;
      }
      groups.back().insert(groups.back().begin(), axis);
      terms = ShapedType::isDynamic(size) ? -1 : terms * size;
    }
    if (groups.size() < 2)
      return rewriter.notifyMatchFailure(op, "one short sum, or over one dim");
    Value sum = op.getInput();
    for (ArrayRef<int64_t> axes : groups)
      sum = nn::ReduceOp::create(rewriter, op.getLoc(), sum, op.getKind(), axes, /*keepdims=*/true);
    if (!op.getKeepdims())
      sum = nn::SqueezeOp::create(rewriter, op.getLoc(), sum, op.getAxes());
    rewriter.replaceOp(op, sum);
    return success();
  }
};

} // namespace

void sinter::populateSplitSumPatterns(RewritePatternSet &patterns) {
  patterns.add<SplitSum>(patterns.getContext());
}
