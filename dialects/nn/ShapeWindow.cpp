//===- ShapeWindow.cpp - shapes of convolutions and pooling ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"
#include "dialects/nn/Winograd.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

namespace {
/// The attributes that convolutions and pools share.
struct Window {
  StringRef op;
  ArrayRef<int64_t> strides, pads, dilations;
  AutoPad autoPad = AutoPad::notset;
  bool ceilMode = false;

  /// Reports attributes that don't have one entry per spatial dim (pads: two).
  LogicalResult verify(ShapeContext &context, size_t spatialRank) const {
    auto check = [&](StringRef name, ArrayRef<int64_t> values, size_t count,
                     int64_t least) -> LogicalResult {
      if (values.size() != count)
        return context.emitError(op + ": attribute '" + name + "' has " + Twine(values.size()) +
                                 " entries, expected " + Twine(count) + " for " +
                                 Twine(spatialRank) + " spatial dims");
      for (int64_t value : values)
        if (value < least)
          return context.emitError(op + ": attribute '" + name + "' has an entry of " +
                                   Twine(value) + ", less than " + Twine(least));
      return success();
    };
    if (failed(check("strides", strides, spatialRank, 1)) ||
        failed(check("dilations", dilations, spatialRank, 1)))
      return failure();
    // Negative pads crop.
    return check("pads", pads, 2 * spatialRank, std::numeric_limits<int64_t>::min());
  }

  /// How many windows of `kernel` elements spatial dim `index` of size `dim` holds.
  FailureOr<AffineExpr> getOutputDim(ShapeContext &context, AffineExpr dim, AffineExpr kernel,
                                     size_t index) const {
    int64_t stride = strides[index], begin = 0, end = 0;
    if (autoPad == AutoPad::same_upper || autoPad == AutoPad::same_lower)
      return ceilDiv(dim, stride);
    if (autoPad == AutoPad::notset) {
      begin = pads[index];
      end = pads[strides.size() + index];
    }
    AffineExpr extent = (kernel - 1) * dilations[index] + 1;
    AffineExpr room = dim + (begin + end) - extent;
    if (auto value = asConstant(room);
        value && *value < 0 && asConstant(dim) && *asConstant(dim) > 0)
      return context.emitError(op + ": the window of " + printDim(extent) +
                               " elements along spatial "
                               "dim " +
                               Twine(index) + " is wider than the padded input of " +
                               printDim(dim + (begin + end)));
    if (!ceilMode)
      return context.max(room.floorDiv(stride) + 1, context.constant(0));
    // The last window must start inside the input or the left pad.
    return context.min(ceilDiv(room, stride) + 1, (dim + (begin - 1)).floorDiv(stride) + 1);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

bool ConvOp::isDepthwise() {
  ArrayRef<int64_t> shape = getFilter().getType().getShape();
  return getFilterBlock() == 0 && shape[0] == getGroup() && shape[1] == 1;
}

LogicalResult ConvOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), filter = context.shape(op.getFilter());
  int64_t rank = input.size(), spatialRank = rank - 2;
  if (failed(expectFactors(context, "conv", op.getInput(), op.getFilter())))
    return failure();
  if (spatialRank < 1)
    return context.emitError("conv: operand 'input' (" + printShape(input) +
                             ") should have rank 3 or more");
  Window window{"conv", op.getStrides(), op.getPads(), op.getDilations(), op.getAutoPad()};
  if (failed(window.verify(context, spatialRank)))
    return failure();
  bool channelsLast = op.getDataLayout() == sinter::nn::DataLayout::channels_last;
  int64_t block = op.getFilterBlock(), group = op.getGroup();
  AffineExpr channels = input[channelsLast ? rank - 1 : 1], outChannels;
  auto expectFilterRank = [&](int64_t expected) {
    return expectRank(context, "conv", "filter", filter, expected);
  };

