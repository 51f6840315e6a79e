//===- Winograd.cpp - the transforms of F(m×m, 3×3) -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Points 0, ±1, ∞ for m = 2. For m = 4: 0, ±√½, ±√2, ∞. These lose about a digit less than
// 0, ±1, ±2, ∞, because the powers of a point and of its inverse stay small together (Barabasz et
// al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural
// Networks", 2020).
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/Winograd.h"

using namespace sinter::nn;

static constexpr double r2 = 1.4142135623730951;

// clang-format off
static constexpr double input2[] = {
    1,  0, -1, 0,
    0,  1,  1, 0,
    0, -1,  1, 0,
    0, -1,  0, 1,
};
static constexpr double filter2[] = {
    1.0,  0.0, 0.0,
    0.5,  0.5, 0.5,
    0.5, -0.5, 0.5,
    0.0,  0.0, 1.0,
};
static constexpr double inverse2[] = {
    1, 1,  1, 0,
    0, 1, -1, 1,
};

static constexpr double input4[] = {
    1,       0, -2.5,       0, 1, 0,
    0,     -r2, -2.0,  r2 / 2, 1, 0,
    0,      r2, -2.0, -r2 / 2, 1, 0,
    0, -r2 / 2, -0.5,      r2, 1, 0,
    0,  r2 / 2, -0.5,     -r2, 1, 0,
    0,       1,    0,    -2.5, 0, 1,
};
static constexpr double filter4[] = {
    1.0,              0,       0,
    -2.0 / 3,  -r2 / 3, -1.0 / 3,
    -2.0 / 3,   r2 / 3, -1.0 / 3,
    1.0 / 6,    r2 / 6,  1.0 / 3,
    1.0 / 6,   -r2 / 6,  1.0 / 3,
    0,               0,      1.0,
};
static constexpr double inverse4[] = {
    1,      1,       1,      1,       1, 0,
    0, r2 / 2, -r2 / 2,     r2,     -r2, 0,
    0,    0.5,     0.5,      2,       2, 0,
    0, r2 / 4, -r2 / 4, 2 * r2, -2 * r2, 1,
};
// clang-format on

static const Winograd transforms[] = {{2, input2, filter2, inverse2},
                                      {4, input4, filter4, inverse4}};

const Winograd *sinter::nn::getWinograd(int64_t tile) {
  for (const Winograd &each : transforms)
    if (each.tile == tile)
      return &each;
  return nullptr;
}
