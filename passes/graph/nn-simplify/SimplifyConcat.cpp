//===- SimplifyConcat.cpp - what stands behind a concat -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "mlir/IR/IRMapping.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

using namespace mlir;
using namespace sinter;

static bool isSingleElement(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() == 1;
}

namespace {

/// f(concat(x, y)) → concat(f(x), f(y)): the kernels that compute x and y compute f too, and write
/// their part of the result.
struct ElementwiseBeforeConcat : OpInterfaceRewritePattern<nn::FusibleOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(nn::FusibleOpInterface fusible,
                                PatternRewriter &rewriter) const override {
    Operation *op = fusible;
    if (fusible.getFusionClass() != nn::FusionClass::elementwise || op->getNumResults() != 1 ||
        op->getNumOperands() == 0)
      return rewriter.notifyMatchFailure(op, "not elementwise");
    nn::ConcatOp concat;
    for (Value operand : op->getOperands()) {
      auto found = operand.getDefiningOp<nn::ConcatOp>();
      if (found && !concat && found->hasOneUse() && found->getBlock() == op->getBlock())
        concat = found;
      else if (!isSingleElement(operand))
        return rewriter.notifyMatchFailure(op, "another operand has many elements");
    }
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!concat || !type || !isa<FloatType>(type.getElementType()) ||
        type.getRank() != cast<RankedTensorType>(concat.getResult().getType()).getRank())
      return rewriter.notifyMatchFailure(op, "not behind a concat of numbers that only it reads");
    SmallVector<Value> parts;
    for (Value part : concat.getInputs()) {
      auto partType = dyn_cast<RankedTensorType>(part.getType());
      if (!partType)
        return rewriter.notifyMatchFailure(op, "a part of unknown rank");
      IRMapping mapping;
      mapping.map(concat.getResult(), part);
      Operation *copy = rewriter.clone(*op, mapping);
      copy->getResult(0).setType(partType.clone(type.getElementType()));
      parts.push_back(copy->getResult(0));
    }
    rewriter.replaceOpWithNewOp<nn::ConcatOp>(op, type, parts, concat.getAxis());
    rewriter.eraseOp(concat);
    return success();
  }
};

} // namespace

void sinter::populateSimplifyConcatPatterns(RewritePatternSet &patterns) {
  patterns.add<ElementwiseBeforeConcat>(patterns.getContext());
}
