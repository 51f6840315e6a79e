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

// A kernel X… C filters is one block of a packed filter.
template <unsigned spatial>
static Term convolve(Layer &layer, Term x, Term kernel, Value bias, ArrayRef<int64_t> strides,
                     ArrayRef<int64_t> dilations) {
  int64_t filters = kernel.getType().getShape().back();
  return x.with(nn::ConvOp::create(layer.builder(), layer.getLoc(), x, kernel.unsqueeze({0}), bias,
                                   strides, SmallVector<int64_t>(2 * spatial, 0), dilations, 1,
                                   getPadding(layer), nn::DataLayout::channels_last, filters,
                                   filters));
}

static Value getBias(Layer &layer, int64_t filters) {
  if (!layer.flag("use_bias", true))
    return {};
  return layer.parameter("bias", {filters}, "zeros");
}

// The settings that all convolutions have; false after a problem.
template <unsigned spatial>
static bool checkConvolution(Layer &layer) {
  if (!layer.expectRank(spatial + 2) || !isChannelsLast(layer))
    return false;
  layer.refuse("groups", 1);
  return checkWindows(layer, layer.integers("kernel_size", spatial, 1),
                      layer.integers("dilation_rate", spatial, 1));
}

// N X… C → N Y… filters
template <unsigned spatial>
static Value buildConvolution(Layer &layer) {
  if (!checkConvolution<spatial>(layer))
    return {};
  int64_t filters = layer.integer("filters");
  SmallVector<int64_t> shape = layer.integers("kernel_size", spatial, 1);
  llvm::append_values(shape, layer.inputSize(spatial + 1), filters);
  Term kernel = layer.parameter("kernel", shape, "glorot_uniform");
  Term y = convolve<spatial>(layer, layer.input(), kernel, getBias(layer, filters),
                             layer.integers("strides", spatial, 1),
                             layer.integers("dilation_rate", spatial, 1));
  return layer.activate("activation", y);
}

// N X… C → N Y… C·M by a kernel X… C M: each channel has M filters of its own.
template <unsigned spatial>
static Term convolveDepthwise(Layer &layer, StringRef name, bool hasBias) {
  int64_t channels = layer.inputSize(spatial + 1), factor = layer.integer("depth_multiplier", 1);
  SmallVector<int64_t> shape = layer.integers("kernel_size", spatial, 1);
  SmallVector<nn::Dim> flat(shape.begin(), shape.end());
  llvm::append_values(shape, channels, factor);
  flat.push_back(1);
  flat.push_back(channels * factor);
  Term kernel = layer.parameter(name, shape, "glorot_uniform", "depthwise");
  // C·M 1 X…
  SmallVector<int64_t> permutation{spatial + 1, spatial};
  llvm::append_range(permutation, nn::axesRange(0, spatial));
  Term filter = kernel.reshape(nn::shapeTensor(kernel, flat)).transpose(permutation);
  Term x = layer.input();
  return x.with(nn::ConvOp::create(
      layer.builder(), layer.getLoc(), x, filter,
      hasBias ? getBias(layer, channels * factor) : Value(), layer.integers("strides", spatial, 1),
      SmallVector<int64_t>(2 * spatial, 0), layer.integers("dilation_rate", spatial, 1), channels,
      getPadding(layer), nn::DataLayout::channels_last));
}

template <unsigned spatial>
static Value buildDepthwise(Layer &layer) {
  if (!checkConvolution<spatial>(layer))
    return {};
  return layer.activate("activation",
                        convolveDepthwise<spatial>(layer, "kernel", /*hasBias=*/true));
}

// Depthwise, then a mixing of channels: N X… C → N Y… C·M → N Y… filters.
template <unsigned spatial>
static Value buildSeparable(Layer &layer) {
  if (!checkConvolution<spatial>(layer))
    return {};
  int64_t filters = layer.integer("filters");
  Term x = convolveDepthwise<spatial>(layer, "depthwise_kernel", /*hasBias=*/false);
  SmallVector<int64_t> shape(spatial, 1), ones(spatial, 1);
  llvm::append_values(shape, x.getType().getShape().back(), filters);
  Term kernel = layer.parameter("pointwise_kernel", shape, "glorot_uniform", "pointwise");
  return layer.activate("activation",
                        convolve<spatial>(layer, x, kernel, getBias(layer, filters), ones, ones));
}

