//===- KernelTile.h - chooses the schedule of each kernel -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after nn-to-kernel, when what is one kernel is decided, and before the kernels are
// compiled. Everything that depends on the machine's vectors, registers, caches and cores is
// decided here, and can be read in the IR afterwards.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_KERNEL_TILE_H
#define SINTER_PASSES_KERNELS_KERNEL_TILE_H

#include "mlir/Pass/Pass.h"
#include "passes/kernels/kernel-tile/Choices.h"
#include "targets/Target.h"

namespace sinter {

/// `tuning` may be null; else it tells what is fixed, and is told which decisions there were.
std::unique_ptr<mlir::Pass> createKernelTile(const Target &target, Tuning *tuning = nullptr);

/// Writes the schedule of one kernel; may first change its body into an equal one that is easier to
/// schedule.
void tileKernel(kernel::FuncOp kernel, const Target &target, Choices &choices);

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/kernels/kernel-tile/KernelTile.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_KERNEL_TILE_H
