//===- RecognizeLayers.cpp - layers out of exporters' primitives ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters write a layer norm as nine ops and a GELU as five. As one op each is one kernel, or the
// epilogue of one.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

#include <cmath>

using namespace mlir;
using namespace sinter;

// The value of a constant of one element.
static std::optional<double> getNumber(Value value) {
  ElementsAttr constant = nn::getConstant(value);
  if (!constant || constant.getNumElements() != 1)
    return std::nullopt;
  return nn::HostTensor::fromAttribute(constant).getDouble(0);
}

// Constants come out of exporters as float32, rounded from more or fewer digits.
static bool isNear(double value, double wanted) {
  return std::abs(value - wanted) <= 1e-5 * std::abs(wanted);
}

// The other operand of a commutative op whose one operand is a number.
template <typename Op>
static std::pair<Value, double> splitNumber(Op op) {
  if (auto number = getNumber(op.getRhs()))
    return {op.getLhs(), *number};
  if (auto number = getNumber(op.getLhs()))
    return {op.getRhs(), *number};
  return {Value(), 0};
}

namespace {
/// A product taken apart: its numbers multiplied, and its other factors.
struct Product {
  double number = 1;
  SmallVector<Value> factors;
};
} // namespace

static Product takeApart(Value root) {
  Product product;
  SmallVector<Value> work{root};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (auto number = getNumber(value)) {
      product.number *= *number;
      continue;
    }
    bool mayOpen = value == root || value.hasOneUse();
    if (auto mul = value.getDefiningOp<nn::MulOp>(); mul && mayOpen) {
      work.push_back(mul.getLhs());
      work.push_back(mul.getRhs());
      continue;
    }
    if (auto div = value.getDefiningOp<nn::DivOp>(); div && mayOpen)
      if (auto number = getNumber(div.getRhs()); number && *number != 0) {
        product.number /= *number;
        work.push_back(div.getLhs());
        continue;
      }
    product.factors.push_back(value);
  }
  return product;
}

namespace {

/// x/2 · (1 + erf(x/√2)), and x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), in any order → gelu
struct RecognizeGelu : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MulOp op, PatternRewriter &rewriter) const override {
    Product product = takeApart(op.getOutput());
    if (!isNear(product.number, 0.5) || product.factors.size() != 2)
      return rewriter.notifyMatchFailure(op, "not half of a product of two");
    for (unsigned i : {0, 1}) {
      Value x = product.factors[i];
      auto sum = product.factors[1 - i].getDefiningOp<nn::AddOp>();
      if (!sum || x.getType() != op.getType())
        continue;
      auto [function, one] = splitNumber(sum);
      if (!function || one != 1)
        continue;
      bool exact = isErfOf(function, x);
      if (!exact && !isTanhOf(function, x))
        continue;
      rewriter.replaceOpWithNewOp<nn::GeluOp>(op, x, /*tanh_approximation=*/!exact);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no error function or tanh of the other factor");
  }

private:
  static bool isErfOf(Value value, Value x) {
    auto erf = value.getDefiningOp<nn::ErfOp>();
    if (!erf)
      return false;
    Product argument = takeApart(erf.getInput());
    return isNear(argument.number, M_SQRT1_2) && argument.factors.size() == 1 &&
           argument.factors[0] == x;
  }

  static bool isTanhOf(Value value, Value x) {
    constexpr double cubic = 0.044715; // Hendrycks and Gimpel, Gaussian Error Linear Units, 2
    auto tanh = value.getDefiningOp<nn::TanhOp>();
    if (!tanh)
      return false;
    Product argument = takeApart(tanh.getInput());
    if (!isNear(argument.number, std::sqrt(M_2_PI)))
      return false;
    if (argument.factors.size() == 1) { // x + 0.044715 x³
      auto sum = argument.factors[0].getDefiningOp<nn::AddOp>();
      if (!sum)
        return false;
      for (auto [first, second] : {std::pair<Value, Value>(sum.getLhs(), sum.getRhs()),
                                   std::pair<Value, Value>(sum.getRhs(), sum.getLhs())}) {
        if (first == x && isPowerOf(second, x, 3, cubic))
          return true;
      }
      return false;
    }
    // x · (1 + 0.044715 x²)
    for (unsigned i : {0, 1}) {
      if (argument.factors.size() != 2 || argument.factors[i] != x)
        continue;
      auto sum = argument.factors[1 - i].getDefiningOp<nn::AddOp>();
      if (!sum)
        continue;
      auto [square, one] = splitNumber(sum);
      if (square && one == 1 && isPowerOf(square, x, 2, cubic))
        return true;
    }
    return false;
  }

  // number · xⁿ, out of products of x.
  static bool isPowerOf(Value value, Value x, int64_t exponent, double number) {
    Product product = takeApart(value);
    int64_t count = 0;
    SmallVector<Value> work(product.factors);
    while (!work.empty()) {
      Value factor = work.pop_back_val();
      auto mul = factor.getDefiningOp<nn::MulOp>();
      if (factor == x)
        ++count;
      else if (mul && count + static_cast<int64_t>(work.size()) < exponent)
        llvm::append_values(work, mul.getLhs(), mul.getRhs());
      else
        return false;
    }
    return count == exponent && isNear(product.number, number);
  }
};