  SymbolicShape kernel;
  if (block == 0) {
    if (failed(expectFilterRank(rank)))
      return failure();
    outChannels = filter[0];
    kernel.append(filter.begin() + 2, filter.end());
    if (differ(channels, filter[1] * group))
      return context.emitError("conv: input has " + printDim(channels) +
                               " channels, filter expects " + printDim(filter[1]) + " × group " +
                               Twine(group));
    context.require(ShapeContext::Need::Equal, filter[1] * group, channels, "the channels");
  } else if (block > 0) {
    int64_t beside = getDotSteps(getElementTypeOrSelf(op.getFilter())),
            packedRank = beside == 1 ? rank + 1 : rank + 2;
    if (failed(expectFilterRank(packedRank)))
      return failure();
    outChannels = context.constant(op.getOutChannels());
    kernel.append(filter.begin() + 1, filter.begin() + 1 + spatialRank);
    if (int64_t tile = op.getWinograd()) {
      auto isOne = [](int64_t value) { return value == 1; };
      if (!sinter::nn::getWinograd(tile) || spatialRank != 2 || group != 1 || !channelsLast ||
          !llvm::all_of(op.getStrides(), isOne) || !llvm::all_of(op.getDilations(), isOne))
        return context.emitError("conv: attribute 'winograd' is for 3×3 filters of stride 1, one "
                                 "group and channels last, and is 2 or 4");
      for (AffineExpr &extent : kernel)
        extent = extent - (tile - 1);
      if (differ(kernel[0], 3) || differ(kernel[1], 3))
        return context.emitError("conv: transformed filter (" + printShape(filter) +
                                 ") is not of attribute 'winograd' = " + Twine(tile));
    }
    AffineExpr depth = filter[rank - 1] * beside;
    if (differ(channels, depth * group))
      return context.emitError("conv: input has " + printDim(channels) +
                               " channels, packed filter expects " + printDim(depth) + " × group " +
                               Twine(group));
    context.require(ShapeContext::Need::Equal, depth * group, channels, "the channels");
    if (differ(filter[rank], block) || (beside != 1 && differ(filter[rank + 1], beside)) ||
        differ(filter[0], (op.getOutChannels() + block - 1) / block))
      return context.emitError("conv: packed filter (" + printShape(filter) + ") should hold " +
                               Twine(op.getOutChannels()) + " channels in blocks of " +
                               Twine(block));
  } else {
    if (failed(expectFilterRank(rank - 1)))
      return failure();
    outChannels = filter[rank - 2];
    kernel.append(filter.begin(), filter.end() - 1);
    if (differ(channels, group) || differ(outChannels, group))
      return context.emitError("conv: a depthwise filter needs group = " + printDim(channels) +
                               ", the input's channels; given " + Twine(group));
  }
  if (auto value = asConstant(outChannels); group < 1 || (value && *value % group != 0))
    return context.emitError("conv: " + printDim(outChannels) +
                             " output channels don't divide into " + Twine(group) + " groups");
  if (op.getBias()) {
    SymbolicShape bias = context.shape(op.getBias());
    if (bias.size() != 1 || differ(bias[0], outChannels))
      return context.emitError("conv: operand 'bias' (" + printShape(bias) + ") should have " +
                               printDim(outChannels) + " elements");
  }

