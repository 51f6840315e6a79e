//===- Strassen.h - one level of Strassen's algorithm -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With both operands and the result cut in quarters, seven products Pᵢ = Sᵢ Tᵢ of half the size
// make the whole (Strassen, "Gaussian Elimination is not Optimal", 1969; here in the variant of
// Winograd, which needs the fewest additions: Huss-Lederman et al., "Implementation of Strassen's
// Algorithm for Matrix Multiplication", 1996):
//
//   i   S                      T
//   0   A11                    B11
//   1   A12                    B21
//   2   A12 - A21 - A22 + A11  B22
//   3   A22                    B22 - B12 + B11 - B21
//   4   A21 + A22              B12 - B11
//   5   A21 + A22 - A11        B22 - B12 + B11
//   6   A11 - A21              B22 - B12
//
//   C11 = P0 + P1               C12 = P0 + P5 + P4 + P2
//   C21 = P0 + P5 + P6 - P3     C22 = P0 + P5 + P6 + P4
//
// Quarters are interleaved: rows 2r and 2r + 1 of A and C belong to the upper and the lower half,
// so do panels 2b and 2b + 1 of B and C to the left and the right one. Only along the sum the
// halves are the first and the last K/2 terms.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_STRASSEN_H
#define SINTER_DIALECTS_NN_STRASSEN_H

#include <cstdint>

namespace sinter::nn {

constexpr int64_t strassenProducts = 7;

/// T of each product, as sums of B11, B12, B21, B22.
constexpr double strassenRhs[strassenProducts][4] = {{1, 0, 0, 0},   {0, 0, 1, 0},  {0, 0, 0, 1},
                                                     {1, -1, -1, 1}, {-1, 1, 0, 0}, {1, -1, 0, 1},
                                                     {0, -1, 0, 1}};

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_STRASSEN_H
