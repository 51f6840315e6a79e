//===- CollapseDims.h - fewer, longer loops ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_NNTOKERNEL_COLLAPSEDIMS_H
#define SINTER_PASSES_KERNELS_NNTOKERNEL_COLLAPSEDIMS_H

#include "dialects/kernel/Kernel.h"

namespace sinter {

/// Merges dims that a kernel always walks together, and drops those of size 1:
/// an elementwise kernel on N×H×W×C becomes one loop, a 1×1 convolution a
/// matrix product over N·H·W pixels. Argument and result types change to views
/// of the same bytes; dynamic dims are neither merged nor dropped, and keep
/// their order.
void collapseDims(kernel::FuncOp kernel);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NNTOKERNEL_COLLAPSEDIMS_H
