//===- LowerReference.h - kernels as plain loops --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second, independent road from a kernel to code: upstream's bufferization and linalg-to-loops,
// no schedule, no Halide. Stands after kernel-tile, in the place of lower-kernels-halide; the two
// give functions of one convention. Users compare with it (--codegen=reference), and a kernel that
// Halide's road cannot take goes here.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_LOWER_REFERENCE_H
#define SINTER_PASSES_KERNELS_LOWER_REFERENCE_H

#include "dialects/kernel/Kernel.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

/// What upstream's bufferization needs to know of tensor, linalg, arith and scf. Needed in the
/// registry of any context that runs the pass.
void registerReferenceInterfaces(mlir::DialectRegistry &registry);

/// Replaces one kernel by plain loops.
mlir::LogicalResult lowerKernelToLoops(kernel::FuncOp kernel);

/// The empty function with the convention of lowered kernels, in the place of `kernel`, which
/// stays: (ctx, inputs as memrefs or scalars, outputs as memrefs).
mlir::func::FuncOp declareLoweredKernel(mlir::OpBuilder &builder, kernel::FuncOp kernel);

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/kernels/lower-reference/LowerReference.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_LOWER_REFERENCE_H
