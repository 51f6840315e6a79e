//===- Optimizer.cpp - update rules of parameters -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-train-step/Optimizer.h"

using namespace mlir;
using namespace sinter;
using nn::Term;

//===----------------------------------------------------------------------===//
// Settings
//===----------------------------------------------------------------------===//

std::optional<Optimizer> Optimizer::parse(StringRef text, std::string &error) {
  Optimizer result;
  auto [name, given] = text.split(':');
  // Of every optimizer; 0: off.
  result.settings = {{"clipnorm", 0},
                     {"global_clipnorm", 0},
                     {"clipvalue", 0},
                     {"weight_decay", 0},
                     {"learning_rate", 0.001}};
  auto defaults = [&](Rule rule, std::initializer_list<std::pair<StringRef, double>> values) {
    result.rule = rule;
    for (auto [key, value] : values)
      result.settings[key] = value;
  };
  if (name == "sgd") {
    defaults(Rule::sgd, {{"momentum", 0}, {"nesterov", 0}, {"learning_rate", 0.01}});
  } else if (name == "rmsprop") {
    defaults(Rule::rmsprop, {{"rho", 0.9}, {"momentum", 0}, {"epsilon", 1e-7}});
  } else if (name == "adagrad") {
    defaults(Rule::adagrad, {{"initial_accumulator_value", 0.1}, {"epsilon", 1e-7}});
  } else if (name == "adam" || name == "adamw") {
    defaults(Rule::adam, {{"beta_1", 0.9}, {"beta_2", 0.999}, {"epsilon", 1e-7}});
    if (name == "adamw")
      result.settings["weight_decay"] = 0.004;
  } else {
    error = "there is no optimizer '" + name.str() + "'; known: sgd, rmsprop, adagrad, adam, adamw";
    return std::nullopt;
  }

  if (!readSettings(given, result.settings, "optimizer '" + name + "'", error))
    return std::nullopt;

  bool hasMomentum = result.get("momentum") != 0;
  switch (result.rule) {
  case Rule::sgd:
    if (hasMomentum)
      result.variables = {{"momentum", 0}};
    break;
  case Rule::rmsprop:
    result.variables = {{"velocity", 0}};
    if (hasMomentum)
      result.variables.push_back({"momentum", 0});
    break;
  case Rule::adagrad:
    result.variables = {{"accumulator", result.get("initial_accumulator_value")}};
    break;
  case Rule::adam:
    result.variables = {{"m", 0}, {"v", 0}};
    break;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Clipping
//===----------------------------------------------------------------------===//

static Term squareSum(Term x) {
  return x.apply<nn::ReduceOp>(nn::ReduceKind::sum_square, nn::axesRange(0, x.getRank()),
                               /*keepdims=*/false);
}

// What brings a norm down to `limit`: min(1, limit / norm).
static Term shrink(Term normSquare, double limit) {
  Term ratio =
      normSquare.apply<nn::MaxOp>(normSquare.number(1e-30).get()).apply<nn::RsqrtOp>() * limit;
  return ratio.apply<nn::MinOp>(ratio.number(1).get());
}

void Optimizer::clip(MutableArrayRef<Value> gradients, OpBuilder &builder, Location loc) const {
  auto term = [&](Value value) { return Term(builder, loc, value); };
  if (double limit = get("clipvalue"); limit > 0)
    for (Value &gradient : gradients) {
      Term g = term(gradient);
      gradient = g.apply<nn::MaxOp>(g.number(-limit).get()).apply<nn::MinOp>(g.number(limit).get());
    }
  if (double limit = get("clipnorm"); limit > 0)
    for (Value &gradient : gradients)
      gradient = term(gradient) * shrink(squareSum(term(gradient)), limit);
  if (double limit = get("global_clipnorm"); limit > 0 && !gradients.empty()) {
    Term sum = squareSum(term(gradients.front()));
    for (Value gradient : gradients.drop_front())
      sum = sum + squareSum(term(gradient));
    Term factor = shrink(sum, limit);
    for (Value &gradient : gradients)
      gradient = term(gradient) * factor;
  }
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

Term Optimizer::update(const StepValues &values, Term parameter, Term g,
                       MutableArrayRef<Value> state) const {
  Term rate = values.learningRate, p = parameter;
  if (double decay = get("weight_decay"); decay > 0)
    p = p * (1 - rate * decay);
  auto variable = [&](unsigned index) { return p.with(state[index]); };
  auto keep = [&](unsigned index, Term next) {
    state[index] = next;
    return next;
  };
  // A moving average.
  auto average = [&](unsigned index, Term x, double share) {
    return keep(index, variable(index) * share + x * (1 - share));
  };
  switch (rule) {
  case Rule::sgd: {
    double momentum = get("momentum");
    if (momentum == 0)
      return p - rate * g;
    Term v = keep(0, variable(0) * momentum - rate * g);
    return get("nesterov") != 0 ? p + v * momentum - rate * g : p + v;
  }
  case Rule::rmsprop: {
    Term velocity = average(0, g * g, get("rho"));
    Term change = rate * g / (velocity + get("epsilon")).apply<nn::SqrtOp>();
    if (double momentum = get("momentum"); momentum != 0)
      change = keep(1, variable(1) * momentum + change);
    return p - change;
  }
  case Rule::adagrad: {
    Term sum = keep(0, variable(0) + g * g);
    return p - rate * g / (sum + get("epsilon")).apply<nn::SqrtOp>();
  }
  case Rule::adam: {
    // Kingma & Ba, ICLR 2015, end of section 2: both corrections in the rate.
    double beta1 = get("beta_1"), beta2 = get("beta_2");
    Term m = average(0, g, beta1), v = average(1, g * g, beta2);
    auto remaining = [&](double beta) { // 1 − βᵗ
      return 1 - values.step.number(beta).apply<nn::PowOp>(values.step.get());
    };
    Term correction = (remaining(beta2).apply<nn::SqrtOp>() / remaining(beta1))
                          .apply<nn::CastOp>(TypeAttr::get(p.getType().getElementType()));
    return p - rate * correction * m / (v.apply<nn::SqrtOp>() + get("epsilon"));
  }
  }
  llvm_unreachable("unknown rule");
}
