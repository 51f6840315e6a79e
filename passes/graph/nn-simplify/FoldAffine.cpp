//===- FoldAffine.cpp - constant scales and shifts into weights -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// BatchNorm at inference is y = k·x + c per channel. What it does to weights is
// written as nn ops on the constants, for the evaluator to fold.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

using namespace mlir;
using namespace sinter;
using nn::createIndexConstant;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

static Value reshape(PatternRewriter &rewriter, Location loc, Value value,
                     ArrayRef<int64_t> shape) {
  return nn::ReshapeOp::create(rewriter, loc, value, createIndexConstant(rewriter, loc, shape),
                               /*allowzero=*/false);
}

// `value` with `count` elements along dim `axis` of `rank` dims, if that is
// what a constant is; as 1-D, or with one element.
static Value getPerChannel(PatternRewriter &rewriter, Value value, int64_t axis, int64_t rank,
                           int64_t count) {
  if (!nn::getConstant(value))
    return {};
  RankedTensorType type = tensorType(value);
  int64_t offset = rank - type.getRank();
  if (offset < 0)
    return {};
  for (auto [index, dim] : llvm::enumerate(type.getShape()))
    if (dim != 1 && (dim != count || static_cast<int64_t>(index) + offset != axis))
      return {};
  return reshape(rewriter, value.getLoc(), value, {type.getNumElements()});
}

// The channel dim of a convolution's result, and that of its filter which has as many.
static int64_t getChannelAxis(nn::ConvOp op) {
  return op.getDataLayout() == nn::DataLayout::channels_last ? op.getType().getRank() - 1 : 1;
}
static int64_t getChannelAxis(nn::ConvTransposeOp) { return 1; }
static int64_t getFilterAxis(nn::ConvOp) { return 0; }
static int64_t getFilterAxis(nn::ConvTransposeOp) { return 1; }

// A 1-D tensor shaped to stand beside `rank` dims, its elements along `axis`.
static Value alongAxis(PatternRewriter &rewriter, Location loc, Value value, int64_t axis,
                       int64_t rank) {
  SmallVector<int64_t> shape(rank, 1);
  shape[axis] = -1;
  return reshape(rewriter, loc, value, shape);
}

static bool hasPlainFilter(nn::ConvOp op) { return op.getFilterBlock() == 0; }
static bool hasPlainFilter(nn::ConvTransposeOp op) { return op.getGroup() == 1; }

template <typename Conv>
static bool isPlainConv(Conv op) {
  return op && op->hasOneUse() && hasPlainFilter(op) && nn::getConstant(op.getFilter()) &&
         (!op.getBias() || nn::getConstant(op.getBias())) &&
         isa<FloatType>(tensorType(op.getOutput()).getElementType());
}

// Operands of a commutative op, the one that isn't constant first.
template <typename Op>
static std::pair<Value, Value> splitOperands(Op op) {
  if (nn::getConstant(op.getLhs()))
    return {op.getRhs(), op.getLhs()};
  return {op.getLhs(), op.getRhs()};
}

namespace {

/// batch_norm(x) → x · k + c with k = scale/√(variance + epsilon),
/// c = bias − mean · k.
struct DecomposeBatchNorm : OpRewritePattern<nn::BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BatchNormOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = op.getType().getElementType();
    bool isNarrow = element.getIntOrFloatBitWidth() < 32;
    Type wide = isNarrow ? rewriter.getF32Type() : element;
    auto widen = [&](Value value) -> Value {
      return tensorType(value).getElementType() == wide
                 ? value
                 : nn::CastOp::create(rewriter, loc, value, wide).getResult();
    };
    Value epsilon = nn::createScalar(rewriter, loc, wide, op.getEpsilon().convertToDouble());
    Value variance = nn::AddOp::create(rewriter, loc, widen(op.getVariance()), epsilon);
    Value scale = nn::DivOp::create(rewriter, loc, widen(op.getScale()),
                                    nn::SqrtOp::create(rewriter, loc, variance).getResult());
    Value shift =
        nn::SubOp::create(rewriter, loc, widen(op.getBias()),
                          nn::MulOp::create(rewriter, loc, widen(op.getMean()), scale).getResult());
    int64_t rank = op.getType().getRank();
    int64_t axis = rank == 1 || op.getDataLayout() == nn::DataLayout::channels_last ? rank - 1 : 1;
    // ONNX: a 1-D input has one channel.
    if (rank > 1) {
      scale = alongAxis(rewriter, loc, scale, axis, rank);
      shift = alongAxis(rewriter, loc, shift, axis, rank);
    }
    Value result = nn::AddOp::create(
        rewriter, loc, nn::MulOp::create(rewriter, loc, widen(op.getInput()), scale).getResult(),
        shift);
    if (isNarrow)
      result = nn::CastOp::create(rewriter, loc, result, element);
    rewriter.replaceOp(op, result);
    return success();
  }
};

