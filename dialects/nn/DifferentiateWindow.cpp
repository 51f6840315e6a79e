//===- DifferentiateWindow.cpp - convolutions and pools -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All in gather form: an input's cotangent is a convolution of the result's, a
// filter's a sum over batch and positions. O and C are a convolution's output
// and input channels, K… its filter's spatial dims.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/Differentiate.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::nn;

using llvm::SmallBitVector;
using Layout = sinter::nn::DataLayout;

//===----------------------------------------------------------------------===//
// Geometry
//===----------------------------------------------------------------------===//

// The pads [begins…, ends…] that `auto_pad` means, or nothing if they depend on
// a size that isn't known.
static std::optional<SmallVector<int64_t>>
resolvePads(AutoPad autoPad, ArrayRef<int64_t> pads, ArrayRef<int64_t> kernel,
            ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations, ArrayRef<int64_t> input) {
  size_t rank = kernel.size();
  SmallVector<int64_t> result(2 * rank, 0);
  if (autoPad == AutoPad::notset)
    return SmallVector<int64_t>(pads);
  if (autoPad == AutoPad::valid)
    return result;
  for (size_t i = 0; i < rank; ++i) {
    int64_t reach = (kernel[i] - 1) * dilations[i] + 1, total = reach - 1;
    if (strides[i] != 1) {
      if (ShapedType::isDynamic(input[i]))
        return std::nullopt;
      total = (llvm::divideCeil(input[i], strides[i]) - 1) * strides[i] + reach - input[i];
    }
    total = std::max<int64_t>(total, 0);
    result[i] = autoPad == AutoPad::same_upper ? total / 2 : total - total / 2;
    result[rank + i] = total - result[i];
  }
  return result;
}

