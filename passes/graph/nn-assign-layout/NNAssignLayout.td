//===- NNAssignLayout.td --------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNASSIGNLAYOUT_TD
#define SINTER_PASSES_GRAPH_NNASSIGNLAYOUT_TD

include "mlir/Pass/PassBase.td"

def NNAssignLayout : Pass<"nn-assign-layout"> {
  let summary = "channels innermost, constant weights packed as kernels read them";
  let description = [{
    Convolutions, pooling and LRN become channels_last between two transposes;
    transposes then sink through the ops that don't care, and cancel: a
    convolutional network keeps them only at its borders. Constant filters are
    packed as blocks of `block` output channels, constant right-hand sides of
    matmul as blocks of `block` columns (Zhang et al., "High Performance
    Zero-Memory Overhead Direct Convolutions", 2018, section 4).
  }];
  let options = [
    Option<"vector", "vector", "int64_t", "16",
           "float32 elements of one vector register">,
    Option<"pack", "pack", "bool", "true", "Pack constant weights">
  ];
}

#endif
