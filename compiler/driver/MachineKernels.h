//===- MachineKernels.h - loops at the limits of the machine ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_MACHINEKERNELS_H
#define SINTER_COMPILER_DRIVER_MACHINEKERNELS_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sinter::driver {

/// Vector sizes in bytes that this processor multiplies and adds in; ascending.
std::vector<int64_t> vectorSizes();

/// Independent fused multiply-adds in registers, `rounds` times; returns the number of float32
/// operations.
double multiplyAdd(int64_t vectorBytes, int64_t rounds);

/// Loads all of `data`, whose size in bytes is a multiple of 512.
void readAll(int64_t vectorBytes, const void *data, size_t bytes);

/// a = b + 3 c; with `streaming`, the stores go past the caches where the processor can.
void triad(float *a, const float *b, const float *c, size_t count, bool streaming);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_MACHINEKERNELS_H
