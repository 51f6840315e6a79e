//===- PlanMemory.td ------------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_HOST_PLANMEMORY_TD
#define SINTER_PASSES_HOST_PLANMEMORY_TD

include "mlir/Pass/PassBase.td"

def PlanMemory : Pass<"plan-memory", "::mlir::ModuleOp"> {
  let summary = "gives every intermediate a slot in one workspace by liveness";
  let description = [{
    `@main` becomes `@sinter_main(%ctx: !llvm.ptr, %workspace: memref<?xi8>, …)`, any other public function `@f`
    `@sinter_f`, and its allocations become views into the workspace. Tensors that are not
    live at once share memory. Sizes are constants or expressions in the inputs'
    dims; `@sinter_workspace_size` (of others `@sinter_workspace_size_f`) computes the total from the inputs' dims. An
    allocation whose size depends on data, or whose buffer is carried around a
    loop, comes from the context's arena at run time. One that is returned is
    the caller's own memory where the runtime finds that it may be.
  }];
  let options = [
    Option<"alignment", "alignment", "int64_t", "64", "Alignment of each slot, bytes">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"
  ];
}

#endif
