//===- Quantization.cpp - operators on quantized integers -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// real = (quantized − zero point) · scale. All of them become arithmetic of
// primitive ops: products in i32, scaling in float, rounding half to even.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

Type elementTypeOf(Value value) { return getElementTypeOrSelf(value.getType()); }
int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }
Type f32Of(Node &node) { return Float32Type::get(node.getContext()); }
Type i32Of(Node &node) { return IntegerType::get(node.getContext(), 32); }

/// Least and greatest value of an integer type.
std::pair<double, double> getRange(Type type) {
  unsigned width = type.getIntOrFloatBitWidth();
  if (type.isUnsignedInteger())
    return {0, static_cast<double>(llvm::maxUIntN(width))};
  return {static_cast<double>(llvm::minIntN(width)), static_cast<double>(llvm::maxIntN(width))};
}

/// A scale or zero point in the shape that broadcasts against a tensor of
/// `rank` dims: one value, one per element of `axis`, or one per block of
/// `blockSize` elements along it.
Value spread(Node &node, Value parameter, Value like, int64_t axis, int64_t blockSize) {
  auto type = cast<RankedTensorType>(parameter.getType());
  auto likeType = cast<RankedTensorType>(like.getType());
  int64_t rank = likeType.getRank();
  if (type.getRank() == 0 || (type.getRank() == 1 && type.getDimSize(0) == 1 && blockSize == 0))
    return node.reshape(parameter, {});
  axis = node.normalizeAxis(axis, rank);
  if (node.failed())
    return parameter;
  if (blockSize > 0) {
    int64_t size = likeType.getDimSize(axis);
    if (ShapedType::isDynamic(size)) {
      (void)node.emitUnsupported("'block_size' along a dynamic dim");
      return parameter;
    }
    if (type.getRank() != rank) {
      (void)node.emitError("scale of rank " + Twine(type.getRank()) +
                           " with 'block_size'; expected rank " + Twine(rank));
      return parameter;
    }
    int64_t blocks = type.getDimSize(axis);
    if (!ShapedType::isDynamic(blocks) && blocks != (size + blockSize - 1) / blockSize) {
      (void)node.emitError("the scale has " + Twine(blocks) + " blocks of " + Twine(blockSize) +
                           " elements for a dim of " + Twine(size));
      return parameter;
    }
    Ints block(size);
    for (int64_t i = 0; i < size; ++i)
      block[i] = i / blockSize;
    return node.create<nn::GatherOp>(parameter, node.indices(block), axis);
  }
  if (type.getRank() != 1) {
    (void)node.emitError("scale of rank " + Twine(type.getRank()) +
                         " without 'block_size'; expected rank 0 or 1");
    return parameter;
  }
  Ints axes;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      axes.push_back(i);
  return node.unsqueeze(parameter, axes);
}

/// saturate(round(real) + zero), as `type`. `zero` is null for 0.
Value quantize(Node &node, Value real, Value zero, Type type) {
  Type wide =
      type.getIntOrFloatBitWidth() > 16 ? Type(Float64Type::get(node.getContext())) : f32Of(node);
  Value rounded = node.cast(node.create<nn::RoundOp>(real), wide);
  if (zero)
    rounded = node.add(rounded, node.cast(zero, wide));
  auto [least, greatest] = getRange(type);
  Value bounded =
      node.min(node.max(rounded, node.scalar(wide, least)), node.scalar(wide, greatest));
  return node.cast(bounded, type);
}

/// What QuantizeLinear and DequantizeLinear can hold.
bool checkQuantized(Node &node, Type type) {
  if (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() >= 8)
    return true;
  (void)node.emitUnsupported("quantization to this element type");
  return false;
}

int64_t getBlockSize(Node &node) {
  int64_t size = node.getInt("block_size", 0);
  if (size < 0)
    (void)node.emitError("attribute 'block_size' is negative");
  return size;
}

