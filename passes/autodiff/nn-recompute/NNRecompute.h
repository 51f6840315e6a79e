//===- NNRecompute.h - activations are computed again -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands last of the graph passes, before nn-fuse: what the backward pass reads is
// known then, and nothing joins equal ops any more.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_AUTODIFF_NNRECOMPUTE_H
#define SINTER_PASSES_AUTODIFF_NNRECOMPUTE_H

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNRECOMPUTE
#define GEN_PASS_REGISTRATION
#include "passes/autodiff/nn-recompute/NNRecompute.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_NNRECOMPUTE_H
