//===- CompileSection.h - loss, optimizer and metrics -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Keras' `model.compile()` was told, as a configuration keeps it: `compile_config`
// (Keras 3), `training_config` (Keras 2), or `compile` (the short form). It is what a
// training has by default.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_COMPILESECTION_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_COMPILESECTION_H

#include "mlir/IR/Builders.h"
#include "llvm/Support/JSON.h"

namespace sinter::description {

/// As the command line has them: "adam:learning_rate=0.01", "huber:delta=2", "top5". Empty: not
/// said.
struct CompileSection {
  std::string loss, optimizer;
  std::vector<std::string> metrics;

  /// {loss, optimizer, metrics}; null if nothing is said.
  mlir::DictionaryAttr toAttribute(mlir::MLIRContext &context) const;
};

/// Settings that would change the training and are not supported go to `problems`, metrics that
/// Sinter does not have to `warnings`.
CompileSection readCompileSection(const llvm::json::Value &model,
                                  std::vector<std::string> &problems,
                                  std::vector<std::string> &warnings);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_COMPILESECTION_H
