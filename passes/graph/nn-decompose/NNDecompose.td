//===- NNDecompose.td -----------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNDECOMPOSE_TD
#define SINTER_PASSES_GRAPH_NNDECOMPOSE_TD

include "mlir/Pass/PassBase.td"

def NNDecompose : Pass<"nn-decompose"> {
  let summary = "recurrent layers to loops, long sums dim by dim, transposed convolutions to convolutions";
  let description = [{
    `nn.rnn`, `nn.lstm` and `nn.gru` become one matrix product of the whole input
    with the input weights, and an `nn.loop` over time steps that carries the
    state. A sum or mean over several dims, of more than 128 values, is taken dim by
    dim from the innermost outwards, which rounds less. `nn.conv_transpose` with a
    filter of known shape becomes one `nn.conv` for all phases of its stride, and their
    interleaving; `nn.depth_to_space` is the interleaving alone. Where a constant filter
    with 16 channels or more takes a tenth fewer multiplications so, each phase is an
    `nn.conv` of its own, and their concats interleave them.
  }];
}

#endif