// The constant, one a channel, that `op` applies to a convolution's result; null, with a reason,
// if it applies none.
template <typename Conv>
Value matchPerChannel(PatternRewriter &rewriter, Operation *op, Conv conv, Value constant) {
  auto refuse = [&](const char *reason) {
    (void)rewriter.notifyMatchFailure(op, reason);
    return Value();
  };
  if (!isPlainConv(conv) || op->getResult(0).getType() != conv.getOutput().getType())
    return refuse("no convolution to fold into");
  RankedTensorType filter = tensorType(conv.getFilter());
  Value found = getPerChannel(rewriter, constant, getChannelAxis(conv), filter.getRank(),
                              filter.getDimSize(getFilterAxis(conv)));
  return found ? found : refuse("not a constant per channel");
}

// Puts the changed `into` in the place of `op`, which used it.
void foldInto(PatternRewriter &rewriter, Operation *op, Operation *into,
              function_ref<void()> change) {
  rewriter.modifyOpInPlace(into, [&] {
    change();
    into->setLoc(rewriter.getFusedLoc({into->getLoc(), op->getLoc()}));
  });
  rewriter.replaceOp(op, into->getResults());
}

/// conv(x, W, b) · k → conv(x, W · k, b · k)
template <typename Conv>
struct FoldScaleIntoConv : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MulOp op, PatternRewriter &rewriter) const override {
    auto [input, constant] = splitOperands(op);
    auto conv = input.getDefiningOp<Conv>();
    Value scale = matchPerChannel(rewriter, op, conv, constant);
    if (!scale)
      return failure();
    Location loc = op.getLoc();
    int64_t rank = tensorType(conv.getFilter()).getRank();
    Value filter = nn::MulOp::create(rewriter, loc, conv.getFilter(),
                                     alongAxis(rewriter, loc, scale, getFilterAxis(conv), rank));
    Value bias;
    if (conv.getBias())
      bias = nn::MulOp::create(rewriter, loc, conv.getBias(), scale);
    foldInto(rewriter, op, conv, [&] {
      conv.getFilterMutable().assign(filter);
      if (bias)
        conv.getBiasMutable().assign(bias);
    });
    return success();
  }
};

/// conv(x, W, b) + c → conv(x, W, b + c)
template <typename Conv, typename Op, bool negate>
struct FoldShiftIntoConv : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Value input = op.getLhs(), constant = op.getRhs();
    if (!negate)
      std::tie(input, constant) = splitOperands(op);
    auto conv = input.getDefiningOp<Conv>();
    Value shift = matchPerChannel(rewriter, op, conv, constant);
    if (!shift)
      return failure();
    Location loc = op.getLoc();
    int64_t channels = tensorType(conv.getFilter()).getDimSize(getFilterAxis(conv));
    if (tensorType(shift).getDimSize(0) != channels)
      shift =
          nn::ExpandOp::create(rewriter, loc, shift, createIndexConstant(rewriter, loc, channels));
    if (negate)
      shift = nn::NegOp::create(rewriter, loc, shift);
    if (conv.getBias())
      shift = nn::AddOp::create(rewriter, loc, conv.getBias(), shift);
    foldInto(rewriter, op, conv, [&] { conv.getBiasMutable().assign(shift); });
    return success();
  }
};

