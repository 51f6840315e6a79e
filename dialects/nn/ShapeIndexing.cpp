//===- ShapeIndexing.cpp - shapes of gather and scatter -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

LogicalResult GatherOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "gather", axis, input.size())))
    return failure();
  SymbolicShape result(input.begin(), input.begin() + axis);
  result.append(context.shape(op.getIndices()));
  result.append(input.begin() + axis + 1, input.end());
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> GatherOp::inferContents(ShapeContext &context) {
  auto elements = context.contents(getInput());
  auto indices = context.constantContents(getIndices());
  if (!elements || !indices)
    return std::nullopt;
  SymbolicShape result;
  for (int64_t index : *indices) {
    if (index < 0)
      index += elements->size();
    if (index < 0 || index >= static_cast<int64_t>(elements->size()))
      return std::nullopt;
    result.push_back((*elements)[index]);
  }
  return result;
}

LogicalResult GatherElementsOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), indices = context.shape(op.getIndices());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "gather_elements", axis, input.size())) ||
      failed(expectRank(context, "gather_elements", "indices", indices, input.size())))
    return failure();
  shapes.push_back(indices);
  return success();
}

LogicalResult GatherNDOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), indices = context.shape(op.getIndices());
  if (indices.empty())
    return context.emitError("gather_nd: operand 'indices' should have rank 1 or more");
  auto depth = asConstant(indices.back());
  int64_t batch = op.getBatchDims(), rank = input.size();
  if (!depth)
    return context.emitError("gather_nd: the last dim of operand 'indices' "
                             "must be known at compile time");
  if (batch < 0 || batch >= static_cast<int64_t>(indices.size()) || *depth < 1 ||
      batch + *depth > rank)
    return context.emitError("gather_nd: index vectors of " + Twine(*depth) + " elements after " +
                             Twine(batch) + " batch dims don't fit operand 'input' (" +
                             printShape(input) + ")");
  SymbolicShape result(indices.begin(), indices.end() - 1);
  result.append(input.begin() + batch + *depth, input.end());
  shapes.push_back(result);
  return success();
}

LogicalResult ScatterElementsOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "scatter_elements", axis, input.size())) ||
      failed(expectRank(context, "scatter_elements", "indices", context.shape(op.getIndices()),
                        input.size())) ||
      failed(expectRank(context, "scatter_elements", "updates", context.shape(op.getUpdates()),
                        input.size())))
    return failure();
  shapes.push_back(input);
  return success();
}

LogicalResult ScatterNDOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), indices = context.shape(op.getIndices()),
                updates = context.shape(op.getUpdates());
  auto depth = indices.empty() ? std::nullopt : asConstant(indices.back());
  if (!depth)
    return context.emitError("scatter_nd: the last dim of operand 'indices' "
                             "must be known at compile time");
  if (*depth > static_cast<int64_t>(input.size()))
    return context.emitError("scatter_nd: index vectors of " + Twine(*depth) +
                             " elements are longer than the rank of operand "
                             "'input' (" +
                             printShape(input) + ")");
  if (failed(expectRank(context, "scatter_nd", "updates", updates,
                        indices.size() - 1 + input.size() - *depth)))
    return failure();
  shapes.push_back(input);
  return success();
}
