//===- ReadWeights.h - checkpoints, read without exceptions -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_READWEIGHTS_H
#define SINTER_COMPILER_DRIVER_READWEIGHTS_H

#include "runtime/training/Tensor.h"

namespace sinter::driver {

/// Reads a safetensors file; false, and what is wrong with it, if it can't be.
bool readWeights(const std::string &path, std::vector<training::Tensor> &tensors,
                 std::string &error);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_READWEIGHTS_H
