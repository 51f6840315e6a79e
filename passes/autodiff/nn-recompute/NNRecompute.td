//===- NNRecompute.td -----------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_AUTODIFF_NNRECOMPUTE_TD
#define SINTER_PASSES_AUTODIFF_NNRECOMPUTE_TD

include "mlir/Pass/PassBase.td"

def NNRecompute : Pass<"nn-recompute", "::mlir::func::FuncOp"> {
  let summary = "computes activations again in the backward pass instead of keeping them";
  let description = [{
    The forward pass of a training step (what the results that are no state depend
    on) is cut into segments. What crosses a cut is kept; of what else the backward
    pass reads, each segment's is computed again before its first use, by clones
    that carry `nn.recomputed`, so that nobody takes them for the same as the first
    (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, section
    4). The last segment is kept: its values are read at once. The number of
    segments is that of the least bytes kept and computed again at once, where the
    cuts are where the least crosses them. Loops are never computed again.
  }];
  let options = [
    Option<"segments", "segments", "int64_t", "0", "Segments of the forward pass; 0: by memory">
  ];
}

#endif
