//===- NNChannelsFirst.h - channels in dim 1 --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands before the ONNX exporter only: ONNX has no other layout, and descriptions
// are channels_last.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNCHANNELSFIRST_H
#define SINTER_PASSES_GRAPH_NNCHANNELSFIRST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNCHANNELSFIRST
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-channels-first/NNChannelsFirst.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNCHANNELSFIRST_H
