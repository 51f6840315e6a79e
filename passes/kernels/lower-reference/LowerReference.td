//===- LowerReference.td - kernels as plain loops -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_LOWER_REFERENCE
#define SINTER_PASSES_LOWER_REFERENCE

include "mlir/Pass/PassBase.td"

def LowerKernelsReference : Pass<"lower-kernels-reference", "::mlir::ModuleOp"> {
  let summary = "turns every kernel.func into plain loops, by upstream passes only";
  let description = [{
    `kernel.func @k(ins) -> (outs)` becomes `func.func private @k(%ctx: !llvm.ptr, memref ins..., memref outs...)` with
    loops of `scf`. The schedule is ignored. Intermediate tensors come from `sinter_rt_alloc`.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // SINTER_PASSES_LOWER_REFERENCE
