//===- LayersRecurrent.cpp - SimpleRNN, LSTM, GRU, Bidirectional ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keras keeps kernel I G·H, recurrent_kernel H G·H and bias G·H (GRU: 2 G·H), G
// gates of H units: z r h in a GRU, as nn has them, i f c o in an LSTM, where nn
// has i o f c. nn's weights are transposed, 1 G·H I.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/description/Configuration.h"

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

namespace {
/// What running a layer over N T I gives: N T H in the order of the input, and the last states, N
/// H.
struct Run {
  Term sequence;
  SmallVector<Term, 2> states;
};

using RunLayer = Run (*)(Layer &layer, nn::Direction direction);
} // namespace

// What a training makes state of: zeros, N 1 H, and then what the batch before has left, which is
// result 1 + number of the op that begins with it.
static Value carriedState(Layer &layer, unsigned number) {
  static constexpr StringRef names[] = {"state_h", "state_c"};
  OpBuilder &b = layer.builder();
  auto type = RankedTensorType::get({layer.inputSize(0), 1, layer.integer("units")},
                                    layer.input().getType().getElementType());
  std::string name = layer.getName() + "/" + names[number].str();
  Value zeros = nn::createSplat(b, NameLoc::get(b.getStringAttr(name)), type, 0);
  if (!layer.getModel().parameters.try_emplace(name, zeros).second)
    layer.problem("is 'stateful' and applied twice; each place should have a layer of its own");
  zeros.getDefiningOp()->setDiscardableAttr("nn.carried", b.getI64IntegerAttr(1 + number));
  return zeros;
}

// N H → N 1 H; null if the layer begins at zeros.
static Value initialState(Layer &layer, unsigned number) {
  if (layer.flag("stateful", false))
    return carriedState(layer, number);
  if (layer.inputs().size() == 1)
    return {};
  return layer.term(layer.inputs()[1 + number]).unsqueeze({1});
}

static Run finish(Layer &layer, Value y, ValueRange lastStates) {
  Run run{layer.term(y).squeeze({2}), {}}; // N T 1 H
  for (Value each : lastStates)
    run.states.push_back(layer.term(each).squeeze({1})); // N 1 H
  return run;
}

static Run runSimpleRNN(Layer &layer, nn::Direction direction) {
  int64_t units = layer.integer("units");
  Weights w = getWeights(layer, units, 1, {}, /*hasTwoBiases=*/false);
  OpBuilder &b = layer.builder();
  auto op = nn::RNNOp::create(b, layer.getLoc(), layer.input(), w.kernel, w.recurrence, w.bias,
                              Value(), initialState(layer, 0),
                              b.getArrayAttr({activationName(layer, "activation", "tanh")}),
                              ArrayRef<double>{}, ArrayRef<double>{}, FloatAttr(), direction, units,
                              /*batch_major=*/true);
  return finish(layer, op.getY(), {op.getYH()});
}

static Run runLSTM(Layer &layer, nn::Direction direction) {
  int64_t units = layer.integer("units");
  Weights w = getWeights(layer, units, 4, {0, 3, 1, 2}, /*hasTwoBiases=*/false);
  OpBuilder &b = layer.builder();
  Attribute gate = activationName(layer, "recurrent_activation", "sigmoid"),
            cell = activationName(layer, "activation", "tanh");
  auto op = nn::LSTMOp::create(b, layer.getLoc(), layer.input(), w.kernel, w.recurrence, w.bias,
                               Value(), initialState(layer, 0), initialState(layer, 1), Value(),
                               /*input_forget=*/false, b.getArrayAttr({gate, cell, cell}),
                               ArrayRef<double>{}, ArrayRef<double>{}, FloatAttr(), direction,
                               units, /*batch_major=*/true);
  return finish(layer, op.getY(), {op.getYH(), op.getYC()});
}

static Run runGRU(Layer &layer, nn::Direction direction) {
  bool resetsAfter = layer.flag("reset_after", true);
  int64_t units = layer.integer("units");
  Weights w = getWeights(layer, units, 3, {}, resetsAfter);
  OpBuilder &b = layer.builder();
  Attribute gate = activationName(layer, "recurrent_activation", "sigmoid"),
            state = activationName(layer, "activation", "tanh");
  auto op = nn::GRUOp::create(b, layer.getLoc(), layer.input(), w.kernel, w.recurrence, w.bias,
                              Value(), initialState(layer, 0), /*linear_before_reset=*/resetsAfter,
                              b.getArrayAttr({gate, state}), ArrayRef<double>{}, ArrayRef<double>{},
                              FloatAttr(), direction, units, /*batch_major=*/true);
  return finish(layer, op.getY(), {op.getYH()});
}

// A stateful layer keeps a state for each place in the batch.
static bool checkStateful(Layer &layer) {
  if (!layer.flag("stateful", false))
    return true;
  if (layer.inputs().size() > 1) {
    layer.problem("is 'stateful' and takes states to begin with; it should do one of both");
    return false;
  }
  if (layer.input().getType().isDynamicDim(0)) {
    layer.problem("is 'stateful', which needs the batch's size: give --dim batch=SIZE, or the "
                  "input's 'batch_shape' with it");
    return false;
  }
  if (!layer.getModel().isTraining)
    layer.getModel().warnings.push_back(
        "layer '" + layer.getName() +
        "' is stateful; outside of a training library each run begins with zeros");
  return true;
}