  SymbolicShape result{input[0]};
  if (!channelsLast)
    result.push_back(outChannels);
  for (int64_t i = 0; i < spatialRank; ++i) {
    auto dim = window.getOutputDim(context, input[i + (channelsLast ? 1 : 2)], kernel[i], i);
    if (failed(dim))
      return failure();
    result.push_back(*dim);
  }
  if (channelsLast)
    result.push_back(outChannels);
  shapes.push_back(result);
  return success();
}

LogicalResult ConvFilterGradOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), cotangent = context.shape(op.getCotangent());
  int64_t rank = input.size(), spatialRank = rank - 2, group = op.getGroup();
  if (spatialRank < 1)
    return context.emitError("conv_filter_grad: operand 'input' (" + printShape(input) +
                             ") should have rank 3 or more");
  if (failed(expectRank(context, "conv_filter_grad", "cotangent", cotangent, rank)))
    return failure();
  Window window{"conv_filter_grad", op.getStrides(), op.getPads(), op.getDilations(),
                op.getAutoPad()};
  if (failed(window.verify(context, spatialRank)))
    return failure();
  if (static_cast<int64_t>(op.getKernelShape().size()) != spatialRank)
    return context.emitError("conv_filter_grad: attribute 'kernel_shape' has " +
                             Twine(op.getKernelShape().size()) + " entries, expected " +
                             Twine(spatialRank));
  bool channelsLast = op.getDataLayout() == sinter::nn::DataLayout::channels_last;
  int64_t firstSpatial = channelsLast ? 1 : 2, channel = channelsLast ? rank - 1 : 1;
  if (differ(input[0], cotangent[0]))
    return context.emitError("conv_filter_grad: operand 'cotangent' (" + printShape(cotangent) +
                             ") should have the batch of operand 'input' (" + printShape(input) +
                             ")");
  for (int64_t i = 0; i < spatialRank; ++i) {
    auto dim = window.getOutputDim(context, input[firstSpatial + i],
                                   context.constant(op.getKernelShape()[i]), i);
    if (failed(dim))
      return failure();
    // A transposed convolution's padding may leave the last windows out.
    auto given = asConstant(cotangent[firstSpatial + i]), expected = asConstant(*dim);
    if (given && expected && *given > *expected)
      return context.emitError("conv_filter_grad: dim " + Twine(firstSpatial + i) +
                               " of operand 'cotangent' (" + printShape(cotangent) +
                               ") should be at most " + Twine(*expected));
  }
  for (AffineExpr channels : {input[channel], cotangent[channel]})
    if (auto value = asConstant(channels); group < 1 || (value && *value % group != 0))
      return context.emitError("conv_filter_grad: " + printDim(channels) +
                               " channels don't divide into " + Twine(group) + " groups");
  AffineExpr inputs = context.quotient(input[channel], context.constant(group));
  SymbolicShape result;
  if (!channelsLast)
    llvm::append_values(result, cotangent[channel], inputs);
  for (int64_t size : op.getKernelShape())
    result.push_back(context.constant(size));
  if (channelsLast)
    llvm::append_values(result, inputs, cotangent[channel]);
  shapes.push_back(result);
  return success();
}

LogicalResult ConvTransposeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), filter = context.shape(op.getFilter());
  int64_t rank = input.size(), spatialRank = rank - 2;
  if (spatialRank < 1)
    return context.emitError("conv_transpose: operand 'input' (" + printShape(input) +
                             ") should have rank 3 or more");
  if (failed(expectRank(context, "conv_transpose", "filter", filter, rank)))
    return failure();
  Window window{"conv_transpose", op.getStrides(), op.getPads(), op.getDilations(),
                op.getAutoPad()};
  if (failed(window.verify(context, spatialRank)))
    return failure();
  ArrayRef<int64_t> fixed = op.getOutputShape(), extra = op.getOutputPadding();
  if ((!fixed.empty() && static_cast<int64_t>(fixed.size()) != spatialRank) ||
      static_cast<int64_t>(extra.size()) != spatialRank)
    return context.emitError("conv_transpose: 'output_shape' and 'output_padding' should have " +
                             Twine(spatialRank) + " entries, one per spatial dim");
  if (differ(input[1], filter[0]))
    return context.emitError("conv_transpose: input has " + printDim(input[1]) +
                             " channels, filter expects " + printDim(filter[0]));
  AffineExpr outChannels = filter[1] * static_cast<int64_t>(op.getGroup());
  if (op.getBias()) {
    SymbolicShape bias = context.shape(op.getBias());
    if (bias.size() != 1 || differ(bias[0], outChannels))
      return context.emitError("conv_transpose: operand 'bias' (" + printShape(bias) +
                               ") should have " + printDim(outChannels) + " elements");
  }

  SymbolicShape result{input[0], outChannels};
  AutoPad autoPad = op.getAutoPad();
  for (int64_t i = 0; i < spatialRank; ++i) {
    AffineExpr dim = input[i + 2];
    int64_t stride = op.getStrides()[i];
    if (!fixed.empty()) {
      result.push_back(context.constant(fixed[i]));
    } else if (autoPad == AutoPad::same_upper || autoPad == AutoPad::same_lower) {
      result.push_back(dim * stride);
    } else {
      int64_t cropped = 0;
      if (autoPad == AutoPad::notset)
        cropped = op.getPads()[i] + op.getPads()[spatialRank + i];
      AffineExpr extent = (filter[i + 2] - 1) * op.getDilations()[i] + 1;
      AffineExpr size = (dim - 1) * stride + extent + (extra[i] - cropped);
      if (auto value = asConstant(size); value && *value < 0)
        return context.emitError("conv_transpose: spatial dim " + Twine(i) +
                                 " of the result would be " + Twine(*value));
      result.push_back(size);
    }
  }
  shapes.push_back(result);
  return success();
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

