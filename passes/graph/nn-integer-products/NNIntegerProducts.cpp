//===- NNIntegerProducts.cpp - dequantized products in integers -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-integer-products/NNIntegerProducts.h"
#include "dialects/nn/NN.h"
#include "dialects/nn/QuantizedFactor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <limits>

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNINTEGERPRODUCTS
#include "passes/graph/nn-integer-products/NNIntegerProducts.h.inc"
} // namespace sinter

static bool isNumber(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape() && type.getNumElements() == 1;
}

// The constant whose elements, in another type or shape, are those of `value`.
static ElementsAttr findConstant(Value value) {
  while (isa_and_nonnull<nn::CastOp, nn::ReshapeOp, nn::UnsqueezeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return nn::getConstant(value);
}

namespace {

/// A tensor `scale · whole`, where `whole` is a quantized factor.
struct Dequantized {
  Value scale, whole;
  nn::QuantizedFactor factor; ///< what `whole` is

  static std::optional<Dequantized> match(Value value) {
    auto product = value.getDefiningOp<nn::MulOp>();
    auto real = product ? product.getLhs().getDefiningOp<nn::CastOp>() : nn::CastOp();
    if (!real || product.getLhs().getType() != value.getType() ||
        !getElementTypeOrSelf(value).isF32())
      return std::nullopt;
    auto factor = nn::QuantizedFactor::match(real.getInput());
    if (!factor)
      return std::nullopt;
    return Dequantized{product.getRhs(), real.getInput(), *factor};
  }

  /// Whether these are constants that are signed 8-bit integers once the zero point is off.
  bool areSignedConstants() const {
    if (!nn::getConstant(factor.integer))
      return false;
    int64_t middle = getElementTypeOrSelf(factor.integer).isUnsignedInteger() ? 128 : 0;
    if (!factor.zero)
      return middle == 0;
    auto constant = findConstant(factor.zero);
    if (!constant)
      return false;
    nn::HostTensor zeros = nn::HostTensor::fromAttribute(constant);
    for (int64_t i = 0, e = zeros.getNumElements(); i < e; ++i)
      if (zeros.getInt(i) != middle)
        return false;
    return true;
  }
};

/// Both factors of a product.
struct Factors {
  Dequantized input, weights;

  /// Of a product whose sums have `depth` steps: an i32 holds the sum of as many products of 8-bit
  /// integers as there may be.
  static std::optional<Factors> match(Operation *op, int64_t depth) {
    constexpr int64_t deepest = std::numeric_limits<int32_t>::max() / (255 * 128);
    if (ShapedType::isDynamic(depth) || depth > deepest)
      return std::nullopt;
    auto input = Dequantized::match(op->getOperand(0));
    auto weights = Dequantized::match(op->getOperand(1));
    if (!input || !weights || !isNumber(input->scale) || !input->factor.hasSingleZero() ||
        !weights->areSignedConstants())
      return std::nullopt;
    return Factors{*input, *weights};
  }

  /// `sum` times both scales, where the weights' has `columns` shape if it is no number.
  Value scale(PatternRewriter &rewriter, Location loc, Value sum, ArrayRef<int64_t> columns) const {
    auto shaped = [&](Value value, ArrayRef<int64_t> shape) -> Value {
      return nn::ReshapeOp::create(rewriter, loc, value,
                                   nn::createIndexConstant(rewriter, loc, shape),
                                   /*allowzero=*/false);
    };
    bool single = isNumber(weights.scale);
    Value factor = nn::MulOp::create(rewriter, loc, shaped(input.scale, {}),
                                     shaped(weights.scale, single ? ArrayRef<int64_t>() : columns));
    Value real = nn::CastOp::create(rewriter, loc, sum, TypeAttr::get(rewriter.getF32Type()));
    return nn::MulOp::create(rewriter, loc, real, factor);
  }
};

struct IntegerMatMul : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    if (rhs.getRank() != 2 || cast<RankedTensorType>(op.getLhs().getType()).getRank() < 2 ||
        op.getTransposeLhs() || op.getRhsBlock() != 0)
      return rewriter.notifyMatchFailure(op, "no rows times a matrix");
    unsigned column = op.getTransposeRhs() ? 0 : 1;
    auto factors = Factors::match(op, rhs.getDimSize(1 - column));
    if (!factors)
      return rewriter.notifyMatchFailure(op, "not of dequantized numbers, or too deep");
    int64_t columns = rhs.getDimSize(column);
    auto scale = cast<RankedTensorType>(factors->weights.scale.getType());
    bool isOfColumns = scale.hasStaticShape() && scale.getNumElements() == columns &&
                       scale.getRank() == 2 && scale.getDimSize(column) == columns;
    if (!isNumber(factors->weights.scale) && !isOfColumns)
      return rewriter.notifyMatchFailure(op, "a scale that is not the columns'");
    Value sum =
        nn::MatMulOp::create(rewriter, op.getLoc(), factors->input.whole, factors->weights.whole,
                             /*transpose_lhs=*/false, op.getTransposeRhs());
    rewriter.replaceOp(op, factors->scale(rewriter, op.getLoc(), sum, {columns}));
    return success();
  }
};

struct IntegerConv : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    if (op.getGroup() != 1 || op.getFilterBlock() != 0 ||
        op.getDataLayout() != nn::DataLayout::channels_first ||
        op.getAutoPad() != nn::AutoPad::notset)
      return rewriter.notifyMatchFailure(op, "in groups, or of an unknown border");
    auto factors = filter.hasStaticShape()
                       ? Factors::match(op, filter.getNumElements() / filter.getDimSize(0))
                       : std::nullopt;
    if (!factors)
      return rewriter.notifyMatchFailure(op, "not of dequantized numbers, or too deep");
    auto scale = cast<RankedTensorType>(factors->weights.scale.getType());
    int64_t filters = filter.getDimSize(0);
    bool isOfFilters = scale.hasStaticShape() && scale.getNumElements() == filters &&
                       scale.getRank() == filter.getRank() && scale.getDimSize(0) == filters;
    if (!isNumber(factors->weights.scale) && !isOfFilters)
      return rewriter.notifyMatchFailure(op, "a scale that is not the filters'");
    Location loc = op.getLoc();
    SmallVector<int64_t> columns(filter.getRank() - 1, 1);
    columns.front() = filters;
    Value sum = nn::ConvOp::create(rewriter, loc, factors->input.whole, factors->weights.whole,
                                   Value(), op.getStrides(), op.getPads(), op.getDilations(),
                                   op.getGroup(), op.getAutoPad());
    Value result = factors->scale(rewriter, loc, sum, columns);
    if (op.getBias()) {
      Value bias = nn::ReshapeOp::create(rewriter, loc, op.getBias(),
                                         nn::createIndexConstant(rewriter, loc, columns),
                                         /*allowzero=*/false);
      result = nn::AddOp::create(rewriter, loc, result, bias);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct NNIntegerProductsPass : sinter::impl::NNIntegerProductsBase<NNIntegerProductsPass> {
  using NNIntegerProductsBase::NNIntegerProductsBase;

  void runOnOperation() override {
    // Roundings of integers have no derivative.
    if (getOperation()->hasAttr("nn.training"))
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add<IntegerMatMul, IntegerConv>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
