//===- LayersRecurrent.cpp - SimpleRNN, LSTM, GRU -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keras keeps kernel I G·H, recurrent_kernel H G·H and bias G·H (GRU: 2 G·H), G
// gates of H units: z r h in a GRU, as nn has them, i f c o in an LSTM, where nn
// has i o f c. nn's weights are transposed, 1 G·H I.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/description/Layer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;
using nn::Term;

namespace {
/// The parameters in nn's forms.
struct Weights {
  Value kernel, recurrence, bias;
};
} // namespace

// Puts gates along the last dim in another order.
static Term orderGates(Term x, ArrayRef<int64_t> order, int64_t units) {
  if (order.empty())
    return x;
  SmallVector<Value> parts;
  int64_t axis = x.getRank() - 1;
  for (int64_t gate : order)
    parts.push_back(nn::slice(x, axis, gate * units, (gate + 1) * units));
  return x.with(nn::ConcatOp::create(x.getBuilder(), x.getLoc(), parts, axis));
}

static Weights getWeights(Layer &layer, int64_t units, int64_t gates, ArrayRef<int64_t> order,
                          bool hasTwoBiases) {
  int64_t columns = gates * units;
  auto packed = [&](Term x) {
    return orderGates(x, order, units).transpose({1, 0}).unsqueeze({0});
  };
  Weights weights;
  weights.kernel =
      packed(layer.parameter("kernel", {layer.inputSize(2), columns}, "glorot_uniform"));
  weights.recurrence = packed(layer.parameter("recurrent_kernel", {units, columns}, "orthogonal"));
  if (!layer.flag("use_bias", true))
    return weights;
  if (hasTwoBiases) {
    // nn takes both one after the other.
    Term bias = orderGates(layer.parameter("bias", {2, columns}, "zeros"), order, units);
    weights.bias = bias.reshape(nn::shapeTensor(bias, {1, 2 * columns}));
    return weights;
  }
  Term bias = orderGates(layer.parameter("bias", {columns}, "zeros"), order, units);
  Term none = nn::zerosLike(bias);
  weights.bias =
      bias.with(nn::ConcatOp::create(layer.builder(), layer.getLoc(), ValueRange{bias, none}, 0))
          .unsqueeze({0});
  return weights;
}

// nn's name of an activation.
static Attribute activationName(Layer &layer, StringRef key, StringRef otherwise) {
  std::string name = layer.text(key, otherwise);
  static const std::pair<StringRef, StringRef> names[] = {{"tanh", "Tanh"},
                                                          {"sigmoid", "Sigmoid"},
                                                          {"relu", "Relu"},
                                                          {"softplus", "Softplus"},
                                                          {"softsign", "Softsign"}};
  for (auto [keras, ours] : names)
    if (name == keras)
      return layer.builder().getStringAttr(ours);
  layer.problem("'" + key + "' should be tanh, sigmoid, relu, softplus or softsign");
  return layer.builder().getStringAttr("Tanh");
}

// The whole sequence, or the last state, of a layer that ran N T I.
static Value finish(Layer &layer, Value y, Value last) {
  if (layer.flag("return_sequences", false))
    return layer.term(y).squeeze({2});  // N T 1 H
  return layer.term(last).squeeze({1}); // N 1 H
}

static nn::Direction getDirection(Layer &layer) {
  for (StringRef key : {"stateful", "return_state"})
    layer.refuse(key, false);
  for (StringRef key : {"dropout", "recurrent_dropout"})
    layer.refuse(key, 0);
  // nn gives the states of a reversed run in the input's order, Keras in that of the run.
  if (layer.flag("go_backwards", false))
    layer.refuse("return_sequences", false);
  return layer.flag("go_backwards", false) ? nn::Direction::reverse : nn::Direction::forward;
}

static Value buildSimpleRNN(Layer &layer) {
  if (!layer.expectRank(3))
    return {};
  int64_t units = layer.integer("units");
  Weights w = getWeights(layer, units, 1, {}, /*hasTwoBiases=*/false);
  OpBuilder &b = layer.builder();
  auto op = nn::RNNOp::create(
      b, layer.getLoc(), layer.input(), w.kernel, w.recurrence, w.bias, Value(), Value(),
      b.getArrayAttr({activationName(layer, "activation", "tanh")}), ArrayRef<double>{},
      ArrayRef<double>{}, FloatAttr(), getDirection(layer), units, /*batch_major=*/true);
  return finish(layer, op.getY(), op.getYH());
}

static Value buildLSTM(Layer &layer) {
  if (!layer.expectRank(3))
    return {};
  int64_t units = layer.integer("units");
  Weights w = getWeights(layer, units, 4, {0, 3, 1, 2}, /*hasTwoBiases=*/false);
  OpBuilder &b = layer.builder();
  Attribute gate = activationName(layer, "recurrent_activation", "sigmoid"),
            cell = activationName(layer, "activation", "tanh");
  auto op = nn::LSTMOp::create(b, layer.getLoc(), layer.input(), w.kernel, w.recurrence, w.bias,
                               Value(), Value(), Value(), Value(),
                               /*input_forget=*/false, b.getArrayAttr({gate, cell, cell}),
                               ArrayRef<double>{}, ArrayRef<double>{}, FloatAttr(),
                               getDirection(layer), units, /*batch_major=*/true);
  return finish(layer, op.getY(), op.getYH());
}

static Value buildGRU(Layer &layer) {
  if (!layer.expectRank(3))
    return {};
  bool resetsAfter = layer.flag("reset_after", true);
  int64_t units = layer.integer("units");
  Weights w = getWeights(layer, units, 3, {}, resetsAfter);
  OpBuilder &b = layer.builder();
  Attribute gate = activationName(layer, "recurrent_activation", "sigmoid"),
            state = activationName(layer, "activation", "tanh");
  auto op = nn::GRUOp::create(b, layer.getLoc(), layer.input(), w.kernel, w.recurrence, w.bias,
                              Value(), Value(), /*linear_before_reset=*/resetsAfter,
                              b.getArrayAttr({gate, state}), ArrayRef<double>{}, ArrayRef<double>{},
                              FloatAttr(), getDirection(layer), units,
                              /*batch_major=*/true);
  return finish(layer, op.getY(), op.getYH());
}

void sinter::description::addRecurrentLayers(LayerTable &table) {
  table["SimpleRNN"] = buildSimpleRNN;
  table["LSTM"] = buildLSTM;
  table["GRU"] = buildGRU;
}
