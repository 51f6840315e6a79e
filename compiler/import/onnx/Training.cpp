//===- Training.cpp - losses, and the optimizers of preview.training ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

Type elementTypeOf(Value value) { return getElementTypeOrSelf(value.getType()); }

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// −logProbability[target] · weight[target]; N C D… and N D….
LogicalResult buildLoss(Node &node, Value logProbabilities) {
  enum Reduction { none, mean, sum };
  Reduction reduction =
      node.getEnum<Reduction>("reduction", "mean", {{"none", none}, {"mean", mean}, {"sum", sum}});
  auto ignored = node.findInt("ignore_index");
  Value target = node.getInput(1), weight = node.getInput(2);
  Type type = elementTypeOf(logProbabilities);
  int64_t rank = node.getRank(1);
  if (node.getRank(0) != rank + 1)
    return node.emitError("the target has rank " + Twine(rank) + "; expected " +
                          Twine(node.getRank(0) - 1));
  Ints axes;
  for (int64_t i = 0; i < rank; ++i)
    axes.push_back(i);

  Value isIgnored;
  if (ignored) { // the index may be no class at all
    isIgnored = node.compare(nn::ComparePredicate::eq, target, node.scalarLike(target, *ignored));
    target = node.where(isIgnored, node.scalarLike(target, 0), target);
  }
  Value chosen =
      node.create<nn::GatherElementsOp>(logProbabilities, node.unsqueeze(target, {1}), 1);
  if (node.failed())
    return failure();
  Value loss = node.create<nn::NegOp>(node.squeeze(chosen, {1}));
  Value weights; // of each target
  if (weight)
    weights = node.create<nn::GatherOp>(node.cast(weight, type), target, 0);
  if (isIgnored)
    weights = node.where(isIgnored, node.scalar(type, 0), weights ? weights : node.scalar(type, 1));
  if (weights)
    loss = node.mul(loss, weights);
  switch (reduction) {
  case none:
    break;
  case sum:
    loss = node.reduce(loss, nn::ReduceKind::sum, axes, false);
    break;
  case mean:
    loss = weights ? node.div(node.reduce(loss, nn::ReduceKind::sum, axes, false),
                              node.reduce(weights, nn::ReduceKind::sum, axes, false))
                   : node.reduce(loss, nn::ReduceKind::mean, axes, false);
    break;
  }
  return node.yield(loss);
}

LogicalResult buildNegativeLogLikelihood(Node &node) {
  if (node.getRank(0) < 2)
    return node.emitError("the input has no class dim");
  return buildLoss(node, node.getInput(0));
}

LogicalResult buildSoftmaxCrossEntropy(Node &node) {
  if (node.getRank(0) < 2)
    return node.emitError("the scores have no class dim");
  Value logProbabilities =
      node.create<nn::SoftmaxOp>(node.getInput(0), ArrayRef<int64_t>{1}, /*log=*/true);
  if (node.hasOutput(1))
    node.setOutput(1, logProbabilities);
  if (node.failed())
    return failure();
  return buildLoss(node, logProbabilities);
}

//===----------------------------------------------------------------------===//
// Optimizers
//===----------------------------------------------------------------------===//

/// Inputs are R (learning rate), T (step), then as many of each kind as there
/// are tensors: X (value), G (gradient), and the states. Calls `update` for
/// each tensor with its value, gradient and states; the results are [X…,
/// first states…, …].
LogicalResult updateEach(
    Node &node, unsigned states,
    llvm::function_ref<Node::Values(Value x, Value gradient, ArrayRef<Value> states)> update) {
  unsigned kinds = states + 2, inputs = node.getNumInputs() - 2;
  if (inputs == 0 || inputs % kinds)
    return node.emitError("has " + Twine(inputs) + " tensors; expected " + Twine(kinds) +
                          " for each value to optimize");
  unsigned count = inputs / kinds;
  for (unsigned i = 2; i < node.getNumInputs(); ++i)
    if (!node.hasInput(i))
      return node.emitError("input " + Twine(i) + " is absent");
  double decay = node.getFloat("norm_coefficient", 0);
  for (unsigned tensor = 0; tensor < count; ++tensor) {
    Value x = node.getInput(2 + tensor);
    Value gradient = node.getInput(2 + count + tensor);
    Node::Values old;
    for (unsigned state = 0; state < states; ++state)
      old.push_back(node.getInput(2 + (2 + state) * count + tensor));
    if (decay != 0)
      gradient = node.add(node.mul(x, node.scalarLike(x, decay)), gradient);
    Node::Values results = update(x, gradient, old);
    for (auto [index, result] : llvm::enumerate(results))
      if (node.hasOutput(index * count + tensor))
        node.setOutput(index * count + tensor, result);
  }
  return node.status();
}