static LogicalResult inferPoolShape(ShapeContext &context, const Window &window,
                                    SymbolicShape input, ArrayRef<int64_t> kernel,
                                    bool channelsLast, Shapes &shapes) {
  if (input.size() < 3)
    return context.emitError(window.op + ": operand 'input' (" + printShape(input) +
                             ") should have rank 3 or more");
  size_t spatialRank = input.size() - 2;
  if (failed(window.verify(context, spatialRank)))
    return failure();
  if (kernel.size() != spatialRank)
    return context.emitError(window.op + ": attribute 'kernel_shape' has " + Twine(kernel.size()) +
                             " entries, expected " + Twine(spatialRank));
  for (size_t i = 0; i < spatialRank; ++i) {
    AffineExpr &dim = input[i + (channelsLast ? 1 : 2)];
    auto count = window.getOutputDim(context, dim, context.constant(kernel[i]), i);
    if (failed(count))
      return failure();
    dim = *count;
  }
  shapes.push_back(input);
  return success();
}

template <typename Adaptor>
static LogicalResult inferPool(ShapeContext &context, StringRef name, Adaptor op, Shapes &shapes) {
  Window window{
      name, op.getStrides(), op.getPads(), op.getDilations(), op.getAutoPad(), op.getCeilMode()};
  return inferPoolShape(context, window, context.shape(op.getInput()), op.getKernelShape(),
                        op.getDataLayout() == sinter::nn::DataLayout::channels_last, shapes);
}

LogicalResult MaxPoolOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferPool(context, "max_pool", op, shapes);
}

LogicalResult AveragePoolOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferPool(context, "average_pool", op, shapes);
}

LogicalResult LpPoolOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferPool(context, "lp_pool", op, shapes);
}

LogicalResult MaxPoolIndicesOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  Window window{"max_pool_indices", op.getStrides(), op.getPads(),
                op.getDilations(),  op.getAutoPad(), op.getCeilMode()};
  return inferPoolShape(context, window, context.shape(op.getInput()), op.getKernelShape(),
                        /*channelsLast=*/false, shapes);
}

