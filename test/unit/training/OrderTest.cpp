//===- OrderTest.cpp - what an epoch sees ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Order.h"
#include "Numbers.h"
#include "Testing.h"
#include <algorithm>

using namespace sinter::training;
using testing::HasSubstr;

// The numbers of the samples of an epoch, from `skip` on.
static std::vector<int64_t> epochOf(Order &order, int64_t epoch, int64_t skip = 0) {
  std::vector<int64_t> seen;
  order.start(epoch, skip);
  Sample sample;
  for (int64_t index; order.next(sample, index);) {
    EXPECT_EQ(sample[0].reals[0], static_cast<float>(index));
    seen.push_back(index);
  }
  return seen;
}

static std::vector<int64_t> sorted(std::vector<int64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// Lists and streams follow the same rules.
class OrderOf : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Sources, OrderOf, testing::Values(false, true),
                         [](auto &info) { return info.param ? "Stream" : "List"; });

TEST_P(OrderOf, EachSampleOnceAnEpoch) {
  Numbers source(100, GetParam());
  OrderOptions options;
  options.buffer = 16;
  Order order(source, options);
  std::vector<int64_t> first = epochOf(order, 0), second = epochOf(order, 1);
  EXPECT_EQ(first.size(), 100u);
  EXPECT_EQ(sorted(first), sorted(second));
  EXPECT_EQ(std::unique(first.begin(), first.end()), first.end());
  EXPECT_NE(first, second);
  EXPECT_NE(first, sorted(first));
  EXPECT_EQ(first, epochOf(order, 0));
}

TEST_P(OrderOf, GoesOnWithinAnEpoch) {
  Numbers source(100, GetParam());
  OrderOptions options;
  options.buffer = 16;
  Order order(source, options);
  std::vector<int64_t> whole = epochOf(order, 3);
  EXPECT_EQ(epochOf(order, 3, 40), std::vector<int64_t>(whole.begin() + 40, whole.end()));
}

TEST_P(OrderOf, PartsShareNoSample) {
  Numbers source(200, GetParam());
  OrderOptions options;
  options.heldOut = 0.25;
  Order training(source, options);
  std::vector<int64_t> all = epochOf(training, 0);
  options.validation = true;
  options.shuffle = false;
  Order validation(source, options);
  std::vector<int64_t> held = epochOf(validation, 0);
  EXPECT_EQ(held, sorted(held));
  EXPECT_NEAR(held.size(), 50, GetParam() ? 20 : 0);
  all.insert(all.end(), held.begin(), held.end());
  all = sorted(all);
  ASSERT_EQ(all.size(), 200u);
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

// Each place of a batch has a run of samples.
TEST(Order, Lanes) {
  Numbers source(11);
  OrderOptions options;
  options.shuffle = false;
  options.sequences = 3;
  Order order(source, options);
  EXPECT_EQ(order.count(), 9);
  EXPECT_EQ(epochOf(order, 0), (std::vector<int64_t>{0, 3, 6, 1, 4, 7, 2, 5, 8}));
  EXPECT_EQ(epochOf(order, 1, 6), (std::vector<int64_t>{2, 5, 8}));
}

TEST(Order, AnEpochOfAnEndlessStream) {
  Numbers source(100, /*isStream=*/true, /*canRestart=*/false);
  OrderOptions options;
  options.shuffle = false;
  options.epochSamples = 30;
  Order order(source, options);
  EXPECT_EQ(epochOf(order, 0).back(), 29);
  EXPECT_EQ(epochOf(order, 1).front(), 30);
  // Resumed: with what comes, up to the epoch's end.
  EXPECT_EQ(epochOf(order, 2, 20).size(), 10u);
}

TEST(Order, NothingLeft) {
  Numbers source(3);
  OrderOptions options;
  options.heldOut = 0.1;
  options.validation = true;
  EXPECT_THAT(errorOf([&] { Order(source, options); }),
              HasSubstr("of 3 samples, none is left for validation"));
}
