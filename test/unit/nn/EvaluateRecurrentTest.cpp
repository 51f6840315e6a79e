//===- EvaluateRecurrentTest.cpp - rnn, gru and lstm, one unit by hand ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"

using namespace mlir;
using namespace sinter::nn;

static std::string layer(StringRef segments, StringRef direction = "forward",
                         StringRef extra = "") {
  return "operandSegmentSizes = array<i32: " + segments.str() +
         ">, activations = [], activation_alpha = array<f64>, activation_beta = array<f64>, "
         "direction = #nn<direction " +
         direction.str() + ">, hidden_size = 1" + extra.str();
}

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(Recurrent, RNNForwardReverseAndLengths) {
  HostTensor x = f32({2, 1, 1}, {1, 2}), w = f32({1, 1, 1}, {0.5}), r = f32({1, 1, 1}, {0.25});
  double h1 = std::tanh(0.5), h2 = std::tanh(1 + 0.25 * h1);
  std::string types = "tensor<2x1x1x1xf32>, tensor<1x1x1xf32>";
  auto forward = run("rnn", layer("1, 1, 1, 0, 0, 0"), {x, w, r}, types);
  expectValues(forward[0], {h1, h2});
  expectValues(forward[1], {h2});
  double g2 = std::tanh(1), g1 = std::tanh(0.5 + 0.25 * g2);
  auto reverse = run("rnn", layer("1, 1, 1, 0, 0, 0", "reverse"), {x, w, r}, types);
  expectValues(reverse[0], {g1, g2});
  expectValues(reverse[1], {g1});
  auto shortened = run("rnn", layer("1, 1, 1, 0, 1, 0"), {x, w, r, i64({1}, {1})}, types);
  expectValues(shortened[0], {h1, 0});
  expectValues(shortened[1], {h1});
}

TEST(Recurrent, GRUBothResets) {
  HostTensor x = f32({1, 1, 1}, {1}), w = f32({1, 3, 1}, {0.1, 0.2, 0.3}),
             r = f32({1, 3, 1}, {0.4, 0.5, 0.6});
  HostTensor b = f32({1, 6}, {0.01, 0.02, 0.03, 0.04, 0.05, 0.06}), h = f32({1, 1, 1}, {0.7});
  double z = sigmoid(0.1 + 0.4 * 0.7 + 0.05), reset = sigmoid(0.2 + 0.5 * 0.7 + 0.07);
  double g = std::tanh(0.3 + 0.6 * reset * 0.7 + 0.09);
  std::string types = "tensor<1x1x1x1xf32>, tensor<1x1x1xf32>";
  expectValues(run("gru", layer("1, 1, 1, 1, 0, 1"), {x, w, r, b, h}, types)[1],
               {(1 - z) * g + z * 0.7});
  double linear = std::tanh(0.3 + 0.03 + reset * (0.6 * 0.7 + 0.06));
  expectValues(run("gru", layer("1, 1, 1, 1, 0, 1", "forward", ", linear_before_reset"),
                   {x, w, r, b, h}, types)[1],
               {(1 - z) * linear + z * 0.7});
}

TEST(Recurrent, LSTMWithPeepholes) {
  HostTensor x = f32({1, 1, 1}, {1}), w = f32({1, 4, 1}, {0.1, 0.2, 0.3, 0.4}),
             r = f32({1, 4, 1}, {0.5, 0.6, 0.7, 0.8});
  HostTensor h = f32({1, 1, 1}, {0.3}), c = f32({1, 1, 1}, {0.9}),
             p = f32({1, 3}, {0.01, 0.02, 0.03});
  double in = sigmoid(0.1 + 0.5 * 0.3 + 0.01 * 0.9), forget = sigmoid(0.3 + 0.7 * 0.3 + 0.03 * 0.9);
  double cell = forget * 0.9 + in * std::tanh(0.4 + 0.8 * 0.3);
  double out = sigmoid(0.2 + 0.6 * 0.3 + 0.02 * cell);
  auto result = run("lstm", layer("1, 1, 1, 0, 0, 1, 1, 1"), {x, w, r, h, c, p},
                    "tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>");
  expectValues(result[0], {out * std::tanh(cell)});
  expectValues(result[2], {cell});
}

// Both directions, batch first: the shapes are those of `batch_major`.
TEST(Recurrent, BidirectionalBatchMajor) {
  HostTensor x = f32({1, 2, 1}, {1, 2}), w = f32({2, 1, 1}, {0.5, 0.5}), r = f32({2, 1, 1}, {0, 0});
  auto result = run("rnn", layer("1, 1, 1, 0, 0, 0", "bidirectional", ", batch_major"), {x, w, r},
                    "tensor<1x2x2x1xf32>, tensor<1x2x1xf32>");
  double a = std::tanh(0.5), b = std::tanh(1);
  expectTensor(result[0], {1, 2, 2, 1}, {a, a, b, b});
  expectTensor(result[1], {1, 2, 1}, {b, a});
}
