//===- ProfileCalls.td ----------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_HOST_PROFILECALLS_TD
#define SINTER_PASSES_HOST_PROFILECALLS_TD

include "mlir/Pass/PassBase.td"

def ProfileCalls : Pass<"profile-calls", "::mlir::ModuleOp"> {
  let summary = "numbers the calls of kernels, with the operations and bytes of each";
  let description = [{
    Each kernel.call and kernel.runtime_call gets the attribute `sinter.profile`, a dictionary:

    * `entry`: its number in the table that is the module's attribute of the same name, a list of
      pairs [kernel, ONNX nodes];
    * `cost`: a map from the sizes to the numbers of scalar operations, of bytes that are read and
      written whole, and of any number of pairs of bytes of which the lesser counts;
    * `sizes`: what the map's symbols are, as pairs: the number of an operand, and the dimension of
      it, or -1 for the operand itself.

    lower-calls measures the calls that have it.
  }];
}

#endif