// The sequence to be run, and perhaps the states to begin with.
static bool checkOperands(Layer &layer, unsigned states) {
  layer.refuse("time_major", false);
  for (StringRef key : {"dropout", "recurrent_dropout"})
    layer.refuse(key, 0);
  if (!layer.expectRank(3) || !checkStateful(layer))
    return false;
  int64_t units = layer.integer("units");
  bool fits = layer.inputs().size() == 1 || layer.inputs().size() == 1 + states;
  for (Value state : layer.inputs().drop_front()) {
    auto type = cast<RankedTensorType>(state.getType());
    fits = fits && type.getRank() == 2 && type.getDimSize(1) == units;
  }
  if (!fits)
    layer.problem("takes a sequence, and perhaps " + Twine(states) +
                  (states > 1 ? " states" : " state") + " of " + Twine(units) + " units");
  return fits;
}

template <RunLayer runLayer, unsigned states>
static Value buildRecurrent(Layer &layer) {
  if (!checkOperands(layer, states))
    return {};
  bool goesBack = layer.flag("go_backwards", false);
  Run run = runLayer(layer, goesBack ? nn::Direction::reverse : nn::Direction::forward);
  if (layer.flag("return_state", false))
    for (Term state : run.states)
      layer.addResult(state);
  if (!layer.flag("return_sequences", false))
    return run.states.front();
  // Keras gives the states in the order of the run.
  return goesBack ? nn::flip(run.sequence, {1}) : run.sequence;
}

//===----------------------------------------------------------------------===//
// Bidirectional
//===----------------------------------------------------------------------===//

namespace {
/// One of a Bidirectional's two layers.
struct Half {
  Value result;
  SmallVector<Value> states;
};
} // namespace

// The layer within, named as Keras does: bidirectional/forward_lstm.
static Half buildHalf(Layer &layer, const llvm::json::Object &inner, bool isBackward) {
  auto kind = inner.getString("class_name");
  const auto *given = inner.getObject("config");
  auto found = kind ? getLayers().find(*kind) : getLayers().end();
  bool isRecurrent = kind && llvm::is_contained({"SimpleRNN", "LSTM", "GRU"}, *kind);
  if (!isRecurrent || !given || found == getLayers().end()) {
    layer.problem("'layer' should be a SimpleRNN, LSTM or GRU");
    return {};
  }
  llvm::json::Object config = *given;
  std::string name = config.getString("name").value_or(snakeCase(*kind)).str();
  for (StringRef prefix : {"forward_", "backward_"})
    if (StringRef(name).starts_with(prefix))
      name = name.substr(prefix.size());
  name = layer.getName() + (isBackward ? "/backward_" : "/forward_") + name;
  SmallVector<Value> operands{layer.input()};
  ArrayRef<Value> states = layer.inputs().drop_front();
  llvm::append_range(operands, isBackward ? states.drop_front(states.size() / 2)
                                          : states.take_front(states.size() / 2));
  if (!isBackward && config.getBoolean("go_backwards").value_or(false))
    layer.problem("'go_backwards' of its first layer is not supported");
  config["go_backwards"] = isBackward;
  Layer half(layer.getModel(), name, config, operands);
  Half built{found->second.build(half), SmallVector<Value>(half.getMoreResults())};
  half.reportUnread();
  if (built.result && isBackward && half.flag("return_sequences", false))
    built.result = nn::flip(layer.term(built.result), {1});
  return built;
}

static Value buildBidirectional(Layer &layer) {
  auto within = [&](StringRef key) {
    const llvm::json::Value *value = layer.setting(key);
    return value ? value->getAsObject() : nullptr;
  };
  const auto *forward = within("layer"), *backward = within("backward_layer");
  if (!forward) {
    layer.problem("'layer' is missing");
    return {};
  }
  if (layer.inputs().size() % 2 == 0) {
    layer.problem("takes a sequence, and perhaps as many states for each direction");
    return {};
  }
  Half there = buildHalf(layer, *forward, false);
  Half back = buildHalf(layer, backward ? *backward : *forward, true);
  if (!there.result || !back.result)
    return {};
  for (Value state : llvm::concat<Value>(there.states, back.states))
    layer.addResult(state);
  if (there.result.getType() != back.result.getType()) {
    layer.problem("its two layers should have as many units, and the same 'return_sequences'");
    return {};
  }
  Term x = layer.term(there.result), y = layer.term(back.result);
  // Null gives both results, which only a model's code can tell apart.
  const llvm::json::Value *given = layer.setting("merge_mode");
  std::string mode = given && given->getAsNull() ? "" : layer.text("merge_mode", "concat");
  if (mode == "sum")
    return x + y;
  if (mode == "mul")
    return x * y;
  if (mode == "ave")
    return (x + y) * 0.5;
  if (mode != "concat")
    layer.problem("'merge_mode' should be concat, sum, mul or ave");
  return nn::ConcatOp::create(layer.builder(), layer.getLoc(), ValueRange{x, y}, x.getRank() - 1);
}

void sinter::description::addRecurrentLayers(LayerTable &table) {
  std::vector<StringRef> arguments{"units", "activation", "recurrent_activation"};
  table["SimpleRNN"] = {buildRecurrent<runSimpleRNN, 1>, {"units", "activation"}, 2};
  table["LSTM"] = {buildRecurrent<runLSTM, 2>, arguments, 3};
  table["GRU"] = {buildRecurrent<runGRU, 1>, arguments, 2};
  table["Bidirectional"] = {buildBidirectional, {"layer", "merge_mode"}, 5};
}
