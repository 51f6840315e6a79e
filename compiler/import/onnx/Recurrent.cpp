//===- Recurrent.cpp - RNN, GRU, LSTM -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

namespace {

/// An activation of ONNX's recurrent layers, and the parameters it takes.
struct Activation {
  StringRef name;
  bool hasAlpha, hasBeta;
  double alpha, beta;
};
constexpr Activation activationTable[] = {
    {"Relu", false, false, 0, 0},        {"Tanh", false, false, 0, 0},
    {"Sigmoid", false, false, 0, 0},     {"Affine", true, true, 1, 0},
    {"LeakyRelu", true, false, 0.01, 0}, {"ThresholdedRelu", true, false, 1, 0},
    {"ScaledTanh", true, true, 1, 1},    {"HardSigmoid", true, true, 0.2, 0.5},
    {"Elu", true, false, 1, 0},          {"Softsign", false, false, 0, 0},
    {"Softplus", false, false, 0, 0},
};

/// What the three layers share, in the form of nn's attributes.
struct Layer {
  nn::Direction direction;
  int64_t hiddenSize = 0;
  bool batchMajor = false;
  FloatAttr clip;
  ArrayAttr activations;
  SmallVector<double> alphas, betas;
};

/// Lists one activation and its parameters per gate function and direction.
/// `activation_alpha` and `activation_beta` are consumed in order by those
/// that take one.
void readActivations(Node &node, ArrayRef<StringRef> defaults, int64_t directions, Layer &layer) {
  SmallVector<std::string> names;
  if (auto given = node.findStrings("activations"))
    names.assign(given->begin(), given->end());
  if (names.empty())
    for (int64_t i = 0; i < directions; ++i)
      names.append(defaults.begin(), defaults.end());
  size_t expected = defaults.size() * directions;
  if (names.size() != expected) {
    (void)node.emitError("attribute 'activations' has " + Twine(names.size()) +
                         " elements; expected " + Twine(expected));
    return;
  }
  auto alphas = node.findFloats("activation_alpha");
  auto betas = node.findFloats("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  SmallVector<StringRef> canonical;
  for (StringRef name : names) {
    const Activation *found = llvm::find_if(activationTable, [&](const Activation &activation) {
      return activation.name.equals_insensitive(name);
    });
    if (found == std::end(activationTable)) {
      (void)node.emitError("unknown activation '" + name + "'");
      return;
    }
    canonical.push_back(found->name);
    double alpha = found->alpha, beta = found->beta;
    if (found->hasAlpha && alphas && nextAlpha < alphas->size())
      alpha = (*alphas)[nextAlpha++];
    if (found->hasBeta && betas && nextBeta < betas->size())
      beta = (*betas)[nextBeta++];
    layer.alphas.push_back(alpha);
    layer.betas.push_back(beta);
  }
  layer.activations = node.getBuilder().getStrArrayAttr(canonical);
}

Layer readLayer(Node &node, ArrayRef<StringRef> defaults) {
  Layer layer;
  layer.direction = node.getEnum<nn::Direction>("direction", "forward",
                                                {{"forward", nn::Direction::forward},
                                                 {"reverse", nn::Direction::reverse},
                                                 {"bidirectional", nn::Direction::bidirectional}});
  int64_t directions = layer.direction == nn::Direction::bidirectional ? 2 : 1;
  for (unsigned i : {0, 1, 2})
    if (node.getRank(i) != 3)
      (void)node.emitError("input " + Twine(i) + " has rank " + Twine(node.getRank(i)) +
                           "; expected 3");
  if (node.failed())
    return layer;
  int64_t recurrent = node.getInputType(2).getDimSize(2);
  layer.hiddenSize = node.getInt("hidden_size", ShapedType::isDynamic(recurrent) ? 0 : recurrent);
  if (layer.hiddenSize < 1)
    (void)node.emitError("attribute 'hidden_size' is missing or not positive");
  else if (!ShapedType::isDynamic(recurrent) && recurrent != layer.hiddenSize)
    (void)node.emitError("attribute 'hidden_size' is " + Twine(layer.hiddenSize) +
                         ", but the recurrence weights have " + Twine(recurrent) + " columns");
  for (unsigned i : {1, 2}) {
    int64_t dim = node.getInputType(i).getDimSize(0);
    if (!ShapedType::isDynamic(dim) && dim != directions)
      (void)node.emitError("input " + Twine(i) + " has weights for " + Twine(dim) +
                           " directions; expected " + Twine(directions));
  }
  layer.batchMajor = node.getFlag("layout");
  if (auto clip = node.findFloat("clip"); clip && *clip > 0)
    layer.clip = node.getBuilder().getF64FloatAttr(*clip);
  readActivations(node, defaults, directions, layer);
  return layer;
}

void setOutputs(Node &node, ArrayRef<Value> results) {
  for (auto [index, result] : llvm::enumerate(results))
    if (node.hasOutput(index))
      node.setOutput(index, result);
}

LogicalResult buildRNN(Node &node) {
  Layer layer = readLayer(node, {"Tanh"});
  if (node.failed())
    return failure();
  setOutputs(node,
             node.createAll<nn::RNNOp>(node.getInput(0), node.getInput(1), node.getInput(2),
                                       node.getInput(3), node.getInput(4), node.getInput(5),
                                       layer.activations, layer.alphas, layer.betas, layer.clip,
                                       layer.direction, layer.hiddenSize, layer.batchMajor));
  return node.status();
}

LogicalResult buildGRU(Node &node) {
  Layer layer = readLayer(node, {"Sigmoid", "Tanh"});
  bool linearBeforeReset = node.getFlag("linear_before_reset");
  if (node.failed())
    return failure();
  setOutputs(node, node.createAll<nn::GRUOp>(node.getInput(0), node.getInput(1), node.getInput(2),
                                             node.getInput(3), node.getInput(4), node.getInput(5),
                                             linearBeforeReset, layer.activations, layer.alphas,
                                             layer.betas, layer.clip, layer.direction,
                                             layer.hiddenSize, layer.batchMajor));
  return node.status();
}

LogicalResult buildLSTM(Node &node) {
  Layer layer = readLayer(node, {"Sigmoid", "Tanh", "Tanh"});
  bool inputForget = node.getFlag("input_forget");
  if (node.failed())
    return failure();
  setOutputs(node, node.createAll<nn::LSTMOp>(
                       node.getInput(0), node.getInput(1), node.getInput(2), node.getInput(3),
                       node.getInput(4), node.getInput(5), node.getInput(6), node.getInput(7),
                       inputForget, layer.activations, layer.alphas, layer.betas, layer.clip,
                       layer.direction, layer.hiddenSize, layer.batchMajor));
  return node.status();
}

} // namespace

void sinter::onnx_import::registerRecurrentOperators(OperatorTable &table) {
  table.add("RNN", 1, buildRNN, {3, 6}, 2);
  table.add("GRU", 1, buildGRU, {3, 6}, 2);
  table.add("LSTM", 1, buildLSTM, {3, 8}, 3);
}
