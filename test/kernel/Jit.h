//===- Jit.h - runs lowered kernels in this process -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_KERNEL_JIT_H
#define SINTER_TEST_KERNEL_JIT_H

#include "mlir/IR/BuiltinOps.h"
#include "targets/halide/HalideKernels.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace sinter {

/// Takes a module of lowered kernels to LLVM, with what Halide gave for it, and compiles it for
/// this machine. The functions are found as `_mlir_ciface_NAME`. Null after an error, which is
/// printed.
std::unique_ptr<llvm::orc::LLJIT>
compileForHost(mlir::ModuleOp module, const std::vector<KernelCode> &kernels, const Target &target);

/// Prints the assembly of Halide's functions.
void printAssembly(const std::vector<KernelCode> &kernels, const Target &target);

} // namespace sinter

#endif // SINTER_TEST_KERNEL_JIT_H
