//===- DifferentiateCompute.cpp - reductions, products, norms -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Differentiate.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sinter::nn;

using llvm::SmallBitVector;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

// How many elements of x each of y's stands for, as a scalar.
static Term countRatio(Term x, Term y) {
  if (x.getType().hasStaticShape() && y.getType().hasStaticShape())
    return x.number(static_cast<double>(x.getType().getNumElements()) /
                    std::max<double>(1, static_cast<double>(y.getType().getNumElements())));
  auto count = [&](Term value) {
    return value.apply<SizeOfOp>().apply<CastOp>(TypeAttr::get(x.getType().getElementType()));
  };
  return count(x) / count(y);
}

// ∂ Πx / ∂x along one axis: the product of the elements before and after, so
// that zeros do no harm.
static Term otherFactors(Term x, int64_t axis) {
  auto running = [&](bool reverse) {
    return x.apply<CumulativeOp>(CumulativeKind::prod, axis, /*exclusive=*/true, reverse);
  };
  return running(false) * running(true);
}

Vjp ReduceOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term x(b, getLoc(), getInput()), y = x.with(getOutput()), g = x.with(cotangents[0]);
  ArrayRef<int64_t> axes = getAxes();
  if (!getKeepdims() && !axes.empty()) {
    y = y.unsqueeze(axes);
    g = g.unsqueeze(axes);
  }
  auto give = [](Term dx) -> Vjp { return SmallVector<Value>{dx.get()}; };
  switch (getKind()) {
  case ReduceKind::sum:
    return give(expandLike(g, x));
  case ReduceKind::mean:
    return give(expandLike(g / countRatio(x, y), x));
  case ReduceKind::max:
  case ReduceKind::min: {
    // Equal extrema share the cotangent.
    Term isExtremum = x.compare(ComparePredicate::eq, y)
                          .apply<CastOp>(TypeAttr::get(x.getType().getElementType()));
    return give(isExtremum * (g / isExtremum.sum(axes)));
  }
  case ReduceKind::prod: {
    // One axis after the other.
    SmallVector<Term> partial{x};
    for (int64_t axis : axes.drop_back(axes.empty() ? 0 : 1))
      partial.push_back(partial.back().apply<ReduceOp>(ReduceKind::prod, ArrayRef<int64_t>{axis},
                                                       /*keepdims=*/true));
    for (auto [axis, factors] :
         llvm::reverse(llvm::zip_equal(axes, ArrayRef(partial).take_front(axes.size()))))
      g = g * otherFactors(factors, axis);
    return give(g);
  }
  case ReduceKind::l1:
    return give(g * x.apply<SignOp>());
  case ReduceKind::l2:
    return give(g / y * x);
  case ReduceKind::sum_square:
    return give(g * 2 * x);
  case ReduceKind::log_sum:
    return give(expandLike(g * (-y).apply<ExpOp>(), x));
  case ReduceKind::log_sum_exp:
    return give(g * (x - y).apply<ExpOp>());
  }
  llvm_unreachable("unknown reduction");
}

// Σ or Π of the elements up to j. The derivative of a product divides by x: it
// is NaN where x is 0.
Vjp CumulativeOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term x(b, getLoc(), getInput()), y = x.with(getOutput()), g = x.with(cotangents[0]);
  auto backward = [&](Term value) {
    return value.apply<CumulativeOp>(CumulativeKind::sum, getAxis(), getExclusive(), !getReverse());
  };
  return SmallVector<Value>{getKind() == CumulativeKind::sum ? backward(g) : backward(g * y) / x};
}

Vjp AllReduceOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  return SmallVector<Value>{
      AllReduceOp::create(b, getLoc(), getInput().getType(), cotangents[0]).getResult()};
}

Vjp SoftmaxOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term y(b, getLoc(), getOutput()), g = y.with(cotangents[0]);
  if (getLog())
    return SmallVector<Value>{g - y.apply<ExpOp>() * g.sum(getAxes())};
  return SmallVector<Value>{y * (g - (g * y).sum(getAxes()))};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

