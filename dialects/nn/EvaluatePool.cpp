//===- EvaluatePool.cpp - evaluators of pooling and its inverses ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/EvaluateWindow.h"
#include "dialects/nn/NN.h"
#include <vector>

using namespace mlir;
using namespace sinter::nn;

// For each result element: `start()`, then `visit(input place)` for each window
// element inside the input, then result = `finish(y)`, y the spatial index.
template <typename Start, typename Visit, typename Finish>
static void forEachWindow(const PictureLayout &in, const PictureLayout &out, const Window &window,
                          Start start, Visit visit, Finish finish) {
  int64_t rank = window.getRank(), taps = product(window.kernel);
  for (int64_t n = 0; n < out.batch; ++n)
    for (int64_t c = 0; c < out.channels; ++c) {
      int64_t from = n * in.batchStride + c * in.channelStride;
      int64_t to = n * out.batchStride + c * out.channelStride;
      IndexVector y(out.spatial);
      for (int64_t i = 0, e = product(out.spatial); i < e; ++i, y.next()) {
        start();
        IndexVector k(window.kernel);
        for (int64_t tap = 0; tap < taps; ++tap, k.next()) {
          int64_t place = from;
          bool isInside = true;
          for (int64_t dim = 0; dim < rank; ++dim) {
            int64_t x = window.getInputPosition(dim, y[dim], k[dim]);
            isInside &= window.isInside(dim, x);
            place += x * in.spatialStrides[dim];
          }
          if (isInside)
            visit(place);
        }
        finish(to + y.dot(out.spatialStrides), y);
      }
    }
}

template <typename OpTy>
static Window getWindow(OpTy op, const PictureLayout &in, const PictureLayout &out) {
  return Window(in.spatial, out.spatial, op.getKernelShape(), op.getStrides(), op.getPads(),
                op.getDilations(), op.getAutoPad());
}

// The greatest element of each window; `finish(result place, greatest place)`.
template <typename T, typename Finish>
static void forEachMaximum(const HostTensor &input, const PictureLayout &in,
                           const PictureLayout &out, const Window &window, Finish finish) {
  using C = Compute<T>;
  const T *data = input.as<T>();
  int64_t best = -1;
  C greatest{};
  forEachWindow(
      in, out, window, [&] { best = -1; },
      [&](int64_t place) {
        C value = convert<C>(data[place]);
        // The first greatest; a NaN wins and stays.
        if (best < 0 || value > greatest || (value != value && greatest == greatest)) {
          best = place;
          greatest = value;
        }
      },
      [&](int64_t place, const IndexVector &) { finish(place, best); });
}

template <typename T>
static T getLowest() {
  if constexpr (isFloatElement<T>)
    return convert<T>(-std::numeric_limits<float>::infinity());
  else
    return std::numeric_limits<T>::lowest();
}

LogicalResult MaxPoolOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  PictureLayout in(operands[0].getShape(), getDataLayout());
  PictureLayout out(results[0].getShape(), getDataLayout());
  Window window = getWindow(*this, in, out);
  dispatchNumber(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    forEachMaximum<T>(operands[0], in, out, window, [&](int64_t place, int64_t greatest) {
      results[0].as<T>()[place] = greatest < 0 ? getLowest<T>() : operands[0].as<T>()[greatest];
    });
  });
  return success();
}

LogicalResult MaxPoolIndicesOp::evaluate(ArrayRef<HostTensor> operands,
                                         MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  PictureLayout in(operands[0].getShape(), DataLayout::channels_first);
  PictureLayout out(results[0].getShape(), DataLayout::channels_first);
  Window window = getWindow(*this, in, out);
  int64_t pixels = product(in.spatial);
  // Recounts a flat index with the first spatial dim fastest.
  auto toColumnMajor = [&](int64_t flat) {
    int64_t picture = flat / pixels, rest = flat % pixels, result = 0;
    for (auto [dim, stride] : llvm::zip(in.spatial, in.spatialStrides)) {
      (void)dim;
      int64_t index = rest / stride;
      rest %= stride;
      int64_t step = 1;
      for (auto [otherDim, otherStride] : llvm::zip(in.spatial, in.spatialStrides))
        if (otherStride > stride)
          step *= otherDim;
      result += index * step;
    }
    return picture * pixels + result;
  };
  dispatchNumber(operands[0].getElementType(), [&](auto element) {
    forEachMaximum<decltype(element)>(
        operands[0], in, out, window, [&](int64_t place, int64_t greatest) {
          results[0].setInt(place,
                            getColumnMajor() && greatest >= 0 ? toColumnMajor(greatest) : greatest);
        });
  });
  return success();
}

LogicalResult AveragePoolOp::evaluate(ArrayRef<HostTensor> operands,
                                      MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  PictureLayout in(operands[0].getShape(), getDataLayout());
  PictureLayout out(results[0].getShape(), getDataLayout());
  Window window = getWindow(*this, in, out);
  // Window elements within the input and its pads (with ceil_mode a window may
  // reach beyond these).
  auto countPadded = [&](const IndexVector &y) {
    int64_t count = 1;
    for (size_t dim = 0; dim < window.getRank(); ++dim) {
      int64_t inside = 0;
      for (int64_t k = 0; k < window.kernel[dim]; ++k)
        inside += window.getInputPosition(dim, y[dim], k) < window.input[dim] + window.padEnds[dim];
      count *= inside;
    }
    return count;
  };
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    double sum = 0;
    int64_t count = 0;
    forEachWindow(
        in, out, window, [&] { sum = 0, count = 0; },
        [&](int64_t place) {
          sum += convert<Compute<T>>(operands[0].as<T>()[place]);
          ++count;
        },
        [&](int64_t place, const IndexVector &y) {
          int64_t divisor = getCountIncludePad() ? countPadded(y) : count;
          results[0].as<T>()[place] =
              convert<T>(divisor ? sum / static_cast<double>(divisor) : 0.0);
        });
  });
  return success();
}

