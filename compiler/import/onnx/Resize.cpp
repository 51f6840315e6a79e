//===- Resize.cpp - Resize and Upsample of all versions, GridSample -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using nn::CoordinateMode;
using nn::NearestMode;
using nn::ResizeMode;

static ResizeMode getMode(Node &node) {
  return node.getEnum<ResizeMode>("mode", "nearest",
                                  {{"nearest", ResizeMode::nearest},
                                   {"linear", ResizeMode::linear},
                                   {"bilinear", ResizeMode::linear},
                                   {"cubic", ResizeMode::cubic}});
}

static Value makeFloats(Node &node, ArrayRef<double> values) {
  SmallVector<float> floats(values.begin(), values.end());
  auto type = RankedTensorType::get({int64_t(floats.size())}, node.getBuilder().getF32Type());
  return node.constant(DenseElementsAttr::get(type, ArrayRef<float>(floats)));
}

// Before opset 11 coordinates are simply divided by the scale, and nearest
// rounds down.
static LogicalResult buildSimple(Node &node, Value scales) {
  int64_t rank = node.getRank(0);
  auto type = cast<RankedTensorType>(scales.getType());
  if (type.getRank() != 1)
    return node.emitError("scales must be a list");
  if (!type.isDynamicDim(0) && type.getDimSize(0) != rank)
    return node.emitError("has " + Twine(type.getDimSize(0)) + " scales for " + Twine(rank) +
                          " dims");
  if (type.isDynamicDim(0))
    scales = node.reshape(scales, {rank});
  return node.yield(node.create<nn::ResizeOp>(
      node.getInput(0), Value(), scales, Value(), llvm::to_vector(llvm::seq<int64_t>(rank)),
      getMode(node), CoordinateMode::asymmetric, NearestMode::floor, nn::AspectRatio::stretch,
      APFloat(-0.75), APFloat(0.0), false, false));
}

static LogicalResult buildUpsample(Node &node) {
  if (node.getOpset() < 7) {
    if (node.getRank(0) != 4)
      return node.emitError("takes N C H W before opset 7");
    double height = node.requireFloat("height_scale");
    double width = node.requireFloat("width_scale");
    return buildSimple(node, makeFloats(node, {1, 1, height, width}));
  }
  if (node.getOpset() < 9) {
    auto scales = node.findFloats("scales");
    if (!scales)
      return node.emitError("the attribute 'scales' is missing");
    return buildSimple(node, makeFloats(node, *scales));
  }
  if (!node.hasInput(1))
    return node.emitError("input 1 'scales' is missing");
  return buildSimple(node, node.getInput(1));
}

static LogicalResult buildResize10(Node &node) { return buildSimple(node, node.getInput(1)); }

// An input that is there; exporters write an empty tensor for "not given".
static Value getGiven(Node &node, unsigned index) {
  if (!node.hasInput(index))
    return {};
  auto type = node.getInputType(index);
  return type.hasStaticShape() && type.getNumElements() == 0 ? Value() : node.getInput(index);
}

static LogicalResult buildResize(Node &node) {
  int64_t rank = node.getRank(0);
  ResizeMode mode = getMode(node);
  auto coordinates =
      node.getEnum<CoordinateMode>("coordinate_transformation_mode", "half_pixel",
                                   {{"half_pixel", CoordinateMode::half_pixel},
                                    {"half_pixel_symmetric", CoordinateMode::half_pixel_symmetric},
                                    {"pytorch_half_pixel", CoordinateMode::pytorch_half_pixel},
                                    {"align_corners", CoordinateMode::align_corners},
                                    {"asymmetric", CoordinateMode::asymmetric},
                                    {"tf_half_pixel_for_nn", CoordinateMode::tf_half_pixel_for_nn},
                                    {"tf_crop_and_resize", CoordinateMode::tf_crop_and_resize}});
  auto nearest = node.getEnum<NearestMode>("nearest_mode", "round_prefer_floor",
                                           {{"round_prefer_floor", NearestMode::round_prefer_floor},
                                            {"round_prefer_ceil", NearestMode::round_prefer_ceil},
                                            {"floor", NearestMode::floor},
                                            {"ceil", NearestMode::ceil}});
  auto aspect = node.getEnum<nn::AspectRatio>("keep_aspect_ratio_policy", "stretch",
                                              {{"stretch", nn::AspectRatio::stretch},
                                               {"not_larger", nn::AspectRatio::not_larger},
                                               {"not_smaller", nn::AspectRatio::not_smaller}});
  Node::Ints axes = node.normalizeAxesUnsorted(
      node.getInts("axes", llvm::to_vector(llvm::seq<int64_t>(rank))), rank);
  if (node.failed())
    return failure();

  Value roi = getGiven(node, 1), scales = getGiven(node, 2), sizes = getGiven(node, 3);
  if (coordinates != CoordinateMode::tf_crop_and_resize)
    roi = {};
  else if (!roi)
    return node.emitError("tf_crop_and_resize needs the input 'roi'");
  if (sizes)
    scales = {}; // some exporters give both
  if (!scales && !sizes)
    return node.emitError("needs either scales or sizes");
  int64_t count = axes.size();
  for (auto [list, length] : {std::pair(&roi, 2 * count), {&scales, count}, {&sizes, count}}) {
    if (!*list)
      continue;
    auto type = cast<RankedTensorType>(list->getType());
    if (type.getRank() != 1)
      return node.emitError("roi, scales and sizes must be lists");
    if (type.isDynamicDim(0))
      *list = node.reshape(*list, {length});
    else if (type.getDimSize(0) != length)
      return node.emitError("has " + Twine(type.getDimSize(0)) +
                            " scales, sizes or region bounds; expected " + Twine(length) + " for " +
                            Twine(count) + " axes");
  }
  return node.yield(
      node.create<nn::ResizeOp>(node.getInput(0), roi, scales, sizes, axes, mode, coordinates,
                                nearest, aspect, APFloat(node.getFloat("cubic_coeff_a", -0.75)),
                                APFloat(node.getFloat("extrapolation_value", 0)),
                                node.getFlag("exclude_outside"), node.getFlag("antialias")));
}

// Opset 16 said bilinear and bicubic where opset 20 says linear and cubic.
static LogicalResult buildGridSample(Node &node) {
  auto mode = node.getEnum<ResizeMode>("mode", "linear",
                                       {{"linear", ResizeMode::linear},
                                        {"bilinear", ResizeMode::linear},
                                        {"nearest", ResizeMode::nearest},
                                        {"cubic", ResizeMode::cubic},
                                        {"bicubic", ResizeMode::cubic}});
  auto padding = node.getEnum<nn::GridPadding>("padding_mode", "zeros",
                                               {{"zeros", nn::GridPadding::zeros},
                                                {"border", nn::GridPadding::border},
                                                {"reflection", nn::GridPadding::reflection}});
  return node.yield(node.create<nn::GridSampleOp>(node.getInput(0), node.getInput(1), mode, padding,
                                                  node.getFlag("align_corners")));
}

void sinter::onnx_import::registerResizeOperators(OperatorTable &table) {
  table.add("Upsample", 1, buildUpsample, {1, 2});
  table.add("Resize", 10, buildResize10, 2);
  table.add("Resize", 11, buildResize, {1, 4});
  table.add("GridSample", 16, buildGridSample, 2);
}
