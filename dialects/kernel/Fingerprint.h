//===- Fingerprint.h - a name for what a kernel is --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_KERNEL_FINGERPRINT_H
#define SINTER_DIALECTS_KERNEL_FINGERPRINT_H

#include "dialects/kernel/Kernel.h"

#include <string>

namespace sinter::kernel {

/// 32 hexadecimal digits that the algorithm, the shapes and the schedule decide, and neither the
/// kernel's name nor where it came from.
std::string fingerprint(FuncOp kernel);

} // namespace sinter::kernel

#endif // SINTER_DIALECTS_KERNEL_FINGERPRINT_H
