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
    Zero-Memory Overhead Direct Convolutions", 2018, section 4). With
    `fewer-products`, 3×3 filters of stride 1 are transformed for F(2×2, 3×3) or
    F(4×4, 3×3), and right-hand sides for Strassen's algorithm, where an account
    of arithmetic and memory says that this is faster than the direct kernel by
    enough to be worth the larger weights. Of a right-hand side that is no
    constant the kernel makes the sums; all rows of such products are one matrix.

    Where the target has a dot product of 8-bit integers, products in i32 of such integers less a
    zero point, as quantized models have them, take the integers themselves, with four steps of the
    sum beside each other.
  }];
  let options = [
    Option<"vector", "vector", "int64_t", "16",
           "float32 elements of one vector register">,
    Option<"pack", "pack", "bool", "true", "Pack constant weights">,
    Option<"dotFactors", "dot-factors", "::sinter::DotFactors", "::sinter::DotFactors::None",
           "what the target's dot product of 8-bit integers multiplies signed ones by",
           [{::llvm::cl::values(
               clEnumValN(::sinter::DotFactors::None, "none", "there is none"),
               clEnumValN(::sinter::DotFactors::Unsigned, "unsigned", "as x86's VNNI does"),
               clEnumValN(::sinter::DotFactors::Signed, "signed", "as AArch64's sdot does"))}]>,
    Option<"fewerProducts", "fewer-products", "bool", "false",
           "Consider Winograd's and Strassen's algorithms">,
    Option<"fmaPerCycle", "fma-per-cycle", "double", "2",
           "vector multiply-adds that a core begins in a cycle">,
    Option<"memoryBandwidth", "memory-bandwidth", "double", "8",
           "bytes that a core reads from memory in a cycle">
  ];
}

#endif
