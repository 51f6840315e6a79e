//===- Random.h - counter-based random numbers ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same numbers on every machine and for every number of threads: a number is
// a function of seed, stream and position, and nothing is carried.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_TRAINING_RANDOM_H
#define SINTER_RUNTIME_TRAINING_RANDOM_H

#include <array>
#include <cstdint>
#include <vector>

namespace sinter::training {

/// One block of Philox 4x32-10 (J. K. Salmon et al., Parallel random numbers: as
/// easy as 1, 2, 3, SC11).
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint64_t key);

/// What a stream of numbers is for: streams of different purposes never meet.
enum class Purpose : uint32_t { Shuffle = 1, Split = 2, Augment = 3, Sample = 4 };

/// The numbers of one stream.
class Random {
public:
  /// `stream` tells apart what has one purpose: the epoch, or the sample.
  Random(uint64_t seed, Purpose purpose, uint64_t stream)
      : seed(seed), purpose(static_cast<uint32_t>(purpose)), stream(stream) {}

  uint32_t next();
  /// In [0, bound), each equally likely; bound > 0.
  uint64_t below(uint64_t bound);
  /// In [0, 1), by 24 bits.
  double uniform() { return (next() >> 8) * (1.0 / 16777216.0); }

private:
  uint64_t seed;
  uint32_t purpose;
  uint64_t stream;
  uint32_t count = 0;
  std::array<uint32_t, 4> block{};
};

/// The numbers 0 … count-1 in random order (Fisher and Yates).
std::vector<int64_t> permutation(int64_t count, Random random);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_RANDOM_H
