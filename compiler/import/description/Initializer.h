//===- Initializer.h - first values of parameters ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_INITIALIZER_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_INITIALIZER_H

#include "mlir/IR/Builders.h"
#include "runtime/include/sinter/initialize.h"
#include "llvm/Support/JSON.h"
#include <optional>

namespace sinter::description {

/// What Keras' initialiser says of a parameter of this shape: "glorot_uniform",
/// "HeNormal", or an object with class_name and config. `stream` is the parameter's
/// number in the model. Nothing if there is no such initialiser.
std::optional<SinterInitializer> getInitializer(const llvm::json::Value &initializer,
                                                llvm::ArrayRef<int64_t> shape, uint64_t stream);

/// The same as an attribute, for `nn.initializer`.
mlir::DictionaryAttr describe(const SinterInitializer &initializer, mlir::Builder &builder);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_INITIALIZER_H
