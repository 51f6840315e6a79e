//===- HostTensorTest.cpp - tensors, attributes, element types ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"

using namespace mlir;
using namespace sinter::nn;

// Every element type survives the way through an attribute, small (dense) and
// big (a resource).
TEST(HostTensor, RoundTripsThroughAttributes) {
  for (StringRef element : {"f64", "f32", "f16", "bf16", "i8", "i16", "i32", "i64", "ui8", "ui16",
                            "ui32", "ui64", "i1"})
    for (int64_t size : {0, 1, 5, 5000}) {
      HostTensor tensor(parseElement(element), {size});
      for (int64_t i = 0; i < size; ++i)
        tensor.setInt(i, element == "i1" ? i % 3 == 0 : i % 100);
      ElementsAttr attribute = tensor.toAttribute("weights");
      EXPECT_EQ(isa<DenseResourceElementsAttr>(attribute), size * tensor.getElementBytes() > 1024)
          << element.str();
      HostTensor back = HostTensor::fromAttribute(attribute);
      ASSERT_TRUE(back.isAllocated());
      EXPECT_EQ(back.getShape(), tensor.getShape());
      EXPECT_EQ(values(back), values(tensor)) << element.str();
    }
}

// A big tensor of one value is stored once.
TEST(HostTensor, BigSplatsAreDense) {
  HostTensor tensor(parseElement("f32"), {1000, 1000});
  std::fill_n(tensor.as<float>(), 1000000, 2.5f);
  auto attribute = dyn_cast<DenseElementsAttr>(tensor.toAttribute("x"));
  ASSERT_TRUE(attribute);
  EXPECT_TRUE(attribute.isSplat());
  HostTensor back = HostTensor::fromAttribute(attribute);
  EXPECT_EQ(back.getDouble(999999), 2.5);
}

// A resource shares the tensor's memory in both directions.
TEST(HostTensor, ResourcesShareMemory) {
  HostTensor tensor = iota({4096});
  ElementsAttr attribute = tensor.toAttribute("shared");
  EXPECT_EQ(HostTensor::fromAttribute(attribute).bytes(), tensor.bytes());
}

TEST(HostTensor, RoundsToNarrowFloats) {
  HostTensor half(parseElement("f16"), {8});
  double numbers[] = {
      1.0 / 3, 65519, 65520, 5.9604645e-8, 2.9e-8, -0.0, 1.0009765625 + 0.00048828125, 1e30};
  double expected[] = {0.333251953125, 65504,       INFINITY, 5.9604645e-8, 0,
                       -0.0,           1.001953125, INFINITY};
  for (int i = 0; i < 8; ++i)
    half.setDouble(i, numbers[i]);
  expectValues(half, expected, 1e-9);
  HostTensor brain(parseElement("bf16"), {3});
  brain.setDouble(0, 1.00390625); // halfway: to even
  brain.setDouble(1, 1.01171875);
  brain.setDouble(2, NAN);
  expectValues(brain, {1.0, 1.015625, NAN}, 1e-9);
}

TEST(HostTensor, NarrowingWraps) {
  HostTensor bytes(parseElement("ui8"), {2});
  bytes.setInt(0, 257);
  bytes.setInt(1, -1);
  expectValues(bytes, {1, 255});
  HostTensor wide(parseElement("ui64"), {1});
  wide.setDouble(0, 1.8e19);
  EXPECT_EQ(wide.as<uint64_t>()[0], uint64_t(18000000000000000000u));
}
