//===- Random.cpp - counter-based random numbers --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Random.h"
#include <numeric>
#include <utility>

using namespace sinter::training;

std::array<uint32_t, 4> sinter::training::philox(std::array<uint32_t, 4> counter, uint64_t key) {
  auto key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t(0xD2511F53) * counter[0];
    uint64_t second = uint64_t(0xCD9E8D57) * counter[2];
    counter = {
        static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(second),
        static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(first)};
    key0 += 0x9E3779B9; // the golden ratio
    key1 += 0xBB67AE85; // the root of three, less one
  }
  return counter;
}

uint32_t Random::next() {
  if (count % 4 == 0)
    block = philox(
        {count / 4, purpose, static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
        seed);
  return block[count++ % 4];
}

uint64_t Random::below(uint64_t bound) {
  // Numbers past the last whole multiple of `bound` are drawn again.
  uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    uint64_t high = next(), value = high << 32 | next();
    if (value < limit)
      return value % bound;
  }
}

std::vector<int64_t> sinter::training::permutation(int64_t count, Random random) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[random.below(i)]);
  return order;
}
