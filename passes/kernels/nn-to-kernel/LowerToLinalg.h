//===- LowerToLinalg.h - nn ops of a kernel as linalg ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The algorithm of a kernel: every nn op of its body becomes linalg.generic
// ops on tensors, without any schedule.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERTOLINALG_H
#define SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERTOLINALG_H

#include "mlir/IR/Region.h"

namespace sinter {

/// Replaces the nn ops of `body`, one block, by linalg, tensor, arith and math
/// on signless element types. Block arguments of unsigned elements become
/// signless in place; the terminator's operands are replaced. Constants that
/// only steer shapes, and splats, are absorbed; other constants should come as
/// block arguments. Reports the op that has no lowering and then leaves the
/// body half done: the caller drops it.
mlir::LogicalResult lowerToLinalg(mlir::Region &body);

/// True if `op` has a lowering (it may still refuse a form of the op).
bool hasLinalgLowering(mlir::Operation *op);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERTOLINALG_H
