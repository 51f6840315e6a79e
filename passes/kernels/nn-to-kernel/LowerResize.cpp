//===- LowerResize.cpp - interpolation over a regular grid ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX Resize. Interpolation is separable: linear and cubic make one stage per
// resized axis; nearest makes one stage in all. Formulas follow ONNX's
// reference implementation (onnx/reference/ops/op_resize.py).
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

namespace {
/// One resized axis. Scalars are floats outside of all stages.
struct Axis {
  unsigned dim;
  AffineExpr input, output;
  Scalar scale, inputLength, outputLength;
  /// scale · inputLength, which need not be an integer.
  Scalar resizedLength;
  Scalar roiStart, roiEnd;
};

class ResizeLowering {
public:
  ResizeLowering(nn::ResizeOp op, LowerContext &context) : op(op), context(context) {
    elementType = nn::getSignlessType(op.getInput().getType().getElementType());
    coordinateType = elementType.isF64() ? elementType : Type(context.builder.getF32Type());
    valueType = coordinateType;
    isCrop = op.getCoordinateMode() == nn::CoordinateMode::tf_crop_and_resize;
  }

  LogicalResult run();

private:
  LogicalResult collectAxes();
  Value lowerNearest();
  Value lowerAxis(Value source, const Axis &axis, bool isFirst);
  Value lowerAntialiased(Operand source, Value init, const Axis &axis);

  Scalar coordinate(Body &body, const Axis &axis);
  Scalar isOutside(Body &body, const Axis &axis, Scalar x);
  Scalar nearest(Scalar x);
  Scalar weight(Scalar distance);
  Scalar innerCubic(Scalar distance);
  Scalar outerCubic(Scalar distance);
  /// Position of a tap as (clamped, inside).
  std::pair<Scalar, Scalar> place(Body &body, const Axis &axis, Scalar tap);
  Scalar toElement(Scalar value);
  Scalar inside(Body &body, Scalar outer) { return body.wrap(outer.get()); }

  nn::ResizeOp op;
  LowerContext &context;
  Type elementType, coordinateType, valueType;
  bool isCrop;
  SmallVector<Axis> axes;
};
} // namespace

LogicalResult ResizeLowering::collectAxes() {
  nn::SymbolicShape from = context.shape(op.getInput());
  nn::SymbolicShape to = context.shape(op.getOutput());
  auto toFloat = [&](AffineExpr expr) {
    Scalar size(context.builder, context.getLoc(), context.size(expr));
    return convert(size, coordinateType);
  };
  auto floatElement = [&](Value value, int64_t i) {
    return convert(context.element(value, i), coordinateType);
  };

  unsigned count = op.getAxes().size();
  // Sizes that keep the aspect ratio: one scale for all axes.
  Scalar common;
  if (op.getSizes() && op.getAspectRatio() != nn::AspectRatio::stretch)
    for (unsigned i = 0; i < count; ++i) {
      Scalar scale = floatElement(op.getSizes(), i) / toFloat(from[op.getAxes()[i]]);
      if (!common)
        common = scale;
      else
        common = op.getAspectRatio() == nn::AspectRatio::not_larger ? min(common, scale)
                                                                    : max(common, scale);
    }

  for (unsigned i = 0; i < count; ++i) {
    Axis axis;
    axis.dim = op.getAxes()[i];
    axis.input = from[axis.dim];
    axis.output = to[axis.dim];
    axis.inputLength = toFloat(axis.input);
    axis.outputLength = toFloat(axis.output);
    if (op.getScales()) {
      axis.scale = floatElement(op.getScales(), i);
      axis.resizedLength = axis.scale * axis.inputLength;
    } else if (common) {
      axis.scale = common;
      axis.resizedLength = axis.scale * axis.inputLength;
    } else {
      axis.scale = axis.outputLength / axis.inputLength;
      axis.resizedLength = axis.outputLength;
    }
    if (isCrop) {
      if (!op.getRoi())
        return context.fail("tf_crop_and_resize needs a region of interest");
      axis.roiStart = floatElement(op.getRoi(), i);
      axis.roiEnd = floatElement(op.getRoi(), count + i);
    }
    // The whole axis at scale 1 is left alone.
    if (!isCrop && axis.input == axis.output) {
      FloatAttr scale;
      if (!op.getScales() && !common)
        continue;
      if (matchPattern(axis.scale.get(), m_Constant(&scale)) &&
          scale.getValue().isExactlyValue(1.0))
        continue;
    }
    axes.push_back(axis);
  }
  return success();
}

