//===- NNSplitBatch.td ----------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNSPLITBATCH_TD
#define SINTER_PASSES_GRAPH_NNSPLITBATCH_TD

include "mlir/Pass/PassBase.td"

def NNSplitBatch : Pass<"nn-split-batch", "::mlir::func::FuncOp"> {
  let summary = "the large layers of a batch, a few pictures at a time";
  let description = [{
    What a layer of a large batch writes has left the caches when the next layer
    reads it. The layers from the batch's input on, as far as that costs more than
    their weights do when they are read for each part, are computed for one
    part of the batch after the other: slices of the input, the layers once for each part, and a
    concat of what the rest of the model reads. Slices and concat are along the
    outermost dim, where neither is a copy. Equal layers of the parts become one kernel.

    The batch is dim 0 of a function's argument, of known size.
  }];
  let options = [
    Option<"cacheBytes", "cache-bytes", "int64_t", "4194304",
           "What one layer may read and write without losing it to memory">
  ];
}

#endif
