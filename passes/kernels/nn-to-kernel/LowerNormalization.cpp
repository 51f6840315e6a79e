//===- LowerNormalization.cpp - batch, instance, group, layer, RMS, LRN ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Statistics are stages of their own, so that a schedule can compute them once
// a row: sum → mean, sum of squared deviations → 1/σ, then one stage over all
// elements. Narrow floats are computed in f32.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

namespace {
/// What a normalization reduces over: statistics have the dims `rows`; the
/// loops of their stages are rows, then `sizes`.
struct Rows {
  nn::SymbolicShape rows;
  SmallVector<Size> sizes;
  /// The input over rows and sizes.
  Input reduced;
  /// The input and the statistics over the loops of the result.
  Input whole;
  SmallVector<AffineExpr, 4> statistics;
};
} // namespace

static Scalar countOver(Body &body, const Rows &rows) {
  AffineExpr count = body.context.constant(1);
  for (const Size &size : rows.sizes)
    count = count * size.expr;
  return convert(body.size(count), body.in[0].getType());
}

// Σ x / n.
static Value buildMean(const Rows &rows, Type type, LowerContext &context) {
  Value row = context.empty(rows.rows, type);
  Value sum = context.reduce(context.fill(row, 0.0), rows.sizes, rows.reduced,
                             [&](Body &body) { return body.out[0] + convert(body.in[0], type); });
  return context.map(row, Input{context.stage(sum), context.loops(0, rows.rows.size())},
                     [&](Body &body) { return body.in[0] / countOver(body, rows); });
}

// 1/√(Σ (x − mean)²/n + epsilon); without a mean, of x².
static Value buildInverseDeviation(const Rows &rows, Type type, Value mean, double epsilon,
                                   LowerContext &context) {
  Value row = context.empty(rows.rows, type);
  unsigned rank = rows.rows.size();
  SmallVector<Input> inputs{rows.reduced};
  if (mean)
    inputs.push_back({context.stage(mean), context.loops(0, rank)});
  Value sum = context.reduce(context.fill(row, 0.0), rows.sizes, inputs, [&](Body &body) {
    Scalar x = convert(body.in[0], type);
    if (mean)
      x = x - body.in[1];
    return body.out[0] + x * x;
  });
  return context.map(row, Input{context.stage(sum), context.loops(0, rank)}, [&](Body &body) {
    Scalar variance = body.in[0] / countOver(body, rows);
    return 1.0 / sqrt(variance + epsilon);
  });
}

// (x − mean) · inverse · scale + bias; mean and bias may be missing.
static Value buildNormalize(Value result, const Rows &rows, Type type, Value mean, Value inverse,
                            const Input &scale, std::optional<Input> bias, LowerContext &context) {
  Type elementType = rows.whole.operand.elementType;
  SmallVector<Input> inputs{rows.whole, {context.stage(inverse), rows.statistics}, scale};
  if (mean)
    inputs.push_back({context.stage(mean), rows.statistics});
  if (bias)
    inputs.push_back(*bias);
  return context.map(context.empty(result), inputs, [&](Body &body) {
    Scalar x = convert(body.in[0], type);
    if (mean)
      x = x - body.in[3];
    x = x * body.in[1] * convert(body.in[2], type);
    if (bias)
      x = x + convert(body.in.back(), type);
    return convert(x, elementType);
  });
}

//===----------------------------------------------------------------------===//
// batch_norm
//===----------------------------------------------------------------------===//

static LogicalResult lowerBatchNorm(nn::BatchNormOp op, LowerContext &context) {
  unsigned rank = op.getInput().getType().getRank();
  Operand input = context.operand(op.getInput());
  Type type = getAccumulatorType(input.elementType);
  bool last = op.getDataLayout() == nn::DataLayout::channels_last;
  unsigned channel = last ? rank - 1 : 1;
  double epsilon = op.getEpsilon().convertToDouble();
  auto perChannel = [&](Value value, unsigned loop) {
    return Input{context.operand(value), {context.loop(loop)}};
  };

  Value factor =
      context.map(context.empty(op.getScale(), type),
                  {perChannel(op.getScale(), 0), perChannel(op.getVariance(), 0)}, [&](Body &body) {
                    return convert(body.in[0], type) / sqrt(convert(body.in[1], type) + epsilon);
                  });
  Value stage = context.map(
      context.empty(op.getOutput()),
      {Input{input, context.loops(0, rank)}, Input{context.stage(factor), {context.loop(channel)}},
       perChannel(op.getMean(), channel), perChannel(op.getBias(), channel)},
      [&](Body &body) {
        Scalar x = convert(body.in[0], type) - convert(body.in[2], type);
        return convert(x * body.in[1] + convert(body.in[3], type), input.elementType);
      });
  context.set(op.getOutput(), stage);
  return success();
}

