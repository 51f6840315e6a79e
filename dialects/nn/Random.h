//===- Random.h - the random number generator -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_RANDOM_H
#define SINTER_DIALECTS_NN_RANDOM_H

#include <array>
#include <cstdint>

namespace sinter::nn {

/// One block of Philox 4x32-10 (J. K. Salmon et al., Parallel random numbers: as
/// easy as 1, 2, 3, SC11).
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint32_t key0, uint32_t key1);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_RANDOM_H
