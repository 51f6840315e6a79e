//===- EvaluateDataTest.cpp - ops whose result sizes depend on data -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"

using namespace mlir;
using namespace sinter::nn;

// Equal values keep the lower index first.
TEST(Data, TopK) {
  HostTensor x = f32({2, 4}, {1, 3, 3, 2, 8, 5, 7, 6});
  auto largest = run("top_k", "axis = 1, largest = true, sorted = true", {x, i64({1}, {2})},
                     "tensor<2x?xf32>, tensor<2x?xi64>");
  expectTensor(largest[0], {2, 2}, {3, 3, 8, 7});
  expectTensor(largest[1], {2, 2}, {1, 2, 0, 2});
  auto least = run("top_k", "axis = 0, largest = false, sorted = true", {x, i64({1}, {1})},
                   "tensor<?x4xf32>, tensor<?x4xi64>");
  expectTensor(least[0], {1, 4}, {1, 3, 3, 2});
}

TEST(Data, NonZeroAndCompress) {
  HostTensor x = f32({2, 2}, {1, 0, 1, 1});
  expectTensor(run("non_zero", "", {x}, "tensor<2x?xi64>")[0], {2, 3}, {0, 1, 1, 0, 0, 1});
  HostTensor condition = makeTensor("i1", {2}, {0, 1});
  expectTensor(run("compress", "axis = 1", {iota({3, 2}), condition}, "tensor<3x?xf32>")[0], {3, 1},
               {1, 3, 5});
  expectTensor(run("compress", "", {iota({3, 2}), condition}, "tensor<?xf32>")[0], {1}, {1});
}

TEST(Data, Unique) {
  HostTensor x = f32({6}, {2, 1, 1, 3, 4, 3});
  std::string types = "tensor<?xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>";
  auto sorted = run("unique", "sorted = true", {x}, types);
  expectTensor(sorted[0], {4}, {1, 2, 3, 4});
  expectTensor(sorted[1], {4}, {1, 0, 3, 4});
  expectTensor(sorted[2], {6}, {1, 0, 0, 2, 3, 2});
  expectTensor(sorted[3], {4}, {2, 1, 2, 1});
  auto first = run("unique", "sorted = false", {x}, types);
  expectTensor(first[0], {4}, {2, 1, 3, 4});
  expectTensor(first[2], {6}, {0, 1, 1, 2, 3, 2});
  auto rows = run("unique", "axis = 0, sorted = true", {f32({3, 2}, {1, 0, 0, 5, 1, 0})},
                  "tensor<?x2xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>");
  expectTensor(rows[0], {2, 2}, {0, 5, 1, 0});
}

// ONNX's nonmaxsuppression_suppress_by_IOU.
TEST(Data, NonMaxSuppression) {
  HostTensor boxes = f32({1, 6, 4}, {0, 0,    1, 1,    0, 0.1,  1, 1.1,  0, -0.1,  1, 0.9,
                                     0, 10.0, 1, 11.0, 0, 10.1, 1, 11.1, 0, 100.0, 1, 101.0});
  HostTensor scores = f32({1, 1, 6}, {0.9, 0.75, 0.6, 0.95, 0.5, 0.3});
  auto kept =
      run("non_max_suppression", "", {boxes, scores, i64({1}, {3}), f32({1}, {0.5}), f32({1}, {0})},
          "tensor<?x3xi64>");
  expectTensor(kept[0], {3, 3}, {0, 0, 3, 0, 0, 0, 0, 0, 5});
}

TEST(Data, Determinant) {
  expectTensor(run("det", "", {f32({2, 2, 2}, {1, 2, 3, 4, 0, 1, 1, 0})}, "tensor<2xf32>")[0], {2},
               {-2, -1});
}

TEST(Data, MaxUnpool) {
  expectValues(run("max_unpool",
                   "kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: "
                   "0, 0, 0, 0>",
                   {f32({1, 1, 1, 2}, {5, 7}), i64({1, 1, 1, 2}, {1, 6})},
                   "tensor<1x1x2x4xf32>")[0],
               {0, 5, 0, 0, 0, 0, 7, 0});
}
