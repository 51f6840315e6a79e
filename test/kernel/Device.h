//===- Device.h - runs device kernels of kernel-check ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_KERNEL_DEVICE_H
#define SINTER_TEST_KERNEL_DEVICE_H

#include <string>
#include <utility>
#include <vector>

namespace sinter {

/// What kernels for OpenCL call, by name: stand-ins for the runtime that find the first device and
/// take its memory for this process's own, as PoCL's on a CPU is. What goes wrong is printed and
/// ends the program.
std::vector<std::pair<const char *, void *>> openclFunctions();

} // namespace sinter

#endif // SINTER_TEST_KERNEL_DEVICE_H
