//===- ShapeNorm.cpp - shapes of normalizations -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

// Reports a per-channel operand that doesn't have the channels' count.
static LogicalResult expectChannels(ShapeContext &context, StringRef op, StringRef name,
                                    Value operand, AffineExpr channels) {
  SymbolicShape shape = context.shape(operand);
  if (shape.size() == 1 && !differ(shape[0], channels))
    return success();
  return context.emitError(op + ": operand '" + name + "' (" + printShape(shape) +
                           ") should have " + printDim(channels) +
                           " elements, the channels of operand 'input'");
}

LogicalResult BatchNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.empty())
    return context.emitError("batch_norm: operand 'input' is a scalar");
  bool channelsLast = op.getDataLayout() == sinter::nn::DataLayout::channels_last;
  // ONNX: a 1-D input has one channel.
  AffineExpr channels = input.size() == 1 ? context.constant(1)
                        : channelsLast    ? input.back()
                                          : input[1];
  if (failed(expectChannels(context, "batch_norm", "scale", op.getScale(), channels)) ||
      failed(expectChannels(context, "batch_norm", "bias", op.getBias(), channels)) ||
      failed(expectChannels(context, "batch_norm", "mean", op.getMean(), channels)) ||
      failed(expectChannels(context, "batch_norm", "variance", op.getVariance(), channels)))
    return failure();
  shapes.push_back(input);
  return success();
}

LogicalResult InstanceNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.size() < 2)
    return context.emitError("instance_norm: operand 'input' should be N C X…");
  if (failed(expectChannels(context, "instance_norm", "scale", op.getScale(), input[1])) ||
      failed(expectChannels(context, "instance_norm", "bias", op.getBias(), input[1])))
    return failure();
  shapes.push_back(input);
  return success();
}

LogicalResult GroupNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.size() < 2)
    return context.emitError("group_norm: operand 'input' should be N C X…");
  int64_t groups = op.getNumGroups();
  if (auto channels = asConstant(input[1]); groups < 1 || (channels && *channels % groups != 0))
    return context.emitError("group_norm: " + printDim(input[1]) + " channels don't divide into " +
                             Twine(groups) + " groups");
  if (failed(expectChannels(context, "group_norm", "scale", op.getScale(), input[1])) ||
      failed(expectChannels(context, "group_norm", "bias", op.getBias(), input[1])))
    return failure();
  shapes.push_back(input);
  return success();
}

// Scale and bias broadcast to the dims from `axis` on.
static LogicalResult inferAxisNorm(ShapeContext &context, StringRef name, Value input, int64_t axis,
                                   ArrayRef<Value> parameters, Shapes &shapes) {
  SymbolicShape shape = context.shape(input);
  if (failed(normalizeAxis(context, name, axis, shape.size())))
    return failure();
  for (Value parameter : parameters) {
    if (!parameter)
      continue;
    SymbolicShape given = context.shape(parameter);
    auto joined = context.broadcast(shape, given);
    if (failed(joined) || given.size() > shape.size())
      return context.emitError(name + ": scale or bias (" + printShape(given) +
                               ") doesn't broadcast to operand 'input' (" + printShape(shape) +
                               ")");
    for (auto [before, after] : llvm::zip(shape, *joined))
      if (differ(before, after))
        return context.emitError(name + ": scale or bias (" + printShape(given) +
                                 ") is larger than operand 'input' (" + printShape(shape) + ")");
  }
  shapes.push_back(shape);
  return success();
}

LogicalResult LayerNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferAxisNorm(context, "layer_norm", op.getInput(), op.getAxis(),
                       {op.getScale(), op.getBias()}, shapes);
}

LogicalResult RMSNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferAxisNorm(context, "rms_norm", op.getInput(), op.getAxis(), {op.getScale()}, shapes);
}

LogicalResult LRNOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  if (shapes[0].size() < 2)
    return context.emitError("lrn: operand 'input' should be N C X…");
  return success();
}
