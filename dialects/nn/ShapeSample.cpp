//===- ShapeSample.cpp - shapes that hang on data, and choices ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

Type TopKOp::inferElementType(Adaptor op, unsigned result) {
  Type input = getElementTypeOrSelf(op.getInput().getType());
  return result == 0 ? input : IntegerType::get(input.getContext(), 64);
}

LogicalResult TopKOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "top_k", axis, result.size())))
    return failure();
  auto k = context.contents(op.getK());
  if (!k || k->size() != 1)
    return context.emitError("top_k: operand 'k' should have one element");
  auto count = asConstant(k->front()), size = asConstant(result[axis]);
  if (count && (*count < 0 || (size && *count > *size)))
    return context.emitError("top_k: k is " + Twine(*count) + ", dim " + Twine(axis) +
                             " of operand 'input' has " + printDim(result[axis]) + " elements");
  result[axis] = k->front();
  shapes.push_back(result);
  shapes.push_back(result);
  return success();
}

LogicalResult NonZeroOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  // ONNX takes a scalar for a 1-D tensor.
  int64_t rank = std::max<int64_t>(context.shape(op.getInput()).size(), 1);
  shapes.push_back({context.constant(rank), context.unknownDim(0, 1)});
  return success();
}

LogicalResult CompressOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  if (failed(expectRank(context, "compress", "condition", context.shape(op.getCondition()), 1)))
    return failure();
  if (auto given = op.getAxis()) {
    int64_t axis = *given;
    if (failed(normalizeAxis(context, "compress", axis, result.size())))
      return failure();
    result[axis] = context.unknownDim(0, axis);
  } else {
    result = {context.unknownDim(0, 0)};
  }
  shapes.push_back(result);
  return success();
}

LogicalResult NonMaxSuppressionOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape boxes = context.shape(op.getBoxes()), scores = context.shape(op.getScores());
  if (failed(expectRank(context, "non_max_suppression", "boxes", boxes, 3)) ||
      failed(expectRank(context, "non_max_suppression", "scores", scores, 3)))
    return failure();
  if (differ(boxes[2], 4) || differ(boxes[0], scores[0]) || differ(boxes[1], scores[2]))
    return context.emitError("non_max_suppression: operand 'boxes' (" + printShape(boxes) +
                             ") should be batch × count × 4, 'scores' (" + printShape(scores) +
                             ") batch × classes × count");
  shapes.push_back({context.unknownDim(0, 0), context.constant(3)});
  return success();
}

Type UniqueOp::inferElementType(Adaptor op, unsigned result) {
  Type input = getElementTypeOrSelf(op.getInput().getType());
  return result == 0 ? input : IntegerType::get(input.getContext(), 64);
}

LogicalResult UniqueOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), values;
  AffineExpr count, total;
  if (auto given = op.getAxis()) {
    int64_t axis = *given;
    if (failed(normalizeAxis(context, "unique", axis, input.size())))
      return failure();
    count = context.unknownDim(0, axis);
    total = input[axis];
    values = input;
    values[axis] = count;
  } else {
    count = context.unknownDim(0, 0);
    total = context.product(input);
    values = {count};
  }
  shapes.push_back(values);
  shapes.push_back({count});
  shapes.push_back({total});
  shapes.push_back({count});
  return success();
}

LogicalResult DetOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.size() < 2 || differ(input.end()[-1], input.end()[-2]))
    return context.emitError("det: operand 'input' (" + printShape(input) +
                             ") should hold square matrices");
  shapes.push_back(SymbolicShape(input.begin(), input.end() - 2));
  return success();
}
