//===- Winograd.h - the transforms of F(m×m, 3×3) --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile of m×m results of a 3×3 convolution is Aᵀ[(G f Gᵀ) ⊙ (Bᵀ d B)]A, where d is the α×α part
// of the input that it depends on, α = m + 2 (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016).
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_WINOGRAD_H
#define SINTER_DIALECTS_NN_WINOGRAD_H

#include "llvm/ADT/ArrayRef.h"

namespace sinter::nn {

/// The three matrices, row-major. Row and column k stand for an interpolation point: 0, then pairs
/// of a point and its negative, last infinity. So in rows 2k - 1 and 2k of Bᵀ, and in columns
/// 2k - 1 and 2k of Aᵀ, every entry is the same but for its sign.
struct Winograd {
  int64_t tile;                   ///< m
  llvm::ArrayRef<double> input;   ///< Bᵀ, α×α
  llvm::ArrayRef<double> filter;  ///< G, α×3
  llvm::ArrayRef<double> inverse; ///< Aᵀ, m×α

  int64_t points() const { return tile + 2; }
};

/// For m = 2 and 4; null for others.
const Winograd *getWinograd(int64_t tile);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_WINOGRAD_H
