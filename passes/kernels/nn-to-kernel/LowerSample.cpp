//===- LowerSample.cpp - sampling at computed coordinates -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

//===----------------------------------------------------------------------===//
// grid_sample
//===----------------------------------------------------------------------===//

// Mirrors x at the borders until it is between them.
static Scalar reflect(Scalar x, Scalar low, Scalar high) {
  Scalar range = high - low;
  Scalar safeRange = select(range > 0, range, range.like(1));
  Scalar below = x < low;
  Scalar distance = select(below, low - x, x - high);
  Scalar turns = floor(distance / safeRange);
  Scalar rest = distance - turns * range;
  Scalar even = turns - floor(turns * 0.5) * 2 == turns.like(0);
  Scalar fromLow = below.build<arith::CmpIOp>(arith::CmpIPredicate::eq, below.get(), even.get());
  Scalar mirrored = select(fromLow, low + rest, high - rest);
  return select((x < low) | (x > high), mirrored, x);
}

namespace {
/// One tap of one spatial dim.
struct Tap {
  Scalar position, inside, weight;
};
} // namespace

// The taps of one dim for a grid value in [−1, 1].
static SmallVector<Tap> gridTaps(nn::GridSampleOp op, Body &body, Scalar grid, AffineExpr extent) {
  Type index = body.builder.getIndexType();
  Scalar size = body.size(extent);
  Scalar length = convert(size, grid.getType());
  bool align = op.getAlignCorners();
  bool border = op.getPaddingMode() == nn::GridPadding::border;
  bool reflection = op.getPaddingMode() == nn::GridPadding::reflection;
  Scalar low = align ? length.like(0) : length.like(-0.5);
  Scalar high = align ? length - 1 : length - 0.5;

  Scalar x = align ? (grid + 1) * 0.5 * (length - 1) : ((grid + 1) * length - 1) * 0.5;
  if (op.getMode() == nn::ResizeMode::nearest)
    x = roundEven(x);
  if (border)
    x = clamp(x, x.like(0), length - 1);
  else if (reflection)
    x = reflect(x, low, high);
  // Far outside is as good as just outside, and fits an integer.
  x = clamp(x, x.like(-8), length + 8);

  auto tap = [&](Scalar position, Scalar weight) {
    if (reflection)
      position = convert(reflect(convert(position, grid.getType()), low, high), index);
    Scalar clamped = clamp(position, position.like(0), size - 1);
    return Tap{clamped, (position >= 0) & (position < size), weight};
  };
  if (op.getMode() == nn::ResizeMode::nearest)
    return {tap(convert(x, index), Scalar())};
  Scalar base = floor(x), ratio = x - base;
  Scalar start = convert(base, index);
  if (op.getMode() == nn::ResizeMode::linear)
    return {tap(start, 1 - ratio), tap(start + 1, ratio)};
  const double a = -0.75;
  auto inner = [&](Scalar d) { return (d * (a + 2) - (a + 3)) * d * d + 1; };
  auto outer = [&](Scalar d) { return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {tap(start - 1, outer(ratio + 1)), tap(start, inner(ratio)),
          tap(start + 1, inner(1 - ratio)), tap(start + 2, outer(2 - ratio))};
}

// Σ over the taps of dims [dim, n).
static Scalar sumTaps(nn::GridSampleOp op, Body &body, const Operand &input,
                      ArrayRef<SmallVector<Tap>> taps, unsigned dim,
                      SmallVectorImpl<Scalar> &positions, Scalar inside, Type type) {
  if (dim == taps.size()) {
    Scalar value = convert(body.read(input, positions), type, input.isUnsigned);
    return op.getPaddingMode() == nn::GridPadding::zeros ? select(inside, value, value.like(0))
                                                         : value;
  }
  Scalar sum;
  for (const Tap &tap : taps[dim]) {
    positions.push_back(tap.position);
    Scalar term = sumTaps(op, body, input, taps, dim + 1, positions,
                          inside ? inside & tap.inside : tap.inside, type);
    positions.pop_back();
    if (tap.weight)
      term = convert(tap.weight, type) * term;
    sum = sum ? sum + term : term;
  }
  return sum;
}

static LogicalResult lowerGridSample(nn::GridSampleOp op, LowerContext &context) {
  unsigned spatial = op.getInput().getType().getRank() - 2;
  nn::SymbolicShape from = context.shape(op.getInput());
  Operand input = context.operand(op.getInput());
  Operand gridOperand = context.operand(op.getGrid());
  bool nearest = op.getMode() == nn::ResizeMode::nearest;
  Type type = nearest ? input.elementType : getAccumulatorType(input.elementType);
  if (!isa<FloatType>(type) && !nearest)
    type = context.builder.getF32Type();

  // The grid's last dim counts the spatial dims backwards.
  SmallVector<Input> grid;
  for (unsigned i = 0; i < spatial; ++i) {
    Input component{gridOperand, {context.loop(0)}};
    for (unsigned dim = 0; dim < spatial; ++dim)
      component.indices.push_back(context.loop(2 + dim));
    component.indices.push_back(
        getAffineConstantExpr(spatial - 1 - i, context.builder.getContext()));
    grid.push_back(component);
  }
  Value stage = context.map(context.empty(op.getOutput()), grid, [&](Body &body) {
    SmallVector<SmallVector<Tap>> taps;
    for (unsigned i = 0; i < spatial; ++i) {
      Scalar g = convert(body.in[i], getAccumulatorType(gridOperand.elementType));
      taps.push_back(gridTaps(op, body, g, from[2 + i]));
    }
    SmallVector<Scalar> positions = body.indices(2);
    Scalar sum = sumTaps(op, body, input, taps, 0, positions, Scalar(), type);
    return convert(sum, input.elementType, false, input.isUnsigned);
  });
  context.set(op.getOutput(), stage);
  return success();
}

//===----------------------------------------------------------------------===//
// roi_align
//===----------------------------------------------------------------------===//

namespace {
/// One side of a region, in the picture's pixels.
struct RoiSide {
  Scalar start, binSize;
  /// Samples per bin, as an index.
  Scalar samples;
};
} // namespace

static RoiSide roiSide(nn::RoiAlignOp op, Scalar low, Scalar high, int64_t bins) {
  double scale = op.getSpatialScale().convertToDouble();
  double offset = op.getHalfPixel() ? 0.5 : 0.0;
  RoiSide side;
  side.start = low * scale - offset;
  Scalar length = high * scale - offset - side.start;
  if (!op.getHalfPixel())
    length = max(length, length.like(1));
  side.binSize = length / static_cast<double>(bins);
  Type index = IndexType::get(op.getContext());
  if (op.getSamplingRatio() > 0)
    side.samples = constantScalar(low.getBuilder(), low.getLoc(), index,
                                  static_cast<double>(op.getSamplingRatio()));
  else
    side.samples = max(convert(ceil(side.binSize), index), convert(side.start.like(0), index));
  return side;
}

static LogicalResult lowerRoiAlign(nn::RoiAlignOp op, LowerContext &context) {
  nn::SymbolicShape from = context.shape(op.getInput());
  Operand input = context.operand(op.getInput());
  Type type = getAccumulatorType(input.elementType);
  MLIRContext *mlirContext = context.builder.getContext();
  int64_t bins[2] = {op.getOutputHeight(), op.getOutputWidth()};

  // Loops: region, channel, bin row, bin column, sample row, sample column.
  // A region is x1 y1 x2 y2.
  SmallVector<Input> inputs;
  for (int64_t i : {1, 3, 0, 2})
    inputs.push_back(
        {context.operand(op.getRois()), {context.loop(0), getAffineConstantExpr(i, mlirContext)}});
  inputs.push_back({context.operand(op.getBatchIndices()), {context.loop(0)}});
  auto sides = [&](Body &body) {
    SmallVector<Scalar> corner;
    for (unsigned i = 0; i < 4; ++i)
      corner.push_back(convert(body.in[i], type));
    return std::make_pair(roiSide(op, corner[0], corner[1], bins[0]),
                          roiSide(op, corner[2], corner[3], bins[1]));
  };

  // Adaptive sampling takes ⌈bin size⌉ samples; bins of regions that lie within
  // the picture are at most this large.
  SmallVector<Size> samples;
  for (unsigned i = 0; i < 2; ++i)
    samples.push_back(op.getSamplingRatio() > 0 ? context.constant(op.getSamplingRatio())
                                                : from[2 + i].ceilDiv(bins[i]) + 1);

  Value init = context.empty(op.getOutput(), type);
  init = op.getMaxMode() ? context.fill(init, getLowest(type, false)) : context.fill(init, 0.0);
  Value sums = context.reduce(init, samples, inputs, [&](Body &body) {
    auto [row, column] = sides(body);
    Type index = body.builder.getIndexType();
    Scalar batchSize = body.size(from[0]);
    Scalar batch = convert(body.in[4], index);
    batch = clamp(batch, batch.like(0), batchSize - 1);

    Scalar valid, outside;
    struct Pair {
      Scalar low, high, lowWeight, highWeight;
    } pairs[2];
    for (unsigned i = 0; i < 2; ++i) {
      const RoiSide &side = i == 0 ? row : column;
      Scalar sample = body.index(4 + i);
      Scalar here = sample < side.samples;
      valid = valid ? valid & here : here;
      Scalar count = convert(max(side.samples, sample.like(1)), type);
      Scalar size = body.size(from[2 + i]);
      Scalar length = convert(size, type);
      Scalar position = side.start + convert(body.index(2 + i), type) * side.binSize +
                        (convert(sample, type) + 0.5) * side.binSize / count;
      Scalar far = (position < -1) | (position > length);
      outside = outside ? outside | far : far;
      position = clamp(position, position.like(0), length - 1);
      Scalar base = floor(position);
      Scalar ratio = position - base;
      Scalar low = convert(base, index);
      low = clamp(low, low.like(0), size - 1);
      pairs[i] = {low, min(low + 1, size - 1), 1 - ratio, ratio};
    }
    SmallVector<Scalar> terms;
    for (bool highRow : {false, true})
      for (bool highColumn : {false, true}) {
        Scalar value =
            convert(body.read(input, {batch, body.index(1), highRow ? pairs[0].high : pairs[0].low,
                                      highColumn ? pairs[1].high : pairs[1].low}),
                    type);
        Scalar weight = (highRow ? pairs[0].highWeight : pairs[0].lowWeight) *
                        (highColumn ? pairs[1].highWeight : pairs[1].lowWeight);
        terms.push_back(weight * value);
      }
    if (op.getMaxMode()) {
      // ONNX takes the greatest weighted corner, not the greatest sample.
      Scalar best = max(max(terms[0], terms[1]), max(terms[2], terms[3]));
      best = select(outside, best.like(0), best);
      return select(valid, max(body.out[0], best), body.out[0]);
    }
    Scalar sum = (terms[0] + terms[1]) + (terms[2] + terms[3]);
    Scalar rejected = outside | (valid == valid.like(0));
    return body.out[0] + select(rejected, sum.like(0), sum);
  });

  inputs.push_back({context.stage(sums), context.loops(0, 4)});
  Value stage = context.map(context.empty(op.getOutput()), inputs, [&](Body &body) {
    Scalar value = body.in[5];
    if (!op.getMaxMode()) {
      auto [row, column] = sides(body);
      Scalar count = row.samples * column.samples;
      value = value / convert(max(count, count.like(1)), type);
    }
    return convert(value, input.elementType);
  });
  context.set(op.getOutput(), stage);
  return success();
}

void sinter::addSampleLowerings(LoweringTable &table) {
  table.add<nn::GridSampleOp, lowerGridSample>();
  table.add<nn::RoiAlignOp, lowerRoiAlign>();
}
