//===- EvaluateConv.cpp - evaluators of convolutions ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/EvaluateWindow.h"
#include "dialects/nn/NN.h"
#include <vector>

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// Geometry
//===----------------------------------------------------------------------===//

Window::Window(ArrayRef<int64_t> input, ArrayRef<int64_t> output, ArrayRef<int64_t> kernel,
               ArrayRef<int64_t> strides, ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations,
               AutoPad autoPad)
    : input(input.begin(), input.end()), output(output.begin(), output.end()),
      kernel(kernel.begin(), kernel.end()), strides(strides.begin(), strides.end()),
      dilations(dilations.begin(), dilations.end()) {
  size_t rank = input.size();
  this->strides.resize(rank, 1);
  this->dilations.resize(rank, 1);
  padBegins.assign(rank, 0);
  padEnds.assign(rank, 0);
  for (size_t dim = 0; dim < rank; ++dim) {
    if (autoPad == AutoPad::notset) {
      if (pads.size() == 2 * rank) {
        padBegins[dim] = pads[dim];
        padEnds[dim] = pads[rank + dim];
      }
      continue;
    }
    if (autoPad == AutoPad::valid)
      continue;
    int64_t reach = (kernel[dim] - 1) * this->dilations[dim] + 1;
    int64_t steps = (input[dim] + this->strides[dim] - 1) / this->strides[dim];
    int64_t total = std::max<int64_t>(0, (steps - 1) * this->strides[dim] + reach - input[dim]);
    padBegins[dim] = autoPad == AutoPad::same_upper ? total / 2 : total - total / 2;
    padEnds[dim] = total - padBegins[dim];
  }
}

PictureLayout::PictureLayout(ArrayRef<int64_t> shape, DataLayout layout) {
  Dims strides = getStrides(shape);
  batch = shape.front();
  batchStride = strides.front();
  bool first = layout == DataLayout::channels_first;
  size_t channel = first ? 1 : shape.size() - 1;
  channels = shape[channel];
  channelStride = strides[channel];
  size_t start = first ? 2 : 1, rank = shape.size() - 2;
  spatial.assign(shape.begin() + start, shape.begin() + start + rank);
  spatialStrides.assign(strides.begin() + start, strides.begin() + start + rank);
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

// The filter of one output channel after the other, each [C/group][kernel…].
template <typename T>
static std::vector<Compute<T>> unpackFilter(ConvOp op, const HostTensor &filter, int64_t outputs,
                                            int64_t inputs, int64_t taps) {
  int64_t block = op.getFilterBlock();
  // Channels that lie beside each other.
  int64_t beside = getDotSteps(op.getFilter().getType().getElementType());
  std::vector<Compute<T>> result(outputs * inputs * taps);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t c = 0; c < inputs; ++c)
      for (int64_t k = 0; k < taps; ++k) {
        int64_t place = (o * inputs + c) * taps + k;
        int64_t source = place;
        if (block > 0) // ⌈O/V⌉ × X… × (C/group) × V
          source = (((o / block * taps + k) * (inputs / beside) + c / beside) * block + o % block) *
                       beside +
                   c % beside;
        else if (block < 0) // X… × O
          source = k * outputs + o;
        result[place] = convert<Compute<T>>(filter.as<T>()[source]);
      }
  return result;
}

