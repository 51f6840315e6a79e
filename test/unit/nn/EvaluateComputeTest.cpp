//===- EvaluateComputeTest.cpp - reductions, contractions, windows --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"
#include "dialects/nn/Winograd.h"

using namespace mlir;
using namespace sinter::nn;

static HostTensor reduce(StringRef kind, ArrayRef<int64_t> axes, const HostTensor &input,
                         StringRef type) {
  std::string list;
  for (int64_t axis : axes)
    list += (list.empty() ? ": " : ", ") + std::to_string(axis);
  return run("reduce",
             "kind = #nn<reduce_kind " + kind.str() + ">, axes = array<i64" + list +
                 ">, keepdims = false",
             {input}, type)[0];
}

TEST(Reduce, Kinds) {
  HostTensor x = f32({2, 2}, {1, -2, 3, 4});
  expectValues(reduce("sum", {0}, x, "tensor<2xf32>"), {4, 2});
  expectValues(reduce("mean", {1}, x, "tensor<2xf32>"), {-0.5, 3.5});
  expectValues(reduce("max", {0, 1}, x, "tensor<f32>"), {4});
  expectValues(reduce("min", {0}, x, "tensor<2xf32>"), {1, -2});
  expectValues(reduce("prod", {1}, x, "tensor<2xf32>"), {-2, 12});
  expectValues(reduce("l1", {1}, x, "tensor<2xf32>"), {3, 7});
  expectValues(reduce("l2", {1}, x, "tensor<2xf32>"), {std::sqrt(5), 5});
  expectValues(reduce("sum_square", {0}, x, "tensor<2xf32>"), {10, 20});
  expectValues(reduce("log_sum", {0}, x, "tensor<2xf32>"), {std::log(4), std::log(2)});
  expectValues(reduce("log_sum_exp", {0}, f32({2, 1}, {1000, 1000}), "tensor<1xf32>"),
               {1000 + std::log(2)});
  expectValues(reduce("max", {0}, f32({3}, {1, NAN, 2}), "tensor<f32>"), {NAN});
}

// Of no elements, a reduction gives its neutral element.
TEST(Reduce, OfNothing) {
  HostTensor x = f32({0, 2}, {});
  expectValues(reduce("sum", {0}, x, "tensor<2xf32>"), {0, 0});
  expectValues(reduce("prod", {0}, x, "tensor<2xf32>"), {1, 1});
  expectValues(reduce("max", {0}, x, "tensor<2xf32>"), {-INFINITY, -INFINITY});
  expectValues(reduce("min", {0}, makeTensor("i8", {0}, {}), "tensor<i8>"), {127});
}

TEST(Reduce, ArgumentOfExtremum) {
  HostTensor x = f32({2, 3}, {2, 5, 5, 1, 1, 3});
  std::string axis = "axis = 1, keepdims = false, ";
  expectValues(run("arg_reduce", axis + "kind = #nn<arg_kind max>", {x}, "tensor<2xi64>")[0],
               {1, 2});
  expectValues(run("arg_reduce", axis + "kind = #nn<arg_kind max>, select_last_index", {x},
                   "tensor<2xi64>")[0],
               {2, 2});
  expectValues(run("arg_reduce", axis + "kind = #nn<arg_kind min>", {x}, "tensor<2xi64>")[0],
               {0, 0});
}

TEST(Reduce, Cumulative) {
  HostTensor x = f32({4}, {1, 2, 3, 4});
  std::string sum = "kind = #nn<cumulative_kind sum>, axis = 0";
  expectValues(run("cumulative", sum, {x}, "tensor<4xf32>")[0], {1, 3, 6, 10});
  expectValues(run("cumulative", sum + ", exclusive", {x}, "tensor<4xf32>")[0], {0, 1, 3, 6});
  expectValues(run("cumulative", sum + ", exclusive, reverse", {x}, "tensor<4xf32>")[0],
               {9, 7, 4, 0});
  expectValues(run("cumulative", "kind = #nn<cumulative_kind prod>, axis = 0, reverse", {x},
                   "tensor<4xf32>")[0],
               {24, 24, 12, 4});
}

