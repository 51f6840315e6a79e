//===- NNTrainStep.h - from a model to a training step ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands first of all passes: it reads the parameters' names from the model as it
// was imported, before constants are folded or packed.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_AUTODIFF_NNTRAINSTEP_H
#define SINTER_PASSES_AUTODIFF_NNTRAINSTEP_H

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNTRAINSTEP
#define GEN_PASS_REGISTRATION
#include "passes/autodiff/nn-train-step/NNTrainStep.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_NNTRAINSTEP_H
