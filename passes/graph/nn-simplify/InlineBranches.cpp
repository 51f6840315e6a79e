//===- InlineBranches.cpp - nn.if with a constant condition ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

using namespace mlir;
using namespace sinter;

namespace {
/// if (constant) → the region that runs.
struct InlineBranch : OpRewritePattern<nn::IfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::IfOp op, PatternRewriter &rewriter) const override {
    ElementsAttr condition = nn::getConstant(op.getCondition());
    if (!condition || condition.getNumElements() != 1)
      return rewriter.notifyMatchFailure(op, "condition is not constant");
    bool value = nn::HostTensor::fromAttribute(condition).getInt(0) != 0;
    Block &block = (value ? op.getThenRegion() : op.getElseRegion()).front();
    Operation *yield = block.getTerminator();
    SmallVector<Value> results(yield->getOperands());
    rewriter.eraseOp(yield);
    rewriter.inlineBlockBefore(&block, op);
    rewriter.replaceOp(op, results);
    return success();
  }
};
} // namespace

void sinter::populateInlineBranchesPatterns(RewritePatternSet &patterns) {
  patterns.add<InlineBranch>(patterns.getContext());
}
