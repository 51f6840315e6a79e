//===- DeviceLaunches.h - what a device computes in one launch ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICELAUNCHES_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICELAUNCHES_H

#include "passes/kernels/kernel-tile/DeviceLanes.h"
#include "passes/kernels/kernel-tile/DeviceProduct.h"
#include "passes/kernels/kernel-tile/Model.h"

namespace sinter::tile {

/// Threads of a block that has rows or single elements, as far as there is work for them.
constexpr int64_t blockThreads = 256;

/// A stage beside a launch's root: the loop of the root that each of its dimensions goes with, -1
/// for those of one element.
struct Beside {
  mlir::Operation *op = nullptr;
  llvm::SmallVector<int> rootLoops;
};

/// A reduction whose result, a copy of which the launch uses, a block computes.
struct RowReduction {
  Beside copy;
  mlir::linalg::GenericOp op;
  Lanes lanes; ///< once it is split
};

/// One stage that is kept in the device's memory, and what is computed on the way to its elements.
struct Launch {
  mlir::Operation *root = nullptr;
  /// A product, of which a block computes a tile.
  std::optional<Product> product;
  Beside productCopy;
  /// Reductions along rows of the root, of which a block has one, or some side by side (`isDeep` is
  /// false); `rows` are the root's loops over them.
  llvm::SmallVector<RowReduction, 2> reductions;
  llvm::SmallVector<int> rows;
  bool isDeep = true;
  /// Stages with one element for each row, computed once for all of it.
  llvm::SmallVector<Beside, 2> rowStages;
  /// Copies of reductions that each thread computes by itself.
  llvm::SmallVector<mlir::Operation *, 2> small;
  /// Stages whose element is computed again for each of the root's.
  llvm::SmallVector<Beside, 2> again;
  /// Copies of tensors whose neighbours in memory go with another loop of the root, `across`, than
  /// the root's own neighbours: a block brings a square of them to shared memory.
  llvm::SmallVector<Beside, 1> squares;
  int across = -1;
};

/// The launches of a kernel in the form of prepareForDevice.
std::vector<Launch> planLaunches(kernel::FuncOp kernel, const Target &target);

/// Makes a launch's squares: copies of what it reads across.
void formSquares(Launch &launch);

/// Blocks and threads for a launch with squares. Returns the loop inside which a thread computes
/// its elements.
std::string scheduleSquares(Model &model, const Launch &launch);

/// Splits the launch's row reductions among the threads of a block.
void formRows(Launch &launch, const Device &device);

/// Blocks and threads for a launch with row reductions. Returns the loop inside which a thread
/// computes its elements.
std::string scheduleRowLaunch(Model &model, const Launch &launch);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICELAUNCHES_H
