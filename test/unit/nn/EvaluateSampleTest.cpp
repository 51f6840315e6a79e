//===- EvaluateSampleTest.cpp - resize, grid_sample, roi_align ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expected values are those of ONNX's own test cases for the same inputs.
//
//===----------------------------------------------------------------------===//

#include "Testing.h"

using namespace mlir;
using namespace sinter::nn;

static HostTensor resize(const HostTensor &input, const HostTensor &steering, bool bySizes,
                         StringRef mode, StringRef coordinates = "half_pixel", StringRef extra = "",
                         StringRef nearest = "round_prefer_floor") {
  std::string attributes =
      "operandSegmentSizes = array<i32: 1, 0, " + std::string(bySizes ? "0, 1" : "1, 0") +
      ">, axes = array<i64: 0, 1, 2, 3>, mode = #nn<resize_mode " + mode.str() +
      ">, coordinate_mode = #nn<coordinate_mode " + coordinates.str() +
      ">, nearest_mode = #nn<nearest_mode " + nearest.str() +
      ">, aspect_ratio = #nn<aspect_ratio stretch>, cubic_coefficient = -0.75 : f64, "
      "extrapolation_value = 0.0 : f64" +
      extra.str();
  return run("resize", attributes, {input, steering}, "tensor<?x?x?x?xf32>")[0];
}

TEST(Resize, Nearest) {
  HostTensor x = f32({1, 1, 2, 2}, {1, 2, 3, 4});
  expectValues(resize(x, f32({4}, {1, 1, 2, 3}), false, "nearest"),
               {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4});
  HostTensor y = f32({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  expectValues(resize(y, f32({4}, {1, 1, 0.6f, 0.6f}), false, "nearest"), {1, 3});
}

TEST(Resize, Linear) {
  HostTensor x = f32({1, 1, 2, 2}, {1, 2, 3, 4});
  expectValues(resize(x, f32({4}, {1, 1, 2, 2}), false, "linear"),
               {1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4});
  HostTensor y = f32({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  expectValues(resize(y, f32({4}, {1, 1, 0.6f, 0.6f}), false, "linear", "align_corners"),
               {1, 3.142857});
  expectValues(
      resize(y, f32({4}, {1, 1, 0.6f, 0.6f}), false, "linear", "half_pixel", ", antialias"),
      {2.90000, 4.70000}, 0.2);
}

TEST(Resize, Cubic) {
  HostTensor x = iota({1, 1, 4, 4});
  for (int i = 0; i < 16; ++i)
    x.setDouble(i, i + 1);
  HostTensor y = resize(x, f32({4}, {1, 1, 2, 2}), false, "cubic");
  EXPECT_EQ(y.getShape(), ArrayRef<int64_t>({1, 1, 8, 8}));
  EXPECT_NEAR(y.getDouble(0), 0.47265625, 1e-6);
  EXPECT_NEAR(y.getDouble(1), 0.76953125, 1e-6);
  EXPECT_NEAR(y.getDouble(63), 16.52734375, 1e-6);
  HostTensor z = resize(x, f32({4}, {1, 1, 0.8f, 0.8f}), false, "cubic");
  expectValues(z,
               {1.47119141, 2.78125, 4.08251953, 6.71142578, 8.02148438, 9.32275391, 11.91650391,
                13.2265625, 14.52783203},
               1e-5);
}

TEST(GridSample, Bilinear) {
  HostTensor x = iota({1, 1, 3, 3});
  HostTensor grid = f32({1, 1, 4, 2}, {0, 0, -1, -1, 1, 1, 3, 0});
  auto sample = [&](StringRef mode, StringRef padding, StringRef extra) {
    return run("grid_sample",
               "mode = #nn<resize_mode " + mode.str() + ">, padding_mode = #nn<grid_padding " +
                   padding.str() + ">" + extra.str(),
               {x, grid}, "tensor<1x1x1x4xf32>")[0];
  };
  expectValues(sample("linear", "zeros", ", align_corners"), {4, 0, 8, 0});
  expectValues(sample("linear", "zeros", ""), {4, 0, 2, 0});
  expectValues(sample("nearest", "border", ", align_corners"), {4, 0, 8, 5});
  expectValues(sample("linear", "reflection", ", align_corners"), {4, 0, 8, 3});
  expectValues(sample("cubic", "border", ", align_corners"), {4, 0, 8, 5});
}

TEST(RoiAlign, AveragesAndMaxima) {
  HostTensor x = iota({1, 1, 4, 4});
  HostTensor roi = f32({1, 4}, {0, 0, 2, 2}), batch = i64({1}, {0});
  std::string attributes =
      "output_height = 1, output_width = 1, sampling_ratio = 2, spatial_scale = 1.0 : f64";
  expectValues(run("roi_align", attributes, {x, roi, batch}, "tensor<1x1x1x1xf32>")[0], {5});
  expectValues(
      run("roi_align", attributes + ", half_pixel", {x, roi, batch}, "tensor<1x1x1x1xf32>")[0],
      {2.5});
}