// What a transposed convolution cuts off: [begins…, ends…], or, where its result is longer than
// what its windows cover, how much.
static void getTransposedPads(Layer &layer, unsigned spatial, SmallVectorImpl<int64_t> &pads,
                              SmallVectorImpl<int64_t> &more) {
  bool isSame = getPadding(layer) == nn::AutoPad::same_upper;
  const llvm::json::Value *given = layer.setting("output_padding");
  bool isGiven = given && !given->getAsNull();
  SmallVector<int64_t> size = layer.integers("kernel_size", spatial, 1),
                       strides = layer.integers("strides", spatial, 1),
                       dilations = layer.integers("dilation_rate", spatial, 1),
                       padding = layer.integers("output_padding", spatial, 0, /*least=*/0);
  pads.assign(2 * spatial, 0);
  more.assign(spatial, 0);
  for (unsigned i = 0; i < spatial; ++i) {
    if (padding[i] >= strides[i] && padding[i] != 0)
      layer.problem("'output_padding' should be less than 'strides'");
    int64_t reach = (size[i] - 1) * dilations[i] + 1;
    // Keras' length of the result is (input − 1) · stride + `length`.
    int64_t length = std::max(reach, strides[i]);
    if (isGiven)
      length = reach + padding[i] - (isSame ? reach / 2 * 2 : 0);
    else if (isSame)
      length = strides[i];
    int64_t cut = std::max<int64_t>(reach - length, 0);
    pads[i] = cut / 2;
    pads[spatial + i] = cut - cut / 2;
    more[i] = std::max<int64_t>(length - reach, 0);
  }
}

// N X… C → N Y… filters by a kernel X… filters C: the gradient of a convolution by its input.
template <unsigned spatial>
static Value buildTransposed(Layer &layer) {
  if (!layer.expectRank(spatial + 2) || !isChannelsLast(layer))
    return {};
  layer.refuse("groups", 1);
  int64_t filters = layer.integer("filters");
  SmallVector<int64_t> shape = layer.integers("kernel_size", spatial, 1), pads, more;
  llvm::append_values(shape, filters, layer.inputSize(spatial + 1));
  getTransposedPads(layer, spatial, pads, more);
  Term kernel = layer.parameter("kernel", shape, "glorot_uniform");
  // nn's has channels first: N C X…, and a filter C O X….
  SmallVector<int64_t> toFirst{0, spatial + 1}, toLast{0}, filterOrder{spatial + 1, spatial};
  llvm::append_range(toFirst, nn::axesRange(1, spatial + 1));
  llvm::append_range(toLast, nn::axesRange(2, spatial + 2));
  toLast.push_back(1);
  llvm::append_range(filterOrder, nn::axesRange(0, spatial));
  Term x = layer.input().transpose(toFirst);
  Term y = x.with(nn::ConvTransposeOp::create(
      layer.builder(), layer.getLoc(), x, kernel.transpose(filterOrder), getBias(layer, filters),
      layer.integers("strides", spatial, 1), pads, layer.integers("dilation_rate", spatial, 1),
      more, ArrayRef<int64_t>{}, 1, nn::AutoPad::notset));
  return layer.activate("activation", y.transpose(toLast));
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
  table["Conv1D"] = {buildConvolution<1>, {"filters", "kernel_size", "strides", "padding"}};
  table["Conv2D"] = {buildConvolution<2>, {"filters", "kernel_size", "strides", "padding"}};
  table["DepthwiseConv1D"] = {buildDepthwise<1>, {"kernel_size", "strides", "padding"}};
  table["DepthwiseConv2D"] = {buildDepthwise<2>, {"kernel_size", "strides", "padding"}};
  table["SeparableConv1D"] = {buildSeparable<1>, {"filters", "kernel_size", "strides", "padding"}};
  table["SeparableConv2D"] = {buildSeparable<2>, {"filters", "kernel_size", "strides", "padding"}};
  table["Conv1DTranspose"] = {buildTransposed<1>, {"filters", "kernel_size", "strides", "padding"}};
  table["Conv2DTranspose"] = {buildTransposed<2>, {"filters", "kernel_size", "strides", "padding"}};
  table["MaxPooling1D"] = {buildPool<nn::MaxPoolOp, 1>, {"pool_size", "strides", "padding"}};
  table["MaxPooling2D"] = {buildPool<nn::MaxPoolOp, 2>, {"pool_size", "strides", "padding"}};
  table["AveragePooling1D"] = {buildPool<nn::AveragePoolOp, 1>,
                               {"pool_size", "strides", "padding"}};
  table["AveragePooling2D"] = {buildPool<nn::AveragePoolOp, 2>,
                               {"pool_size", "strides", "padding"}};
  table["GlobalMaxPooling1D"] = {buildGlobalPool<nn::ReduceKind::max, 1>};
  table["GlobalMaxPooling2D"] = {buildGlobalPool<nn::ReduceKind::max, 2>};
  table["GlobalAveragePooling1D"] = {buildGlobalPool<nn::ReduceKind::mean, 1>};
  table["GlobalAveragePooling2D"] = {buildGlobalPool<nn::ReduceKind::mean, 2>};
}