// The cotangent must be of the pool's result; the result has the pool's input's shape.
template <typename Adaptor>
static LogicalResult inferPoolGrad(ShapeContext &context, StringRef name, Adaptor op,
                                   const SymbolicShape &input, Shapes &shapes) {
  Window window{
      name, op.getStrides(), op.getPads(), op.getDilations(), op.getAutoPad(), op.getCeilMode()};
  SmallVector<SymbolicShape> pooled;
  if (failed(inferPoolShape(context, window, input, op.getKernelShape(),
                            op.getDataLayout() == sinter::nn::DataLayout::channels_last, pooled)))
    return failure();
  SymbolicShape cotangent = context.shape(op.getCotangent());
  bool fits = cotangent.size() == pooled[0].size();
  if (fits)
    for (auto [dim, expected] : llvm::zip(cotangent, pooled[0]))
      fits &= !differ(dim, expected);
  if (!fits)
    return context.emitError(name + ": operand 'cotangent' (" + printShape(cotangent) +
                             ") should be " + printShape(pooled[0]));
  shapes.push_back(input);
  return success();
}

LogicalResult MaxPoolGradOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferPoolGrad(context, "max_pool_grad", op, context.shape(op.getInput()), shapes);
}

LogicalResult SumPoolGradOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  auto input = context.contents(op.getShape());
  if (!input)
    return context.emitError("sum_pool_grad: operand 'shape' has an unknown length");
  return inferPoolGrad(context, "sum_pool_grad", op, *input, shapes);
}

LogicalResult MaxUnpoolOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.size() < 3)
    return context.emitError("max_unpool: operand 'input' (" + printShape(input) +
                             ") should have rank 3 or more");
  if (op.getOutputShape()) {
    auto result = context.contents(op.getOutputShape());
    if (!result || result->size() != input.size())
      return context.emitError("max_unpool: operand 'output_shape' should have " +
                               Twine(input.size()) + " elements");
    shapes.push_back(*result);
    return success();
  }
  size_t spatialRank = input.size() - 2;
  if (op.getKernelShape().size() != spatialRank || op.getStrides().size() != spatialRank ||
      op.getPads().size() != 2 * spatialRank)
    return context.emitError("max_unpool: 'kernel_shape', 'strides' and 'pads' "
                             "should fit " +
                             Twine(spatialRank) + " spatial dims");
  for (size_t i = 0; i < spatialRank; ++i)
    input[i + 2] = (input[i + 2] - 1) * op.getStrides()[i] +
                   (op.getKernelShape()[i] - op.getPads()[i] - op.getPads()[spatialRank + i]);
  shapes.push_back(input);
  return success();
}

LogicalResult Col2ImOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (failed(expectRank(context, "col2im", "input", input, 3)))
    return failure();
  int64_t block = 1;
  for (int64_t size : op.getBlockShape())
    block *= size;
  if (auto rows = asConstant(input[1]); block < 1 || (rows && *rows % block != 0))
    return context.emitError("col2im: dim 1 of operand 'input' (" + printShape(input) +
                             ") is not a multiple of the block's " + Twine(block) + " elements");
  Window window{"col2im", op.getStrides(), op.getPads(), op.getDilations()};
  if (failed(window.verify(context, op.getImageShape().size())))
    return failure();
  SymbolicShape result{input[0], context.quotient(input[1], context.constant(block))};
  for (int64_t dim : op.getImageShape())
    result.push_back(context.constant(dim));
  shapes.push_back(result);
  return success();
}

LogicalResult RoiAlignOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), rois = context.shape(op.getRois()),
                batches = context.shape(op.getBatchIndices());
  if (failed(expectRank(context, "roi_align", "input", input, 4)) ||
      failed(expectRank(context, "roi_align", "rois", rois, 2)) ||
      failed(expectRank(context, "roi_align", "batch_indices", batches, 1)))
    return failure();
  if (differ(rois[1], 4) || differ(rois[0], batches[0]))
    return context.emitError("roi_align: operand 'rois' (" + printShape(rois) +
                             ") should be count × 4, 'batch_indices' (" + printShape(batches) +
                             ") count");
  shapes.push_back({asConstant(rois[0]) ? rois[0] : batches[0], input[1],
                    context.constant(op.getOutputHeight()), context.constant(op.getOutputWidth())});
  return success();
}
