//===- ExpandGroups.h - a loop over the groups of a convolution -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_NN_TO_KERNEL_EXPANDGROUPS_H
#define SINTER_PASSES_KERNELS_NN_TO_KERNEL_EXPANDGROUPS_H

#include "dialects/kernel/Kernel.h"

namespace sinter {

/// Splits the channels of a kernel with a grouped convolution into groups and channels of a group.
/// Stands before collapseDims, which would not merge them again. Does nothing to other kernels.
void expandGroups(kernel::FuncOp kernel);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NN_TO_KERNEL_EXPANDGROUPS_H
