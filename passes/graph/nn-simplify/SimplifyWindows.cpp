//===- SimplifyWindows.cpp - one form of padding --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

using namespace mlir;
using namespace sinter;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

// The window's size along each spatial dim; empty if it isn't known.
static SmallVector<int64_t> getKernel(nn::ConvOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getFilter());
  if (op.getFilterBlock() != 0 || llvm::any_of(shape, ShapedType::isDynamic))
    return {};
  return SmallVector<int64_t>(shape.drop_front(2));
}
template <typename Pool>
static SmallVector<int64_t> getKernel(Pool op) {
  return SmallVector<int64_t>(op.getKernelShape());
}

template <typename Op>
static int64_t getFirstSpatialDim(Op op) {
  if constexpr (std::is_same_v<Op, nn::MaxPoolIndicesOp>)
    return 2;
  else
    return op.getDataLayout() == nn::DataLayout::channels_last ? 1 : 2;
}

namespace {

/// auto_pad → pads, where the input's size doesn't matter or is known.
template <typename Op>
struct ResolveAutoPad : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    nn::AutoPad mode = op.getAutoPad();
    if (mode == nn::AutoPad::notset)
      return rewriter.notifyMatchFailure(op, "pads are explicit");
    size_t spatialRank = op.getStrides().size();
    SmallVector<int64_t> pads(2 * spatialRank, 0), kernel = getKernel(op);
    if (mode != nn::AutoPad::valid) {
      if (kernel.empty())
        return rewriter.notifyMatchFailure(op, "the window's size is unknown");
      // SAME counts ⌈dim/stride⌉ windows, as no rounding mode does it.
      if constexpr (!std::is_same_v<Op, nn::ConvOp>)
        if (op.getCeilMode())
          return rewriter.notifyMatchFailure(op, "rounds up as well");
      for (size_t i = 0; i < spatialRank; ++i) {
        int64_t dim = shapeOf(op.getInput())[i + getFirstSpatialDim(op)];
        int64_t stride = op.getStrides()[i];
        int64_t extent = (kernel[i] - 1) * op.getDilations()[i] + 1;
        if (ShapedType::isDynamic(dim) && stride != 1)
          return rewriter.notifyMatchFailure(op, "the input's size is unknown");
        int64_t covered =
            stride == 1 ? extent - 1 : (llvm::divideCeil(dim, stride) - 1) * stride + extent - dim;
        int64_t total = std::max<int64_t>(covered, 0), half = total / 2;
        bool upper = mode == nn::AutoPad::same_upper;
        pads[i] = upper ? half : total - half;
        pads[spatialRank + i] = upper ? total - half : half;
      }
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.setPads(pads);
      op.setAutoPad(nn::AutoPad::notset);
    });
    return success();
  }
};

/// conv(pad(x) by zeros) → conv(x) with larger pads
struct MergePadIntoConv : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<nn::PadOp>();
    if (!pad || pad.getMode() != nn::PadMode::constant || op.getAutoPad() != nn::AutoPad::notset)
      return rewriter.notifyMatchFailure(op, "no constant pad before it");
    if (pad.getValue()) {
      ElementsAttr value = nn::getConstant(pad.getValue());
      if (!value || nn::HostTensor::fromAttribute(value).getDouble(0) != 0)
        return rewriter.notifyMatchFailure(op, "pads with other than zeros");
    }
    ElementsAttr amounts = nn::getConstant(pad.getPads());
    if (!amounts)
      return rewriter.notifyMatchFailure(op, "pads are not constant");
    nn::HostTensor tensor = nn::HostTensor::fromAttribute(amounts);
    int64_t rank = op.getType().getRank(), spatialRank = rank - 2, first = getFirstSpatialDim(op);
    SmallVector<int64_t> pads(op.getPads());
    for (int64_t i = 0; i < 2 * rank; ++i) {
      int64_t dim = i % rank - first, amount = tensor.getInt(i);
      bool isSpatial = dim >= 0 && dim < spatialRank;
      if (amount < 0 || (amount > 0 && !isSpatial))
        return rewriter.notifyMatchFailure(op, "crops or pads other dims");
      if (isSpatial)
        pads[dim + (i < rank ? 0 : spatialRank)] += amount;
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.setPads(pads);
      op.getInputMutable().assign(pad.getInput());
    });
    return success();
  }
};

} // namespace

void sinter::populateSimplifyWindowsPatterns(RewritePatternSet &patterns) {
  patterns.add<ResolveAutoPad<nn::ConvOp>, ResolveAutoPad<nn::MaxPoolOp>,
               ResolveAutoPad<nn::AveragePoolOp>, ResolveAutoPad<nn::LpPoolOp>,
               ResolveAutoPad<nn::MaxPoolIndicesOp>, MergePadIntoConv>(patterns.getContext());
}