// N X… C → N C X…
static SmallVector<int64_t> toChannelsFirst(int64_t rank) {
  SmallVector<int64_t> permutation{0, rank - 1};
  llvm::append_range(permutation, axesRange(1, rank - 1));
  return permutation;
}
// N C X… → N X… C
static SmallVector<int64_t> toChannelsLast(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  llvm::append_range(permutation, axesRange(2, rank));
  permutation.push_back(1);
  return permutation;
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

namespace {
/// The derivative of one nn.conv.
class ConvVjp {
public:
  ConvVjp(ConvOp op, OpBuilder &b, Value cotangent)
      : op(op), b(b), x(b, op.getLoc(), op.getInput()), filter(x.with(op.getFilter())),
        g(x.with(cotangent)), rank(x.getRank()), spatial(rank - 2),
        isLast(op.getDataLayout() == Layout::channels_last), firstSpatial(isLast ? 1 : 2) {}

  /// Finds the geometry; fails with an error where it can't be known.
  LogicalResult init() {
    ArrayRef<int64_t> shape = filter.getType().getShape();
    if (isPacked()) {
      // Only filters of one block, which lie as K… C O.
      if (op.getWinograd() != 0 || op.getFilterBlock() < 0 ||
          op.getOutChannels() != op.getFilterBlock())
        return op.emitOpError("is not differentiable with a packed filter");
      kernel.assign(shape.begin() + 1, shape.end() - 2);
    } else {
      kernel.assign(shape.begin() + 2, shape.end());
    }
    if (llvm::any_of(kernel, ShapedType::isDynamic))
      return op.emitOpError("is not differentiable with a filter of unknown size");
    auto found = resolvePads(op.getAutoPad(), op.getPads(), kernel, op.getStrides(),
                             op.getDilations(), inputShape());
    if (!found)
      return op.emitOpError("is not differentiable with auto_pad, strides and an input of unknown "
                            "size");
    pads = *found;
    return success();
  }

  Term inputCotangent() {
    bool isDense = llvm::all_of(op.getStrides(), [](int64_t stride) { return stride == 1; });
    return isDense && (op.getGroup() == 1 || op.isDepthwise()) ? convolveFlipped()
                                                               : convolveTransposed();
  }

  Term filterCotangent() {
    Term sum = x.with(ConvFilterGradOp::create(b, op.getLoc(), x, g, kernel, op.getStrides(), pads,
                                               op.getDilations(), op.getGroup(), AutoPad::notset,
                                               op.getDataLayout()));
    if (!isLast)
      return sum;
    // K… C O
    if (isPacked())
      return sum.unsqueeze({0});
    SmallVector<int64_t> permutation{rank - 1, rank - 2};
    llvm::append_range(permutation, axesRange(0, spatial));
    return sum.transpose(permutation);
  }

  Term biasCotangent() {
    SmallVector<int64_t> axes = axesRange(0, rank);
    axes.erase(axes.begin() + (isLast ? rank - 1 : 1));
    return g.sum(axes).squeeze(axes);
  }

private:
  bool isPacked() { return op.getFilterBlock() != 0; }
  ArrayRef<int64_t> inputShape() const {
    return x.getType().getShape().slice(firstSpatial, spatial);
  }

  // Steps of 1: the cotangent of x is the convolution of g with the filter
  // turned round, its channels exchanged.
  Term convolveFlipped() {
    int64_t first = isPacked() ? 1 : 2;
    Term turned = flip(filter, axesRange(first, first + spatial));
    SmallVector<int64_t> exchange = axesRange(0, filter.getRank());
    if (isPacked())
      std::swap(exchange[rank - 1], exchange[rank]);
    else if (!op.isDepthwise())
      std::swap(exchange[0], exchange[1]);
    turned = turned.transpose(exchange);
    SmallVector<int64_t> turnedPads;
    for (int64_t i = 0; i < 2 * spatial; ++i)
      turnedPads.push_back((kernel[i % spatial] - 1) * op.getDilations()[i % spatial] - pads[i]);
    int64_t channels = isPacked() ? filter.getType().getDimSize(rank - 1) : 0;
    return x.with(ConvOp::create(b, op.getLoc(), g, turned, Value(), op.getStrides(), turnedPads,
                                 op.getDilations(), op.getGroup(), AutoPad::notset,
                                 op.getDataLayout(), channels, channels, /*winograd=*/0));
  }

  // Each element of x gathers from the windows that it is in.
  Term convolveTransposed() {
    Term outer = g, weights = filter;
    if (isPacked()) { // 1 K… C O
      SmallVector<int64_t> permutation{rank - 1, rank - 2};
      llvm::append_range(permutation, axesRange(0, spatial));
      weights = weights.squeeze({0}).transpose(permutation);
    }
    if (isLast)
      outer = outer.transpose(toChannelsFirst(rank));
    // How far x reaches past the last window.
    SmallVector<int64_t> padding;
    bool isCropped = false;
    for (int64_t i = 0; i < spatial; ++i) {
      int64_t size = inputShape()[i], stride = op.getStrides()[i];
      int64_t windows = outer.getType().getDimSize(2 + i);
      bool isKnown = !ShapedType::isDynamic(size) && !ShapedType::isDynamic(windows);
      int64_t covered = (windows - 1) * stride + (kernel[i] - 1) * op.getDilations()[i] + 1 -
                        pads[i] - pads[spatial + i];
      padding.push_back(isKnown ? size - covered : stride - 1);
      isCropped |= !isKnown && stride > 1;
    }
    Term dx = x.with(ConvTransposeOp::create(b, op.getLoc(), outer, weights, Value(),
                                             op.getStrides(), pads, op.getDilations(), padding,
                                             ArrayRef<int64_t>{}, op.getGroup(), AutoPad::notset));
    if (isLast)
      dx = dx.transpose(toChannelsLast(rank));
    if (isCropped) {
      for (int64_t i = 0; i < spatial; ++i)
        dx = slice(dx, firstSpatial + i, 0, dimOf(x, firstSpatial + i));
      dx = reshapeLike(dx, x);
    }
    return dx;
  }

  ConvOp op;
  OpBuilder &b;
  Term x, filter, g;
  int64_t rank, spatial;
  bool isLast;
  int64_t firstSpatial;
  SmallVector<int64_t> kernel, pads;
};
} // namespace

Vjp ConvOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  ConvVjp vjp(*this, b, cotangents[0]);
  if (failed(vjp.init()))
    return failure();
  SmallVector<Value> result(getNumOperands());
  if (wanted[0])
    result[0] = vjp.inputCotangent();
  if (wanted[1])
    result[1] = vjp.filterCotangent();
  if (getBias() && wanted[2])
    result[2] = vjp.biasCotangent();
  return result;
}