TEST(Reduce, AllReduceOfOneProcess) {
  HostTensor x = f32({2}, {1, -2});
  for (const char *op : {"all_reduce", "all_reduce_begin", "all_reduce_end"})
    expectValues(run(op, "", {x}, "tensor<2xf32>")[0], {1, -2});
}

TEST(Reduce, Softmax) {
  HostTensor x = f32({2, 2}, {0, 1000, 1, 1});
  expectValues(run("softmax", "axes = array<i64: 1>", {x}, "tensor<2x2xf32>")[0], {0, 1, 0.5, 0.5});
  expectValues(run("softmax", "axes = array<i64: 1>, log", {x}, "tensor<2x2xf32>")[0],
               {-1000, 0, -std::log(2), -std::log(2)});
}

TEST(MatMul, PlainTransposedAndVectors) {
  HostTensor a = f32({2, 3}, {1, 2, 3, 4, 5, 6}), b = f32({3, 2}, {1, 0, 0, 1, 1, 1});
  expectValues(run("matmul", "", {a, b}, "tensor<2x2xf32>")[0], {4, 5, 10, 11});
  HostTensor bt = f32({2, 3}, {1, 0, 1, 0, 1, 1}), at = f32({3, 2}, {1, 4, 2, 5, 3, 6});
  expectValues(run("matmul", "transpose_lhs, transpose_rhs", {at, bt}, "tensor<2x2xf32>")[0],
               {4, 5, 10, 11});
  HostTensor v = f32({3}, {1, 1, 1});
  expectTensor(run("matmul", "", {a, v}, "tensor<2xf32>")[0], {2}, {6, 15});
  expectTensor(run("matmul", "", {v, b}, "tensor<2xf32>")[0], {2}, {2, 2});
  expectTensor(run("matmul", "", {v, v}, "tensor<f32>")[0], {}, {3});
}

// Batch dims broadcast; a packed right side gives the plain result.
TEST(MatMul, BatchesAndPacking) {
  HostTensor a = iota({2, 1, 1, 2}), b = iota({3, 2, 1});
  expectTensor(run("matmul", "", {a, b}, "tensor<2x3x1x1xf32>")[0], {2, 3, 1, 1},
               {1, 3, 5, 3, 13, 23});
  HostTensor lhs = f32({1, 2}, {10, 1});
  HostTensor packed = f32({2, 2, 2}, {1, 2, 4, 5, 3, 0, 6, 0}); // [1 2 3; 4 5 6], V = 2
  expectTensor(run("matmul", "rhs_block = 2, columns = 3", {lhs, packed}, "tensor<1x3xf32>")[0],
               {1, 3}, {14, 25, 36});
}

TEST(MatMul, Einsum) {
  HostTensor a = iota({2, 3}), b = iota({3, 2});
  expectValues(run("einsum", "equation = \"ij,jk->ik\"", {a, b}, "tensor<2x2xf32>")[0],
               {10, 13, 28, 40});
  expectValues(run("einsum", "equation = \"ii->i\"", {iota({3, 3})}, "tensor<3xf32>")[0],
               {0, 4, 8});
  expectValues(run("einsum", "equation = \"...ij->...\"", {iota({2, 2, 2})}, "tensor<2xf32>")[0],
               {6, 22});
}

static const char *convolution =
    "strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>";

TEST(Conv, PaddedPicture) {
  HostTensor ones = f32({1, 1, 3, 3}, {1, 1, 1, 1, 1, 1, 1, 1, 1});
  expectValues(run("conv", convolution, {iota({1, 1, 3, 3}), ones, f32({1}, {100})},
                   "tensor<1x1x3x3xf32>")[0],
               {108, 115, 112, 121, 136, 127, 120, 133, 124});
}

