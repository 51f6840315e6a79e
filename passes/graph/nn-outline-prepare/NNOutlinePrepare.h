//===- NNOutlinePrepare.h - weights that are made, not stored ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after the last nn-simplify, which folds all that is worth its place in the library, and
// after nn-version-products, which looks at how weights are made.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNOUTLINEPREPARE_H
#define SINTER_PASSES_GRAPH_NNOUTLINEPREPARE_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNOUTLINEPREPARE
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-outline-prepare/NNOutlinePrepare.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNOUTLINEPREPARE_H
