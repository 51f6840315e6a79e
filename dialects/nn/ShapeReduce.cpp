//===- ShapeReduce.cpp - shapes of what combines along dims -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

LogicalResult ReduceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), result;
  for (int64_t axis : op.getAxes())
    if (axis < 0 || axis >= static_cast<int64_t>(input.size()))
      return context.emitError("reduce: axis " + Twine(axis) + " is out of range for rank " +
                               Twine(input.size()));
  for (auto [index, dim] : llvm::enumerate(input)) {
    if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(index)))
      result.push_back(dim);
    else if (op.getKeepdims())
      result.push_back(context.constant(1));
  }
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> ReduceOp::inferContents(ShapeContext &context) {
  auto elements = context.contents(getInput());
  if (!elements || getAxes().empty())
    return elements;
  if (elements->empty())
    return std::nullopt;
  AffineExpr result = elements->front();
  for (AffineExpr element : llvm::drop_begin(*elements)) {
    switch (getKind()) {
    case ReduceKind::sum:
      result = result + element;
      break;
    case ReduceKind::prod:
      result = result * element;
      break;
    case ReduceKind::min:
      result = context.min(result, element);
      break;
    case ReduceKind::max:
      result = context.max(result, element);
      break;
    default:
      return std::nullopt;
    }
  }
  switch (getKind()) {
  case ReduceKind::sum:
  case ReduceKind::prod:
  case ReduceKind::min:
  case ReduceKind::max:
    return SymbolicShape{result};
  default:
    return std::nullopt;
  }
}

LogicalResult ArgReduceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "arg_reduce", axis, result.size())))
    return failure();
  if (op.getKeepdims())
    result[axis] = context.constant(1);
  else
    result.erase(result.begin() + axis);
  shapes.push_back(result);
  return success();
}

LogicalResult CumulativeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  shapes.push_back(input);
  return normalizeAxis(context, "cumulative", axis, input.size());
}

LogicalResult AllReduceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  return success();
}

LogicalResult AllReduceBeginOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  return success();
}

LogicalResult AllReduceEndOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  return success();
}

LogicalResult SoftmaxOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  for (int64_t axis : op.getAxes())
    if (failed(normalizeAxis(context, "softmax", axis, input.size())))
      return failure();
  shapes.push_back(input);
  return success();
}
