//===- Checkpoint.h - the state of a training as a file ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_CHECKPOINT_H
#define SINTER_COMPILER_DRIVER_CHECKPOINT_H

#include "mlir/IR/BuiltinOps.h"

namespace sinter::driver {

/// Writes the first state of a training step (the arguments of @main with
/// `nn.initial`) as safetensors, whole or not at all. False, with `error`, if the
/// file can't be written; `path` must be on the disk.
bool writeInitialState(mlir::ModuleOp module, llvm::StringRef path, std::string &error);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_CHECKPOINT_H
