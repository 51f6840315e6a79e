//===- Internal.h - the steps around the translation to Halide ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TARGETS_HALIDE_INTERNAL_H
#define SINTER_TARGETS_HALIDE_INTERNAL_H

#include "dialects/kernel/Kernel.h"
#include "mlir/IR/PatternMatch.h"
#include "targets/halide/Translate.h"

#include <string>

namespace llvm {
class Module;
}

namespace sinter::halide {

/// Replaces exp, log, tanh, erf and their like on float32 by polynomials, which Halide vectorises.
void expandMath(kernel::FuncOp kernel);

/// A float32 constant.
mlir::Value createFloat(mlir::OpBuilder &builder, mlir::Location loc, float value);
/// `value` within [lowest, highest]; a NaN stays.
mlir::Value clampFloat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                       float lowest, float highest);
/// erf on float32 as a quotient of polynomials.
void populateErfPatterns(mlir::RewritePatternSet &patterns);
/// exp on float32 as a polynomial and a power of two.
void populateExpPatterns(mlir::RewritePatternSet &patterns);

/// Functions of this name and a number of bits return -0: `x + -0` is x, and marks a product x that
/// is rounded before anything is added to it.
inline constexpr const char *minusZeroPrefix = "sinter_minus_zero_f";

/// Makes two of each dot product of 8-bit integers in vectors of 64 bytes.
void splitDots(llvm::Module &module);

/// Makes of Halide's bitcode in `output` one with multiplication and addition free to contract but
/// where it is marked, an entry as replaceByWrapper calls it, and nothing else in it; takes the
/// code for a device from it. On failure sets the error.
void finishBitcode(kernel::FuncOp kernel, const KernelRequest &request, KernelOutput &output);

/// The attribute of kernels whose schedule is for the target's device.
inline constexpr const char *deviceAttribute = "kernel.device";

/// Takes from the host's side of a kernel for a device what the runtime does otherwise, and from
/// OpenCL's source that it may contract.
void finishDeviceCode(llvm::Module &module);

/// The source or PTX that a module carries for a device, after comments on its launches' shared
/// memory; empty if it carries none.
std::string getDeviceCode(const llvm::Module &module);

/// Puts `int32_t symbol(context, arguments...)` in the place of Halide's function of that name. An
/// argument of `types` that is a memref is passed as its address and, for each dynamic dimension,
/// an int32_t; any other as Halide takes it. Buffers of a kernel `onDevice` are the device's, known
/// by their addresses here.
void addEntry(llvm::Module &module, llvm::StringRef symbol, llvm::ArrayRef<mlir::Type> types,
              bool onDevice);

/// Puts a function that calls the entry in the place of the kernel.
void replaceByWrapper(kernel::FuncOp kernel, llvm::StringRef symbol);

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_INTERNAL_H
