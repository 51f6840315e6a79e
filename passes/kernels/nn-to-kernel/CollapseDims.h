//===- CollapseDims.h - fewer, longer loops ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_NNTOKERNEL_COLLAPSEDIMS_H
#define SINTER_PASSES_KERNELS_NNTOKERNEL_COLLAPSEDIMS_H

#include "dialects/kernel/Kernel.h"

namespace sinter {

/// For each dim of a tensor, the dim of its collapsed view that it is a part of; -1 where dropped.
using DimGroups = llvm::SmallVector<int64_t>;

/// What became of the dims of a kernel's arguments and results; nothing for scalars.
struct CollapsedDims {
  llvm::SmallVector<DimGroups> arguments, results;
};

/// Merges dims that a kernel always walks together, and drops those of size 1:
/// an elementwise kernel on N×H×W×C becomes one loop, a 1×1 convolution a
/// matrix product over N·H·W pixels. Argument and result types change to views
/// of the same bytes. Dynamic dims merge with dynamic ones only, so that what
/// is static of a row stays known.
CollapsedDims collapseDims(kernel::FuncOp kernel);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NNTOKERNEL_COLLAPSEDIMS_H
