//===- ChannelsLast.cpp - convolutions and pooling to channels_last -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"

using namespace mlir;
using namespace sinter;

// N C X… to N X… C, and back.
static Value transpose(PatternRewriter &rewriter, Location loc, Value value, bool toChannelsLast) {
  int64_t rank = cast<ShapedType>(value.getType()).getRank();
  SmallVector<int64_t> permutation{0};
  if (toChannelsLast) {
    for (int64_t d = 2; d < rank; ++d)
      permutation.push_back(d);
    permutation.push_back(1);
  } else {
    permutation.push_back(rank - 1);
    for (int64_t d = 1; d + 1 < rank; ++d)
      permutation.push_back(d);
  }
  return nn::TransposeOp::create(rewriter, loc, value, permutation);
}

namespace {

/// Any op with a `data_layout` attribute, one picture operand (the first) and
/// one picture result.
template <typename Op>
struct ToChannelsLast : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op->getOperand(0).getType());
    if (op.getDataLayout() != nn::DataLayout::channels_first)
      return rewriter.notifyMatchFailure(op, "is channels_last already");
    if (type.getRank() < 3)
      return rewriter.notifyMatchFailure(op, "no spatial dims");
    if (!isa<FloatType>(type.getElementType()) && !type.getElementType().isInteger(8))
      return rewriter.notifyMatchFailure(op, "wide integers keep their layout");
    SmallVector<Value> operands(op->getOperands());
    operands[0] = transpose(rewriter, op.getLoc(), operands[0], true);
    OperationState state(op.getLoc(), op->getName(), operands, TypeRange(), op->getAttrs());
    state.attributes.set("data_layout",
                         nn::DataLayoutAttr::get(op.getContext(), nn::DataLayout::channels_last));
    SmallVector<int64_t> shape{cast<ShapedType>(op->getResult(0).getType()).getShape()};
    std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
    state.addTypes(RankedTensorType::get(shape, getElementTypeOrSelf(op->getResult(0).getType())));
    Operation *changed = rewriter.create(state);
    rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), changed->getResult(0), false));
    return success();
  }
};

} // namespace

void sinter::populateChannelsLastPatterns(RewritePatternSet &patterns) {
  patterns.add<ToChannelsLast<nn::ConvOp>, ToChannelsLast<nn::MaxPoolOp>,
               ToChannelsLast<nn::AveragePoolOp>, ToChannelsLast<nn::LpPoolOp>,
               ToChannelsLast<nn::LRNOp>, ToChannelsLast<nn::BatchNormOp>>(patterns.getContext());
}
