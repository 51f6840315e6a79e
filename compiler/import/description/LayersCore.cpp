//===- LayersCore.cpp - dense layers, shapes, normalization ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Layer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;
using nn::Term;

// N… I → N… units
static Value buildDense(Layer &layer) {
  Term x = layer.input();
  if (x.getRank() < 2) {
    layer.problem("needs an input with a dim besides the batch");
    return {};
  }
  int64_t units = layer.integer("units"), size = layer.inputSize(x.getRank() - 1);
  Term kernel = layer.parameter("kernel", {size, units}, "glorot_uniform");
  Term y = x.apply<nn::MatMulOp>(kernel.get(), /*transpose_lhs=*/false, /*transpose_rhs=*/false);
  if (layer.flag("use_bias", true))
    y = y + layer.parameter("bias", {units}, "zeros");
  return layer.activate("activation", y);
}

static Value buildActivation(Layer &layer) { return layer.activate("activation", layer.input()); }

static Value buildFlatten(Layer &layer) { return layer.input().apply<nn::FlattenOp>(1); }

static Value buildReshape(Layer &layer) {
  SmallVector<nn::Dim> dims{nn::dimOf(layer.input(), 0)};
  for (int64_t size : layer.integerList("target_shape"))
    dims.push_back(size);
  return layer.input().reshape(nn::shapeTensor(layer.input(), dims));
}

// Integers N… → N… output_dim
static Value buildEmbedding(Layer &layer) {
  Term indices = layer.input();
  if (!indices.getType().getElementType().isInteger())
    indices = indices.apply<nn::CastOp>(TypeAttr::get(layer.builder().getI64Type()));
  Term table = layer.parameter(
      "embeddings", {layer.integer("input_dim"), layer.integer("output_dim")}, "random_uniform");
  return table.apply<nn::GatherOp>(indices.get(), 0);
}

static Value buildLayerNormalization(Layer &layer) {
  Term x = layer.input();
  int64_t size = layer.inputSize(x.getRank() - 1);
  Term scale = layer.parameter("gamma", {size}, "ones");
  Term shift = layer.parameter("beta", {size}, "zeros");
  return x.apply<nn::LayerNormOp>(scale.get(), shift.get(),
                                  layer.builder().getI64IntegerAttr(x.getRank() - 1),
                                  layer.builder().getF64FloatAttr(layer.number("epsilon", 1e-3)));
}

static Value buildReLU(Layer &layer) {
  double slope = layer.number("negative_slope", 0);
  return slope == 0 ? layer.input().apply<nn::ReluOp>()
                    : layer.input().apply<nn::LeakyReluOp>(layer.builder().getF64FloatAttr(slope));
}

static Value buildSoftmax(Layer &layer) { return layer.activateBy("softmax", layer.input()); }

void sinter::description::addCoreLayers(LayerTable &table) {
  table["Dense"] = buildDense;
  table["Activation"] = buildActivation;
  table["ReLU"] = buildReLU;
  table["Softmax"] = buildSoftmax;
  table["Flatten"] = buildFlatten;
  table["Reshape"] = buildReshape;
  table["Embedding"] = buildEmbedding;
  table["LayerNormalization"] = buildLayerNormalization;
}
