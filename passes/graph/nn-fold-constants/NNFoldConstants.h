//===- NNFoldConstants.h - evaluates constant subgraphs ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after whatever writes weight transformations as nn ops: normalization
// folding, layout assignment.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNFOLDCONSTANTS_H
#define SINTER_PASSES_GRAPH_NNFOLDCONSTANTS_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNFOLDCONSTANTS
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-fold-constants/NNFoldConstants.h.inc"

/// Replaces what is known by constants. Returns true if anything changed.
bool foldConstants(mlir::FunctionOpInterface function, int64_t maxBytes);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNFOLDCONSTANTS_H
