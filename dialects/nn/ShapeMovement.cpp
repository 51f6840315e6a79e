//===- ShapeMovement.cpp - shapes of index maps ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"
#include <limits>

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

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
      else {
        context.require(ShapeContext::Need::Equal, result[dim], shape[dim],
                        "dims of the tensors that are joined");
        if (asConstant(shape[dim]))
          result[dim] = shape[dim];
      }
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

LogicalResult SumToShapeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  auto target = context.contents(op.getShape());
  if (!target)
    return context.emitError("sum_to_shape: operand 'shape' has an unknown length");
  bool fits = target->size() <= input.size();
  for (size_t i = 0; fits && i < target->size(); ++i) {
    AffineExpr dim = (*target)[i], wide = input[input.size() - target->size() + i];
    fits &= !differ(dim, wide) || asConstant(dim) == 1;
  }
  if (!fits)
    return context.emitError("sum_to_shape: shape " + printShape(*target) +
                             " doesn't broadcast to operand 'input' (" + printShape(input) + ")");
  shapes.push_back(*target);
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