/// matmul(x, W) · k → matmul(x, W · k), k per column
struct FoldScaleIntoMatMul : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MulOp op, PatternRewriter &rewriter) const override {
    auto [input, constant] = splitOperands(op);
    auto matmul = input.getDefiningOp<nn::MatMulOp>();
    if (!matmul || !matmul->hasOneUse() || matmul.getRhsBlock() != 0 ||
        !nn::getConstant(matmul.getRhs()) || op.getType() != matmul.getType() ||
        !isa<FloatType>(op.getType().getElementType()))
      return rewriter.notifyMatchFailure(op, "no matmul to fold into");
    RankedTensorType weights = tensorType(matmul.getRhs());
    if (weights.getRank() < 2 || tensorType(matmul.getLhs()).getRank() < 2)
      return rewriter.notifyMatchFailure(op, "not a matrix product");
    int64_t axis = weights.getRank() - (matmul.getTransposeRhs() ? 2 : 1);
    int64_t rank = matmul.getType().getRank();
    Value scale = getPerChannel(rewriter, constant, rank - 1, rank, weights.getDimSize(axis));
    if (!scale)
      return rewriter.notifyMatchFailure(op, "not a constant per column");
    Location loc = op.getLoc();
    Value rhs = nn::MulOp::create(rewriter, loc, matmul.getRhs(),
                                  alongAxis(rewriter, loc, scale, axis, weights.getRank()));
    foldInto(rewriter, op, matmul, [&] { matmul.getRhsMutable().assign(rhs); });
    return success();
  }
};

/// (y + c) · k → y · k + c · k for constants, where y can take the scale.
struct DistributeScale : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MulOp op, PatternRewriter &rewriter) const override {
    auto [input, scale] = splitOperands(op);
    auto add = input.getDefiningOp<nn::AddOp>();
    if (!add || !add->hasOneUse() || !nn::getConstant(scale) ||
        !isa<FloatType>(op.getType().getElementType()))
      return rewriter.notifyMatchFailure(op, "not a scaled sum");
    auto [inner, shift] = splitOperands(add);
    auto matmul = inner.getDefiningOp<nn::MatMulOp>();
    if (!matmul || !matmul->hasOneUse() || !nn::getConstant(matmul.getRhs()) ||
        matmul.getRhsBlock() != 0 || !nn::getConstant(shift) || inner.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "nothing can take the scale");
    RankedTensorType weights = tensorType(matmul.getRhs());
    int64_t rank = matmul.getType().getRank();
    if (weights.getRank() != 2 || tensorType(matmul.getLhs()).getRank() < 2)
      return rewriter.notifyMatchFailure(op, "not a matrix product");
    // Only a scale per column can be folded further.
    RankedTensorType type = tensorType(scale);
    for (auto [index, dim] : llvm::enumerate(type.getShape()))
      if (dim != 1 && index + rank - type.getRank() + 1 != static_cast<size_t>(rank))
        return rewriter.notifyMatchFailure(op, "scale is not per column");
    Location loc = op.getLoc();
    Value scaled = nn::MulOp::create(rewriter, loc, inner, scale);
    Value moved = nn::MulOp::create(rewriter, loc, shift, scale);
    rewriter.replaceOpWithNewOp<nn::AddOp>(op, scaled, moved);
    return success();
  }
};

} // namespace

void sinter::populateFoldAffinePatterns(RewritePatternSet &patterns) {
  auto addFor = [&](auto conv) {
    using Conv = decltype(conv);
    patterns.add<FoldScaleIntoConv<Conv>, FoldShiftIntoConv<Conv, nn::AddOp, false>,
                 FoldShiftIntoConv<Conv, nn::SubOp, true>>(patterns.getContext());
  };
  addFor(nn::ConvOp());
  addFor(nn::ConvTransposeOp());
  patterns.add<DecomposeBatchNorm, FoldScaleIntoMatMul, DistributeScale>(patterns.getContext());
}
