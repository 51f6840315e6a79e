//===- Rows.h - loops of kernels that are no contraction --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_ROWS_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_ROWS_H

#include "passes/kernels/kernel-tile/Model.h"

namespace sinter::tile {

/// A loop of a nest as it stands after splits.
struct Loop {
  std::string name;
  int64_t extent = 1, expected = 1; ///< dynamic where unknown
};

/// The loop along which vectors run through memory: the innermost one of the result.
inline int vectorLoop(const Stage &stage) { return stage.innermostLoop(); }

/// Runs outer loops on the thread pool, if there is `work` enough. Returns the loop inside which
/// everything else runs.
std::string parallelizeLoops(Model &model, Stage &stage, llvm::ArrayRef<Loop> loops, double work);

/// A few elements side by side that come from far apart, as in a channel shuffle: vectors along the
/// next loop are read, and interleaved as they are stored. False if the kernel is not of this kind.
bool scheduleInterleave(Model &model, double work);

/// A transpose goes tile by tile through a copy that is read, and written, in whole cache lines.
/// False if the kernel is not of this kind; `prepare` has made the copy if it is.
bool scheduleTransposed(Model &model, double work);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_ROWS_H