LogicalResult LpPoolOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  PictureLayout in(operands[0].getShape(), getDataLayout());
  PictureLayout out(results[0].getShape(), getDataLayout());
  Window window = getWindow(*this, in, out);
  double p = getP();
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    double sum = 0;
    forEachWindow(
        in, out, window, [&] { sum = 0; },
        [&](int64_t place) {
          double value = convert<Compute<T>>(operands[0].as<T>()[place]);
          sum += std::pow(std::abs(value), p);
        },
        [&](int64_t place, const IndexVector &) {
          results[0].as<T>()[place] = convert<T>(std::pow(sum, 1 / p));
        });
  });
  return success();
}

LogicalResult MaxPoolGradOp::evaluate(ArrayRef<HostTensor> operands,
                                      MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  PictureLayout in(operands[0].getShape(), getDataLayout());
  PictureLayout out(operands[1].getShape(), getDataLayout());
  Window window = getWindow(*this, in, out);
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    std::vector<double> sums(results[0].getNumElements());
    forEachMaximum<T>(operands[0], in, out, window, [&](int64_t place, int64_t greatest) {
      if (greatest >= 0)
        sums[greatest] += convert<Compute<T>>(operands[1].as<T>()[place]);
    });
    for (auto [i, sum] : llvm::enumerate(sums))
      results[0].as<T>()[i] = convert<T>(sum);
  });
  return success();
}

LogicalResult SumPoolGradOp::evaluate(ArrayRef<HostTensor> operands,
                                      MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  PictureLayout in(results[0].getShape(), getDataLayout());
  PictureLayout out(operands[0].getShape(), getDataLayout());
  Window window = getWindow(*this, in, out);
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    std::vector<double> sums(results[0].getNumElements());
    Dims places;
    forEachWindow(
        in, out, window, [&] { places.clear(); }, [&](int64_t place) { places.push_back(place); },
        [&](int64_t place, const IndexVector &) {
          for (int64_t covered : places)
            sums[covered] += convert<Compute<T>>(operands[0].as<T>()[place]);
        });
    for (auto [i, sum] : llvm::enumerate(sums))
      results[0].as<T>()[i] = convert<T>(sum);
  });
  return success();
}

LogicalResult MaxUnpoolOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  Dims indices = getContents(operands[1]);
  int64_t size = results[0].getNumElements();
  if (static_cast<int64_t>(indices.size()) != operands[0].getNumElements())
    return failure();
  for (int64_t index : indices)
    if (index < 0 || index >= size)
      return failure();
  dispatchBytes(results[0].getElementBytes(), [&](auto element) {
    using T = decltype(element);
    for (auto [i, index] : llvm::enumerate(indices))
      results[0].as<T>()[index] = operands[0].as<T>()[i];
  });
  return success();
}

LogicalResult Col2ImOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  ArrayRef<int64_t> image = getImageShape(), kernel = getBlockShape();
  Window window(image, {}, kernel, getStrides(), getPads(), getDilations(), AutoPad::notset);
  // How many blocks fit along each dim.
  Dims blocks;
  for (size_t dim = 0; dim < image.size(); ++dim)
    blocks.push_back((image[dim] + window.padBegins[dim] + window.padEnds[dim] -
                      window.dilations[dim] * (kernel[dim] - 1) - 1) /
                         window.strides[dim] +
                     1);
  ArrayRef<int64_t> shape = results[0].getShape();
  int64_t taps = product(kernel), positions = product(blocks);
  int64_t pictures = shape[0] * shape[1], pixels = product(image);
  if (operands[0].getNumElements() != pictures * taps * positions)
    return failure();
  Dims strides = sinter::nn::getStrides(image);
  dispatchElement(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    const T *in = operands[0].as<T>();
    std::vector<Sum<T>> sums(pixels);
    for (int64_t picture = 0; picture < pictures; ++picture) {
      std::fill(sums.begin(), sums.end(), Sum<T>(0));
      IndexVector k(kernel);
      for (int64_t tap = 0; tap < taps; ++tap, k.next()) {
        IndexVector y(blocks);
        for (int64_t i = 0; i < positions; ++i, y.next(), ++in) {
          int64_t place = 0;
          bool isInside = true;
          for (size_t dim = 0; dim < image.size(); ++dim) {
            int64_t x = window.getInputPosition(dim, y[dim], k[dim]);
            isInside &= window.isInside(dim, x);
            place += x * strides[dim];
          }
          if (isInside)
            sums[place] += convert<Compute<T>>(*in);
        }
      }
      for (int64_t i = 0; i < pixels; ++i)
        results[0].as<T>()[picture * pixels + i] = convert<T>(sums[i]);
    }
  });
  return success();
}
