//===- ScheduleTest.cpp - the learning rate of each step ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Schedule.h"
#include "Testing.h"

using namespace sinter::training;
using testing::HasSubstr;

TEST(Schedule, Shapes) {
  Schedule constant("constant", 2, 4);
  EXPECT_DOUBLE_EQ(constant.rate(0, 100, 10), 0.5);
  EXPECT_DOUBLE_EQ(constant.rate(3, 100, 10), 2);
  EXPECT_DOUBLE_EQ(constant.rate(99, 100, 10), 2);
  Schedule step("step:every=2,factor=0.5", 1, 0);
  EXPECT_DOUBLE_EQ(step.rate(19, 100, 10), 1);
  EXPECT_DOUBLE_EQ(step.rate(20, 100, 10), 0.5);
  EXPECT_DOUBLE_EQ(step.rate(99, 100, 10), 0.0625);
  Schedule cosine("cosine:final=0.1", 1, 10);
  EXPECT_DOUBLE_EQ(cosine.rate(10, 110, 10), 1);
  EXPECT_DOUBLE_EQ(cosine.rate(60, 110, 10), 0.55);
  EXPECT_DOUBLE_EQ(cosine.rate(110, 110, 10), 0.1);
}

TEST(Schedule, Faults) {
  auto error = [](const std::string &text) { return errorOf([&] { Schedule(text, 1, 0); }); };
  EXPECT_THAT(error("ramp"), HasSubstr("there is no 'ramp'"));
  EXPECT_THAT(error("step:every"), HasSubstr("'every' is not NAME=NUMBER"));
  EXPECT_THAT(error("step:every=x"), HasSubstr("is not NAME=NUMBER"));
  EXPECT_THAT(error("cosine:every=3"), HasSubstr("is no setting of it"));
}
