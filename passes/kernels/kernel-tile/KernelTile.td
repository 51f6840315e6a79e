//===- KernelTile.td - chooses the schedule of each kernel ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNEL_TILE
#define SINTER_PASSES_KERNEL_TILE

include "mlir/Pass/PassBase.td"

def KernelTile : Pass<"kernel-tile", "::mlir::ModuleOp"> {
  let summary = "writes the schedule of each kernel for a target";
  let description = [{
    The family of a kernel is read off the structure of its linalg ops: contractions and convolutions get a register
    tile, reductions partial results in vectors, everything else vectors along the innermost dimension. Kernels that
    have a schedule keep it.
  }];
  let options = [Option<"target", "target", "std::string", "\"host\"", "the machine, as for `sinter --target`">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect", "::sinter::kernel::KernelDialect"];
}

#endif // SINTER_PASSES_KERNEL_TILE
