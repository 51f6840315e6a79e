//===- ShapeData.cpp - shapes of data made from shapes and scalars --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"
#include <cmath>

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

// The dims that shape_of gives, with ONNX's wrapping and clamping.
static std::pair<int64_t, int64_t> getShapeOfRange(int64_t start, int64_t end, int64_t rank) {
  start = start < 0 ? start + rank : start;
  end = end < 0 ? end + rank : end;
  start = std::clamp<int64_t>(start, 0, rank);
  end = std::clamp<int64_t>(end, start, rank);
  return {start, end};
}

LogicalResult ShapeOfOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  auto [start, end] =
      getShapeOfRange(op.getStart(), op.getEnd(), context.shape(op.getInput()).size());
  shapes.push_back({context.constant(end - start)});
  return success();
}

std::optional<SymbolicShape> ShapeOfOp::inferContents(ShapeContext &context) {
  SymbolicShape shape = context.shape(getInput());
  auto [start, end] = getShapeOfRange(getStart(), getEnd(), shape.size());
  return SymbolicShape(shape.begin() + start, shape.begin() + end);
}

LogicalResult SizeOfOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back({});
  return success();
}

std::optional<SymbolicShape> SizeOfOp::inferContents(ShapeContext &context) {
  return SymbolicShape{context.product(context.shape(getInput()))};
}

LogicalResult RangeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  AffineExpr zero = context.constant(0);
  if (isa<IntegerType>(getElementTypeOrSelf(op.getStart().getType()))) {
    // An int16 is not of the contents that shapes are made of.
    auto scalar = [&](Value operand) -> AffineExpr {
      auto contents = context.contents(operand);
      if (contents && contents->size() == 1)
        return contents->front();
      if (auto tensor = context.constantTensor(operand); tensor && tensor->getNumElements() == 1)
        return context.constant(tensor->getInt(0));
      return context.element(operand, 0);
    };
    AffineExpr start = scalar(op.getStart()), limit = scalar(op.getLimit()),
               step = scalar(op.getDelta());
    if (!start || !limit || !step)
      return context.emitError("range: operands should be scalars");
    AffineExpr distance = limit - start;
    AffineExpr count;
    if (auto value = asConstant(step)) {
      if (*value == 0)
        return context.emitError("range: operand 'delta' is 0");
      count = ceilDiv(*value < 0 ? -distance : distance, std::abs(*value));
    } else {
      AffineExpr one = context.constant(1);
      AffineExpr size = context.max(step, -step);
      AffineExpr backward = context.min(context.max(-step, zero), one);
      count = (distance * (one - backward * 2) + size - 1).floorDiv(size);
    }
    shapes.push_back({context.max(count, zero)});
    return success();
  }

  auto start = context.constantTensor(op.getStart()), limit = context.constantTensor(op.getLimit()),
       delta = context.constantTensor(op.getDelta());
  if (!start || !limit || !delta) {
    AffineExpr count = context.stepCount(op.getStart(), op.getLimit(), op.getDelta());
    shapes.push_back({count ? count : context.unknownDim(0, 0)});
    return success();
  }
  double count = std::ceil((limit->getDouble(0) - start->getDouble(0)) / delta->getDouble(0));
  shapes.push_back({context.constant(count > 0 ? static_cast<int64_t>(count) : 0)});
  return success();
}

Type EyeOp::inferElementType(Adaptor op, unsigned) { return op.getTo(); }

LogicalResult EyeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  return expectRank(context, "eye", "input", shapes[0], 2);
}

Type RandomUniformOp::inferElementType(Adaptor op, unsigned) { return op.getTo(); }

LogicalResult RandomUniformOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape key = context.shape(op.getKey());
  if (key.size() != 1 || (differ(key[0], 2) && differ(key[0], 3)))
    return context.emitError("random_uniform: operand 'key' (" + printShape(key) +
                             ") should have 2 elements, or 3");
  auto shape = context.contents(op.getShape());
  if (!shape)
    return context.emitError("random_uniform: operand 'shape' has an unknown length");
  if (!isa<FloatType>(op.getTo()))
    return context.emitError("random_uniform: attribute 'to' should be a float type");
  shapes.push_back(*shape);
  return success();
}

Type OneHotOp::inferElementType(Adaptor op, unsigned) {
  return getElementTypeOrSelf(op.getValues().getType());
}

LogicalResult OneHotOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getIndices());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "one_hot", axis, result.size() + 1)))
    return failure();
  SymbolicShape values = context.shape(op.getValues()), scalar = context.shape(op.getDepth());
  if (values.size() != 1 || differ(values[0], 2))
    return context.emitError("one_hot: operand 'values' (" + printShape(values) +
                             ") should have 2 elements, off and on");
  if (scalar.size() > 1 || (scalar.size() == 1 && differ(scalar[0], 1)))
    return context.emitError("one_hot: operand 'depth' (" + printShape(scalar) +
                             ") should have one element");
  AffineExpr depth;
  if (auto contents = context.contents(op.getDepth()); contents && contents->size() == 1)
    depth = contents->front();
  else if (auto tensor = context.constantTensor(op.getDepth());
           tensor && tensor->getNumElements() == 1)
    depth = context.constant(tensor->getInt(0));
  else
    depth = context.element(op.getDepth(), 0);
  if (!depth)
    depth = context.unknownDim(0, axis);
  if (auto value = asConstant(depth); value && *value < 0)
    return context.emitError("one_hot: operand 'depth' is " + Twine(*value));
  result.insert(result.begin() + axis, depth);
  shapes.push_back(result);
  return success();
}
