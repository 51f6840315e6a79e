//===- NNChannelsFirst.cpp - channels in dim 1 ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-channels-first/NNChannelsFirst.h"
#include "dialects/nn/Term.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"

using namespace mlir;
using namespace sinter;
using nn::Term;

namespace sinter {
#define GEN_PASS_DEF_NNCHANNELSFIRST
#include "passes/graph/nn-channels-first/NNChannelsFirst.h.inc"
} // namespace sinter

// N X… C to N C X…, and back.
static SmallVector<int64_t> toFirst(int64_t rank) {
  SmallVector<int64_t> permutation = nn::axesRange(0, rank);
  std::rotate(permutation.begin() + 1, permutation.end() - 1, permutation.end());
  return permutation;
}
static SmallVector<int64_t> toLast(int64_t rank) {
  SmallVector<int64_t> permutation = nn::axesRange(0, rank);
  std::rotate(permutation.begin() + 1, permutation.begin() + 2, permutation.end());
  return permutation;
}

// A packed filter as O (C/group) X…; its ops have the place, and so the name, of the filter.
static Value unpackFilter(PatternRewriter &rewriter, nn::ConvOp op) {
  Term filter(rewriter, op.getFilter().getLoc(), op.getFilter());
  int64_t block = op.getFilterBlock(), rank = filter.getRank();
  if (block == 0)
    return filter;
  if (block < 0) { // depthwise: X… O
    SmallVector<int64_t> permutation{rank - 1};
    llvm::append_range(permutation, nn::axesRange(0, rank - 1));
    return filter.transpose(permutation).unsqueeze({1});
  }
  // ⌈O/V⌉ X… C V to ⌈O/V⌉ V C X…
  SmallVector<int64_t> permutation{0, rank - 1, rank - 2};
  llvm::append_range(permutation, nn::axesRange(1, rank - 2));
  Term blocks = filter.transpose(permutation);
  SmallVector<int64_t> shape(blocks.getType().getShape().drop_front());
  shape[0] *= blocks.getType().getDimSize(0);
  Term padded =
      blocks.reshape(nn::createIndexConstant(rewriter, filter.getLoc(), ArrayRef<int64_t>(shape)));
  return shape[0] == op.getOutChannels() ? padded : nn::slice(padded, 0, 0, op.getOutChannels());
}

namespace {

/// Any op with a `data_layout` attribute, one picture operand (the first) and one
/// picture result.
template <typename Op>
struct ToChannelsFirst : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (op.getDataLayout() != nn::DataLayout::channels_last)
      return rewriter.notifyMatchFailure(op, "is channels_first already");
    NamedAttrList attributes(op->getAttrDictionary());
    if constexpr (std::is_same_v<Op, nn::ConvOp>) {
      if (op.getWinograd() > 0 || !op.getFilter().getType().hasStaticShape())
        return rewriter.notifyMatchFailure(op, "the filter can't be unpacked");
      attributes.set("filter_block", rewriter.getI64IntegerAttr(0));
      attributes.set("out_channels", rewriter.getI64IntegerAttr(0));
    }
    attributes.set("data_layout",
                   nn::DataLayoutAttr::get(op.getContext(), nn::DataLayout::channels_first));
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t rank = type.getRank();
    SmallVector<Value> operands(op->getOperands());
    operands[0] = Term(rewriter, op.getLoc(), operands[0]).transpose(toFirst(rank));
    if constexpr (std::is_same_v<Op, nn::ConvOp>)
      operands[1] = unpackFilter(rewriter, op);
    SmallVector<int64_t> shape(type.getShape());
    std::rotate(shape.begin() + 1, shape.end() - 1, shape.end());
    OperationState state(op.getLoc(), op->getName(), operands,
                         RankedTensorType::get(shape, type.getElementType()),
                         attributes.getAttrs());
    Term changed(rewriter, op.getLoc(), rewriter.create(state)->getResult(0));
    rewriter.replaceOp(op, changed.transpose(toLast(rank)).get());
    return success();
  }
};

struct NNChannelsFirstPass : sinter::impl::NNChannelsFirstBase<NNChannelsFirstPass> {
  using NNChannelsFirstBase::NNChannelsFirstBase;

  void runOnOperation() override {
    RewritePatternSet layouts(&getContext()), transposes(&getContext());
    layouts.add<ToChannelsFirst<nn::ConvOp>, ToChannelsFirst<nn::MaxPoolOp>,
                ToChannelsFirst<nn::AveragePoolOp>, ToChannelsFirst<nn::LpPoolOp>,
                ToChannelsFirst<nn::LRNOp>, ToChannelsFirst<nn::BatchNormOp>>(&getContext());
    populateSinkTransposePatterns(transposes);
    // A bias of zeros is a parameter still, and another one than the next layer's.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(layouts), config)) ||
        failed(applyPatternsGreedily(getOperation(), std::move(transposes), config)))
      signalPassFailure();
  }
};

} // namespace
