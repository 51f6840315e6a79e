//===- ReadWeights.cpp - checkpoints, read without exceptions -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The training runtime throws: this file is compiled with exceptions, and sees nothing of MLIR.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/ReadWeights.h"
#include "runtime/training/state/Safetensors.h"
#include <exception>

bool sinter::driver::readWeights(const std::string &path, std::vector<training::Tensor> &tensors,
                                 std::string &error) {
  try {
    tensors = training::readSafetensors(path).tensors;
    return true;
  } catch (const std::exception &thrown) {
    error = thrown.what();
    return false;
  }
}
