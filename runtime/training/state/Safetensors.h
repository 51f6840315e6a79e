//===- Safetensors.h - tensors in a file ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// https://huggingface.co/docs/safetensors: the header's length (8 bytes, little-
// endian), the header, a JSON object from each tensor's name to its dtype, shape and
// place, and from __metadata__ to texts, then the data.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_TRAINING_STATE_SAFETENSORS_H
#define SINTER_RUNTIME_TRAINING_STATE_SAFETENSORS_H

#include "runtime/training/Tensor.h"
#include <map>

namespace sinter::training {

using Metadata = std::map<std::string, std::string>;

/// Writes the file, whole or not at all.
void writeSafetensors(const std::string &path, const std::vector<TensorView> &tensors,
                      const Metadata &metadata);

struct Safetensors {
  Metadata metadata;
  std::vector<Tensor> tensors; ///< in the order of their data
};

/// Reads a file; throws if it is truncated or anything in it is not as it should be.
Safetensors readSafetensors(const std::string &path);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_STATE_SAFETENSORS_H
