//===- Initializer.h - first values of parameters ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_INITIALIZER_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_INITIALIZER_H

#include "dialects/nn/HostTensor.h"
#include "llvm/Support/JSON.h"

namespace sinter::description {

/// Fills an f32 tensor as Keras' initialiser does: "glorot_uniform", "HeNormal", or
/// an object with class_name and config. The numbers come from Philox with `seed`
/// as its key and `stream`, the parameter's number in the model, in its counter.
/// False if there is no such initialiser.
bool initialize(nn::HostTensor &tensor, const llvm::json::Value &initializer, uint64_t seed,
                uint64_t stream);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_INITIALIZER_H
