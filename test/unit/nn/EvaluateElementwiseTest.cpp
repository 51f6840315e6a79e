//===- EvaluateElementwiseTest.cpp - elementwise ops against known values -===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"

using namespace mlir;
using namespace sinter::nn;

static HostTensor unary(StringRef op, ArrayRef<double> inputs, StringRef attributes = "",
                        StringRef element = "f32") {
  HostTensor input = makeTensor(element, {static_cast<int64_t>(inputs.size())}, inputs);
  return run(op, attributes, {input}, typeOf(input))[0];
}

TEST(Elementwise, BroadcastsLikeNumPy) {
  auto sum = run("add", "", {f32({2, 1, 2}, {0, 1, 2, 3}), f32({3, 1}, {10, 20, 30})},
                 "tensor<2x3x2xf32>");
  expectTensor(sum[0], {2, 3, 2}, {10, 11, 20, 21, 30, 31, 12, 13, 22, 23, 32, 33});
  auto scaled = run("mul", "", {f32({}, {3}), f32({2}, {1, 2})}, "tensor<2xf32>");
  expectTensor(scaled[0], {2}, {3, 6});
}

// Integer division truncates; the modulus has the divisor's sign.
TEST(Elementwise, IntegerDivision) {
  HostTensor x = i64({4}, {7, -7, 7, -7}), y = i64({4}, {2, 2, -2, -2});
  expectValues(run("div", "", {x, y}, "tensor<4xi64>")[0], {3, -3, -3, 3});
  expectValues(run("mod", "", {x, y}, "tensor<4xi64>")[0], {1, 1, -1, -1});
  expectValues(run("mod", "fmod", {x, y}, "tensor<4xi64>")[0], {1, -1, 1, -1});
  HostTensor u = makeTensor("ui8", {2}, {200, 255}), v = makeTensor("ui8", {2}, {7, 16});
  expectValues(run("div", "", {u, v}, "tensor<2xui8>")[0], {28, 15});
  expectValues(run("add", "", {u, u}, "tensor<2xui8>")[0], {144, 254});
}

TEST(Elementwise, NanWinsMinAndMax) {
  HostTensor x = f32({3}, {NAN, 1, 3}), y = f32({3}, {1, NAN, 2});
  expectValues(run("min", "", {x, y}, "tensor<3xf32>")[0], {NAN, NAN, 2});
  expectValues(run("max", "", {x, y}, "tensor<3xf32>")[0], {NAN, NAN, 3});
}

TEST(Elementwise, PowersOfMixedTypes) {
  expectValues(run("pow", "", {f32({3}, {1, 2, 3}), i64({3}, {4, 5, -1})}, "tensor<3xf32>")[0],
               {1, 32, 1.0 / 3});
  expectValues(
      run("pow", "", {i64({4}, {1, 2, 3, -1}), i64({4}, {-4, 5, 6, -3})}, "tensor<4xi64>")[0],
      {1, 32, 729, -1});
  expectValues(
      run("pow", "", {makeTensor("i32", {2}, {3, 9}), f32({2}, {3, 0.5})}, "tensor<2xi32>")[0],
      {27, 3});
}

TEST(Elementwise, Shifts) {
  HostTensor x = makeTensor("ui8", {3}, {16, 4, 1}), y = makeTensor("ui8", {3}, {1, 2, 9});
  expectValues(run("shift_right", "", {x, y}, "tensor<3xui8>")[0], {8, 1, 0});
  expectValues(run("shift_left", "", {x, y}, "tensor<3xui8>")[0], {32, 16, 0});
}

TEST(Elementwise, ComparesAndSelects) {
  auto less = run("compare", "predicate = #nn<predicate lt>",
                  {f32({3}, {1, NAN, 3}), f32({3}, {2, 2, 2})}, "tensor<3xi1>");
  expectValues(less[0], {1, 0, 0});
  auto notEqual = run("compare", "predicate = #nn<predicate ne>",
                      {f32({2}, {1, NAN}), f32({2}, {1, NAN})}, "tensor<2xi1>");
  expectValues(notEqual[0], {0, 1});
  auto unsignedLess =
      run("compare", "predicate = #nn<predicate lt>",
          {makeTensor("ui8", {1}, {200}), makeTensor("ui8", {1}, {100})}, "tensor<1xi1>");
  expectValues(unsignedLess[0], {0});
  auto chosen = run("where", "", {less[0], i64({3}, {1, 2, 3}), i64({1}, {9})}, "tensor<3xi64>");
  expectValues(chosen[0], {1, 9, 9});
}

TEST(Elementwise, RoundsHalfToEven) {
  expectValues(unary("round", {0.5, 1.5, 2.5, -0.5, -1.5, 2.3, -2.7}), {0, 2, 2, 0, -2, 2, -3});
}

TEST(Elementwise, SignsAndAbsolutes) {
  expectValues(unary("sign", {-2, 0, 5, NAN}), {-1, 0, 1, NAN});
  expectValues(unary("abs", {-128, 5}, "", "i8"), {-128, 5});
  expectValues(unary("neg", {3, -4}, "", "i32"), {-3, 4});
  expectValues(unary("relu", {-1, 2, NAN}), {0, 2, NAN});
}

TEST(Elementwise, StableSigmoidAndSoftplus) {
  expectValues(unary("sigmoid", {-1000, -1, 0, 1, 1000}), {0, 0.26894142, 0.5, 0.73105858, 1});
  expectValues(unary("softplus", {-1000, 0, 1, 1000}), {0, 0.69314718, 1.31326169, 1000});
}

TEST(Elementwise, Activations) {
  expectValues(unary("gelu", {-1, 0, 1}), {-0.15865526, 0, 0.84134474});
  expectValues(unary("gelu", {-1, 1}, "tanh_approximation"), {-0.158808, 0.841192});
  expectValues(unary("elu", {-1, 2}, "alpha = 2.0 : f64"), {-1.26424112, 2});
  expectValues(unary("leaky_relu", {-2, 2}, "alpha = 0.1 : f64"), {-0.2, 2});
  expectValues(unary("hard_sigmoid", {-10, 1, 10}, "alpha = 0.5 : f64, beta = 0.25 : f64"),
               {0, 0.75, 1});
  expectValues(run("prelu", "", {f32({2}, {-2, 3}), f32({1}, {0.5})}, "tensor<2xf32>")[0], {-1, 3});
}

TEST(Elementwise, FindsNanAndInfinity) {
  HostTensor x = f32({4}, {1, NAN, INFINITY, -INFINITY});
  expectValues(run("is_nan", "", {x}, "tensor<4xi1>")[0], {0, 1, 0, 0});
  expectValues(run("is_inf", "", {x}, "tensor<4xi1>")[0], {0, 0, 1, 1});
  expectValues(run("is_inf", "positive = false", {x}, "tensor<4xi1>")[0], {0, 0, 0, 1});
}

TEST(Elementwise, Casts) {
  HostTensor x = f32({4}, {-1.9, 0, 1.9, 300});
  expectValues(run("cast", "to = i8", {x}, "tensor<4xi8>")[0], {-1, 0, 1, 44});
  expectValues(run("cast", "to = ui8", {x}, "tensor<4xui8>")[0], {255, 0, 1, 44});
  expectValues(run("cast", "to = i1", {f32({3}, {0, -0.5, NAN})}, "tensor<3xi1>")[0], {0, 1, 1});
  expectValues(run("cast", "to = f16", {f32({2}, {0.1, 70000})}, "tensor<2xf16>")[0],
               {0.0999755859375, INFINITY}, 1e-9);
}
