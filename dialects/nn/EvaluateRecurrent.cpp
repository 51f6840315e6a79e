//===- EvaluateRecurrent.cpp - evaluators of rnn, gru and lstm ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include "llvm/ADT/StringSwitch.h"
#include <functional>
#include <vector>

using namespace mlir;
using namespace sinter::nn;

namespace {
using Activation = std::function<double(double)>;
using Vector = std::vector<double>;

/// The parts common to the three layers: operands, sizes, activations, and the
/// walk over directions, batch and time.
class RecurrentLayer {
public:
  template <typename OpTy>
  RecurrentLayer(OpTy op, ArrayRef<HostTensor> operands, int64_t gates,
                 ArrayRef<StringRef> defaults);

  /// Runs `step(direction, x, h)`, which changes h in place, over all time
  /// steps; `start(direction, batch)` before and `end(direction, batch)` after
  /// each sequence.
  void run(MutableArrayRef<HostTensor> results, llvm::function_ref<void(int64_t, int64_t)> start,
           llvm::function_ref<void(int64_t, const Vector &, Vector &)> step,
           llvm::function_ref<void(int64_t, int64_t)> end) const;

  /// x · Wᵀ + b of a gate for all hidden units; W and its bias are the
  /// weights' or the recurrence's part.
  Vector project(const Vector &x, int64_t direction, int64_t gate, bool recurrence) const;
  Vector gate(const Vector &x, const Vector &h, int64_t direction, int64_t index) const {
    Vector sum = project(x, direction, index, false);
    Vector other = project(h, direction, index, true);
    for (int64_t i = 0; i < hidden; ++i)
      sum[i] += other[i];
    return sum;
  }
  double activate(int64_t direction, int64_t function, double x) const {
    if (clip)
      x = std::clamp(x, -*clip, *clip);
    return activations[direction * functions + function](x);
  }
  /// Place of (direction, batch) in the initial and final states.
  int64_t getState(int64_t direction, int64_t batchIndex) const {
    return (batchMajor ? batchIndex * directions + direction : direction * batch + batchIndex) *
           hidden;
  }

  int64_t hidden, directions, batch, time, inputs, gates, functions;
  bool batchMajor, startsReversed;
  std::optional<double> clip;
  const HostTensor *input, *weights, *recurrence, *bias, *lengths, *initialH;
  std::vector<Activation> activations;
};
} // namespace

// Makes a function by ONNX's name. Parameters that aren't given have ONNX's
// defaults; those that the function doesn't have are ignored.
static Activation getActivation(StringRef name, std::optional<double> alphaIfAny,
                                std::optional<double> betaIfAny) {
  std::string lower = name.lower();
  if (lower == "tanh")
    return [](double x) { return std::tanh(x); };
  if (lower == "relu")
    return [](double x) { return x < 0 ? 0 : x; };
  if (lower == "sigmoid")
    return [](double x) { return 1 / (1 + std::exp(-x)); };
  if (lower == "softsign")
    return [](double x) { return x / (1 + std::abs(x)); };
  if (lower == "softplus")
    return [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); };
  double alpha = alphaIfAny.value_or(lower == "leakyrelu"     ? 0.01
                                     : lower == "hardsigmoid" ? 0.2
                                                              : 1.0);
  double beta = betaIfAny.value_or(lower == "hardsigmoid"  ? 0.5
                                   : lower == "scaledtanh" ? 1.0
                                                           : 0.0);
  if (lower == "affine")
    return [=](double x) { return alpha * x + beta; };
  if (lower == "leakyrelu")
    return [=](double x) { return x >= 0 ? x : alpha * x; };
  if (lower == "thresholdedrelu")
    return [=](double x) { return x > alpha ? x : 0; };
  if (lower == "scaledtanh")
    return [=](double x) { return alpha * std::tanh(beta * x); };
  if (lower == "hardsigmoid")
    return [=](double x) { return std::clamp(alpha * x + beta, 0.0, 1.0); };
  if (lower == "elu")
    return [=](double x) { return x >= 0 ? x : alpha * std::expm1(x); };
  return nullptr;
}