LogicalResult buildQuantizeLinear(Node &node) {
  Value input = node.getInput(0), scale = node.getInput(1);
  int64_t axis = node.getInt("axis", 1), blockSize = getBlockSize(node);
  int64_t outputType = node.getInt("output_dtype", 0);
  int64_t precision = node.getInt("precision", 0);
  Type type = node.hasInput(2) ? node.getElementType(2)
              : outputType     ? node.getOnnxType(outputType)
                               : IntegerType::get(node.getContext(), 8, IntegerType::Unsigned);
  if (node.failed() || !checkQuantized(node, type))
    return failure();
  // The division is done in the scale's precision unless told otherwise.
  Type compute = precision ? node.getOnnxType(precision) : elementTypeOf(scale);
  if (!isa<FloatType>(compute))
    compute = f32Of(node);
  Value divisor = spread(node, node.cast(scale, compute), input, axis, blockSize);
  Value zero = node.hasInput(2) ? spread(node, node.getInput(2), input, axis, blockSize) : Value();
  Value real = node.div(node.cast(input, compute), divisor);
  return node.yield(quantize(node, real, zero, type));
}

/// value − zero in i32; zero may be null.
Value withoutZero(Node &node, Value value, Value zero) {
  value = node.cast(value, i32Of(node));
  return zero ? node.sub(value, node.cast(zero, i32Of(node))) : value;
}

LogicalResult buildDequantizeLinear(Node &node) {
  Value input = node.getInput(0), scale = node.getInput(1);
  int64_t axis = node.getInt("axis", 1), blockSize = getBlockSize(node);
  int64_t outputType = node.getInt("output_dtype", 0);
  Type type = outputType ? node.getOnnxType(outputType) : elementTypeOf(scale);
  if (node.failed() || !checkQuantized(node, elementTypeOf(input)))
    return failure();
  Value zero = node.hasInput(2) ? spread(node, node.getInput(2), input, axis, blockSize) : Value();
  Value factor = spread(node, node.cast(scale, f32Of(node)), input, axis, blockSize);
  Value whole = node.cast(withoutZero(node, input, zero), f32Of(node));
  return node.yield(node.cast(node.mul(whole, factor), type));
}

/// uint8 over [min(x, 0), max(x, 0)].
LogicalResult buildDynamicQuantizeLinear(Node &node) {
  Value input = node.getInput(0);
  Type type = IntegerType::get(node.getContext(), 8, IntegerType::Unsigned);
  Ints axes;
  for (int64_t i = 0, e = node.getRank(0); i < e; ++i)
    axes.push_back(i);
  Value zero = node.scalarLike(input, 0);
  Value least = input, greatest = input;
  if (!axes.empty()) {
    least = node.reduce(input, nn::ReduceKind::min, axes, false);
    greatest = node.reduce(input, nn::ReduceKind::max, axes, false);
  }
  least = node.min(least, zero);
  greatest = node.max(greatest, zero);
  Value levels = node.scalarLike(input, 255);
  Value scale = node.div(node.sub(greatest, least), levels);
  // An input of zeros only: any scale will do.
  scale = node.where(node.compare(nn::ComparePredicate::eq, scale, zero), node.scalarLike(input, 1),
                     scale);
  Value zeroPoint = node.create<nn::RoundOp>(
      node.min(node.max(node.sub(zero, node.div(least, scale)), zero), levels));
  node.setOutput(0, quantize(node, node.div(input, scale), zeroPoint, type));
  node.setOutput(1, scale);
  node.setOutput(2, node.cast(zeroPoint, type));
  return node.status();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// A parameter of a matrix: one, one per row, or one per column. Per-row
/// vectors become columns, so that they broadcast.
Value matrixParameter(Node &node, unsigned index, bool perRow) {
  Value value = node.getInput(index);
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 1 && type.getDimSize(0) == 1)
    return node.reshape(value, {});
  return type.getRank() == 1 && perRow ? node.unsqueeze(value, {1}) : value;
}

LogicalResult buildQLinearMatMul(Node &node) {
  // a, its scale and zero point; b, …; the result's scale and zero point.
  Value aScale = node.cast(matrixParameter(node, 1, true), f32Of(node));
  Value aZero = matrixParameter(node, 2, true);
  Value bScale = node.cast(matrixParameter(node, 4, false), f32Of(node));
  Value bZero = matrixParameter(node, 5, false);
  Value yScale = node.cast(matrixParameter(node, 6, true), f32Of(node));
  Value yZero = matrixParameter(node, 7, true);
  Value product = node.create<nn::MatMulOp>(withoutZero(node, node.getInput(0), aZero),
                                            withoutZero(node, node.getInput(3), bZero));
  Value factor = node.div(node.mul(aScale, bScale), yScale);
  Value real = node.mul(node.cast(product, f32Of(node)), factor);
  return node.yield(quantize(node, real, yZero, node.getElementType(7)));
}