//===----------------------------------------------------------------------===//
// Rows of whole dims: layer, RMS, instance
//===----------------------------------------------------------------------===//

// Reduces over the dims from `axis` on.
static Rows trailingRows(Value input, unsigned axis, LowerContext &context) {
  nn::SymbolicShape shape = context.shape(input);
  Rows rows;
  Operand operand = context.operand(input);
  rows.reduced = {operand, context.loops(0, shape.size())};
  rows.whole = rows.reduced;
  rows.statistics = context.loops(0, axis);
  for (auto [dim, size] : llvm::enumerate(shape)) {
    if (dim < axis)
      rows.rows.push_back(size);
    else
      rows.sizes.push_back(size);
  }
  return rows;
}

static LogicalResult lowerLayerNorm(nn::LayerNormOp op, LowerContext &context) {
  Rows rows = trailingRows(op.getInput(), op.getAxis(), context);
  Type type = getAccumulatorType(rows.whole.operand.elementType);
  auto resultType = op.getOutput().getType();
  Value mean = buildMean(rows, type, context);
  Value inverse =
      buildInverseDeviation(rows, type, mean, op.getEpsilon().convertToDouble(), context);
  std::optional<Input> bias;
  if (op.getBias())
    bias = context.broadcast(op.getBias(), resultType);
  context.set(op.getOutput(),
              buildNormalize(op.getOutput(), rows, type, mean, inverse,
                             context.broadcast(op.getScale(), resultType), bias, context));
  return success();
}

static LogicalResult lowerRMSNorm(nn::RMSNormOp op, LowerContext &context) {
  Rows rows = trailingRows(op.getInput(), op.getAxis(), context);
  Type type = getAccumulatorType(rows.whole.operand.elementType);
  Value inverse =
      buildInverseDeviation(rows, type, Value(), op.getEpsilon().convertToDouble(), context);
  context.set(op.getOutput(),
              buildNormalize(op.getOutput(), rows, type, Value(), inverse,
                             context.broadcast(op.getScale(), op.getOutput().getType()),
                             std::nullopt, context));
  return success();
}

// Rows of some channels, scaled and shifted by one value a channel (dim 1).
template <typename Op>
static LogicalResult lowerChannelNorm(Op op, const Rows &rows, LowerContext &context) {
  Type type = getAccumulatorType(rows.whole.operand.elementType);
  Value mean = buildMean(rows, type, context);
  Value inverse =
      buildInverseDeviation(rows, type, mean, op.getEpsilon().convertToDouble(), context);
  Input scale{context.operand(op.getScale()), {context.loop(1)}};
  Input bias{context.operand(op.getBias()), {context.loop(1)}};
  context.set(op.getOutput(),
              buildNormalize(op.getOutput(), rows, type, mean, inverse, scale, bias, context));
  return success();
}

static LogicalResult lowerInstanceNorm(nn::InstanceNormOp op, LowerContext &context) {
  return lowerChannelNorm(op, trailingRows(op.getInput(), 2, context), context);
}

//===----------------------------------------------------------------------===//
// group_norm
//===----------------------------------------------------------------------===//

static LogicalResult lowerGroupNorm(nn::GroupNormOp op, LowerContext &context) {
  nn::SymbolicShape shape = context.shape(op.getInput());
  unsigned rank = shape.size();
  auto channels = nn::asConstant(shape[1]);
  int64_t groups = op.getNumGroups();
  if (!channels || *channels % groups != 0)
    return context.fail("needs a known number of channels that the groups "
                        "divide");
  int64_t size = *channels / groups;

  // Statistics N × G; loops n, g, channel of the group, spatial dims.
  Rows rows;
  Operand input = context.operand(op.getInput());
  rows.rows = {shape[0], context.constant(groups)};
  rows.sizes.push_back(context.constant(size));
  rows.reduced = {input, {context.loop(0), context.loop(1) * size + context.loop(2)}};
  for (unsigned dim = 2; dim < rank; ++dim) {
    rows.sizes.push_back(shape[dim]);
    rows.reduced.indices.push_back(context.loop(dim + 1));
  }
  rows.whole = {input, context.loops(0, rank)};
  rows.statistics = {context.loop(0), context.loop(1).floorDiv(size)};

  return lowerChannelNorm(op, rows, context);
}

//===----------------------------------------------------------------------===//
// lrn
//===----------------------------------------------------------------------===//

// x^exponent for x > 0, by square roots where they do it.
static Scalar powerOf(Scalar x, double exponent) {
  if (exponent == 1)
    return x;
  if (exponent == 0.5)
    return sqrt(x);
  if (exponent == 0.75) {
    Scalar root = sqrt(x);
    return root * sqrt(root);
  }
  return pow(x, x.like(exponent));
}

