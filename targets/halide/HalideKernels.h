//===- HalideKernels.h - kernels to bitcode by Halide ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after kernel-tile. Each kernel.func becomes a function in LLVM bitcode, Halide's behind an
// entry that takes addresses and sizes, and in the module a func.func of the convention of lowered
// kernels, (ctx, memref or scalar inputs, memref outputs), that calls it.
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
  std::string symbol;  ///< the function; equal kernels have one, of whatever model they are
  std::string bitcode; ///< LLVM 22, defines `symbol`; empty when there is an object
  std::string object;
};

/// Makes objects of bitcode, and remembers those that it made. Several threads call it at once.
class KernelObjects {
public:
  virtual ~KernelObjects() = default;
  /// The object that defines `symbol`, if it was made before.
  virtual bool find(llvm::StringRef symbol, std::string &object) = 0;
  /// On failure false, and `error` says why.
  virtual bool make(llvm::StringRef bitcode, llvm::StringRef symbol, std::string &object,
                    std::string &error) = 0;
};

/// Lowers every kernel that Halide's road can take; the others stay as they are, with a remark that
/// says why, for lower-kernels-reference. `threads` compile at once; 0: all cores. Without
/// `objects` the code is bitcode. Symbols end in `suffix`, so that one library can hold kernels for
/// several targets.
mlir::LogicalResult lowerKernelsToHalide(mlir::ModuleOp module, const Target &target,
                                         unsigned threads, std::vector<KernelCode> &kernels,
                                         KernelObjects *objects = nullptr,
                                         llvm::StringRef suffix = "");

/// Halide's lowered statement of each kernel, for people. Changes nothing.
mlir::LogicalResult printHalideLoops(mlir::ModuleOp module, const Target &target,
                                     std::string &text);

/// The code of each kernel for the target's device, PTX or OpenCL's source, for people and for
/// ptxas: each after a line `// kernel NAME`. Changes nothing.
mlir::LogicalResult printDeviceCode(mlir::ModuleOp module, const Target &target, std::string &text);

} // namespace sinter

#endif // SINTER_TARGETS_HALIDE_HALIDEKERNELS_H