// A transposed convolution is the derivative of one; its own derivative is that
// convolution.
Vjp ConvTransposeOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  Term x(b, getLoc(), getInput()), filter = x.with(getFilter()), g = x.with(cotangents[0]);
  int64_t spatial = x.getRank() - 2;
  ArrayRef<int64_t> kernel = filter.getType().getShape().drop_front(2);
  if (llvm::any_of(kernel, ShapedType::isDynamic))
    return emitOpError("is not differentiable with a filter of unknown size");
  SmallVector<int64_t> pads(2 * spatial, 0);
  AutoPad autoPad = getAutoPad();
  bool isSame = autoPad == AutoPad::same_upper || autoPad == AutoPad::same_lower;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t stride = getStrides()[i], extra = getOutputPadding()[i];
    int64_t reach = (kernel[i] - 1) * getDilations()[i] + 1;
    if (getOutputShape().empty() && !isSame) {
      if (autoPad == AutoPad::notset) {
        pads[i] = getPads()[i];
        pads[spatial + i] = getPads()[spatial + i];
      }
      continue;
    }
    // The result's size decides the pads.
    int64_t total = reach + extra - stride;
    if (!getOutputShape().empty()) {
      int64_t size = x.getType().getDimSize(2 + i);
      if (ShapedType::isDynamic(size))
        return emitOpError("is not differentiable with output_shape and an input of unknown size");
      total = (size - 1) * stride + extra + reach - getOutputShape()[i];
    }
    total = std::max<int64_t>(total, 0);
    pads[i] = autoPad == AutoPad::same_upper ? total / 2 : total - total / 2;
    pads[spatial + i] = total - pads[i];
  }
  SmallVector<Value> result(getNumOperands());
  if (wanted[0]) {
    Term dx =
        x.with(ConvOp::create(b, getLoc(), g, filter, Value(), getStrides(), pads, getDilations(),
                              getGroup(), AutoPad::notset, Layout::channels_first, 0, 0, 0));
    // Padding of a step or more made room for another window.
    for (int64_t i = 0; i < spatial; ++i)
      if (getOutputPadding()[i] >= getStrides()[i] || !getOutputShape().empty())
        dx = slice(dx, 2 + i, 0, dimOf(x, 2 + i));
    result[0] = reshapeLike(dx, x);
  }
  if (wanted[1])
    result[1] =
        ConvFilterGradOp::create(b, getLoc(), g, x, kernel, getStrides(), pads, getDilations(),
                                 getGroup(), AutoPad::notset, Layout::channels_first);
  if (getBias() && wanted[2]) {
    SmallVector<int64_t> axes = axesRange(0, g.getRank());
    axes.erase(axes.begin() + 1);
    result[2] = g.sum(axes).squeeze(axes);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

Vjp MaxPoolOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  return SmallVector<Value>{MaxPoolGradOp::create(
      b, getLoc(), getInput(), cotangents[0], getKernelShape(), getStrides(), getPads(),
      getDilations(), getCeilMode(), getAutoPad(), getDataLayout())};
}

// Each element's sum of the windows that it is in.
template <typename OpTy>
static Term sumPoolGrad(OpTy op, Term g) {
  Term x = g.with(op.getInput());
  return reshapeLike(g.apply<SumPoolGradOp>(shapeOf(x), op.getKernelShape(), op.getStrides(),
                                            op.getPads(), op.getDilations(), op.getCeilMode(),
                                            op.getAutoPad(), op.getDataLayout()),
                     x);
}

Vjp AveragePoolOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term x(b, getLoc(), getInput()), g = x.with(cotangents[0]);
  Term ones = x.number(1).apply<ExpandOp>(shapeOf(x));
  // How many elements of x each window has.
  Term count = ones.apply<LpPoolOp>(getKernelShape(), getStrides(), getPads(), getDilations(),
                                    getCeilMode(), getAutoPad(), getDataLayout(), 1);
  Term weight = 1.0 / count;
  if (getCountIncludePad())
    weight = weight * ones.apply<AveragePoolOp>(getKernelShape(), getStrides(), getPads(),
                                                getDilations(), getCeilMode(), getAutoPad(),
                                                getDataLayout(), true);
  return SmallVector<Value>{sumPoolGrad(*this, g * weight)};
}

// y = (Σ|x|ᵖ)^(1/p): dx = |x|^(p−1) sign x · Σ g y^(1−p) over x's windows.
Vjp LpPoolOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term x(b, getLoc(), getInput()), y = x.with(getOutput()), g = x.with(cotangents[0]);
  auto p = static_cast<double>(getP());
  if (getP() == 1)
    return SmallVector<Value>{sumPoolGrad(*this, g) * x.apply<SignOp>()};
  if (getP() == 2)
    return SmallVector<Value>{sumPoolGrad(*this, g / y) * x};
  Term spread = sumPoolGrad(*this, g * y.apply<PowOp>(x.number(1 - p).get()));
  return SmallVector<Value>{x.apply<AbsOp>().apply<PowOp>(x.number(p - 1).get()) *
                            x.apply<SignOp>() * spread};
}

// The blocks of a picture: a convolution of each channel with the unit matrix.
Vjp Col2ImOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  int64_t taps = 1;
  for (int64_t size : getBlockShape())
    taps *= size;
  SmallVector<Dim> filterDims{taps, 1}, pictureDims{-1, 1};
  for (int64_t size : getBlockShape())
    filterDims.push_back(size);
  for (int64_t size : getImageShape())
    pictureDims.push_back(size);
  Term filter = identity(g, taps).reshape(shapeTensor(g, filterDims));
  Term pictures = g.reshape(shapeTensor(g, pictureDims));
  Term blocks =
      g.with(ConvOp::create(b, getLoc(), pictures, filter, Value(), getStrides(), getPads(),
                            getDilations(), 1, AutoPad::notset, Layout::channels_first, 0, 0, 0));
  return SmallVector<Value>{reshapeLike(blocks, x)};
}
