//===- SimplifyPads.cpp - sums of padded parts ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tensor that was sliced into parts (the gates of an LSTM) gets its gradient as a sum: each
// part's gradient with zeros in the place of the others.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

using namespace mlir;
using namespace sinter;

namespace {

/// A summand: zeros but along one dim from `begin`.
struct Part {
  Value value;
  int64_t begin, size;
};

/// The sum of parts that fill a dim, each at its place, is their concatenation.
struct JoinPads : OpRewritePattern<nn::AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::AddOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getOutput().getType());
    if (!type || !isa<FloatType>(type.getElementType()))
      return rewriter.notifyMatchFailure(op, "not a float tensor");
    int64_t axis = -1;
    SmallVector<Part> parts;
    if (!collect(op.getOutput(), /*isRoot=*/true, type, axis, parts))
      return rewriter.notifyMatchFailure(op, "not a sum of tensors padded along one dim");
    llvm::sort(parts, [](const Part &a, const Part &b) { return a.begin < b.begin; });
    int64_t end = 0;
    for (const Part &part : parts) {
      if (part.begin != end)
        return rewriter.notifyMatchFailure(op, "the parts overlap, or leave a gap");
      end += part.size;
    }
    // Sizes that may differ: then the sum broadcasts.
    nn::ShapeAnalysis analysis(op.getContext());
    nn::SymbolicShape first = analysis.shape(parts.front().value);
    for (const Part &part : parts)
      for (auto [d, size] : llvm::enumerate(analysis.shape(part.value)))
        if (static_cast<int64_t>(d) != axis && size != first[d])
          return rewriter.notifyMatchFailure(op, "sizes may differ");
    if (end != type.getDimSize(axis))
      return rewriter.notifyMatchFailure(op, "the parts leave a gap");
    SmallVector<Value> values;
    for (const Part &part : parts)
      values.push_back(part.value);
    rewriter.replaceOpWithNewOp<nn::ConcatOp>(op, op.getType(), values, axis);
    return success();
  }

private:
  /// Adds the summands of `value`; false if one is of another form.
  static bool collect(Value value, bool isRoot, RankedTensorType whole, int64_t &axis,
                      SmallVectorImpl<Part> &parts) {
    if (auto sum = value.getDefiningOp<nn::AddOp>())
      return (isRoot || value.hasOneUse()) && collect(sum.getLhs(), false, whole, axis, parts) &&
             collect(sum.getRhs(), false, whole, axis, parts);
    auto pad = value.getDefiningOp<nn::PadOp>();
    if (!pad || pad.getMode() != nn::PadMode::constant || pad.getValue() ||
        value.getType() != whole)
      return false;
    auto type = cast<RankedTensorType>(pad.getInput().getType());
    auto pads = nn::getConstant(pad.getPads());
    if (!pads || pads.getNumElements() != 2 * type.getRank())
      return false;
    nn::HostTensor amounts = nn::HostTensor::fromAttribute(pads);
    for (int64_t d = 0; d < type.getRank(); ++d) {
      int64_t before = amounts.getInt(d), after = amounts.getInt(type.getRank() + d);
      if (before == 0 && after == 0)
        continue;
      if (before < 0 || after < 0 || (axis >= 0 && axis != d) || type.isDynamicDim(d))
        return false;
      axis = d;
    }
    if (axis < 0)
      return false;
    parts.push_back({pad.getInput(), amounts.getInt(axis), type.getDimSize(axis)});
    return true;
  }
};

} // namespace

void sinter::populateSimplifyPadsPatterns(RewritePatternSet &patterns) {
  patterns.add<JoinPads>(patterns.getContext());
}
