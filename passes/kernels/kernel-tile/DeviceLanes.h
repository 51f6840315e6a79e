//===- DeviceLanes.h - sums that the threads of a block share -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICELANES_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICELANES_H

#include "dialects/kernel/Kernel.h"
#include "targets/Target.h"

namespace sinter::tile {

/// One of the steps in which lanes reduce: a reduction into registers, and the copy of its result
/// that is kept in shared memory. A dimension of either goes with a parallel loop of the reduction
/// that was split; the lanes' goes with none (-1).
struct LaneStep {
  mlir::linalg::GenericOp reduction;
  mlir::Operation *copy = nullptr;
  llvm::SmallVector<int> loops;
  int64_t lanes = 0;
};

/// A reduction that was split among lanes.
struct Lanes {
  llvm::SmallVector<LaneStep, 2> steps; ///< first the lanes' partial results
  mlir::linalg::GenericOp last;         ///< combines what the last step leaves
};

/// The extent of a loop of unknown size, as a value before the op.
mlir::Value sizeOf(mlir::linalg::LinalgOp op, int loop, mlir::OpBuilder &builder);

/// The positions of the loops `sums` through which `k` counts, the last of them fastest.
void setDigits(mlir::linalg::LinalgOp op, llvm::ArrayRef<int> sums, mlir::Value k,
               mlir::OpBuilder &builder, llvm::MutableArrayRef<mlir::Value> positions);

/// Whether a reduction may be split: one associative op, whose operands are read at loops.
bool canSplit(mlir::linalg::LinalgOp op);

/// Of the operand with the most elements: whether neighbours in memory are steps of the reduction.
bool isDeep(mlir::linalg::LinalgOp op);

/// Lane u of `lanes` combines the values u, u + lanes, u + 2 lanes, ... along the reduction's
/// loops, the innermost fastest: neighbouring lanes read neighbours. About the square root of as
/// many combine their results, and one the rest. `lanesFirst`: the lanes are the outermost
/// dimension of the partial results instead of the innermost.
Lanes splitAmongLanes(mlir::linalg::GenericOp op, int64_t lanes, bool lanesFirst);

/// Splits reductions that are so long, and so few, that a block for each would leave most of the
/// device idle: their partial results are a launch of their own.
void splitLongReductions(kernel::FuncOp kernel, const Device &device);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICELANES_H
