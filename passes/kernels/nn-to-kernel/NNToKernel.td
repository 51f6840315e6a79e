//===- NNToKernel.td ------------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_NNTOKERNEL_TD
#define SINTER_PASSES_KERNELS_NNTOKERNEL_TD

include "mlir/Pass/PassBase.td"

def NNToKernel : Pass<"nn-to-kernel", "::mlir::ModuleOp"> {
  let summary = "outlines each nn.fused region into a kernel.func and makes the host program";
  let description = [{
    Each `nn.fused` region, and each op outside of one that computes, becomes a
    `kernel.func` whose body is linalg on tensors; equal kernels become one. What
    is left is the host program: `kernel.call`, `kernel.runtime_call`,
    `kernel.view`, `scf` for nn.if and nn.loop, and index arithmetic for dims.
    Element types become signless.
  }];
  let dependentDialects = [
    "::sinter::kernel::KernelDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect", "::mlir::scf::SCFDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::bufferization::BufferizationDialect"
  ];
}

#endif
