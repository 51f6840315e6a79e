//===- EvaluateNorm.cpp - evaluators of normalizations --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/EvaluateWindow.h"
#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

namespace {
struct Moments {
  double mean = 0, variance = 0, meanSquare = 0;
};
} // namespace

// Mean, variance (of the population) and mean square of contiguous elements.
template <typename T>
static Moments getMoments(const T *data, int64_t count) {
  Moments moments;
  for (int64_t i = 0; i < count; ++i) {
    double x = convert<Compute<T>>(data[i]);
    moments.mean += x;
    moments.meanSquare += x * x;
  }
  moments.mean /= count;
  moments.meanSquare /= count;
  for (int64_t i = 0; i < count; ++i) {
    double x = convert<Compute<T>>(data[i]) - moments.mean;
    moments.variance += x * x;
  }
  moments.variance /= count;
  return moments;
}

template <typename T>
static double load(const T *data, int64_t index) {
  return convert<Compute<T>>(data[index]);
}

LogicalResult BatchNormOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  const HostTensor &input = operands[0];
  bool first = getDataLayout() == DataLayout::channels_first;
  AxisSplit split(input.getShape(), first ? 1 : input.getRank() - 1);
  double epsilon = getEpsilon().convertToDouble();
  // The parameters may have another float type than the input.
  SmallVector<std::pair<double, double>> channels;
  for (int64_t c = 0; c < split.size; ++c) {
    double factor = operands[1].getDouble(c) / std::sqrt(operands[4].getDouble(c) + epsilon);
    channels.push_back({factor, operands[2].getDouble(c) - operands[3].getDouble(c) * factor});
  }
  dispatchFloat(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    int64_t i = 0;
    for (int64_t outer = 0; outer < split.outer; ++outer)
      for (auto [factor, offset] : channels)
        for (int64_t inner = 0; inner < split.inner; ++inner, ++i)
          results[0].as<T>()[i] = convert<T>(load(input.as<T>(), i) * factor + offset);
  });
  return success();
}

// Normalizes groups of channels of N C X…; scale and bias per channel.
static void normalizeGroups(const HostTensor &input, const HostTensor &scale,
                            const HostTensor &bias, HostTensor &result, int64_t groups,
                            double epsilon) {
  ArrayRef<int64_t> shape = input.getShape();
  int64_t channels = shape[1], pixels = product(shape.drop_front(2));
  int64_t perGroup = channels / groups, size = perGroup * pixels;
  dispatchFloat(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    for (int64_t g = 0; g < shape[0] * groups; ++g) {
      const T *in = input.as<T>() + g * size;
      T *out = result.as<T>() + g * size;
      Moments moments = getMoments(in, size);
      double factor = 1 / std::sqrt(moments.variance + epsilon);
      for (int64_t i = 0; i < size; ++i) {
        int64_t channel = g % groups * perGroup + i / pixels;
        out[i] = convert<T>((load(in, i) - moments.mean) * factor * scale.getDouble(channel) +
                            bias.getDouble(channel));
      }
    }
  });
}

LogicalResult InstanceNormOp::evaluate(ArrayRef<HostTensor> operands,
                                       MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  normalizeGroups(operands[0], operands[1], operands[2], results[0], operands[0].getShape()[1],
                  getEpsilon().convertToDouble());
  return success();
}

LogicalResult GroupNormOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  normalizeGroups(operands[0], operands[1], operands[2], results[0], getNumGroups(),
                  getEpsilon().convertToDouble());
  return success();
}

// Rows over the dims from `axis` on: (x − shift) · factor · scale + bias, with
// shift and factor from `normalize(moments)`.
template <typename Normalize>
static void normalizeRows(const HostTensor &input, const HostTensor &scale, const HostTensor *bias,
                          HostTensor &result, int64_t axis, Normalize normalize) {
  ArrayRef<int64_t> shape = input.getShape();
  axis = wrapNegative(axis, shape.size());
  ArrayRef<int64_t> row = shape.drop_front(axis);
  int64_t columns = product(row), rows = product(shape.take_front(axis));
  // Scale and bias broadcast to the whole shape.
  Dims scaleStrides = getBroadcastStrides(scale.getShape(), shape);
  Dims biasStrides = bias ? getBroadcastStrides(bias->getShape(), shape) : Dims();
  dispatchFloat(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    IndexVector index(shape);
    for (int64_t r = 0; r < rows; ++r) {
      const T *in = input.as<T>() + r * columns;
      T *out = result.as<T>() + r * columns;
      auto [shift, factor] = normalize(getMoments(in, columns));
      for (int64_t i = 0; i < columns; ++i, index.next()) {
        double value = (load(in, i) - shift) * factor * scale.getDouble(index.dot(scaleStrides));
        if (bias)
          value += bias->getDouble(index.dot(biasStrides));
        out[i] = convert<T>(value);
      }
    }
  });
}

LogicalResult LayerNormOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  double epsilon = getEpsilon().convertToDouble();
  normalizeRows(operands[0], operands[1], getOptional(*this, operands, 2), results[0], getAxis(),
                [=](Moments moments) {
                  return std::make_pair(moments.mean, 1 / std::sqrt(moments.variance + epsilon));
                });
  return success();
}

LogicalResult RMSNormOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  double epsilon = getEpsilon().convertToDouble();
  normalizeRows(operands[0], operands[1], nullptr, results[0], getAxis(), [=](Moments moments) {
    return std::make_pair(0.0, 1 / std::sqrt(moments.meanSquare + epsilon));
  });
  return success();
}

LogicalResult LRNOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  bool first = getDataLayout() == DataLayout::channels_first;
  const HostTensor &input = operands[0];
  AxisSplit split(input.getShape(), first ? 1 : input.getRank() - 1);
  int64_t size = getSize(), before = (size - 1) / 2, after = size - 1 - before;
  double alpha = getAlpha().convertToDouble() / size;
  double beta = getBeta().convertToDouble(), bias = getBias().convertToDouble();
  dispatchFloat(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    for (int64_t outer = 0; outer < split.outer; ++outer)
      for (int64_t c = 0; c < split.size; ++c)
        for (int64_t inner = 0; inner < split.inner; ++inner) {
          int64_t start = outer * split.size * split.inner + inner;
          double squares = 0;
          for (int64_t d = std::max<int64_t>(0, c - before),
                       e = std::min(split.size - 1, c + after);
               d <= e; ++d) {
            double x = load(input.as<T>(), start + d * split.inner);
            squares += x * x;
          }
          int64_t place = start + c * split.inner;
          results[0].as<T>()[place] =
              convert<T>(load(input.as<T>(), place) * std::pow(bias + alpha * squares, -beta));
        }
  });
  return success();
}
