//===- NNExplicitBroadcast.h - no broadcast left to run time ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after nn-simplify, when all that can be known of shapes is known, and
// before nn-fuse: a kernel's index maps must be decided at compile time.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNEXPLICITBROADCAST_H
#define SINTER_PASSES_GRAPH_NNEXPLICITBROADCAST_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNEXPLICITBROADCAST
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-explicit-broadcast/NNExplicitBroadcast.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNEXPLICITBROADCAST_H
