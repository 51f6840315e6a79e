//===- EvaluateResize.cpp - evaluator of interpolation to another size ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Interpolation is separable: each axis has, for every result position, the
// input positions that it reads and their weights.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include <vector>

using namespace mlir;
using namespace sinter::nn;

namespace {
/// What one result position reads along one axis.
struct Sample {
  SmallVector<int64_t, 4> positions;
  SmallVector<double, 4> weights;
  /// Beyond the region of tf_crop_and_resize.
  bool isOutside = false;
};

struct Axis {
  int64_t input, output;
  double scale;
  double roiStart = 0, roiEnd = 1;
};
} // namespace

// The input coordinate of a result position.
static double getCoordinate(int64_t y, const Axis &axis, CoordinateMode mode) {
  double size = axis.input, scaled = axis.scale * size;
  double halfPixel = (y + 0.5) / axis.scale - 0.5;
  switch (mode) {
  case CoordinateMode::half_pixel:
    return halfPixel;
  case CoordinateMode::half_pixel_symmetric:
    // Keeps the picture's centre when the result's size was rounded.
    return size / 2 * (1 - axis.output / scaled) + halfPixel;
  case CoordinateMode::pytorch_half_pixel:
    return scaled == 1 ? -0.5 : halfPixel;
  case CoordinateMode::align_corners:
    return scaled == 1 ? 0 : y * (size - 1) / (scaled - 1);
  case CoordinateMode::asymmetric:
    return y / axis.scale;
  case CoordinateMode::tf_half_pixel_for_nn:
    return (y + 0.5) / axis.scale;
  case CoordinateMode::tf_crop_and_resize: {
    double extent = (axis.roiEnd - axis.roiStart) * (size - 1);
    double x = axis.roiStart * (size - 1);
    return scaled == 1 ? x + extent / 2 : x + y * extent / (scaled - 1);
  }
  }
  llvm_unreachable("unknown coordinate mode");
}

// The cubic convolution kernel (Keys 1981) at distance x.
static double getCubicWeight(double x, double a) {
  x = std::abs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2)
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// The position that mode nearest reads; x lies in (floor, floor + 1].
static int64_t getNearest(double x, NearestMode mode) {
  double below = std::ceil(x) - 1, ratio = x - below;
  if (ratio == 1) // x is a whole number
    return static_cast<int64_t>(x);
  switch (mode) {
  case NearestMode::round_prefer_floor:
    return static_cast<int64_t>(below) + (ratio > 0.5);
  case NearestMode::round_prefer_ceil:
    return static_cast<int64_t>(below) + (ratio >= 0.5);
  case NearestMode::floor:
    return static_cast<int64_t>(below);
  case NearestMode::ceil:
    return static_cast<int64_t>(below) + 1;
  }
  llvm_unreachable("unknown nearest mode");
}

static Sample getSample(ResizeOp op, int64_t y, const Axis &axis) {
  Sample sample;
  double x = getCoordinate(y, axis, op.getCoordinateMode());
  if (op.getCoordinateMode() == CoordinateMode::tf_crop_and_resize)
    sample.isOutside = x < 0 || x > axis.input - 1;
  auto clamp = [&](int64_t position) { return std::clamp<int64_t>(position, 0, axis.input - 1); };
  if (op.getMode() == ResizeMode::nearest) {
    sample.positions = {clamp(getNearest(x, op.getNearestMode()))};
    sample.weights = {1};
    return sample;
  }

  // Weights over the positions from base + first on. Antialiasing widens the
  // kernel when the picture shrinks.
  bool isCubic = op.getMode() == ResizeMode::cubic;
  double scale = op.getAntialias() ? std::min(axis.scale, 1.0) : 1.0;
  int64_t base = static_cast<int64_t>(std::ceil(x)) - 1;
  double ratio = x - base;
  int64_t reach = isCubic ? 2 : 1;
  int64_t first = static_cast<int64_t>(std::floor(-reach / scale)) + 1;
  double sum = 0;
  for (int64_t i = first; i <= 1 - first; ++i) {
    double distance = scale * (i - ratio);
    double weight = isCubic ? getCubicWeight(distance, op.getCubicCoefficient().convertToDouble())
                            : std::max(0.0, 1 - std::abs(distance));
    int64_t position = base + i;
    if (op.getExcludeOutside() && position != clamp(position))
      weight = 0;
    sample.positions.push_back(clamp(position));
    sample.weights.push_back(weight);
    sum += weight;
  }
  if ((op.getAntialias() || op.getExcludeOutside()) && sum != 0)
    for (double &weight : sample.weights)
      weight /= sum;
  return sample;
}

