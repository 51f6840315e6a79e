//===- ErrorTest.cpp - every wrong argument has its status and its words --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/runtime/Model.h"

#include "gtest/gtest.h"

using namespace sinter;
using namespace sinter::test;

namespace {

/// add_one, told that x is [2, n, 3] and that y is [n]: no run gets that far.
class Errors : public ::testing::Test {
protected:
  static const Library &model() {
    static auto library = [] {
      TensorInfo x;
      x.name = "x";
      x.dims = {2, -1, 3};
      x.dimNames = {"", "batch", ""};
      TensorInfo s = test::vector("s", "batch", 9);
      return compile("nonzero", {"errors", {x}, {s}});
    }();
    return *library;
  }
  Errors() : context(model()) {
    input = sinter_tensor(values, float32, 3, shape);
    output = sinter_tensor(flags, {kDLBool, 8, 1}, 1, outputShape);
  }
  SinterStatus run(int32_t inputs = 1, int32_t outputs = 1) {
    return model()->run(context, &input, inputs, &output, outputs);
  }

  Context context;
  float values[64] = {};
  int64_t shape[3] = {2, 5, 3}, outputShape[1] = {5};
  bool flags[5];
  DLTensor input, output;
};

} // namespace

TEST_F(Errors, Count) {
  EXPECT_EQ(run(0), SINTER_INVALID_COUNT);
  EXPECT_EQ(context.error(), "model 'errors': expected 1 input, given 0");
  EXPECT_EQ(run(1, 2), SINTER_INVALID_COUNT);
  EXPECT_EQ(context.error(), "model 'errors': expected 1 output, given 2");
}

TEST_F(Errors, Rank) {
  input.ndim = 2;
  EXPECT_EQ(run(), SINTER_INVALID_SHAPE);
  EXPECT_EQ(context.error(), "input 'x': expected rank 3, shape (2, batch, 3); "
                             "given rank 2, shape (2, 5)");
}

TEST_F(Errors, Shape) {
  shape[2] = 4;
  EXPECT_EQ(run(), SINTER_INVALID_SHAPE);
  EXPECT_EQ(context.error(), "input 'x': expected shape (2, batch, 3), given (2, 5, 4)");
  shape[2] = 3;
  shape[1] = -5;
  EXPECT_EQ(run(), SINTER_INVALID_SHAPE);
}

TEST_F(Errors, Type) {
  input.dtype = {kDLFloat, 64, 1};
  EXPECT_EQ(run(), SINTER_INVALID_TYPE);
  EXPECT_EQ(context.error(), "input 'x': expected float32, given float64");
  input.dtype = {kDLBfloat, 16, 2};
  EXPECT_EQ(run(), SINTER_INVALID_TYPE);
  EXPECT_EQ(context.error(), "input 'x': expected float32, given bfloat16x2");
  input.dtype = float32;
  output.dtype = {kDLUInt, 8, 1};
  EXPECT_EQ(run(), SINTER_INVALID_TYPE);
  EXPECT_EQ(context.error(), "output 's': expected bool, given uint8");
}

TEST_F(Errors, Strides) {
  int64_t transposed[] = {1, 2, 10};
  input.strides = transposed;
  EXPECT_EQ(run(), SINTER_INVALID_STRIDES);
  EXPECT_EQ(context.error(), "input 'x': expected dense row-major memory, given strides (1, 2, "
                             "10) for shape (2, 5, 3) (make a contiguous copy first)");
}

TEST_F(Errors, Null) {
  input.data = nullptr;
  EXPECT_EQ(run(), SINTER_NULL_DATA);
  EXPECT_EQ(context.error(), "input 'x': its data pointer is null");
  input.data = values;
  input.shape = nullptr;
  EXPECT_EQ(run(), SINTER_NULL_DATA);
  EXPECT_EQ(model()->run(context, nullptr, 1, &output, 1), SINTER_NULL_DATA);
  EXPECT_EQ(model()->run(nullptr, &input, 1, &output, 1), SINTER_INVALID_ARGUMENT);
}

TEST_F(Errors, Misaligned) {
  input.data = reinterpret_cast<char *>(values) + 2;
  EXPECT_EQ(run(), SINTER_MISALIGNED);
  EXPECT_EQ(context.error().find("input 'x': expected an address that is a "
                                 "multiple of 4 bytes"),
            0u);
}

TEST_F(Errors, Device) {
  input.device.device_type = kDLCUDA;
  EXPECT_EQ(run(), SINTER_INVALID_DEVICE);
  EXPECT_EQ(context.error(), "input 'x': expected CPU memory (device type 1), "
                             "given device type 2");
}

TEST_F(Errors, NamedDimensionsAgree) {
  outputShape[0] = 4;
  EXPECT_EQ(run(), SINTER_INVALID_SHAPE);
  EXPECT_EQ(context.error(), "output 's': expected dimension 0, 'batch', to be "
                             "5 as in input 'x', given shape (4)");
}

TEST_F(Errors, Options) {
  SinterContextOptions options = {};
  SinterContext *none = nullptr;
  EXPECT_EQ(model()->context_create(model().model, &options, &none),
            SINTER_INVALID_ARGUMENT); // no size
  options.struct_size = sizeof options;
  options.threads = -1;
  EXPECT_EQ(model()->context_create(model().model, &options, &none), SINTER_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(model()->context_create(nullptr, nullptr, &none), SINTER_INVALID_ARGUMENT);
  EXPECT_STREQ(model()->status_text(SINTER_OUT_OF_MEMORY), "out of memory");
  EXPECT_STREQ(model()->status_text(77), "unknown status");
}
