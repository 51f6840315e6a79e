//===- LowerCalls.td ------------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_HOST_LOWERCALLS_TD
#define SINTER_PASSES_HOST_LOWERCALLS_TD

include "mlir/Pass/PassBase.td"

def LowerCalls : Pass<"lower-calls", "::mlir::ModuleOp"> {
  let summary = "kernel.call to func.call, kernel.runtime_call to calls of the C runtime";
  let description = [{
    The context, the first argument of the enclosing function, goes along with
    each call. A status other than 0 from a runtime kernel is recorded in the
    context. Calls that profile-calls has marked are measured. A `memref.copy`
    that place-on-device has marked `kernel.device` becomes a call of the
    runtime's copy on the device.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"
  ];
}

#endif
