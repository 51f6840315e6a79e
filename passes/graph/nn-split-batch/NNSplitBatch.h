//===- NNSplitBatch.h - the large layers of a batch in parts ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after the layout is chosen and weights are packed, so that the parts share them, and
// before nn-fuse, which groups the layers of each part.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNSPLITBATCH_H
#define SINTER_PASSES_GRAPH_NNSPLITBATCH_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNSPLITBATCH
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-split-batch/NNSplitBatch.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNSPLITBATCH_H
