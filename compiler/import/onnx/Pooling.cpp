//===- Pooling.cpp - pooling, regions of interest -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Window.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

/// The window of a pooling operator, whose `kernel_shape` is required.
Window getPoolWindow(Node &node, size_t spatial) {
  if (!node.hasAttribute("kernel_shape"))
    (void)node.requireInts("kernel_shape");
  return getWindow(node, spatial, getSpatial(node, "kernel_shape", spatial, 1, 1));
}

LogicalResult buildMaxPool(Node &node) {
  auto spatial = getSpatialRank(node);
  if (!spatial)
    return failure();
  Window window = getPoolWindow(node, *spatial);
  bool columnMajor = node.getFlag("storage_order");
  if (node.failed())
    return failure();
  Value input = node.getInput(0);
  node.setOutput(0, node.create<nn::MaxPoolOp>(input, window.kernel, window.strides, window.pads,
                                               window.dilations, window.ceilMode, window.autoPad));
  if (node.hasOutput(1))
    node.setOutput(1, node.create<nn::MaxPoolIndicesOp>(
                          input, window.kernel, window.strides, window.pads, window.dilations,
                          window.ceilMode, window.autoPad, columnMajor));
  return node.status();
}

LogicalResult buildAveragePool(Node &node) {
  auto spatial = getSpatialRank(node);
  if (!spatial)
    return failure();
  Window window = getPoolWindow(node, *spatial);
  bool countIncludePad = node.getFlag("count_include_pad");
  if (node.failed())
    return failure();
  return node.yield(node.create<nn::AveragePoolOp>(
      node.getInput(0), window.kernel, window.strides, window.pads, window.dilations,
      window.ceilMode, window.autoPad, nn::DataLayout::channels_first, countIncludePad));
}

/// `p`, a float in version 1.
double getNorm(Node &node) {
  return node.getOpset() < 2 ? node.getFloat("p", 2) : static_cast<double>(node.getInt("p", 2));
}

LogicalResult buildLpPool(Node &node) {
  auto spatial = getSpatialRank(node);
  if (!spatial)
    return failure();
  double p = getNorm(node);
  if (p < 1 || p != static_cast<int64_t>(p))
    return node.emitUnsupported("'p' other than a positive whole number");
  Window window = getPoolWindow(node, *spatial);
  if (node.failed())
    return failure();
  return node.yield(node.create<nn::LpPoolOp>(
      node.getInput(0), window.kernel, window.strides, window.pads, window.dilations,
      window.ceilMode, window.autoPad, nn::DataLayout::channels_first, static_cast<int64_t>(p)));
}

/// All spatial dims of input 0.
Ints getSpatialAxes(Node &node) {
  Ints axes;
  for (int64_t axis = 2, rank = node.getRank(0); axis < rank; ++axis)
    axes.push_back(axis);
  return axes;
}

template <nn::ReduceKind kind>
LogicalResult buildGlobalPool(Node &node) {
  if (!getSpatialRank(node, 0))
    return failure();
  return node.yield(node.reduce(node.getInput(0), kind, getSpatialAxes(node), true));
}

LogicalResult buildGlobalLpPool(Node &node) {
  if (!getSpatialRank(node, 0))
    return failure();
  double p = getNorm(node);
  Ints axes = getSpatialAxes(node);
  Value input = node.getInput(0);
  if (p == 1 || p == 2) {
    auto kind = p == 1 ? nn::ReduceKind::l1 : nn::ReduceKind::l2;
    return node.yield(node.reduce(input, kind, axes, true));
  }
  if (p <= 0)
    return node.emitError("attribute 'p' must be positive");
  Value powers = node.create<nn::PowOp>(node.create<nn::AbsOp>(input), node.scalarLike(input, p));
  Value sum = node.reduce(powers, nn::ReduceKind::sum, axes, true);
  return node.yield(node.create<nn::PowOp>(sum, node.scalarLike(input, 1 / p)));
}

/// The indices count in the shape that the window gives; a given output shape
/// appends zeros to that (or cuts it off).
LogicalResult buildMaxUnpool(Node &node) {
  auto spatial = getSpatialRank(node);
  if (!spatial)
    return failure();
  Window window = getPoolWindow(node, *spatial);
  if (node.failed())
    return failure();
  Value result = node.create<nn::MaxUnpoolOp>(node.getInput(0), node.getInput(1), Value(),
                                              window.kernel, window.strides, window.pads);
  if (node.hasInput(2) && !node.failed()) {
    auto shape = cast<RankedTensorType>(result.getType()).getShape();
    Ints zeros(shape.size(), 0);
    auto wanted = node.getConstantInts(node.getInput(2));
    Value pads;
    if (wanted && wanted->size() == shape.size() && llvm::none_of(shape, ShapedType::isDynamic)) {
      Ints all = zeros;
      for (auto [to, from] : llvm::zip(*wanted, shape))
        all.push_back(to - from);
      pads = node.indices(all);
    } else {
      Value ends = node.sub(node.getInput(2), node.shapeOf(result));
      pads = node.concat({node.indices(zeros), ends}, 0);
    }
    result =
        node.create<nn::PadOp>(result, pads, node.scalarLike(result, 0), nn::PadMode::constant);
  }
  return node.yield(result);
}

//===----------------------------------------------------------------------===//
// Regions of interest
//===----------------------------------------------------------------------===//

LogicalResult buildRoiAlign(Node &node) {
  bool maxMode = node.getEnum<bool>("mode", "avg", {{"avg", false}, {"max", true}});
  bool halfPixel = node.getOpset() >= 16 &&
                   node.getEnum<bool>("coordinate_transformation_mode", "half_pixel",
                                      {{"half_pixel", true}, {"output_half_pixel", false}});
  int64_t height = node.getInt("output_height", 1);
  int64_t width = node.getInt("output_width", 1);
  int64_t ratio = node.getInt("sampling_ratio", 0);
  double scale = node.getFloat("spatial_scale", 1);
  if (height < 1 || width < 1 || ratio < 0)
    return node.emitError("'output_height' and 'output_width' must be "
                          "positive, 'sampling_ratio' not negative");
  if (node.getRank(0) != 4)
    return node.emitError("the input must have rank 4");
  return node.yield(node.create<nn::RoiAlignOp>(node.getInput(0), node.getInput(1),
                                                node.getInput(2), height, width, ratio,
                                                APFloat(scale), maxMode, halfPixel));
}

} // namespace

void sinter::onnx_import::registerPoolingOperators(OperatorTable &table) {
  table.add("MaxPool", 1, buildMaxPool, 1, 2);
  table.add("AveragePool", 1, buildAveragePool, 1);
  table.add("LpPool", 1, buildLpPool, 1);
  table.add("MaxUnpool", 9, buildMaxUnpool, {2, 3});
  table.add("GlobalAveragePool", 1, buildGlobalPool<nn::ReduceKind::mean>, 1);
  table.add("GlobalMaxPool", 1, buildGlobalPool<nn::ReduceKind::max>, 1);
  table.add("GlobalLpPool", 1, buildGlobalLpPool, 1);
  table.add("RoiAlign", 10, buildRoiAlign, 3);
}