template <typename T>
static void convolve(ConvOp op, const HostTensor &input, const HostTensor &filter,
                     const HostTensor *bias, HostTensor &result, const Window &window) {
  using C = Compute<T>;
  using A = Sum<T>;
  PictureLayout in(input.getShape(), op.getDataLayout());
  PictureLayout out(result.getShape(), op.getDataLayout());
  int64_t groups = op.getGroup(), rank = window.getRank();
  int64_t inputs = in.channels / groups, outputs = out.channels / groups;
  int64_t taps = product(window.kernel), depth = inputs * taps;
  std::vector<C> weights = unpackFilter<T>(op, filter, out.channels, inputs, taps);

  // Gathers the windows of some result positions as the columns of a
  // depth × positions matrix, then multiplies.
  int64_t positions = product(out.spatial);
  int64_t chunk = std::clamp<int64_t>((int64_t(1) << 20) / std::max<int64_t>(depth, 1), 1, 1024);
  std::vector<C> columns(depth * chunk);
  std::vector<A> sums(chunk);
  std::vector<int64_t> places(chunk);
  for (int64_t n = 0; n < out.batch; ++n)
    for (int64_t start = 0; start < positions; start += chunk) {
      int64_t count = std::min(chunk, positions - start);
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t p = 0; p < count; ++p) {
          Dims y(rank);
          int64_t rest = start + p;
          places[p] = n * out.batchStride;
          for (int64_t dim = rank - 1; dim >= 0; --dim) {
            y[dim] = rest % out.spatial[dim];
            rest /= out.spatial[dim];
            places[p] += y[dim] * out.spatialStrides[dim];
          }
          IndexVector k(window.kernel);
          for (int64_t tap = 0; tap < taps; ++tap, k.next()) {
            int64_t source = n * in.batchStride + g * inputs * in.channelStride;
            bool isInside = true;
            for (int64_t dim = 0; dim < rank; ++dim) {
              int64_t x = window.getInputPosition(dim, y[dim], k[dim]);
              isInside &= window.isInside(dim, x);
              source += x * in.spatialStrides[dim];
            }
            for (int64_t c = 0; c < inputs; ++c)
              columns[(c * taps + tap) * chunk + p] =
                  isInside ? convert<C>(input.as<T>()[source + c * in.channelStride]) : C(0);
          }
        }
        for (int64_t o = g * outputs; o < (g + 1) * outputs; ++o) {
          A first = bias ? A(convert<C>(bias->as<T>()[o])) : A(0);
          std::fill_n(sums.begin(), count, first);
          for (int64_t d = 0; d < depth; ++d) {
            A weight = weights[o * depth + d];
            const C *column = &columns[d * chunk];
            A *sum = sums.data();
#pragma clang loop vectorize(enable)
            for (int64_t p = 0; p < count; ++p)
              sum[p] += weight * A(column[p]);
          }
          for (int64_t p = 0; p < count; ++p)
            result.as<T>()[places[p] + o * out.channelStride] = convert<T>(sums[p]);
        }
      }
    }
}

LogicalResult ConvOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated() || getWinograd() != 0)
    return failure();
  ArrayRef<int64_t> filter = operands[1].getShape();
  int64_t spatial = operands[0].getShape().size() - 2;
  ArrayRef<int64_t> kernel = getFilterBlock() < 0   ? filter.drop_back()
                             : getFilterBlock() > 0 ? filter.slice(1, spatial)
                                                    : filter.drop_front(2);
  PictureLayout in(operands[0].getShape(), getDataLayout());
  PictureLayout out(results[0].getShape(), getDataLayout());
  if (kernel.size() != in.spatial.size())
    return failure();
  Window window(in.spatial, out.spatial, kernel, getStrides(), getPads(), getDilations(),
                getAutoPad());
  const HostTensor *bias = getOptional(*this, operands, 2);
  Type sum = results[0].getElementType();
  HostTensor input = widenFactor(operands[0], sum), weights = widenFactor(operands[1], sum);
  dispatchNumber(sum, [&](auto element) {
    convolve<decltype(element)>(*this, input, weights, bias, results[0], window);
  });
  return success();
}

//===----------------------------------------------------------------------===//
// The filter's cotangent
//===----------------------------------------------------------------------===//

