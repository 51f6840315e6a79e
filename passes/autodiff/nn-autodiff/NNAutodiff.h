//===- NNAutodiff.h - the backward graph ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after nn-decompose, which makes loops of recurrent layers, and before
// layouts are assigned and ops fused, so that the forward and the backward graph
// are laid out and fused together.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_AUTODIFF_NNAUTODIFF_H
#define SINTER_PASSES_AUTODIFF_NNAUTODIFF_H

#include "dialects/nn/NN.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNAUTODIFF
#define GEN_PASS_REGISTRATION
#include "passes/autodiff/nn-autodiff/NNAutodiff.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_NNAUTODIFF_H
