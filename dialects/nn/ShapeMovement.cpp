//===- ShapeMovement.cpp - shapes of views and index maps -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"
#include <limits>

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Index maps
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), result;
  ArrayRef<int64_t> permutation = op.getPermutation();
  SmallVector<bool> seen(input.size(), false);
  if (permutation.size() != input.size())
    return context.emitError("transpose: permutation has " + Twine(permutation.size()) +
                             " entries, operand 'input' has rank " + Twine(input.size()));
  for (int64_t dim : permutation) {
    if (dim < 0 || dim >= static_cast<int64_t>(input.size()) || seen[dim])
      return context.emitError("transpose: 'permutation' is not a permutation "
                               "of the dims of operand 'input' (" +
                               printShape(input) + ")");
    seen[dim] = true;
    result.push_back(input[dim]);
  }
  shapes.push_back(result);
  return success();
}

LogicalResult ConcatOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  if (op.getInputs().empty())
    return context.emitError("concat: expected at least one input");
  SymbolicShape result = context.shape(op.getInputs()[0]);
  int64_t axis = op.getAxis(), rank = result.size();
  if (failed(normalizeAxis(context, "concat", axis, rank)))
    return failure();
  for (auto [number, input] : llvm::drop_begin(llvm::enumerate(op.getInputs()))) {
    SymbolicShape shape = context.shape(input);
    if (static_cast<int64_t>(shape.size()) != rank)
      return context.emitError("concat: input " + Twine(number) + " (" + printShape(shape) +
                               ") should have rank " + Twine(rank) + " as input 0");
    for (int64_t dim = 0; dim < rank; ++dim) {
      if (dim == axis)
        result[dim] = result[dim] + shape[dim];
      else if (differ(result[dim], shape[dim]))
        return context.emitError("concat: dim " + Twine(dim) + " of input " + Twine(number) +
                                 " is " + printDim(shape[dim]) + ", of input 0 " +
                                 printDim(result[dim]));
      else if (asConstant(shape[dim]))
        result[dim] = shape[dim];
    }
  }
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> ConcatOp::inferContents(ShapeContext &context) {
  SymbolicShape result;
  for (Value input : getInputs()) {
    auto part = context.contents(input);
    if (!part)
      return std::nullopt;
    result.append(*part);
  }
  return result;
}

namespace {
/// What a slice does to one dim.
struct SliceRange {
  AffineExpr start, size;
};
} // namespace

// ONNX's rules: wrap negative positions, then clamp the start into [0, dim − n]
// and the end into [−n, dim − n], where n is 1 for a negative step, else 0.
static SliceRange getSliceRange(ShapeContext &context, AffineExpr dim, AffineExpr start,
                                AffineExpr end, AffineExpr step) {
  auto constantStep = asConstant(step);
  AffineExpr zero = context.constant(0), one = context.constant(1);
  AffineExpr backward = constantStep ? context.constant(*constantStep < 0)
                                     : context.min(context.max(-step, zero), one);
  AffineExpr last = dim - backward;
  // Positions far outside are how models say "to the end"; they would overflow.
  constexpr int64_t far = std::numeric_limits<int32_t>::max() - 1;
  auto clamp = [&](AffineExpr position, AffineExpr low) {
    auto value = asConstant(position);
    if (value && *value >= far)
      return last;
    if (value && *value <= -far)
      return low;
    position = context.apply(ShapeContext::Function::WrapNegative, position, dim);
    return context.max(context.min(position, last), low);
  };
  AffineExpr from = clamp(start, zero), to = clamp(end, -backward);
  AffineExpr count;
  if (constantStep) {
    int64_t size = std::max<int64_t>(std::abs(*constantStep), 1);
    count = ceilDiv(*constantStep < 0 ? from - to : to - from, size);
  } else {
    AffineExpr size = context.max(step, -step);
    AffineExpr distance = (to - from) * (context.constant(1) - backward * 2);
    count = (distance + size - 1).floorDiv(size);
  }
  return {from, context.max(count, zero)};
}

LogicalResult SliceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  ArrayRef<int64_t> axes = op.getAxes();
  auto starts = context.contents(op.getStarts()), ends = context.contents(op.getEnds()),
       steps = context.contents(op.getSteps());
  if (!starts || !ends || !steps)
    return context.emitError("slice: operands 'starts', 'ends' and 'steps' "
                             "must have a static length");
  if (starts->size() != axes.size() || ends->size() != axes.size() || steps->size() != axes.size())
    return context.emitError("slice: " + Twine(axes.size()) + " axes, but " +
                             Twine(starts->size()) + " starts, " + Twine(ends->size()) +
                             " ends and " + Twine(steps->size()) + " steps");
  for (auto [index, given] : llvm::enumerate(axes)) {
    int64_t axis = given;
    if (failed(normalizeAxis(context, "slice", axis, result.size())))
      return failure();
    auto step = asConstant((*steps)[index]);
    if (step && *step == 0)
      return context.emitError("slice: the step along axis " + Twine(axis) + " is 0");
    result[axis] =
        getSliceRange(context, result[axis], (*starts)[index], (*ends)[index], (*steps)[index])
            .size;
  }
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> SliceOp::inferContents(ShapeContext &context) {
  auto elements = context.contents(getInput());
  auto starts = context.constantContents(getStarts()), ends = context.constantContents(getEnds()),
       steps = context.constantContents(getSteps());
  if (!elements || !starts || !ends || !steps)
    return std::nullopt;
  if (getAxes().empty())
    return elements;
  if (getAxes().size() != 1 || (*steps)[0] == 0)
    return std::nullopt;
  SliceRange range =
      getSliceRange(context, context.constant(elements->size()), context.constant((*starts)[0]),
                    context.constant((*ends)[0]), context.constant((*steps)[0]));
  auto start = asConstant(range.start), size = asConstant(range.size);
  if (!start || !size)
    return std::nullopt;
  SymbolicShape result;
  for (int64_t i = 0; i < *size; ++i)
    result.push_back((*elements)[*start + i * (*steps)[0]]);
  return result;
}