// x^-¾ in float32 for normal x > 0, and 0 for infinity. The bits of a float, as an integer, are
// about its logarithm: a line through them is within 4.6 %. Then two steps towards x³ y⁴ = 1 by the
// series (1 − r)^-¼ = 1 + r/4 + 5r²/32 + 15r³/128 + …, the first with one term more than the
// second: 1.1·10⁻⁷ at most. Two roots and a quotient are 2.3·10⁻⁷, and wait for the divider.
static Scalar inverseThreeQuarters(Scalar x) {
  constexpr int64_t line = 0x6f146740; // about 1.75 times the bits of 1: the least largest error
  Scalar bits = x.build<arith::BitcastOp>(x.getBuilder().getI32Type(), x.get());
  Scalar quarter = bits.build<arith::ShRUIOp>(bits.get(), bits.like(2).get());
  Scalar estimate = line - bits + quarter;
  Scalar y = x.build<arith::BitcastOp>(x.getType(), estimate.get());
  auto residual = [&] {
    Scalar root = x * y; // about x^¼
    return 1.0 - (root * root) * (root * y);
  };
  Scalar r = residual();
  y = y + y * r * ((r * (15.0 / 128) + 5.0 / 32) * r + 0.25);
  r = residual();
  y = y + y * r * (r * (5.0 / 32) + 0.25);
  constexpr double greatest = 0x1.fffffep127;
  return select(x > greatest, x.like(0), y);
}

static LogicalResult lowerLRN(nn::LRNOp op, LowerContext &context) {
  nn::SymbolicShape shape = context.shape(op.getInput());
  unsigned rank = shape.size();
  bool last = op.getDataLayout() == nn::DataLayout::channels_last;
  unsigned channel = last ? rank - 1 : 1;
  int64_t size = op.getSize();
  Operand input = context.operand(op.getInput());
  Type type = getAccumulatorType(input.elementType);

  // x² with zeros around the channels, so that the window
  // [c − ⌊(size−1)/2⌋, c + ⌈(size−1)/2⌉] begins at c + 1: linalg would take c
  // alone for the whole of the dim.
  nn::SymbolicShape padded = shape;
  padded[channel] = padded[channel] + size;
  Value squares = context.map(context.empty(padded, type), {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(rank);
    Scalar position = positions[channel] - ((size - 1) / 2 + 1);
    Scalar extent = body.size(shape[channel]);
    positions[channel] = clamp(position, position.like(0), extent - 1);
    Scalar x = body.readWide(input, positions);
    Scalar inside = (position >= 0) & (position < extent);
    return select(inside, x * x, x.like(0));
  });
  // Short windows are added up where they are used.
  constexpr int64_t mostTerms = 9;
  SmallVector<Input> inputs{Input{input, context.loops(0, rank)}};
  auto addSquares = [&](AffineExpr tap) {
    Input square{context.stage(squares), context.loops(0, rank)};
    square.indices[channel] = square.indices[channel] + tap + 1;
    inputs.push_back(square);
  };
  if (size <= mostTerms) {
    for (int64_t tap = 0; tap < size; ++tap)
      addSquares(context.constant(tap));
  } else {
    addSquares(context.loop(rank));
    Value sum = context.reduce(context.fill(context.empty(op.getOutput(), type), 0.0),
                               Size(context.constant(size)), inputs.pop_back_val(),
                               [](Body &body) { return body.out[0] + body.in[0]; });
    inputs.push_back(Input{context.stage(sum), context.loops(0, rank)});
  }
  double alpha = op.getAlpha().convertToDouble() / static_cast<double>(size);
  double beta = op.getBeta().convertToDouble();
  double bias = op.getBias().convertToDouble();
  Value stage = context.map(context.empty(op.getOutput()), inputs, [&](Body &body) {
    Scalar sum = body.in[1];
    for (Scalar square : llvm::drop_begin(body.in, 2))
      sum = sum + square;
    Scalar x = convert(body.in[0], type), base = sum * alpha + bias;
    bool isNormal = alpha >= 0 && bias >= 0x1p-126;
    Scalar result = beta == 0.75 && isNormal && type.isF32() ? x * inverseThreeQuarters(base)
                                                             : x / powerOf(base, beta);
    return convert(result, input.elementType);
  });
  context.set(op.getOutput(), stage);
  return success();
}

void sinter::addNormalizationLowerings(LoweringTable &table) {
  table.add<nn::BatchNormOp, lowerBatchNorm>();
  table.add<nn::InstanceNormOp, lowerInstanceNorm>();
  table.add<nn::GroupNormOp, lowerGroupNorm>();
  table.add<nn::LayerNormOp, lowerLayerNorm>();
  table.add<nn::RMSNormOp, lowerRMSNorm>();
  table.add<nn::LRNOp, lowerLRN>();
}
