//===- NNFuse.h - which ops share a kernel ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after layout assignment, so that transposes are where they will stay,
// and before nn-to-kernel, which makes one kernel of each group.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNFUSE_H
#define SINTER_PASSES_GRAPH_NNFUSE_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNFUSE
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-fuse/NNFuse.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNFUSE_H