/// The attributes of Conv on i32 operands.
Value convolve(Node &node, Value input, Value filter, Value bias) {
  int64_t rank = rankOf(input);
  if (rank < 3 || rankOf(filter) != rank) {
    (void)node.emitError("the input and the filter must have the same rank, "
                         "at least 3");
    return input;
  }
  size_t spatial = rank - 2;
  auto list = [&](StringRef name, size_t count, int64_t fallback) {
    Ints values = node.getInts(name, Ints(count, fallback));
    if (values.size() != count)
      (void)node.emitError("attribute '" + name + "' has " + Twine(values.size()) +
                           " elements; expected " + Twine(count));
    return values;
  };
  auto autoPad = node.getEnum<nn::AutoPad>("auto_pad", "NOTSET",
                                           {{"NOTSET", nn::AutoPad::notset},
                                            {"SAME_UPPER", nn::AutoPad::same_upper},
                                            {"SAME_LOWER", nn::AutoPad::same_lower},
                                            {"VALID", nn::AutoPad::valid}});
  Ints strides = list("strides", spatial, 1);
  Ints dilations = list("dilations", spatial, 1);
  Ints pads = list("pads", 2 * spatial, 0);
  int64_t group = node.getInt("group", 1);
  if (node.failed())
    return input;
  return node.create<nn::ConvOp>(input, filter, bias, strides, pads, dilations, group, autoPad);
}

/// A per-channel vector at `axis` of a tensor of `rank` dims; a scalar if it
/// has one element.
Value alongAxis(Node &node, Value value, int64_t rank, int64_t axis) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 0 || (type.getRank() == 1 && type.getDimSize(0) == 1))
    return node.reshape(value, {});
  Ints axes;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      axes.push_back(i);
  return node.unsqueeze(value, axes);
}

LogicalResult buildQLinearConv(Node &node) {
  int64_t rank = node.getRank(0);
  Type f32 = f32Of(node);
  Value input = withoutZero(node, node.getInput(0), node.reshape(node.getInput(2), {}));
  Value filter = withoutZero(node, node.getInput(3), alongAxis(node, node.getInput(5), rank, 0));
  Value bias = node.hasInput(8) ? node.cast(node.getInput(8), i32Of(node)) : Value();
  Value sum = convolve(node, input, filter, bias);
  if (node.failed())
    return failure();
  Value inputScale = node.cast(node.reshape(node.getInput(1), {}), f32);
  Value filterScale = node.cast(alongAxis(node, node.getInput(4), rank, 1), f32);
  Value outputScale = node.cast(node.reshape(node.getInput(6), {}), f32);
  Value factor = node.div(node.mul(inputScale, filterScale), outputScale);
  return node.yield(quantize(node, node.mul(node.cast(sum, f32), factor),
                             node.reshape(node.getInput(7), {}), node.getElementType(7)));
}

LogicalResult buildConvInteger(Node &node) {
  Value inputZero = node.hasInput(2) ? node.reshape(node.getInput(2), {}) : Value();
  Value filterZero =
      node.hasInput(3) ? alongAxis(node, node.getInput(3), node.getRank(1), 0) : Value();
  return node.yield(convolve(node, withoutZero(node, node.getInput(0), inputZero),
                             withoutZero(node, node.getInput(1), filterZero), Value()));
}

} // namespace

void sinter::onnx_import::registerQuantizationOperators(OperatorTable &table) {
  table.add("QuantizeLinear", 10, buildQuantizeLinear, {2, 3});
  table.add("DequantizeLinear", 10, buildDequantizeLinear, {2, 3});
  table.add("DynamicQuantizeLinear", 11, buildDynamicQuantizeLinear, 1, 3);
  table.add("QLinearMatMul", 10, buildQLinearMatMul, 8);
  table.add("QLinearConv", 10, buildQLinearConv, {8, 9});
  table.add("ConvInteger", 10, buildConvInteger, {2, 4});
}
