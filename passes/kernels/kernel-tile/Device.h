//===- Device.h - schedules for GPUs --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel of the device is one launch or several: each stage that is kept in memory is a nest of
// blocks and threads, and what only one of its elements needs is computed by that element's thread.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICE_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICE_H

#include "passes/kernels/kernel-tile/Model.h"

namespace sinter::tile {

/// Writes a schedule for the target's device and marks the kernel `kernel.device`. False, with a
/// remark that says why, if the kernel stays the CPU's; it is unchanged then.
bool tileForDevice(kernel::FuncOp kernel, const Target &target, Choices &choices);

/// Why a device cannot run a kernel, or is not worth the way there; empty if it is.
std::string refuseDevice(kernel::FuncOp kernel, const Device &device);

/// Brings the body into the form that the device's schedules expect: each reduction is read by a
/// copy alone, and each result is a stage of its own that does not reduce.
void prepareForDevice(kernel::FuncOp kernel);

/// One thread for each element of a stage, however many dimensions there are. Returns the loop
/// inside which a thread computes its element.
std::string spreadElements(Model &model, Stage &stage);

/// Makes blocks of loops that stand outside of all others of a stage, given innermost first: of all
/// in one, unless that hides from Halide that a block has one position along each. Returns the
/// innermost loop over blocks.
std::string fuseBlocks(Model &model, Stage &stage, llvm::ArrayRef<std::string> loops);

} // namespace sinter::tile

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_DEVICE_H
