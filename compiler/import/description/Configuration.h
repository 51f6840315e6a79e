//===- Configuration.h - what a configuration says --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A Keras configuration (Sequential or functional; Keras 2's and Keras 3's forms) read
// into layers and what each is applied to.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_CONFIGURATION_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_CONFIGURATION_H

#include "compiler/import/description/Layer.h"

namespace sinter::description {

/// A result of a layer's application, the `node`-th.
struct Reference {
  std::string layer;
  int64_t node = 0, result = 0;
};

/// One application of a layer: its operands and the call's own settings.
struct Application {
  llvm::SmallVector<Reference> operands;
  llvm::json::Object settings;
};

struct Entry {
  std::string name;
  const LayerKind *kind; ///< null: an input
  llvm::json::Object config;
  std::vector<Application> applications;
};

struct Network {
  std::vector<Entry> entries;
  std::vector<Reference> inputs, outputs;
  /// By the input's name: its shape with the batch, -1 for a size that is not known, and dtype.
  struct Input {
    llvm::SmallVector<int64_t> shape;
    std::string dtype;
  };
  llvm::StringMap<Input> inputTypes;
};

/// Keras' names for layers that have none: dense, dense_1, …
class LayerNames {
public:
  std::string next(llvm::StringRef kind);

private:
  llvm::StringMap<unsigned> counts;
};
/// "BatchNormalization" → "batch_normalization".
std::string snakeCase(llvm::StringRef name);

/// What is wrong goes to `problems`.
Network readConfiguration(const llvm::json::Value &model, std::vector<std::string> &problems);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_CONFIGURATION_H
