//===- NNChannelsFirst.td -------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNCHANNELSFIRST_TD
#define SINTER_PASSES_GRAPH_NNCHANNELSFIRST_TD

include "mlir/Pass/PassBase.td"

def NNChannelsFirst : Pass<"nn-channels-first", "::mlir::func::FuncOp"> {
  let summary = "the layouts that ONNX knows: channels in dim 1, filters O C X…";
  let description = [{
    Convolutions, pooling, LRN and batch normalization that are channels_last
    become channels_first between two transposes, packed filters are unpacked, and
    transposes sink and cancel. What transforms constants is left for
    nn-fold-constants.
  }];
}

#endif