template <typename OpTy>
RecurrentLayer::RecurrentLayer(OpTy op, ArrayRef<HostTensor> operands, int64_t gates,
                               ArrayRef<StringRef> defaults)
    : hidden(op.getHiddenSize()), directions(op.getDirection() == Direction::bidirectional ? 2 : 1),
      gates(gates), functions(defaults.size()), batchMajor(op.getBatchMajor()),
      startsReversed(op.getDirection() == Direction::reverse), input(&operands[0]),
      weights(&operands[1]), recurrence(&operands[2]), bias(getOptional(op, operands, 3)),
      lengths(getOptional(op, operands, 4)), initialH(getOptional(op, operands, 5)) {
  ArrayRef<int64_t> shape = input->getShape();
  batch = shape[batchMajor ? 0 : 1];
  time = shape[batchMajor ? 1 : 0];
  inputs = shape[2];
  if (op.getClip() && op.getClip()->convertToDouble() > 0)
    clip = op.getClip()->convertToDouble();
  SmallVector<StringRef> names;
  for (StringRef name : op.getActivations().template getAsValueRange<StringAttr>())
    names.push_back(name);
  while (static_cast<int64_t>(names.size()) < functions * directions)
    names.push_back(defaults[names.size() % functions]);
  ArrayRef<double> alphas = op.getActivationAlpha();
  ArrayRef<double> betas = op.getActivationBeta();
  auto at = [](ArrayRef<double> list, size_t i) {
    return i < list.size() ? std::optional(list[i]) : std::nullopt;
  };
  for (auto [i, name] : llvm::enumerate(names))
    activations.push_back(getActivation(name, at(alphas, i), at(betas, i)));
}

Vector RecurrentLayer::project(const Vector &x, int64_t direction, int64_t gate,
                               bool isRecurrence) const {
  const HostTensor &matrix = isRecurrence ? *recurrence : *weights;
  int64_t columns = isRecurrence ? hidden : inputs;
  Vector result(hidden);
  for (int64_t i = 0; i < hidden; ++i) {
    int64_t row = (direction * gates + gate) * hidden + i;
    double sum = 0;
    if (bias) // D × 2·gates·hidden: the weights' biases, then the recurrence's
      sum =
          bias->getDouble((direction * 2 * gates + (isRecurrence ? gates : 0) + gate) * hidden + i);
    if (matrix.getElementType().isF32()) {
      const float *values = matrix.as<float>() + row * columns;
      for (int64_t j = 0; j < columns; ++j)
        sum += static_cast<double>(values[j]) * x[j];
    } else {
      for (int64_t j = 0; j < columns; ++j)
        sum += matrix.getDouble(row * columns + j) * x[j];
    }
    result[i] = sum;
  }
  return result;
}

void RecurrentLayer::run(MutableArrayRef<HostTensor> results,
                         llvm::function_ref<void(int64_t, int64_t)> start,
                         llvm::function_ref<void(int64_t, const Vector &, Vector &)> step,
                         llvm::function_ref<void(int64_t, int64_t)> end) const {
  Vector x(inputs), h(hidden);
  for (int64_t direction = 0; direction < directions; ++direction)
    for (int64_t b = 0; b < batch; ++b) {
      int64_t state = getState(direction, b);
      for (int64_t i = 0; i < hidden; ++i)
        h[i] = initialH ? initialH->getDouble(state + i) : 0;
      start(direction, b);
      int64_t length = lengths ? std::clamp<int64_t>(lengths->getInt(b), 0, time) : time;
      bool isReversed = startsReversed || direction == 1;
      // Steps beyond the sequence's end keep zeros in Y.
      for (int64_t s = 0; s < length; ++s) {
        int64_t t = isReversed ? length - 1 - s : s;
        int64_t source = (batchMajor ? b * time + t : t * batch + b) * inputs;
        for (int64_t i = 0; i < inputs; ++i)
          x[i] = input->getDouble(source + i);
        step(direction, x, h);
        int64_t place = batchMajor ? ((b * time + t) * directions + direction) * hidden
                                   : ((t * directions + direction) * batch + b) * hidden;
        for (int64_t i = 0; i < hidden; ++i)
          results[0].setDouble(place + i, h[i]);
      }
      for (int64_t i = 0; i < hidden; ++i)
        results[1].setDouble(state + i, h[i]);
      end(direction, b);
    }
}

