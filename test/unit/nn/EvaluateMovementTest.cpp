//===- EvaluateMovementTest.cpp - moved data against known values ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"

using namespace mlir;
using namespace sinter::nn;

// A big transpose goes through the blocked copy; a small one doesn't.
TEST(Movement, Transposes) {
  for (const std::vector<int64_t> &shape :
       {std::vector<int64_t>{2, 3, 4}, std::vector<int64_t>{7, 70, 65}}) {
    HostTensor input = iota(shape);
    int64_t a = shape[0], b = shape[1], c = shape[2];
    HostTensor target(parseElement("f32"), {c, a, b});
    HostTensor result =
        run("transpose", "permutation = array<i64: 2, 0, 1>", {input}, typeOf(target))[0];
    ASSERT_EQ(result.getShape(), target.getShape());
    for (int64_t k = 0; k < c; ++k)
      for (int64_t i = 0; i < a; ++i)
        for (int64_t j = 0; j < b; ++j)
          ASSERT_EQ(result.getInt((k * a + i) * b + j), (i * b + j) * c + k);
  }
}

TEST(Movement, ReshapesShareMemory) {
  HostTensor input = iota({2, 6});
  auto result = run("reshape", "", {input, i64({2}, {3, -1})}, "tensor<?x?xf32>");
  EXPECT_EQ(result[0].getShape(), ArrayRef<int64_t>({3, 4}));
  EXPECT_EQ(result[0].bytes(), input.bytes());
}

// Positions are clamped; steps may be negative.
TEST(Movement, Slices) {
  HostTensor input = iota({4, 5}, "i64");
  auto slice = [&](ArrayRef<double> starts, ArrayRef<double> ends, ArrayRef<double> steps) {
    return run("slice", "axes = array<i64: 0, 1>",
               {input, i64({2}, starts), i64({2}, ends), i64({2}, steps)}, "tensor<?x?xi64>")[0];
  };
  expectTensor(slice({1, 0}, {100, -3}, {2, 1}), {2, 2}, {5, 6, 15, 16});
  expectTensor(slice({-1, 4}, {-100, 0}, {-2, -2}), {2, 2}, {19, 17, 9, 7});
  expectTensor(slice({3, 0}, {1, 5}, {1, 1}), {0, 5}, {});
}

TEST(Movement, Concatenates) {
  auto result =
      run("concat", "axis = 1", {f32({2, 1}, {1, 2}), f32({2, 2}, {3, 4, 5, 6}), f32({2, 0}, {})},
          "tensor<2x3xf32>");
  expectTensor(result[0], {2, 3}, {1, 3, 4, 2, 5, 6});
}

TEST(Movement, Pads) {
  HostTensor input = f32({1, 3}, {1, 2, 3});
  auto pad = [&](StringRef mode, double end) {
    return run("pad", ("mode = #nn<pad_mode " + mode + ">").str(),
               {input, i64({4}, {0, 2, 0, end}), f32({}, {9})}, "tensor<?x?xf32>")[0];
  };
  expectValues(pad("constant", 1), {9, 9, 1, 2, 3, 9});
  expectValues(pad("reflect", 1), {3, 2, 1, 2, 3, 2});
  expectValues(pad("edge", 1), {1, 1, 1, 2, 3, 3});
  expectValues(pad("wrap", 1), {2, 3, 1, 2, 3, 1});
  expectValues(pad("constant", -1), {9, 9, 1, 2});
}

TEST(Movement, ExpandsAndTiles) {
  expectTensor(
      run("expand", "", {f32({2, 1}, {1, 2}), i64({3}, {2, 1, 2})}, "tensor<?x?x?xf32>")[0],
      {2, 2, 2}, {1, 1, 2, 2, 1, 1, 2, 2});
  expectTensor(run("tile", "", {f32({1, 2}, {1, 2}), i64({2}, {2, 2})}, "tensor<?x?xf32>")[0],
               {2, 4}, {1, 2, 1, 2, 1, 2, 1, 2});
}