Scalar ResizeLowering::coordinate(Body &body, const Axis &axis) {
  Scalar x = convert(body.index(axis.dim), coordinateType);
  Scalar scale = inside(body, axis.scale);
  Scalar input = inside(body, axis.inputLength);
  Scalar length = inside(body, axis.resizedLength);
  Scalar halfPixel = (x + 0.5) / scale - 0.5;
  switch (op.getCoordinateMode()) {
  case nn::CoordinateMode::half_pixel:
    return halfPixel;
  case nn::CoordinateMode::half_pixel_symmetric: {
    Scalar adjustment = inside(body, axis.outputLength) / length;
    return input * 0.5 * (1 - adjustment) + halfPixel;
  }
  case nn::CoordinateMode::pytorch_half_pixel:
    return select(length == 1, x.like(-0.5), halfPixel);
  case nn::CoordinateMode::align_corners:
    return select(length == 1, x.like(0), x * (input - 1) / (length - 1));
  case nn::CoordinateMode::asymmetric:
    return x / scale;
  case nn::CoordinateMode::tf_half_pixel_for_nn:
    return (x + 0.5) / scale;
  case nn::CoordinateMode::tf_crop_and_resize: {
    Scalar start = inside(body, axis.roiStart);
    Scalar extent = (inside(body, axis.roiEnd) - start) * (input - 1);
    Scalar position = select(length == 1, extent * 0.5, x * extent / (length - 1));
    return start * (input - 1) + position;
  }
  }
  llvm_unreachable("unknown coordinate mode");
}

Scalar ResizeLowering::isOutside(Body &body, const Axis &axis, Scalar x) {
  return (x < 0) | (x > inside(body, axis.inputLength) - 1);
}

Scalar ResizeLowering::nearest(Scalar x) {
  switch (op.getNearestMode()) {
  case nn::NearestMode::round_prefer_floor:
    return ceil(x - 0.5);
  case nn::NearestMode::round_prefer_ceil:
    return floor(x + 0.5);
  case nn::NearestMode::floor:
    return floor(x);
  case nn::NearestMode::ceil:
    return ceil(x);
  }
  llvm_unreachable("unknown nearest mode");
}

// Keys' cubic convolution kernel with coefficient a, within 1 and within 2.
Scalar ResizeLowering::innerCubic(Scalar d) {
  double a = op.getCubicCoefficient().convertToDouble();
  return ((d * (a + 2)) - (a + 3)) * d * d + 1;
}
Scalar ResizeLowering::outerCubic(Scalar d) {
  double a = op.getCubicCoefficient().convertToDouble();
  return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a;
}

Scalar ResizeLowering::weight(Scalar distance) {
  Scalar d = abs(distance);
  if (op.getMode() == nn::ResizeMode::linear)
    return max(1 - d, d.like(0));
  return select(d <= 1, innerCubic(d), select(d < 2, outerCubic(d), d.like(0)));
}

std::pair<Scalar, Scalar> ResizeLowering::place(Body &body, const Axis &axis, Scalar tap) {
  Scalar last = body.size(axis.input) - 1;
  Scalar clamped = clamp(tap, tap.like(0), last);
  return {clamped, (tap >= 0) & (tap <= last)};
}

Scalar ResizeLowering::toElement(Scalar value) {
  auto integer = dyn_cast<IntegerType>(elementType);
  if (!integer || integer.getWidth() > 32)
    return convert(value, elementType);
  // Cubic interpolation overshoots the range of small integers.
  bool isUnsignedElement = isUnsigned(op.getInput().getType());
  unsigned width = integer.getWidth();
  double low = isUnsignedElement ? 0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, isUnsignedElement ? width : width - 1) - 1;
  if (width == 32)
    high = isUnsignedElement ? 4294967040.0 : 2147483520.0; // exact in f32
  return convert(clamp(value, value.like(low), value.like(high)), elementType, false,
                 isUnsignedElement);
}

Value ResizeLowering::lowerNearest() {
  unsigned rank = op.getInput().getType().getRank();
  Operand input = context.operand(op.getInput());
  return context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(rank);
    Scalar outside;
    for (const Axis &axis : axes) {
      Scalar x = coordinate(body, axis);
      if (isCrop) {
        Scalar here = isOutside(body, axis, x);
        outside = outside ? outside | here : here;
      }
      Scalar tap = convert(nearest(x), body.builder.getIndexType());
      positions[axis.dim] = place(body, axis, tap).first;
    }
    Scalar value = body.read(input, positions);
    if (!outside)
      return value;
    return select(outside, value.like(op.getExtrapolationValue().convertToDouble()), value);
  });
}

