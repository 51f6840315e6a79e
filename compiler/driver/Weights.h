//===- Weights.h - a model's parameters from a checkpoint -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_WEIGHTS_H
#define SINTER_COMPILER_DRIVER_WEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace sinter::driver {

/// Gives the parameters and statistics of a module at stage nn the values that a safetensors
/// file has by their names, whatever else it holds (an optimizer's state), and marks them with
/// `nn.trained`. A parameter that it does not have keeps the model's value, and a warning says
/// so: it was frozen. False, after errors, if the file is none of this model.
bool setWeights(mlir::ModuleOp module, const std::string &path);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_WEIGHTS_H
