//===- LayersConvolution.cpp - convolutions and pools ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Layer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;
using nn::Term;

static bool isChannelsLast(Layer &layer) {
  if (layer.text("data_format", "channels_last") == "channels_last")
    return true;
  layer.problem("'data_format' should be channels_last");
  return false;
}

static nn::AutoPad getPadding(Layer &layer) {
  std::string padding = layer.text("padding", "valid");
  if (padding == "same")
    return nn::AutoPad::same_upper;
  if (padding != "valid")
    layer.problem("'padding' should be valid or same");
  return nn::AutoPad::valid;
}

// Windows that fit into the input: `size` elements, `dilations` apart.
static bool checkWindows(Layer &layer, ArrayRef<int64_t> size, ArrayRef<int64_t> dilations) {
  if (getPadding(layer) != nn::AutoPad::valid)
    return true;
  ArrayRef<int64_t> input = layer.input().getType().getShape().drop_front();
  for (auto [dim, window, dilation] : llvm::zip(input, size, dilations)) {
    int64_t extent = (window - 1) * dilation + 1;
    if (ShapedType::isDynamic(dim) || dim >= extent)
      continue;
    layer.problem("a window of " + Twine(extent) + " elements is wider than its input of " +
                  Twine(dim));
    return false;
  }
  return true;
}

// N X… C → N Y… filters, with a kernel X… C filters: one block of a packed filter.
template <unsigned spatial>
static Value buildConvolution(Layer &layer) {
  if (!layer.expectRank(spatial + 2) || !isChannelsLast(layer))
    return {};
  if (layer.integer("groups", 1) != 1) {
    layer.problem("'groups' should be 1");
    return {};
  }
  Term x = layer.input();
  int64_t filters = layer.integer("filters");
  SmallVector<int64_t> shape = layer.integers("kernel_size", spatial, 1),
                       dilations = layer.integers("dilation_rate", spatial, 1);
  if (!checkWindows(layer, shape, dilations))
    return {};
  llvm::append_values(shape, layer.inputSize(spatial + 1), filters);
  Term kernel = layer.parameter("kernel", shape, "glorot_uniform");
  Value bias;
  if (layer.flag("use_bias", true))
    bias = layer.parameter("bias", {filters}, "zeros");
  Term y = x.with(nn::ConvOp::create(
      layer.builder(), layer.getLoc(), x, kernel.unsqueeze({0}), bias,
      layer.integers("strides", spatial, 1), SmallVector<int64_t>(2 * spatial, 0), dilations, 1,
      getPadding(layer), nn::DataLayout::channels_last, filters, filters));
  return layer.activate("activation", y);
}

template <typename OpTy, unsigned spatial>
static Value buildPool(Layer &layer) {
  if (!layer.expectRank(spatial + 2) || !isChannelsLast(layer))
    return {};
  SmallVector<int64_t> size = layer.integers("pool_size", spatial, 2), strides = size;
  if (!checkWindows(layer, size, SmallVector<int64_t>(spatial, 1)))
    return {};
  // Strides are the window's size when they aren't given.
  SmallVector<int64_t> given = layer.integers("strides", spatial, 0);
  for (unsigned i = 0; i < spatial; ++i)
    if (given[i] > 0)
      strides[i] = given[i];
  return layer.input().apply<OpTy>(size, strides, SmallVector<int64_t>(2 * spatial, 0),
                                   SmallVector<int64_t>(spatial, 1), /*ceil_mode=*/false,
                                   getPadding(layer), nn::DataLayout::channels_last);
}

template <nn::ReduceKind kind, unsigned spatial>
static Value buildGlobalPool(Layer &layer) {
  if (!layer.expectRank(spatial + 2) || !isChannelsLast(layer))
    return {};
  return layer.input().apply<nn::ReduceOp>(kind, nn::axesRange(1, spatial + 1),
                                           layer.flag("keepdims", false));
}

void sinter::description::addConvolutionLayers(LayerTable &table) {
  table["Conv1D"] = buildConvolution<1>;
  table["Conv2D"] = buildConvolution<2>;
  table["MaxPooling1D"] = buildPool<nn::MaxPoolOp, 1>;
  table["MaxPooling2D"] = buildPool<nn::MaxPoolOp, 2>;
  table["AveragePooling1D"] = buildPool<nn::AveragePoolOp, 1>;
  table["AveragePooling2D"] = buildPool<nn::AveragePoolOp, 2>;
  table["GlobalMaxPooling1D"] = buildGlobalPool<nn::ReduceKind::max, 1>;
  table["GlobalMaxPooling2D"] = buildGlobalPool<nn::ReduceKind::max, 2>;
  table["GlobalAveragePooling1D"] = buildGlobalPool<nn::ReduceKind::mean, 1>;
  table["GlobalAveragePooling2D"] = buildGlobalPool<nn::ReduceKind::mean, 2>;
}