// Fills in sizes and scales of the resized axes.
static LogicalResult getAxes(ResizeOp op, ArrayRef<HostTensor> operands, const HostTensor &result,
                             SmallVectorImpl<Axis> &axes) {
  const HostTensor *roi = getOptional(op, operands, 1);
  const HostTensor *scales = getOptional(op, operands, 2);
  const HostTensor *sizes = getOptional(op, operands, 3);
  ArrayRef<int64_t> shape = operands[0].getShape();
  for (int64_t dim : shape)
    axes.push_back({dim, dim, 1.0});
  if (!scales && !sizes)
    return failure();

  double common = 0;
  for (auto [i, dim] : llvm::enumerate(op.getAxes())) {
    Axis &axis = axes[dim];
    if (scales) {
      float scale = static_cast<float>(scales->getDouble(i));
      axis.scale = scale;
      axis.output = static_cast<int64_t>(std::floor(static_cast<float>(axis.input) * scale));
    } else {
      axis.output = sizes->getInt(i);
      axis.scale = static_cast<double>(axis.output) / axis.input;
      if (i == 0)
        common = axis.scale;
      common = op.getAspectRatio() == AspectRatio::not_larger ? std::min(common, axis.scale)
                                                              : std::max(common, axis.scale);
    }
    if (roi && op.getCoordinateMode() == CoordinateMode::tf_crop_and_resize) {
      axis.roiStart = roi->getDouble(i);
      axis.roiEnd = roi->getDouble(op.getAxes().size() + i);
    }
  }
  if (sizes && op.getAspectRatio() != AspectRatio::stretch)
    for (int64_t dim : op.getAxes()) {
      axes[dim].scale = common;
      axes[dim].output = static_cast<int64_t>(std::floor(common * axes[dim].input + 0.5));
    }
  if (result.isAllocated())
    for (auto [axis, dim] : llvm::zip(axes, result.getShape()))
      axis.output = dim;
  return success();
}

LogicalResult ResizeOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  SmallVector<Axis> axes;
  if (failed(::getAxes(*this, operands, results[0], axes)))
    return failure();
  Dims shape;
  for (const Axis &axis : axes)
    shape.push_back(axis.output);
  HostTensor &result = results[0];
  result.allocate(shape);
  const HostTensor &input = operands[0];
  int64_t rank = shape.size();
  if (input.getNumElements() == 0)
    return success(result.getNumElements() == 0);

  std::vector<std::vector<Sample>> samples(rank);
  for (int64_t dim = 0; dim < rank; ++dim)
    for (int64_t y = 0; y < axes[dim].output; ++y)
      if (llvm::is_contained(this->getAxes(), dim))
        samples[dim].push_back(getSample(*this, y, axes[dim]));
      else
        samples[dim].push_back({{y}, {1}, false});

  if (getMode() == ResizeMode::nearest) {
    Dims strides = getStrides(input.getShape());
    dispatchBytes(result.getElementBytes(), [&](auto element) {
      using T = decltype(element);
      IndexVector y(shape);
      for (int64_t i = 0, e = result.getNumElements(); i < e; ++i, y.next()) {
        int64_t place = 0;
        for (int64_t dim = 0; dim < rank; ++dim)
          place += samples[dim][y[dim]].positions[0] * strides[dim];
        result.as<T>()[i] = input.as<T>()[place];
      }
    });
  } else {
    // One axis after the other, in double.
    Dims current(input.getShape());
    std::vector<double> data(input.getNumElements());
    for (auto [i, value] : llvm::enumerate(data))
      value = input.getDouble(i);
    for (int64_t dim : this->getAxes()) {
      AxisSplit from(current, dim);
      current[dim] = shape[dim];
      AxisSplit to(current, dim);
      std::vector<double> next(product(current));
      for (int64_t outer = 0; outer < to.outer; ++outer)
        for (int64_t y = 0; y < to.size; ++y) {
          const Sample &sample = samples[dim][y];
          double *row = &next[(outer * to.size + y) * to.inner];
          for (auto [position, weight] : llvm::zip(sample.positions, sample.weights)) {
            const double *source = &data[(outer * from.size + position) * from.inner];
            for (int64_t inner = 0; inner < to.inner; ++inner)
              row[inner] += weight * source[inner];
          }
        }
      data = std::move(next);
    }
    dispatchElement(result.getElementType(), [&](auto element) {
      using T = decltype(element);
      for (auto [i, value] : llvm::enumerate(data))
        result.as<T>()[i] = convert<T>(value);
    });
  }

  if (getCoordinateMode() == CoordinateMode::tf_crop_and_resize) {
    IndexVector y(shape);
    for (int64_t i = 0, e = result.getNumElements(); i < e; ++i, y.next())
      for (int64_t dim = 0; dim < rank; ++dim)
        if (samples[dim][y[dim]].isOutside)
          result.setDouble(i, getExtrapolationValue().convertToDouble());
  }
  return success();
}
