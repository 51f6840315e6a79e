//===- EvaluateSample.cpp - evaluators of sampling at given places --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// grid_sample
//===----------------------------------------------------------------------===//

namespace {
/// Reads one picture D1…Dn with the padding rules.
class Sampler {
public:
  Sampler(GridSampleOp op, ArrayRef<int64_t> dims)
      : padding(op.getPaddingMode()), alignCorners(op.getAlignCorners()),
        dims(dims.begin(), dims.end()), strides(getStrides(dims)) {}

  /// Grid coordinates in [−1, 1] to pixel coordinates.
  double denormalize(double x, size_t dim) const {
    double size = dims[dim];
    return alignCorners ? (x + 1) / 2 * (size - 1) : ((x + 1) * size - 1) / 2;
  }

  /// Brings a coordinate that lies outside back in, if the padding says so.
  double pad(double x, size_t dim) const {
    auto [low, high] = getBorders(dim);
    if (x >= low && x <= high)
      return x;
    if (padding == GridPadding::border)
      return std::clamp<double>(x, 0, dims[dim] - 1);
    if (padding == GridPadding::reflection)
      return reflect(x, low, high);
    return x;
  }

  /// The pixel's place, or −1 for zero.
  int64_t getPlace(ArrayRef<int64_t> position) const {
    int64_t place = 0;
    for (size_t dim = 0; dim < dims.size(); ++dim) {
      int64_t x = position[dim];
      if (x < 0 || x >= dims[dim]) {
        if (padding == GridPadding::zeros)
          return -1;
        if (padding == GridPadding::reflection) {
          auto [low, high] = getBorders(dim);
          x = static_cast<int64_t>(reflect(x, low, high));
        }
        x = std::clamp<int64_t>(x, 0, dims[dim] - 1);
      }
      place += x * strides[dim];
    }
    return place;
  }

private:
  std::pair<double, double> getBorders(size_t dim) const {
    if (alignCorners)
      return {0, dims[dim] - 1};
    return {-0.5, dims[dim] - 0.5};
  }

  static double reflect(double x, double low, double high) {
    double range = high - low;
    if (range == 0)
      return low;
    double beyond = x < low ? low - x : x > high ? x - high : 0;
    if (beyond == 0)
      return x;
    double times = std::trunc(beyond / range), rest = beyond - times * range;
    bool fromLow = (x < low) == (std::fmod(times, 2) == 0);
    return fromLow ? low + rest : high - rest;
  }

  GridPadding padding;
  bool alignCorners;
  Dims dims, strides;
};
} // namespace

// Weights of the positions first, first + 1, … for a coordinate.
static SmallVector<double, 4> getWeights(double x, ResizeMode mode, int64_t &first) {
  if (mode == ResizeMode::nearest) {
    first = static_cast<int64_t>(x);
    return {1};
  }
  double below = std::floor(x), t = x - below;
  first = static_cast<int64_t>(below);
  if (mode == ResizeMode::linear)
    return {1 - t, t};
  --first;
  constexpr double a = -0.75;
  auto inner = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  auto outer = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {outer(t + 1), inner(t), inner(1 - t), outer(2 - t)};
}

LogicalResult GridSampleOp::evaluate(ArrayRef<HostTensor> operands,
                                     MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  const HostTensor &input = operands[0], &grid = operands[1];
  ArrayRef<int64_t> dims = input.getShape().drop_front(2);
  int64_t batch = input.getShape()[0], channels = input.getShape()[1];
  int64_t rank = dims.size(), pixels = product(dims);
  int64_t positions = product(results[0].getShape().drop_front(2));
  Sampler sampler(*this, dims);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t p = 0; p < positions; ++p) {
      // The grid names the last dim first.
      SmallVector<SmallVector<double, 4>, 4> weights;
      Dims firsts(rank), counts;
      for (int64_t dim = 0; dim < rank; ++dim) {
        double x =
            sampler.denormalize(grid.getDouble((n * positions + p) * rank + rank - 1 - dim), dim);
        if (getMode() == ResizeMode::nearest)
          x = std::nearbyint(x);
        x = sampler.pad(x, dim);
        if (!(std::abs(x) < 1e9)) // NaN, infinity: nowhere
          x = -1e9;
        weights.push_back(getWeights(x, getMode(), firsts[dim]));
        counts.push_back(weights.back().size());
      }
      // Places and weights of all corners.
      SmallVector<std::pair<int64_t, double>> corners;
      IndexVector corner(counts);
      for (int64_t i = 0, e = product(counts); i < e; ++i, corner.next()) {
        Dims position(rank);
        double weight = 1;
        for (int64_t dim = 0; dim < rank; ++dim) {
          position[dim] = firsts[dim] + corner[dim];
          weight *= weights[dim][corner[dim]];
        }
        corners.push_back({sampler.getPlace(position), weight});
      }
      for (int64_t c = 0; c < channels; ++c) {
        int64_t picture = n * channels + c;
        int64_t place = picture * positions + p;
        if (getMode() == ResizeMode::nearest) {
          if (corners[0].first >= 0)
            results[0].setDouble(place, input.getDouble(picture * pixels + corners[0].first));
          continue;
        }
        double sum = 0;
        for (auto [source, weight] : corners)
          if (source >= 0)
            sum += weight * input.getDouble(picture * pixels + source);
        results[0].setDouble(place, sum);
      }
    }
  return success();
}

