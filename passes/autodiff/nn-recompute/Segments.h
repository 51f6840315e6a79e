//===- Segments.h - where the forward pass is cut ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_AUTODIFF_SEGMENTS_H
#define SINTER_PASSES_AUTODIFF_SEGMENTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace sinter {

/// A value of the forward pass, by places in its order.
struct Activation {
  int64_t bytes;
  int64_t made, lastRead; ///< in the forward pass
  bool isKept;            ///< the backward pass reads it too
};

/// The first places of all segments but the first one, in order: as many as make `count`
/// segments, or, for 0, as few bytes as possible at once. Empty where nothing is gained.
/// `activations` stand in the order in which they are made.
llvm::SmallVector<int64_t> cutForward(llvm::ArrayRef<Activation> activations, int64_t places,
                                      int64_t count);

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_SEGMENTS_H