/// An input of one element as a scalar of `type`.
Value scalarInput(Node &node, unsigned index, Type type) {
  return node.cast(node.reshape(node.getInput(index), {}), type);
}

/// a · x + b · y for numbers a, b.
Value blend(Node &node, double a, Value x, double b, Value y) {
  return node.add(node.mul(x, node.scalarLike(x, a)), node.mul(y, node.scalarLike(y, b)));
}

/// Duchi, Hazan, Singer 2011.
LogicalResult buildAdagrad(Node &node) {
  double epsilon = node.getFloat("epsilon", 1e-6);
  double decay = node.getFloat("decay_factor", 0);
  return updateEach(node, 1, [&](Value x, Value gradient, ArrayRef<Value> states) -> Node::Values {
    Type type = elementTypeOf(x);
    Value rate = scalarInput(node, 0, type);
    if (decay != 0)
      rate = node.div(rate, node.add(node.mul(scalarInput(node, 1, type), node.scalar(type, decay)),
                                     node.scalar(type, 1)));
    Value squares = node.add(states[0], node.mul(gradient, gradient));
    Value divisor = node.add(node.create<nn::SqrtOp>(squares), node.scalar(type, epsilon));
    return {node.sub(x, node.div(node.mul(rate, gradient), divisor)), squares};
  });
}

/// Kingma, Ba 2015, algorithm 1 with the bias correction in the rate.
LogicalResult buildAdam(Node &node) {
  double alpha = node.getFloat("alpha", 0.9);
  double beta = node.getFloat("beta", 0.999);
  double epsilon = node.getFloat("epsilon", 1e-6);
  double decayAfter = node.getFloat("norm_coefficient_post", 0);
  return updateEach(node, 2, [&](Value x, Value gradient, ArrayRef<Value> states) -> Node::Values {
    Type type = elementTypeOf(x);
    Value rate = scalarInput(node, 0, type), step = scalarInput(node, 1, type);
    Value one = node.scalar(type, 1);
    Value momentum = blend(node, alpha, states[0], 1 - alpha, gradient);
    Value squares = blend(node, beta, states[1], 1 - beta, node.mul(gradient, gradient));
    auto remaining = [&](double base) { // 1 − baseᵗ
      return node.sub(one, node.create<nn::PowOp>(node.scalar(type, base), step));
    };
    Value corrected =
        node.div(node.mul(rate, node.create<nn::SqrtOp>(remaining(beta))), remaining(alpha));
    rate = node.where(node.compare(nn::ComparePredicate::gt, step, node.scalar(type, 0)), corrected,
                      rate);
    Value divisor = node.add(node.create<nn::SqrtOp>(squares), node.scalar(type, epsilon));
    Value result = node.sub(x, node.mul(rate, node.div(momentum, divisor)));
    if (decayAfter != 0)
      result = node.mul(result, node.scalar(type, 1 - decayAfter));
    return {result, momentum, squares};
  });
}

LogicalResult buildMomentum(Node &node) {
  double alpha = node.requireFloat("alpha"), beta = node.requireFloat("beta");
  bool nesterov = node.getEnum<bool>("mode", "standard", {{"standard", false}, {"nesterov", true}});
  if (node.failed())
    return failure();
  return updateEach(node, 1, [&](Value x, Value gradient, ArrayRef<Value> states) -> Node::Values {
    Type type = elementTypeOf(x);
    Value rate = scalarInput(node, 0, type);
    Value started =
        node.compare(nn::ComparePredicate::gt, scalarInput(node, 1, type), node.scalar(type, 0));
    Value factor = node.where(started, node.scalar(type, beta), node.scalar(type, 1));
    Value scaled = node.mul(states[0], node.scalar(type, alpha));
    Value velocity = node.add(scaled, node.mul(factor, gradient));
    Value direction =
        nesterov ? node.add(gradient, node.mul(velocity, node.scalar(type, alpha))) : velocity;
    return {node.sub(x, node.mul(rate, direction)), velocity};
  });
}

} // namespace

void sinter::onnx_import::registerTrainingOperators(OperatorTable &table) {
  table.add("NegativeLogLikelihoodLoss", 12, buildNegativeLogLikelihood, {2, 3});
  table.add("SoftmaxCrossEntropyLoss", 12, buildSoftmaxCrossEntropy, {2, 3}, 2);
  constexpr StringLiteral domain = "ai.onnx.preview.training";
  table.add("Adagrad", 1, buildAdagrad, {3, Inputs::variadic}, Inputs::variadic, domain);
  table.add("Adam", 1, buildAdam, {3, Inputs::variadic}, Inputs::variadic, domain);
  table.add("Momentum", 1, buildMomentum, {3, Inputs::variadic}, Inputs::variadic, domain);
}
