//===- HalideKernels.h - kernels to bitcode by Halide ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after kernel-tile. Each kernel.func becomes a function of Halide's in LLVM bitcode, and in
// the module a func.func of the convention of lowered kernels, (ctx, memref or scalar inputs,
// memref outputs), that calls it.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_HALIDEKERNELS_H
#define SINTER_TARGETS_HALIDE_HALIDEKERNELS_H

#include "mlir/IR/BuiltinOps.h"
#include "targets/Target.h"

#include <string>
#include <vector>

namespace sinter {

struct KernelCode {
  std::string name;    ///< of the kernel.func
  std::string bitcode; ///< LLVM 22, defines NAME__halide
};

/// Lowers every kernel that Halide's road can take; the others stay as they are, with a remark that
/// says why, for lower-kernels-reference. `threads` compile at once; 0: all cores.
mlir::LogicalResult lowerKernelsToHalide(mlir::ModuleOp module, const Target &target,
                                         unsigned threads, std::vector<KernelCode> &kernels);

/// Halide's lowered statement of each kernel, for people. Changes nothing.
mlir::LogicalResult printHalideLoops(mlir::ModuleOp module, const Target &target,
                                     std::string &text);

} // namespace sinter

#endif // SINTER_TARGETS_HALIDE_HALIDEKERNELS_H