//===----------------------------------------------------------------------===//
// roi_align
//===----------------------------------------------------------------------===//

namespace {
/// The two neighbours of a coordinate along one dim.
struct Neighbours {
  Neighbours(double x, int64_t size) {
    if (x < -1 || x > size) {
      isOutside = true;
      return;
    }
    x = std::max(x, 0.0);
    low = static_cast<int64_t>(x);
    if (low >= size - 1) {
      low = high = size - 1;
      x = static_cast<double>(low);
    } else {
      high = low + 1;
    }
    highWeight = x - low;
  }
  bool isOutside = false;
  int64_t low = 0, high = 0;
  double highWeight = 0;
};
} // namespace

LogicalResult RoiAlignOp::evaluate(ArrayRef<HostTensor> operands,
                                   MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  const HostTensor &input = operands[0], &rois = operands[1];
  ArrayRef<int64_t> shape = input.getShape();
  int64_t channels = shape[1], height = shape[2], width = shape[3];
  int64_t rows = getOutputHeight(), columns = getOutputWidth();
  double scale = getSpatialScale().convertToDouble();
  double offset = getHalfPixel() ? 0.5 : 0;
  for (int64_t r = 0, e = rois.getShape()[0]; r < e; ++r) {
    int64_t batch = operands[2].getInt(r);
    if (batch < 0 || batch >= shape[0])
      return failure();
    double x0 = rois.getDouble(r * 4) * scale - offset;
    double y0 = rois.getDouble(r * 4 + 1) * scale - offset;
    double extentX = rois.getDouble(r * 4 + 2) * scale - offset - x0;
    double extentY = rois.getDouble(r * 4 + 3) * scale - offset - y0;
    if (!getHalfPixel()) {
      extentX = std::max(extentX, 1.0);
      extentY = std::max(extentY, 1.0);
    }
    double binX = extentX / columns, binY = extentY / rows;
    int64_t ratio = getSamplingRatio();
    int64_t samplesX = ratio > 0 ? ratio : std::ceil(binX);
    int64_t samplesY = ratio > 0 ? ratio : std::ceil(binY);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          int64_t picture = (batch * channels + c) * height * width;
          double sum = 0, greatest = 0;
          bool isFirst = true;
          for (int64_t sy = 0; sy < samplesY; ++sy)
            for (int64_t sx = 0; sx < samplesX; ++sx) {
              Neighbours y(y0 + i * binY + (sy + 0.5) * binY / samplesY, height);
              Neighbours x(x0 + j * binX + (sx + 0.5) * binX / samplesX, width);
              double parts[4] = {0, 0, 0, 0};
              if (!x.isOutside && !y.isOutside) {
                auto at = [&](int64_t row, int64_t column) {
                  return input.getDouble(picture + row * width + column);
                };
                double wx = x.highWeight, wy = y.highWeight;
                parts[0] = (1 - wy) * (1 - wx) * at(y.low, x.low);
                parts[1] = (1 - wy) * wx * at(y.low, x.high);
                parts[2] = wy * (1 - wx) * at(y.high, x.low);
                parts[3] = wy * wx * at(y.high, x.high);
              }
              sum += parts[0] + parts[1] + parts[2] + parts[3];
              // Mode max takes the greatest weighted neighbour, as ONNX's
              // reference and ONNX Runtime do.
              double most = *std::max_element(parts, parts + 4);
              greatest = isFirst ? most : std::max(greatest, most);
              isFirst = false;
            }
          double count = std::max<int64_t>(samplesX * samplesY, 1);
          results[0].setDouble(((r * channels + c) * rows + i) * columns + j,
                               getMaxMode() ? greatest : sum / count);
        }
  }
  return success();
}
