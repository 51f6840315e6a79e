//===- SimplifyConcat.cpp - what stands behind moved data -----------------===//
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

/// One result of each element of the operands, of which there are some.
static bool isElementwise(nn::FusibleOpInterface op) {
  return op.getFusionClass() == nn::FusionClass::elementwise && op->getNumResults() == 1 &&
         op->getNumOperands() > 0;
}

namespace {

/// f(concat(x, y)) → concat(f(x), f(y)): the kernels that compute x and y compute f too, and write
/// their part of the result.
struct ElementwiseBeforeConcat : OpInterfaceRewritePattern<nn::FusibleOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(nn::FusibleOpInterface fusible,
                                PatternRewriter &rewriter) const override {
    Operation *op = fusible;
    if (!isElementwise(fusible))
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

/// f(move(y)) → move(f(y)) for a contraction or a concat y and an f of it and numbers, where
/// reshapes, transposes and slices, at least one of which moves data, bring y to its place: the
/// phases of a transposed convolution, a pixel shuffle. The contraction's kernel computes f, too.
struct ElementwiseBeforeMovement : OpInterfaceRewritePattern<nn::FusibleOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(nn::FusibleOpInterface fusible,
                                PatternRewriter &rewriter) const override {
    Operation *op = fusible;
    if (!isElementwise(fusible))
      return rewriter.notifyMatchFailure(op, "not elementwise");
    Value moved;
    for (Value operand : op->getOperands()) {
      if (!moved && operand.getType() == op->getResult(0).getType() && !nn::getConstant(operand))
        moved = operand;
      else if (!isSingleElement(operand))
        return rewriter.notifyMatchFailure(op, "another operand has many elements");
    }
    if (!moved)
      return rewriter.notifyMatchFailure(op, "changes the element type");
    SmallVector<Operation *> movements;
    bool movesData = false;
    Value source = moved;
    for (; isMovement(source); source = source.getDefiningOp()->getOperand(0)) {
      movements.push_back(source.getDefiningOp());
      movesData |= !isView(movements.back());
    }
    auto producer = source.getDefiningOp<nn::FusibleOpInterface>();
    if (!producer || !source.hasOneUse() || producer->getBlock() != op->getBlock())
      return rewriter.notifyMatchFailure(op, "not of one producer's result");
    bool contracts = producer.getFusionClass() == nn::FusionClass::contraction;
    if (movements.empty() || !(contracts ? movesData : isa<nn::ConcatOp>(producer)))
      return rewriter.notifyMatchFailure(op, "not of moved sums");
    // From the producer on: f, and the movements as they were.
    IRMapping mapping;
    mapping.map(moved, source);
    Operation *first = rewriter.clone(*op, mapping);
    first->getResult(0).setType(source.getType());
    Value result = first->getResult(0);
    for (Operation *movement : llvm::reverse(movements)) {
      IRMapping operands;
      operands.map(movement->getOperand(0), result);
      result = rewriter.clone(*movement, operands)->getResult(0);
    }
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static bool isView(Operation *op) {
    auto fusible = dyn_cast<nn::FusibleOpInterface>(op);
    return fusible && fusible.getFusionClass() == nn::FusionClass::view;
  }

  // Whether a value that is used once is what such an op has moved, most of it.
  static bool isMovement(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse() || !(isView(op) || isa<nn::TransposeOp, nn::SliceOp>(op)))
      return false;
    auto from = cast<RankedTensorType>(op->getOperand(0).getType());
    auto to = cast<RankedTensorType>(value.getType());
    return !isa<nn::SliceOp>(op) || (from.hasStaticShape() && to.hasStaticShape() &&
                                     2 * to.getNumElements() > from.getNumElements());
  }
};

} // namespace

void sinter::populateSimplifyConcatPatterns(RewritePatternSet &patterns) {
  patterns.add<ElementwiseBeforeConcat, ElementwiseBeforeMovement>(patterns.getContext());
}
