//===- FoldsMovement.cpp - views and index maps that do nothing -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "mlir/IR/PatternMatch.h"
#include <limits>

using namespace mlir;
using namespace sinter::nn;

// The elements of a small constant integer tensor.
static std::optional<SmallVector<int64_t>> getIntegers(Value value) {
  ElementsAttr attribute = getConstant(value);
  if (!attribute || attribute.getNumElements() > ShapeContext::maxContents)
    return std::nullopt;
  HostTensor tensor = HostTensor::fromAttribute(attribute);
  SmallVector<int64_t> integers;
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i)
    integers.push_back(tensor.getInt(i));
  return integers;
}

// True if two tensors of this type and as many elements have the same shape.
static bool isShapeCertain(RankedTensorType type) {
  int64_t dynamic = 0;
  for (int64_t dim : type.getShape()) {
    dynamic += ShapedType::isDynamic(dim);
    if (dim == 0)
      return type.hasStaticShape();
  }
  return dynamic <= 1;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType() && isShapeCertain(getType()))
    return getInput();
  return {};
}

namespace {
/// reshape(view(x)) → reshape(x), and a target that the result type tells
/// becomes a constant.
struct ComposeReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getType();
    if (!isShapeCertain(type))
      return rewriter.notifyMatchFailure(op, "two dims or more are dynamic");
    SmallVector<int64_t> target;
    for (int64_t dim : type.getShape())
      target.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
    bool allowZero = llvm::is_contained(target, 0);

    Value input = op.getInput();
    while (Operation *view = input.getDefiningOp()) {
      auto fusible = dyn_cast<FusibleOpInterface>(view);
      if (!fusible || fusible.getFusionClass() != FusionClass::view)
        break;
      input = view->getOperand(0);
    }
    auto current = getIntegers(op.getShape());
    if (input == op.getInput() && current && *current == target)
      return rewriter.notifyMatchFailure(op, "already canonical");
    Value shape = current && *current == target
                      ? op.getShape()
                      : createIndexConstant(rewriter, op.getLoc(), target);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, type, input, shape, allowZero);
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ComposeReshape>(context);
}

OpFoldResult SqueezeOp::fold(FoldAdaptor) {
  if (getAxes().empty() && getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<UnsqueezeOp>())
    if (inner.getAxes() == getAxes() && inner.getInput().getType() == getType())
      return inner.getInput();
  return {};
}

OpFoldResult UnsqueezeOp::fold(FoldAdaptor) {
  if (getAxes().empty() && getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<SqueezeOp>())
    if (inner.getAxes() == getAxes() && inner.getInput().getType() == getType())
      return inner.getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// Index maps
//===----------------------------------------------------------------------===//

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (getInput().getType() != getType())
    return {};
  for (auto [index, dim] : llvm::enumerate(getPermutation()))
    if (static_cast<int64_t>(index) != dim)
      return {};
  return getInput();
}

namespace {
/// transpose(transpose(x)) → transpose(x) with the composed permutation.
struct ComposeTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<TransposeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "operand is not a transpose");
    SmallVector<int64_t> permutation;
    for (int64_t dim : op.getPermutation())
      permutation.push_back(inner.getPermutation()[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getInput(), permutation);
    return success();
  }
};
} // namespace

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ComposeTranspose>(context);
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getInputs().size() == 1 && getInputs()[0].getType() == getType())
    return getInputs()[0];
  // Empty inputs give nothing.
  int64_t axis = getAxis() < 0 ? getAxis() + getType().getRank() : getAxis();
  bool changed = false;
  for (unsigned i = getNumOperands(); i-- > 0 && getNumOperands() > 1;)
    if (cast<RankedTensorType>(getOperand(i).getType()).getDimSize(axis) == 0) {
      getOperation()->eraseOperand(i);
      changed = true;
    }
  return changed ? OpFoldResult(getResult()) : OpFoldResult();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getInput().getType() != getType())
    return {};
  auto steps = getIntegers(getSteps());
  if (!steps || llvm::any_of(*steps, [](int64_t step) { return step != 1; }))
    return {};
  // As many elements as there are, forwards, are all of them.
  if (getType().hasStaticShape())
    return getInput();
  auto starts = getIntegers(getStarts()), ends = getIntegers(getEnds());
  if (!starts || !ends)
    return {};
  for (auto [axis, start, end] : llvm::zip(getAxes(), *starts, *ends)) {
    int64_t dim = getType().getDimSize(axis < 0 ? axis + getType().getRank() : axis);
    int64_t whole = ShapedType::isDynamic(dim) ? std::numeric_limits<int32_t>::max() - 1 : dim;
    if (start != 0 || end < whole)
      return {};
  }
  return getInput();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  auto pads = getIntegers(getPads());
  if (pads && getInput().getType() == getType() &&
      llvm::all_of(*pads, [](int64_t pad) { return pad == 0; }))
    return getInput();
  return {};
}

OpFoldResult ExpandOp::fold(FoldAdaptor) {
  if (getInput().getType() != getType())
    return {};
  if (getType().hasStaticShape())
    return getInput();
  auto shape = getIntegers(getShape());
  if (shape && llvm::all_of(*shape, [](int64_t dim) { return dim == 1; }))
    return getInput();
  return {};
}