// Every layout of input and filter gives the same numbers.
TEST(Conv, LayoutsAgree) {
  HostTensor input = iota({1, 2, 4, 4}), filter = iota({3, 2, 3, 3});
  HostTensor plain = run("conv", convolution, {input, filter}, "tensor<1x3x4x4xf32>")[0];
  HostTensor nhwc =
      run("transpose", "permutation = array<i64: 0, 2, 3, 1>", {input}, "tensor<1x4x4x2xf32>")[0];
  HostTensor packed(parseElement("f32"), {2, 3, 3, 2, 2}); // V = 2
  for (int64_t o = 0; o < 3; ++o)
    for (int64_t c = 0; c < 2; ++c)
      for (int64_t k = 0; k < 9; ++k)
        packed.setDouble(((o / 2 * 9 + k) * 2 + c) * 2 + o % 2,
                         filter.getDouble((o * 2 + c) * 9 + k));
  HostTensor last =
      run("conv",
          std::string(convolution) + ", data_layout = #nn<data_layout channels_last>, "
                                     "filter_block = 2, out_channels = 3",
          {nhwc, packed}, "tensor<1x4x4x3xf32>")[0];
  HostTensor back =
      run("transpose", "permutation = array<i64: 0, 3, 1, 2>", {last}, "tensor<1x3x4x4xf32>")[0];
  EXPECT_EQ(values(back), values(plain));
}

/// Aᵀ[(G f Gᵀ) ⊙ (Bᵀ d B)]A of a picture d of (tile + 2)² is the convolution with f.
static void expectWinograd(int64_t tile) {
  const Winograd &winograd = *getWinograd(tile);
  int64_t points = tile + 2;
  std::string side = std::to_string(tile);
  HostTensor filter = iota({1, 1, 3, 3}), picture = iota({1, 1, points, points});
  HostTensor direct =
      run("conv",
          "strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>",
          {picture, filter}, "tensor<1x1x" + side + "x" + side + "xf32>")[0];
  /// left · matrix · leftᵀ of a square matrix.
  auto sandwich = [](ArrayRef<double> left, const std::vector<double> &matrix, int64_t side) {
    int64_t rows = left.size() / side;
    std::vector<double> result(rows * rows);
    for (int64_t i = 0; i < rows * rows; ++i)
      for (int64_t k = 0; k < side * side; ++k)
        result[i] +=
            left[i / rows * side + k / side] * matrix[k] * left[i % rows * side + k % side];
    return result;
  };
  auto elements = [](const HostTensor &tensor) {
    std::vector<double> result;
    for (int64_t i = 0; i < tensor.getNumElements(); ++i)
      result.push_back(tensor.getDouble(i));
    return result;
  };
  std::vector<double> product = sandwich(winograd.input, elements(picture), points);
  std::vector<double> transformed = sandwich(winograd.filter, elements(filter), 3);
  for (int64_t i = 0; i < points * points; ++i)
    product[i] *= transformed[i];
  std::vector<double> result = sandwich(winograd.inverse, product, points);
  for (int64_t i = 0; i < tile * tile; ++i)
    EXPECT_NEAR(result[i], direct.getDouble(i), 1e-5 * direct.getDouble(tile * tile - 1));
}

TEST(Conv, Winograd) {
  expectWinograd(2);
  expectWinograd(4);
}

TEST(Conv, GroupsAndStrides) {
  HostTensor input = iota({1, 2, 1, 4}), filter = f32({2, 1, 1, 2}, {1, 1, 1, -1});
  expectValues(run("conv",
                   "strides = array<i64: 1, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = "
                   "array<i64: 1, 1>, group = 2",
                   {input, filter}, "tensor<1x2x1x2xf32>")[0],
               {1, 5, -1, -1});
}