TEST(Movement, Gathers) {
  HostTensor input = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  expectTensor(run("gather", "axis = 0", {input, i64({2}, {2, -3})}, "tensor<2x2xf32>")[0], {2, 2},
               {5, 6, 1, 2});
  expectTensor(run("gather", "axis = 1", {input, i64({1, 1}, {1})}, "tensor<3x1x1xf32>")[0],
               {3, 1, 1}, {2, 4, 6});
  expectTensor(
      run("gather_elements", "axis = 0", {input, i64({2, 2}, {0, 2, -1, 1})}, "tensor<2x2xf32>")[0],
      {2, 2}, {1, 6, 5, 4});
  expectTensor(run("gather_nd", "", {input, i64({2, 2}, {0, 0, 2, 1})}, "tensor<2xf32>")[0], {2},
               {1, 6});
  expectTensor(run("gather_nd", "batch_dims = 1",
                   {f32({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7}), i64({2, 1}, {1, 0})},
                   "tensor<2x2xf32>")[0],
               {2, 2}, {2, 3, 4, 5});
}

TEST(Movement, Scatters) {
  expectTensor(run("scatter_elements", "axis = 1, reduction = #nn<scatter_reduction none>",
                   {f32({1, 5}, {1, 2, 3, 4, 5}), i64({1, 2}, {1, -2}), f32({1, 2}, {1.1, 2.1})},
                   "tensor<1x5xf32>")[0],
               {1, 5}, {1, 1.1, 3, 2.1, 5});
  expectTensor(
      run("scatter_nd", "reduction = #nn<scatter_reduction add>",
          {f32({3, 2}, {1, 2, 3, 4, 5, 6}), i64({2, 1}, {2, 2}), f32({2, 2}, {1, 1, 2, 2})},
          "tensor<3x2xf32>")[0],
      {3, 2}, {1, 2, 3, 4, 8, 9});
}

TEST(Movement, DepthAndSpace) {
  HostTensor input = iota({1, 8, 1, 1});
  expectValues(run("depth_to_space", "blocksize = 2, mode = #nn<depth_mode DCR>", {input},
                   "tensor<1x2x2x2xf32>")[0],
               {0, 2, 4, 6, 1, 3, 5, 7});
  expectValues(run("depth_to_space", "blocksize = 2, mode = #nn<depth_mode CRD>", {input},
                   "tensor<1x2x2x2xf32>")[0],
               {0, 1, 2, 3, 4, 5, 6, 7});
  expectValues(
      run("space_to_depth", "blocksize = 2", {iota({1, 2, 2, 2})}, "tensor<1x8x1x1xf32>")[0],
      {0, 4, 1, 5, 2, 6, 3, 7});
}

TEST(Movement, TrianglesAndReversals) {
  expectValues(run("trilu", "upper = true", {iota({3, 3}), i64({}, {1})}, "tensor<3x3xf32>")[0],
               {0, 1, 2, 0, 0, 5, 0, 0, 0});
  expectValues(run("trilu", "upper = false", {iota({2, 3})}, "tensor<2x3xf32>")[0],
               {0, 0, 0, 3, 4, 0});
  expectValues(run("reverse_sequence", "time_axis = 1, batch_axis = 0",
                   {iota({2, 3}), i64({2}, {2, 3})}, "tensor<2x3xf32>")[0],
               {1, 0, 2, 5, 4, 3});
}

TEST(Movement, MakesData) {
  expectTensor(run("shape_of", "start = 1, end = 3", {iota({2, 3, 4})}, "tensor<2xi64>")[0], {2},
               {3, 4});
  expectTensor(run("size_of", "", {iota({2, 3, 4})}, "tensor<i64>")[0], {}, {24});
  expectTensor(run("range", "", {f32({}, {1}), f32({}, {2}), f32({}, {0.3})}, "tensor<?xf32>")[0],
               {4}, {1, 1.3, 1.6, 1.9});
  expectTensor(run("range", "", {i64({}, {10}), i64({}, {4}), i64({}, {-2})}, "tensor<?xi64>")[0],
               {3}, {10, 8, 6});
  expectTensor(run("eye", "k = 1, to = i32", {iota({2, 3})}, "tensor<2x3xi32>")[0], {2, 3},
               {0, 1, 0, 0, 0, 1});
  expectTensor(run("one_hot", "axis = -1", {i64({2}, {1, -1}), i64({}, {3}), f32({2}, {5, 7})},
                   "tensor<2x?xf32>")[0],
               {2, 3}, {5, 7, 5, 5, 5, 7});
}