// Weights over a footprint that grows as the scale shrinks; they are
// normalised to a sum of one.
Value ResizeLowering::lowerAntialiased(Operand source, Value init, const Axis &axis) {
  unsigned rank = op.getInput().getType().getRank();
  Scalar narrowing = min(axis.scale, axis.scale.like(1));
  double support = op.getMode() == nn::ResizeMode::linear ? 1 : 2;
  Type index = context.builder.getIndexType();
  Scalar first = convert(floor(narrowing.like(-support) / narrowing), index) + 1;
  Scalar taps = 2 - first * 2;

  // The tap of a reduction loop: (clamped position, weight).
  auto tap = [&](Body &body, Scalar x, Scalar step) {
    Scalar base = floor(x);
    Scalar offset = inside(body, first) + step;
    Scalar distance = convert(offset, coordinateType) - (x - base);
    Scalar w = weight(distance * inside(body, narrowing));
    auto [position, within] = place(body, axis, convert(base, index) + offset);
    if (op.getExcludeOutside())
      w = select(within, w, w.like(0));
    return std::make_pair(position, w);
  };

  Size extent(taps.get());
  Value sums = context.reduce(context.fill(init, 0.0), extent, {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(rank);
    auto [position, w] = tap(body, coordinate(body, axis), body.index(rank));
    positions[axis.dim] = position;
    Scalar value = convert(body.read(source, positions), valueType, source.isUnsigned);
    return body.out[0] + w * value;
  });
  // Σ of weights, along the axis only. `coordinate` reads loop axis.dim, so the
  // table is a tensor of 1s but for that dim.
  SmallVector<AffineExpr> shape(rank, context.constant(1));
  shape[axis.dim] = axis.output;
  Value totals = context.reduce(
      context.fill(context.empty(shape, valueType), 0.0), extent, {}, [&](Body &body) {
        return body.out[0] + tap(body, coordinate(body, axis), body.index(rank)).second;
      });
  Input total{context.stage(totals), SmallVector<AffineExpr, 4>(rank, context.zero())};
  total.indices[axis.dim] = context.loop(axis.dim);
  return context.map(init, {Input{context.stage(sums), context.loops(0, rank)}, total},
                     [&](Body &body) { return body.in[0] / body.in[1]; });
}

Value ResizeLowering::lowerAxis(Value source, const Axis &axis, bool isFirst) {
  unsigned rank = op.getInput().getType().getRank();
  Operand operand = isFirst ? context.operand(op.getInput()) : context.stage(source);
  nn::SymbolicShape shape = context.shape(op.getInput());
  // Axes are resized in order; those before this one have their new size.
  for (const Axis &earlier : axes) {
    shape[earlier.dim] = earlier.output;
    if (earlier.dim == axis.dim)
      break;
  }
  Value init = context.empty(shape, valueType);

  Value result;
  if (op.getAntialias()) {
    result = lowerAntialiased(operand, init, axis);
  } else {
    bool linear = op.getMode() == nn::ResizeMode::linear;
    result = context.map(init, {}, [&](Body &body) {
      SmallVector<Scalar> positions = body.indices(rank);
      Scalar x = coordinate(body, axis);
      Scalar base = floor(x), ratio = x - base;
      Scalar start = convert(base, body.builder.getIndexType());
      Scalar sum, total;
      for (int tap = linear ? 0 : -1; tap <= (linear ? 1 : 2); ++tap) {
        Scalar distance = tap <= 0 ? ratio - tap : tap - ratio;
        Scalar w = linear                 ? 1 - distance
                   : tap == 0 || tap == 1 ? innerCubic(distance)
                                          : outerCubic(distance);
        auto [position, within] = place(body, axis, start + tap);
        if (op.getExcludeOutside())
          w = select(within, w, w.like(0));
        positions[axis.dim] = position;
        Scalar term = w * convert(body.read(operand, positions), valueType, operand.isUnsigned);
        sum = sum ? sum + term : term;
        total = total ? total + w : w;
      }
      return op.getExcludeOutside() ? sum / total : sum;
    });
  }
  if (!isCrop)
    return result;
  return context.map(init, Input{context.stage(result), context.loops(0, rank)}, [&](Body &body) {
    Scalar outside = isOutside(body, axis, coordinate(body, axis));
    Scalar value = body.in[0];
    return select(outside, value.like(op.getExtrapolationValue().convertToDouble()), value);
  });
}

LogicalResult ResizeLowering::run() {
  if (failed(collectAxes()))
    return failure();
  unsigned rank = op.getInput().getType().getRank();
  if (op.getMode() == nn::ResizeMode::nearest || axes.empty()) {
    context.set(op.getOutput(), lowerNearest());
    return success();
  }
  Value value;
  for (const Axis &axis : axes)
    value = lowerAxis(value, axis, /*isFirst=*/!value);
  if (getElementTypeOrSelf(value.getType()) != elementType ||
      cast<RankedTensorType>(value.getType()).getShape() != op.getOutput().getType().getShape())
    value = context.map(context.empty(op.getOutput()),
                        Input{context.stage(value), context.loops(0, rank)},
                        [&](Body &body) { return toElement(body.in[0]); });
  context.set(op.getOutput(), value);
  return success();
}

static LogicalResult lowerResize(nn::ResizeOp op, LowerContext &context) {
  return ResizeLowering(op, context).run();
}

void sinter::addResizeLowerings(LoweringTable &table) { table.add<nn::ResizeOp, lowerResize>(); }