// dA = g Bᵀ, dB = Aᵀ g, in the order that the transposed operands need.
Vjp MatMulOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  if (getRhsBlock() > 0)
    return emitOpError("is not differentiable with a packed operand");
  Term lhs(b, getLoc(), getLhs()), rhs = lhs.with(getRhs()), g = lhs.with(cotangents[0]);
  bool isLeftVector = lhs.getRank() == 1, isRightVector = rhs.getRank() == 1;
  bool left = getTransposeLhs() && !isLeftVector, right = getTransposeRhs() && !isRightVector;
  if (isRightVector) {
    rhs = rhs.unsqueeze({1});
    g = g.unsqueeze({g.getRank()});
  }
  if (isLeftVector) {
    lhs = lhs.unsqueeze({0});
    g = g.unsqueeze({g.getRank() - 1});
  }
  auto product = [](Term x, Term y, bool transposeX, bool transposeY) {
    return x.apply<MatMulOp>(y.get(), transposeX, transposeY);
  };
  SmallVector<Value> result(2);
  if (wanted[0]) {
    Term dx = left ? product(rhs, g, right, true) : product(g, rhs, false, !right);
    dx = sumTo(dx, lhs);
    result[0] = isLeftVector ? dx.squeeze({0}) : dx;
  }
  if (wanted[1]) {
    Term x = lhs, dy = g;
    if (rhs.getRank() == 2 && x.getRank() > 2 && !left) {
      // One matrix for all batches: their rows add up in one product.
      x = x.apply<FlattenOp>(x.getRank() - 1);
      dy = dy.apply<FlattenOp>(dy.getRank() - 1);
    }
    dy = right ? product(dy, x, true, left) : product(x, dy, !left, false);
    dy = sumTo(dy, rhs);
    result[1] = isRightVector ? dy.squeeze({1}) : dy;
  }
  return result;
}

