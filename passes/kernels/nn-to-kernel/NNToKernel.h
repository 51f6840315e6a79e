//===- NNToKernel.h - from the model to kernels and a host program -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after nn-fuse, which decided what shares a kernel, and before
// kernel-tile, which wants the algorithm in linalg and nothing else.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_NNTOKERNEL_H
#define SINTER_PASSES_KERNELS_NNTOKERNEL_H

#include "mlir/Pass/Pass.h"
#include "mlir/Support/LLVM.h"

namespace mlir {
class Region;
} // namespace mlir

namespace sinter {

#define GEN_PASS_DECL_NNTOKERNEL
#define GEN_PASS_REGISTRATION
#include "passes/kernels/nn-to-kernel/NNToKernel.h.inc"

/// Lowers the nn ops of a kernel's body to linalg on tensors. Block arguments
/// and values become signless. Reports what it can't lower.
mlir::LogicalResult lowerToLinalg(mlir::Region &body);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NNTOKERNEL_H
