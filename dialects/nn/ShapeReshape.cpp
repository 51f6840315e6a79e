//===- ShapeReshape.cpp - shapes of views: same bytes, other dims ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

LogicalResult ReshapeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  auto target = context.contents(op.getShape());
  if (!target)
    return context.emitError("reshape: the result's rank must be known at "
                             "compile time, but operand 'shape' is a tensor of "
                             "unknown or excessive length");

  // Zeros first, so that the remainder sees the other dims' sizes.
  SymbolicShape result;
  int remainders = 0;
  bool mayHoldRemainder = false;
  for (auto [index, element] : llvm::enumerate(*target)) {
    AffineExpr dim = element;
    auto value = asConstant(dim);
    if (value && *value < -1)
      return context.emitError("reshape: target dim " + Twine(index) + " is " + Twine(*value) +
                               "; a dim is -1 or not negative");
    if (!op.getAllowzero()) {
      if (index < input.size()) {
        // A dim that comes from another dim is never meant as "copy".
        if (value || !context.isNonNegative(dim))
          dim = context.apply(ShapeContext::Function::IfZero, dim, input[index]);
      } else if (value && *value == 0) {
        return context.emitError("reshape: target dim " + Twine(index) +
                                 " is 0 (copy), but operand 'input' has rank " +
                                 Twine(input.size()));
      }
    }
    if (value && *value == -1)
      ++remainders;
    else if (!asConstant(dim) && !context.isNonNegative(dim))
      mayHoldRemainder = true;
    result.push_back(dim);
  }
  if (remainders > 1)
    return context.emitError("reshape: target shape (" + printShape(*target) +
                             ") has more than one -1");

  if (remainders == 1) {
    SymbolicShape others;
    size_t position = 0;
    for (auto [index, dim] : llvm::enumerate(result)) {
      auto value = asConstant(dim);
      if (value && *value == -1)
        position = index;
      else
        others.push_back(dim);
    }
    auto total = asConstant(context.product(input)), part = asConstant(context.product(others));
    if (total && part && (*part == 0 ? *total != 0 : *total % *part != 0))
      return context.emitError("reshape: the " + Twine(*total) + " elements of operand 'input' (" +
                               printShape(input) + ") don't divide into " + printShape(*target));
    result[position] = context.quotient(input, others);
  } else if (mayHoldRemainder) {
    // At most one element is −1 at run time: the product's absolute value is
    // then that of the others.
    AffineExpr total = context.product(input);
    AffineExpr part = context.max(-context.product(result), context.constant(1));
    SymbolicShape known = result;
    for (AffineExpr &dim : result)
      if (!asConstant(dim) && !context.isNonNegative(dim))
        dim = context.apply(ShapeContext::Function::IfNegative, dim, total.floorDiv(part));
  } else {
    auto total = asConstant(context.product(input)), wanted = asConstant(context.product(result));
    if (total && wanted && *total != *wanted)
      return context.emitError("reshape: operand 'input' (" + printShape(input) + ") has " +
                               Twine(*total) + " elements, the target shape (" +
                               printShape(result) + ") " + Twine(*wanted));
  }
  context.require(ShapeContext::Need::Equal, context.product(input), context.product(result),
                  "the numbers of elements");
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> ReshapeOp::inferContents(ShapeContext &context) {
  return context.contents(getInput());
}

LogicalResult FlattenOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  int64_t axis = op.getAxis(), rank = input.size();
  // The axis may stand after the last dim.
  if (axis != rank && failed(normalizeAxis(context, "flatten", axis, rank)))
    return failure();
  ArrayRef<AffineExpr> dims = input;
  shapes.push_back(
      {context.product(dims.take_front(axis)), context.product(dims.drop_front(axis))});
  return success();
}

LogicalResult SqueezeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), result;
  for (int64_t axis : op.getAxes()) {
    if (axis < 0 || axis >= static_cast<int64_t>(input.size()))
      return context.emitError("squeeze: axis " + Twine(axis) + " is out of range for rank " +
                               Twine(input.size()));
    if (differ(input[axis], 1))
      return context.emitError("squeeze: dim " + Twine(axis) + " of operand 'input' (" +
                               printShape(input) + ") should be 1");
    context.require(ShapeContext::Need::Equal, context.constant(1), input[axis],
                    "1 and a squeezed dim");
  }
  for (auto [index, dim] : llvm::enumerate(input))
    if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(index)))
      result.push_back(dim);
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> SqueezeOp::inferContents(ShapeContext &context) {
  return context.contents(getInput());
}

LogicalResult UnsqueezeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), result;
  int64_t rank = input.size() + op.getAxes().size();
  for (int64_t axis : op.getAxes())
    if (axis < 0 || axis >= rank)
      return context.emitError("unsqueeze: axis " + Twine(axis) + " is out of range for rank " +
                               Twine(rank));
  auto *next = input.begin();
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(op.getAxes(), i))
      result.push_back(context.constant(1));
    else if (next != input.end())
      result.push_back(*next++);
    else
      return context.emitError("unsqueeze: an axis is given twice");
  }
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> UnsqueezeOp::inferContents(ShapeContext &context) {
  return context.contents(getInput());
}