// The cotangent of an operand is an einsum too: of g and the other operands,
// onto the operand's letters. Letters that only the operand has are repeated.
Vjp EinsumOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  std::string equation = getEquation().str();
  llvm::erase(equation, ' ');
  auto [left, output] = StringRef(equation).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  Term g(b, getLoc(), cotangents[0]);
  SmallVector<Value> result(getInputs().size());
  for (auto [i, term] : llvm::enumerate(terms)) {
    if (!wanted[i])
      continue;
    std::string known = output.str(), others = output.str();
    SmallVector<Value> operands{g};
    for (auto [j, other] : llvm::enumerate(terms))
      if (j != i) {
        known += other;
        others += ',';
        others += other;
        operands.push_back(getInputs()[j]);
      }
    std::string onto;
    SmallVector<int64_t> repeated;
    Term x = g.with(getInputs()[i]);
    bool hasEllipsis = term.contains("...");
    int64_t dotted = hasEllipsis ? x.getRank() - static_cast<int64_t>(term.size()) + 3 : 0;
    int64_t axis = 0;
    for (size_t k = 0; k < term.size(); ++k) {
      if (term[k] == '.') {
        // Dims that the output has not kept would have to be repeated one by one.
        if (!output.contains("..."))
          return emitOpError("is not differentiable where an ellipsis is summed");
        onto += "...";
        axis += dotted;
        k += 2;
        continue;
      }
      if (term.count(term[k]) > 1)
        return emitOpError("is not differentiable where a letter stands twice in one operand");
      if (StringRef(known).contains(term[k]))
        onto += term[k];
      else
        repeated.push_back(axis);
      ++axis;
    }
    others += "->";
    others += onto;
    Term dx = g.with(EinsumOp::create(b, getLoc(), operands, others));
    // With an ellipsis that broadcast, the result has more leading dims.
    int64_t extra = dx.getRank() + static_cast<int64_t>(repeated.size()) - x.getRank();
    size_t dots = StringRef(onto).find("...");
    if (extra > 0) {
      SmallVector<int64_t> leading = axesRange(dots, dots + extra);
      dx = dx.sum(leading).squeeze(leading);
    }
    if (!repeated.empty())
      dx = dx.unsqueeze(repeated);
    result[i] = repeated.empty() ? sumTo(dx, x) : expandLike(sumTo(dx, x), x);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

namespace {
/// x̂ = (x − mean)/√(variance + ε) over `axes`, and what its derivative needs.
struct Normalized {
  Normalized(Term x, ArrayRef<int64_t> axes, double epsilon, bool isCentered = true)
      : axes(axes), isCentered(isCentered), value(x), deviation(x) {
    Term centered = isCentered ? x - x.mean(axes) : x;
    deviation = ((centered * centered).mean(axes) + epsilon).apply<RsqrtOp>();
    value = centered * deviation;
  }
  /// The cotangent of x from that of x̂.
  Term backward(Term g) const {
    Term dx = g - value * (g * value).mean(axes);
    return (isCentered ? dx - g.mean(axes) : dx) * deviation;
  }
  SmallVector<int64_t> axes;
  bool isCentered;
  Term value, deviation; // x̂, 1/√(variance + ε)
};
} // namespace

// A vector of channels against a tensor of `rank` dims, channels at dim 1.
static Term alongChannels(Term vector, int64_t rank) {
  return rank > 2 ? vector.unsqueeze(axesRange(1, rank - 1)) : vector;
}

static SmallVector<int64_t> allBut(int64_t rank, int64_t kept) {
  SmallVector<int64_t> axes = axesRange(0, rank);
  llvm::erase(axes, kept);
  return axes;
}

// The cotangent of a vector of channels: the sum over all other dims.
static Term sumChannels(Term g, int64_t channel) {
  SmallVector<int64_t> axes = allBut(g.getRank(), channel);
  return axes.empty() ? g : g.sum(axes).squeeze(axes);
}

Vjp BatchNormOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  Term x(b, getLoc(), getInput()), g = x.with(cotangents[0]);
  int64_t rank = x.getRank();
  bool isLast = getDataLayout() == sinter::nn::DataLayout::channels_last;
  int64_t channel = isLast ? rank - 1 : 1;
  if (rank < 2)
    return emitOpError("is not differentiable on a 1-D input");
  auto spread = [&](Value vector) {
    return isLast ? x.with(vector) : alongChannels(x.with(vector), rank);
  };
  Term scale = x.with(getScale());
  Term deviation = (x.with(getVariance()) + getEpsilon().convertToDouble()).apply<RsqrtOp>();
  Term factor = scale * deviation; // C
  SmallVector<Value> result(5);
  if (wanted[0])
    result[0] = g * spread(factor);
  if (!wanted[1] && !wanted[2] && !wanted[3] && !wanted[4])
    return result;
  Term sum = sumChannels(g, channel); // Σ g
  // Σ g (x − mean)
  Term product = sumChannels(g * (x - spread(getMean())), channel);
  if (wanted[1])
    result[1] = product * deviation;
  if (wanted[2])
    result[2] = sum;
  if (wanted[3])
    result[3] = -(sum * factor);
  if (wanted[4])
    result[4] = product * factor * deviation * deviation * -0.5;
  return result;
}

Vjp InstanceNormOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  Term x(b, getLoc(), getInput()), g = x.with(cotangents[0]);
  int64_t rank = x.getRank();
  Normalized norm(x, axesRange(2, rank), getEpsilon().convertToDouble());
  SmallVector<Value> result(3);
  if (wanted[0])
    result[0] = norm.backward(g * alongChannels(x.with(getScale()), rank));
  if (wanted[1])
    result[1] = sumChannels(g * norm.value, 1);
  if (wanted[2])
    result[2] = sumChannels(g, 1);
  return result;
}

