//===- LayersCore.cpp - dense layers, activations, shapes -----------------===//
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
  layer.refuse("mask_zero", false);
  Term indices = layer.input();
  if (!indices.getType().getElementType().isInteger())
    indices = indices.apply<nn::CastOp>(TypeAttr::get(layer.builder().getI64Type()));
  Term table = layer.parameter(
      "embeddings", {layer.integer("input_dim"), layer.integer("output_dim")}, "random_uniform");
  return table.apply<nn::GatherOp>(indices.get(), 0);
}

static Value buildReLU(Layer &layer) {
  layer.refuse("threshold", 0);
  if (const llvm::json::Value *most = layer.setting("max_value"); most && !most->getAsNull()) {
    layer.refuse("negative_slope", 0);
    nn::Term x = layer.input().apply<nn::ReluOp>();
    return x.apply<nn::MinOp>(x.number(layer.number("max_value", 0)).get());
  }
  double slope = layer.number("negative_slope", 0);
  return slope == 0 ? layer.input().apply<nn::ReluOp>()
                    : layer.input().apply<nn::LeakyReluOp>(layer.builder().getF64FloatAttr(slope));
}

static Value buildLeakyReLU(Layer &layer) {
  double slope = layer.number("negative_slope", layer.number("alpha", 0.3));
  return layer.input().apply<nn::LeakyReluOp>(layer.builder().getF64FloatAttr(slope));
}

static Value buildELU(Layer &layer) {
  return layer.input().apply<nn::EluOp>(layer.builder().getF64FloatAttr(layer.number("alpha", 1)));
}

// Numbers that were drawn for this step decide which elements pass; otherwise all do.
static Value buildDropout(Layer &layer) {
  layer.refuse("noise_shape", nullptr);
  double rate = layer.number("rate", 0.5);
  Term x = layer.input();
  if (rate < 0 || rate >= 1)
    layer.problem("'rate' should be at least 0 and below 1");
  if (!layer.getModel().isTraining || rate == 0)
    return x;
  OpBuilder &b = layer.builder();
  Value key = nn::createIndexConstant(b, layer.getLoc(), {0, 0});
  Type type = x.getType().getElementType();
  Term drawn = x.with(nn::RandomUniformOp::create(
      b, layer.getLoc(), key, nn::shapeOf(x), b.getI64IntegerAttr(layer.getModel().randomCount++),
      TypeAttr::get(type)));
  Term factors =
      select(drawn.compare(nn::ComparePredicate::ge, rate), x.number(1 / (1 - rate)), x.number(0));
  Term y = x * factors;
  y.get().getDefiningOp()->setDiscardableAttr("nn.training_only", b.getUnitAttr());
  return y;
}

// N X… → N X…[permuted]: Keras counts dims from 1, without the batch.
static Value buildPermute(Layer &layer) {
  SmallVector<int64_t> permutation{0};
  llvm::append_range(permutation, layer.integerList("dims"));
  SmallVector<int64_t> sorted(permutation);
  llvm::sort(sorted);
  if (sorted == nn::axesRange(0, layer.input().getRank()))
    return layer.input().transpose(permutation);
  layer.problem("'dims' should name each dim but the batch once");
  return {};
}

// N C → N n C
static Value buildRepeatVector(Layer &layer) {
  if (!layer.expectRank(2))
    return {};
  Term x = layer.input();
  Value shape = nn::shapeTensor(x, {nn::dimOf(x, 0), nn::Dim(layer.integer("n")), nn::dimOf(x, 1)});
  return x.unsqueeze({1}).apply<nn::ExpandOp>(shape);
}

static Value buildSoftmax(Layer &layer) {
  layer.refuse("axis", -1);
  return layer.activateBy("softmax", layer.input());
}

void sinter::description::addCoreLayers(LayerTable &table) {
  table["Dense"] = {buildDense, {"units", "activation", "use_bias"}};
  table["Activation"] = {buildActivation, {"activation"}};
  table["ReLU"] = {buildReLU, {"max_value", "negative_slope", "threshold"}};
  table["LeakyReLU"] = {buildLeakyReLU, {"negative_slope"}};
  table["ELU"] = {buildELU, {"alpha"}};
  table["Softmax"] = {buildSoftmax, {"axis"}};
  table["Dropout"] = {buildDropout, {"rate"}};
  table["Permute"] = {buildPermute, {"dims"}, 1, /*takesIntegers=*/true};
  table["RepeatVector"] = {buildRepeatVector, {"n"}, 1, /*takesIntegers=*/true};
  table["Flatten"] = {buildFlatten, {}, 1, /*takesIntegers=*/true};
  table["Reshape"] = {buildReshape, {"target_shape"}, 1, /*takesIntegers=*/true};
  table["Embedding"] = {buildEmbedding, {"input_dim", "output_dim"}, 1, /*takesIntegers=*/true};
}
