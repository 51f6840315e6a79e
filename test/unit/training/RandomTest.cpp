//===- RandomTest.cpp - counter-based random numbers ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Random.h"
#include <algorithm>
#include <gtest/gtest.h>

using namespace sinter::training;

// The known answers of the authors' Random123.
TEST(Random, PhiloxIsTheirs) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, 0), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, UINT64_MAX),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, StreamsDiffer) {
  Random shuffle(1, Purpose::Shuffle, 0), split(1, Purpose::Split, 0),
      later(1, Purpose::Shuffle, 1);
  uint32_t number = shuffle.next();
  EXPECT_NE(number, split.next());
  EXPECT_NE(number, later.next());
  EXPECT_EQ(number, Random(1, Purpose::Shuffle, 0).next());
}

TEST(Random, PermutationIsOneAndNotTheIdentity) {
  std::vector<int64_t> order = permutation(100, Random(7, Purpose::Shuffle, 3));
  EXPECT_EQ(order, permutation(100, Random(7, Purpose::Shuffle, 3)));
  EXPECT_NE(order, permutation(100, Random(7, Purpose::Shuffle, 4)));
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 100; ++i)
    EXPECT_EQ(order[i], i);
}

TEST(Random, BelowIsEven) {
  Random random(3, Purpose::Sample, 0);
  int counts[3] = {};
  for (int i = 0; i < 3000; ++i)
    ++counts[random.below(3)];
  for (int count : counts)
    EXPECT_NEAR(count, 1000, 100);
}