Vjp GroupNormOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  Term x(b, getLoc(), getInput()), g = x.with(cotangents[0]);
  int64_t rank = x.getRank();
  // N G (C/G · X…)
  Value groups = shapeTensor(x, {dimOf(x, 0), Dim(getNumGroups()), Dim(-1)});
  Normalized norm(x.reshape(groups), {2}, getEpsilon().convertToDouble());
  SmallVector<Value> result(3);
  if (wanted[0]) {
    Term scaled = g * alongChannels(x.with(getScale()), rank);
    result[0] = reshapeLike(norm.backward(scaled.reshape(groups)), x);
  }
  if (wanted[1])
    result[1] = sumChannels(g * reshapeLike(norm.value, x), 1);
  if (wanted[2])
    result[2] = sumChannels(g, 1);
  return result;
}

// Layer and RMS normalization: scale and bias broadcast to the normalized dims.
template <typename OpTy>
static Vjp axisNormVjp(OpTy op, OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted,
                       bool isCentered) {
  Term x(b, op.getLoc(), op.getInput()), g = x.with(cotangents[0]), scale = x.with(op.getScale());
  int64_t rank = x.getRank(), axis = op.getAxis() < 0 ? op.getAxis() + rank : op.getAxis();
  Normalized norm(x, axesRange(axis, rank), op.getEpsilon().convertToDouble(), isCentered);
  SmallVector<Value> result(op->getNumOperands());
  if (wanted[0])
    result[0] = norm.backward(g * scale);
  if (wanted[1])
    result[1] = sumTo(g * norm.value, scale);
  if (result.size() > 2 && wanted[2])
    result[2] = sumTo(g, op->getOperand(2));
  return result;
}

Vjp LayerNormOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  return axisNormVjp(*this, b, cotangents, wanted, /*isCentered=*/true);
}
Vjp RMSNormOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  return axisNormVjp(*this, b, cotangents, wanted, /*isCentered=*/false);
}

// y = x s^−β with s = k + α/n Σ x² over a window of channels:
// dx = g s^−β − 2αβ/n · x · Σ g x s^(−β−1) over the windows that hold x.
Vjp LRNOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term x(b, getLoc(), getInput()), y = x.with(getOutput()), g = x.with(cotangents[0]);
  int64_t rank = x.getRank(), size = getSize();
  double alpha = getAlpha().convertToDouble() / static_cast<double>(size),
         beta = getBeta().convertToDouble();
  bool isLast = getDataLayout() == sinter::nn::DataLayout::channels_last;
  int64_t channel = isLast ? rank - 1 : 1;
  SmallVector<int64_t> toFirst = axesRange(0, rank), toLast = axesRange(0, rank);
  if (isLast) {
    toFirst = {0, rank - 1};
    llvm::append_range(toFirst, axesRange(1, rank - 1));
    toLast = {0};
    llvm::append_range(toLast, axesRange(2, rank));
    toLast.push_back(1);
  }
  // Sums over `size` channels, `before` of them ahead.
  auto windowSum = [&](Term value, int64_t before) {
    Term first = isLast ? value.transpose(toFirst) : value;
    Term plane = first.reshape(shapeTensor(x, {dimOf(x, 0), Dim(1), dimOf(x, channel), Dim(-1)}));
    auto array = [](std::initializer_list<int64_t> values) { return SmallVector<int64_t>(values); };
    Term mean = x.with(AveragePoolOp::create(
        b, getLoc(), plane, array({size, 1}), array({1, 1}),
        array({before, 0, size - 1 - before, 0}), array({1, 1}), /*ceil_mode=*/false,
        AutoPad::notset, sinter::nn::DataLayout::channels_first, /*count_include_pad=*/true));
    Term sum = mean * static_cast<double>(size);
    Term shaped = reshapeLike(sum, first);
    return isLast ? shaped.transpose(toLast) : shaped;
  };
  int64_t before = (size - 1) / 2;
  Term s = windowSum(x * x, before) * alpha + getBias().convertToDouble();
  Term spread = windowSum(g * y / s, size - 1 - before);
  Term direct = g * s.apply<PowOp>(x.number(-beta).get());
  return SmallVector<Value>{direct - x * spread * (2 * alpha * beta)};
}