LogicalResult PadOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  size_t rank = result.size();
  auto pads = context.contents(op.getPads());
  if (!pads)
    return context.emitError("pad: operand 'pads' must have a static length");
  if (pads->size() != 2 * rank)
    return context.emitError("pad: operand 'pads' has " + Twine(pads->size()) +
                             " elements, expected " + Twine(2 * rank) +
                             " (begin and end of each dim of operand 'input')");
  for (size_t dim = 0; dim < rank; ++dim) {
    AffineExpr size = result[dim] + (*pads)[dim] + (*pads)[rank + dim];
    if (auto value = asConstant(size); value && *value < 0)
      return context.emitError("pad: dim " + Twine(dim) + " of the result would be " +
                               Twine(*value));
    result[dim] = size;
  }
  shapes.push_back(result);
  return success();
}

LogicalResult ExpandOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  auto target = context.contents(op.getShape());
  if (!target)
    return context.emitError("expand: the result's rank must be known at "
                             "compile time, but operand 'shape' is a tensor of "
                             "unknown or excessive length");
  auto result = context.broadcast(context.shape(op.getInput()), *target);
  if (failed(result))
    return failure();
  shapes.push_back(*result);
  return success();
}

LogicalResult TileOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  auto repeats = context.contents(op.getRepeats());
  if (!repeats || repeats->size() != result.size())
    return context.emitError("tile: operand 'repeats' should have " + Twine(result.size()) +
                             " elements, the rank of operand 'input'");
  for (auto [dim, count] : llvm::zip(result, *repeats))
    dim = dim * count;
  shapes.push_back(result);
  return success();
}

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

LogicalResult TriluOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  if (shapes[0].size() < 2)
    return context.emitError("trilu: operand 'input' should have rank 2 or more");
  return success();
}

LogicalResult ReverseSequenceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()),
                lengths = context.shape(op.getSequenceLengths());
  int64_t time = op.getTimeAxis(), batch = op.getBatchAxis();
  if (failed(normalizeAxis(context, "reverse_sequence", time, input.size())) ||
      failed(normalizeAxis(context, "reverse_sequence", batch, input.size())) ||
      failed(expectRank(context, "reverse_sequence", "sequence_lengths", lengths, 1)))
    return failure();
  if (differ(lengths[0], input[batch]))
    return context.emitError("reverse_sequence: " + printDim(lengths[0]) +
                             " sequence lengths for a batch of " + printDim(input[batch]));
  shapes.push_back(input);
  return success();
}

LogicalResult DepthToSpaceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (failed(expectRank(context, "depth_to_space", "input", input, 4)))
    return failure();
  int64_t block = op.getBlocksize();
  auto channels = asConstant(input[1]);
  if (block < 1 || (channels && *channels % (block * block) != 0))
    return context.emitError("depth_to_space: operand 'input' has " + printDim(input[1]) +
                             " channels, not a multiple of blocksize² = " + Twine(block * block));
  AffineExpr area = context.constant(block * block);
  shapes.push_back(
      {input[0], context.quotient(input[1], area), input[2] * block, input[3] * block});
  return success();
}

LogicalResult SpaceToDepthOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (failed(expectRank(context, "space_to_depth", "input", input, 4)))
    return failure();
  int64_t block = op.getBlocksize();
  for (int dim : {2, 3})
    if (auto size = asConstant(input[dim]); block < 1 || (size && *size % block != 0))
      return context.emitError("space_to_depth: dim " + Twine(dim) + " of operand 'input' (" +
                               printShape(input) + ") is not a multiple of blocksize " +
                               Twine(block));
  AffineExpr size = context.constant(block);
  shapes.push_back({input[0], input[1] * (block * block), context.quotient(input[2], size),
                    context.quotient(input[3], size)});
  return success();
}

LogicalResult GridSampleOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), grid = context.shape(op.getGrid());
  if (input.size() < 3)
    return context.emitError("grid_sample: operand 'input' (" + printShape(input) +
                             ") should be N C D1…Dn");
  if (failed(expectRank(context, "grid_sample", "grid", grid, input.size())))
    return failure();
  if (differ(grid.back(), input.size() - 2))
    return context.emitError("grid_sample: the last dim of operand 'grid' (" + printShape(grid) +
                             ") should be " + Twine(input.size() - 2));
  if (differ(grid[0], input[0]))
    return context.emitError("grid_sample: batch of operand 'input' is " + printDim(input[0]) +
                             ", of 'grid' " + printDim(grid[0]));
  SymbolicShape result{asConstant(input[0]) ? input[0] : grid[0], input[1]};
  result.append(grid.begin() + 1, grid.end() - 1);
  shapes.push_back(result);
  return success();
}

//===----------------------------------------------------------------------===//
// Making data
//===----------------------------------------------------------------------===//

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
    auto start = context.contents(op.getStart()), limit = context.contents(op.getLimit()),
         delta = context.contents(op.getDelta());
    if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 ||
        delta->size() != 1)
      return context.emitError("range: operands should be scalars");
    AffineExpr distance = (*limit)[0] - (*start)[0], step = (*delta)[0];
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

Type OneHotOp::inferElementType(Adaptor op, unsigned) {
  return getElementTypeOrSelf(op.getValues().getType());
}

LogicalResult OneHotOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getIndices());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "one_hot", axis, result.size() + 1)))
    return failure();
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