TEST(Conv, Transposed) {
  HostTensor ones = f32({1, 1, 3, 3}, {1, 1, 1, 1, 1, 1, 1, 1, 1});
  std::string attributes =
      "strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, "
      "output_padding = array<i64: 0, 0>, output_shape = array<i64>";
  expectValues(
      run("conv_transpose", attributes, {iota({1, 1, 2, 2}), ones}, "tensor<1x1x4x4xf32>")[0],
      {0, 1, 1, 1, 2, 6, 6, 4, 2, 6, 6, 4, 2, 5, 5, 3});
}

static const char *pool = "kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>, "
                          "pads = array<i64: 1, 0, 0, 0>, dilations = array<i64: 1, 1>";

TEST(Pool, Kinds) {
  HostTensor x = iota({1, 1, 2, 3});
  expectValues(run("max_pool", pool, {x}, "tensor<1x1x2x2xf32>")[0], {1, 2, 4, 5});
  expectValues(run("average_pool", pool, {x}, "tensor<1x1x2x2xf32>")[0], {0.5, 1.5, 2, 3});
  expectValues(
      run("average_pool", std::string(pool) + ", count_include_pad", {x}, "tensor<1x1x2x2xf32>")[0],
      {0.25, 0.75, 2, 3});
  expectValues(run("lp_pool", std::string(pool) + ", p = 2", {x}, "tensor<1x1x2x2xf32>")[0],
               {1, std::sqrt(5), std::sqrt(26), std::sqrt(46)});
  expectValues(run("max_pool_indices", pool, {x}, "tensor<1x1x2x2xi64>")[0], {1, 2, 4, 5});
  expectValues(
      run("max_pool_indices", std::string(pool) + ", column_major", {x}, "tensor<1x1x2x2xi64>")[0],
      {2, 4, 3, 5});
}

TEST(Pool, SumsColumnsIntoPictures) {
  std::string attributes =
      "image_shape = array<i64: 3, 3>, block_shape = array<i64: 2, 2>, "
      "strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>";
  HostTensor ones(parseElement("f32"), {1, 4, 4});
  std::fill_n(ones.as<float>(), 16, 1.0f);
  expectValues(run("col2im", attributes, {ones}, "tensor<1x1x3x3xf32>")[0],
               {1, 2, 1, 2, 4, 2, 1, 2, 1});
}

TEST(Norm, Kinds) {
  HostTensor x = f32({1, 2, 2}, {1, 3, 10, 30}), one = f32({2}, {1, 2}), zero = f32({2}, {0, 1});
  expectValues(run("batch_norm", "epsilon = 0.0 : f64",
                   {x, one, zero, f32({2}, {1, 10}), f32({2}, {4, 100})}, "tensor<1x2x2xf32>")[0],
               {0, 1, 1, 5});
  expectValues(run("instance_norm", "epsilon = 0.0 : f64", {x, one, zero}, "tensor<1x2x2xf32>")[0],
               {-1, 1, -1, 3});
  expectValues(
      run("layer_norm", "axis = 2, epsilon = 0.0 : f64", {x, one, zero}, "tensor<1x2x2xf32>")[0],
      {-1, 3, -1, 3});
  expectValues(run("rms_norm", "axis = 1, epsilon = 0.0 : f64", {f32({1, 2}, {1, 7}), one},
                   "tensor<1x2xf32>")[0],
               {0.2, 2.8});
  expectValues(run("group_norm", "num_groups = 1, epsilon = 0.0 : f64",
                   {f32({1, 2, 1}, {-5, 5}), one, zero}, "tensor<1x2x1xf32>")[0],
               {-1, 3});
  expectValues(run("lrn", "alpha = 3.0 : f64, beta = 1.0 : f64, bias = 1.0 : f64, size = 3",
                   {f32({1, 3, 1, 1}, {1, 2, 3})}, "tensor<1x3x1x1xf32>")[0],
               {1.0 / 6, 2.0 / 15, 3.0 / 14});
}
