//===- NNInferShapes.h - dynamic dims to static ones ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after import and after every rewrite that may tell more about shapes;
// nn-simplify runs it between its rounds.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_GRAPH_NNINFERSHAPES_H
#define SINTER_PASSES_GRAPH_NNINFERSHAPES_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNINFERSHAPES
#define GEN_PASS_REGISTRATION
#include "passes/graph/nn-infer-shapes/NNInferShapes.h.inc"

/// Refines the types of all values in `function`, and its own type. Returns
/// true if any changed.
bool refineShapes(mlir::FunctionOpInterface function);

/// Gives the function's type the types that its body returns. Returns true if
/// it changed.
bool updateResultTypes(mlir::FunctionOpInterface function);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNINFERSHAPES_H
