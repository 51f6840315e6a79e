//===- LayersNormalization.cpp - layer and batch normalization ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Layer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;
using nn::Term;

// Whether 'axis' is the last one: the channels', as a number or a list of one.
static bool isLastAxis(Layer &layer) {
  const llvm::json::Value *axis = layer.setting("axis");
  if (axis && axis->getAsArray() && axis->getAsArray()->size() == 1)
    axis = &axis->getAsArray()->front();
  if (!axis || axis->kind() == llvm::json::Value::Null)
    return true;
  auto given = axis->getAsInteger();
  if (given && (*given == -1 || *given == layer.input().getRank() - 1))
    return true;
  layer.problem("'axis' should be the last one");
  return false;
}

static Term scaleOf(Layer &layer, int64_t size) {
  return layer.flag("scale", true)
             ? layer.parameter("gamma", {size}, "ones")
             : layer.term(
                   nn::createSplat(layer.builder(), layer.getLoc(),
                                   RankedTensorType::get({size}, layer.builder().getF32Type()), 1));
}

static Term shiftOf(Layer &layer, int64_t size) {
  return layer.flag("center", true)
             ? layer.parameter("beta", {size}, "zeros")
             : layer.term(
                   nn::createSplat(layer.builder(), layer.getLoc(),
                                   RankedTensorType::get({size}, layer.builder().getF32Type()), 0));
}

static Value buildLayerNormalization(Layer &layer) {
  Term x = layer.input();
  if (!isLastAxis(layer))
    return {};
  int64_t size = layer.inputSize(x.getRank() - 1);
  Term scale = scaleOf(layer, size), shift = shiftOf(layer, size);
  return x.apply<nn::LayerNormOp>(scale.get(), shift.get(),
                                  layer.builder().getI64IntegerAttr(x.getRank() - 1),
                                  layer.builder().getF64FloatAttr(layer.number("epsilon", 1e-3)));
}

// By the statistics that training has gathered; `nn.momentum` says that a training
// step takes the batch's own, and how it gathers them.
static Value buildBatchNormalization(Layer &layer) {
  Term x = layer.input();
  if (!isLastAxis(layer))
    return {};
  OpBuilder &b = layer.builder();
  int64_t size = layer.inputSize(x.getRank() - 1);
  Term scale = scaleOf(layer, size), shift = shiftOf(layer, size);
  Term mean = layer.parameter("moving_mean", {size}, "zeros"),
       variance = layer.parameter("moving_variance", {size}, "ones");
  auto y = nn::BatchNormOp::create(b, layer.getLoc(), x, scale, shift, mean, variance,
                                   llvm::APFloat(layer.number("epsilon", 1e-3)),
                                   nn::DataLayout::channels_last);
  y->setDiscardableAttr("nn.momentum", b.getF64FloatAttr(layer.number("momentum", 0.99)));
  return y;
}

void sinter::description::addNormalizationLayers(LayerTable &table) {
  table["LayerNormalization"] = {buildLayerNormalization, {"axis", "epsilon"}};
  table["BatchNormalization"] = {buildBatchNormalization, {"axis", "momentum", "epsilon"}};
}