LogicalResult ConvFilterGradOp::evaluate(ArrayRef<HostTensor> operands,
                                         MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  PictureLayout in(operands[0].getShape(), getDataLayout());
  PictureLayout out(operands[1].getShape(), getDataLayout());
  Window window(in.spatial, out.spatial, getKernelShape(), getStrides(), getPads(), getDilations(),
                getAutoPad());
  bool isFirst = getDataLayout() == sinter::nn::DataLayout::channels_first;
  int64_t groups = getGroup(), inputs = in.channels / groups, outputs = out.channels / groups;
  int64_t rank = window.getRank(), taps = product(window.kernel);
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    std::vector<double> sums(results[0].getNumElements());
    for (int64_t n = 0; n < out.batch; ++n) {
      IndexVector y(out.spatial);
      for (int64_t i = 0, e = product(out.spatial); i < e; ++i, y.next()) {
        IndexVector k(window.kernel);
        for (int64_t tap = 0; tap < taps; ++tap, k.next()) {
          int64_t from = n * in.batchStride;
          int64_t at = n * out.batchStride + y.dot(out.spatialStrides);
          bool isInside = true;
          for (int64_t dim = 0; dim < rank; ++dim) {
            int64_t x = window.getInputPosition(dim, y[dim], k[dim]);
            isInside &= window.isInside(dim, x);
            from += x * in.spatialStrides[dim];
          }
          if (!isInside)
            continue;
          for (int64_t o = 0; o < out.channels; ++o) {
            double g = convert<Compute<T>>(operands[1].as<T>()[at + o * out.channelStride]);
            for (int64_t c = 0; c < inputs; ++c) {
              int64_t channel = o / outputs * inputs + c;
              double x =
                  convert<Compute<T>>(operands[0].as<T>()[from + channel * in.channelStride]);
              sums[isFirst ? (o * inputs + c) * taps + tap
                           : (tap * inputs + c) * out.channels + o] += x * g;
            }
          }
        }
      }
    }
    for (auto [i, sum] : llvm::enumerate(sums))
      results[0].as<T>()[i] = convert<T>(sum);
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Transposed convolution
//===----------------------------------------------------------------------===//

// Each input element spreads over a window of the result.
template <typename T>
static void convolveTransposed(const HostTensor &input, const HostTensor &filter,
                               const HostTensor *bias, HostTensor &result, int64_t groups,
                               const Window &window) {
  PictureLayout in(input.getShape(), sinter::nn::DataLayout::channels_first);
  PictureLayout out(result.getShape(), sinter::nn::DataLayout::channels_first);
  int64_t inputs = in.channels / groups, outputs = out.channels / groups;
  int64_t taps = product(window.kernel), rank = window.getRank();
  int64_t pixels = product(in.spatial), positions = product(out.spatial);
  std::vector<double> sums(outputs * positions);
  for (int64_t n = 0; n < in.batch; ++n)
    for (int64_t g = 0; g < groups; ++g) {
      for (int64_t o = 0; o < outputs; ++o)
        std::fill_n(&sums[o * positions], positions,
                    bias ? double(convert<Compute<T>>(bias->as<T>()[g * outputs + o])) : 0.0);
      IndexVector x(in.spatial);
      for (int64_t pixel = 0; pixel < pixels; ++pixel, x.next()) {
        IndexVector k(window.kernel);
        for (int64_t tap = 0; tap < taps; ++tap, k.next()) {
          int64_t place = 0;
          bool isInside = true;
          for (int64_t dim = 0; dim < rank; ++dim) {
            int64_t y = window.getInputPosition(dim, x[dim], k[dim]);
            isInside &= y >= 0 && y < out.spatial[dim];
            place += y * out.spatialStrides[dim];
          }
          if (!isInside)
            continue;
          for (int64_t c = g * inputs; c < (g + 1) * inputs; ++c) {
            double value =
                convert<Compute<T>>(input.as<T>()[(n * in.channels + c) * pixels + pixel]);
            const T *weights = filter.as<T>() + c * outputs * taps + tap;
            for (int64_t o = 0; o < outputs; ++o)
              sums[o * positions + place] += value * double(convert<Compute<T>>(weights[o * taps]));
          }
        }
      }
      T *target = result.as<T>() + (n * out.channels + g * outputs) * positions;
      for (int64_t i = 0; i < outputs * positions; ++i)
        target[i] = convert<T>(sums[i]);
    }
}

LogicalResult ConvTransposeOp::evaluate(ArrayRef<HostTensor> operands,
                                        MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  ArrayRef<int64_t> input = operands[0].getShape().drop_front(2);
  ArrayRef<int64_t> output = results[0].getShape().drop_front(2);
  ArrayRef<int64_t> kernel = operands[1].getShape().drop_front(2);
  bool fromShape = !getOutputShape().empty() || getAutoPad() == AutoPad::same_upper ||
                   getAutoPad() == AutoPad::same_lower;
  Window window(input, output, kernel, getStrides(),
                fromShape || getAutoPad() == AutoPad::valid ? ArrayRef<int64_t>() : getPads(),
                getDilations(), AutoPad::notset);
  if (fromShape)
    for (size_t dim = 0; dim < input.size(); ++dim) {
      int64_t extra = getOutputPadding().empty() ? 0 : getOutputPadding()[dim];
      int64_t natural = (input[dim] - 1) * window.strides[dim] + extra +
                        (kernel[dim] - 1) * window.dilations[dim] + 1;
      int64_t total = std::max<int64_t>(0, natural - output[dim]);
      window.padBegins[dim] = getAutoPad() == AutoPad::same_upper ? total / 2 : total - total / 2;
    }
  const HostTensor *bias = getOptional(*this, operands, 2);
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    convolveTransposed<decltype(element)>(operands[0], operands[1], bias, results[0], getGroup(),
                                          window);
  });
  return success();
}
