//===- Translate.h - one kernel through Halide ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plain interface: neither Halide's nor exceptions show through.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_TRANSLATE_H
#define SINTER_TARGETS_HALIDE_TRANSLATE_H

#include "dialects/kernel/Kernel.h"

#include <string>

namespace sinter::halide {

struct KernelRequest {
  /// Halide's target string without the flags that every kernel gets:
  /// `x86-64-linux-sse41-avx-avx2-fma-f16c`.
  std::string target;
  /// What the function in the bitcode is called.
  std::string symbol;
  /// Of the target's registers.
  int64_t vectorBytes = 64;
  /// Whether the kernel runs on a device, and how that is driven: "opencl", "cuda".
  std::string device;
  /// Whether the lowered statement is wanted, and the bitcode.
  bool statement = false, bitcode = true;
};

struct KernelOutput {
  /// LLVM 14 bitcode of `int32_t symbol(ctx, halide_buffer_t *inputs or scalars..., halide_buffer_t
  /// *outputs...)`.
  std::string bitcode;
  std::string statement;
  /// OpenCL's source or PTX, of a kernel for a device, once finishBitcode has run.
  std::string deviceCode;
  /// Why Halide's road cannot take the kernel; empty on success.
  std::string error;
};

/// Only reads the kernel: may run on several kernels of a module at once.
KernelOutput translateKernel(kernel::FuncOp kernel, const KernelRequest &request);

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_TRANSLATE_H