static bool isReady(const RecurrentLayer &layer, ArrayRef<HostTensor> results) {
  return llvm::all_of(layer.activations, [](const Activation &f) { return f != nullptr; }) &&
         llvm::all_of(results, [](const HostTensor &result) { return result.isAllocated(); });
}

LogicalResult RNNOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  RecurrentLayer layer(*this, operands, 1, {"Tanh"});
  if (!isReady(layer, results))
    return failure();
  layer.run(
      results, [](int64_t, int64_t) {},
      [&](int64_t d, const Vector &x, Vector &h) {
        Vector sum = layer.gate(x, h, d, 0);
        for (int64_t i = 0; i < layer.hidden; ++i)
          h[i] = layer.activate(d, 0, sum[i]);
      },
      [](int64_t, int64_t) {});
  return success();
}

LogicalResult GRUOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  RecurrentLayer layer(*this, operands, 3, {"Sigmoid", "Tanh"});
  if (!isReady(layer, results))
    return failure();
  bool linearBeforeReset = getLinearBeforeReset();
  layer.run(
      results, [](int64_t, int64_t) {},
      [&](int64_t d, const Vector &x, Vector &h) {
        Vector z = layer.gate(x, h, d, 0), r = layer.gate(x, h, d, 1);
        for (int64_t i = 0; i < layer.hidden; ++i) {
          z[i] = layer.activate(d, 0, z[i]);
          r[i] = layer.activate(d, 0, r[i]);
        }
        Vector candidate = layer.project(x, d, 2, false), recurrent;
        if (linearBeforeReset) {
          recurrent = layer.project(h, d, 2, true);
          for (int64_t i = 0; i < layer.hidden; ++i)
            recurrent[i] *= r[i];
        } else {
          Vector reset(layer.hidden);
          for (int64_t i = 0; i < layer.hidden; ++i)
            reset[i] = r[i] * h[i];
          recurrent = layer.project(reset, d, 2, true);
        }
        for (int64_t i = 0; i < layer.hidden; ++i) {
          double g = layer.activate(d, 1, candidate[i] + recurrent[i]);
          h[i] = (1 - z[i]) * g + z[i] * h[i];
        }
      },
      [](int64_t, int64_t) {});
  return success();
}

LogicalResult LSTMOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  RecurrentLayer layer(*this, operands, 4, {"Sigmoid", "Tanh", "Tanh"});
  if (!isReady(layer, results))
    return failure();
  const HostTensor *initialC = getOptional(*this, operands, 6);
  const HostTensor *peepholes = getOptional(*this, operands, 7);
  bool coupled = getInputForget();
  Vector c(layer.hidden);
  // Peephole weights: D × 3·hidden in the order i o f.
  auto peek = [&](int64_t d, int64_t gate, int64_t i) {
    return peepholes ? peepholes->getDouble((d * 3 + gate) * layer.hidden + i) : 0.0;
  };
  layer.run(
      results,
      [&](int64_t d, int64_t b) {
        for (int64_t i = 0; i < layer.hidden; ++i)
          c[i] = initialC ? initialC->getDouble(layer.getState(d, b) + i) : 0;
      },
      [&](int64_t d, const Vector &x, Vector &h) {
        Vector input = layer.gate(x, h, d, 0), output = layer.gate(x, h, d, 1);
        Vector forget = layer.gate(x, h, d, 2), cell = layer.gate(x, h, d, 3);
        for (int64_t i = 0; i < layer.hidden; ++i) {
          double in = layer.activate(d, 0, input[i] + peek(d, 0, i) * c[i]);
          double keep = coupled ? 1 - in : layer.activate(d, 0, forget[i] + peek(d, 2, i) * c[i]);
          c[i] = keep * c[i] + in * layer.activate(d, 1, cell[i]);
          double out = layer.activate(d, 0, output[i] + peek(d, 1, i) * c[i]);
          h[i] = out * layer.activate(d, 2, c[i]);
        }
      },
      [&](int64_t d, int64_t b) {
        for (int64_t i = 0; i < layer.hidden; ++i)
          results[2].setDouble(layer.getState(d, b) + i, c[i]);
      });
  return success();
}