/// (x − mean(x))/√(mean((x − mean(x))²) + ε) · scale over trailing dims → layer_norm
struct RecognizeLayerNorm : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MulOp op, PatternRewriter &rewriter) const override {
    for (auto [normal, scale] : {std::pair<Value, Value>(op.getLhs(), op.getRhs()),
                                 std::pair<Value, Value>(op.getRhs(), op.getLhs())}) {
      auto parts = splitNormal(normal);
      auto difference = parts.first ? parts.first.getDefiningOp<nn::SubOp>() : nn::SubOp();
      if (!difference)
        continue;
      Value x = difference.getLhs();
      auto type = cast<RankedTensorType>(x.getType());
      auto mean = asMean(difference.getRhs());
      auto variance = parts.second.getDefiningOp<nn::AddOp>();
      if (!mean || mean.getInput() != x || !variance || op.getType() != type)
        continue;
      auto [squares, epsilon] = splitNumber(variance);
      auto meanOfSquares = squares ? asMean(squares) : nn::ReduceOp();
      if (!meanOfSquares || meanOfSquares.getAxes() != mean.getAxes())
        continue;
      auto square = meanOfSquares.getInput().getDefiningOp<nn::MulOp>();
      if (!square || square.getLhs() != parts.first || square.getRhs() != parts.first)
        continue;
      int64_t axis = mean.getAxes().front();
      if (!scalesTrailing(scale, type, axis))
        continue;
      rewriter.replaceOpWithNewOp<nn::LayerNormOp>(op, x, scale, Value(), axis, APFloat(epsilon));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "not a scaled normal");
  }

  /// Whether a factor or an addend has no dims but those from `axis` on.
  static bool scalesTrailing(Value value, RankedTensorType type, int64_t axis) {
    auto own = cast<RankedTensorType>(value.getType());
    return own.hasStaticShape() && own.getRank() <= type.getRank() - axis;
  }

private:
  // The difference and the variance of difference/√variance, in its forms.
  static std::pair<Value, Value> splitNormal(Value value) {
    if (auto div = value.getDefiningOp<nn::DivOp>()) {
      auto root = div.getRhs().getDefiningOp<nn::SqrtOp>();
      return root ? std::pair(div.getLhs(), root.getInput()) : std::pair(Value(), Value());
    }
    auto mul = value.getDefiningOp<nn::MulOp>();
    if (!mul)
      return {};
    for (auto [difference, inverse] : {std::pair<Value, Value>(mul.getLhs(), mul.getRhs()),
                                       std::pair<Value, Value>(mul.getRhs(), mul.getLhs())}) {
      if (auto rsqrt = inverse.getDefiningOp<nn::RsqrtOp>())
        return {difference, rsqrt.getInput()};
      if (auto reciprocal = inverse.getDefiningOp<nn::ReciprocalOp>())
        if (auto root = reciprocal.getInput().getDefiningOp<nn::SqrtOp>())
          return {difference, root.getInput()};
    }
    return {};
  }

  // A mean over all dims from some dim on, which stay as 1.
  static nn::ReduceOp asMean(Value value) {
    auto reduce = value.getDefiningOp<nn::ReduceOp>();
    if (!reduce || reduce.getKind() != nn::ReduceKind::mean || !reduce.getKeepdims() ||
        reduce.getAxes().empty())
      return {};
    int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
    int64_t axis = rank - reduce.getAxes().size();
    for (int64_t each : reduce.getAxes())
      if (each != axis++)
        return {};
    return reduce;
  }
};

/// layer_norm(x) + bias → layer_norm with a bias
struct AddNormBias : OpRewritePattern<nn::AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::AddOp op, PatternRewriter &rewriter) const override {
    for (auto [normal, bias] : {std::pair<Value, Value>(op.getLhs(), op.getRhs()),
                                std::pair<Value, Value>(op.getRhs(), op.getLhs())}) {
      auto norm = normal.getDefiningOp<nn::LayerNormOp>();
      auto type = cast<RankedTensorType>(normal.getType());
      if (!norm || norm.getBias() || !norm->hasOneUse() || op.getType() != type ||
          !RecognizeLayerNorm::scalesTrailing(bias, type, norm.getAxis()))
        continue;
      rewriter.replaceOpWithNewOp<nn::LayerNormOp>(op, norm.getInput(), norm.getScale(), bias,
                                                   norm.getAxis(), norm.getEpsilon());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no layer norm without a bias");
  }
};

} // namespace

void sinter::populateRecognizeLayersPatterns(RewritePatternSet &patterns) {
  patterns.add<RecognizeGelu, RecognizeLayerNorm, AddNormBias>(patterns.getContext());
}
