//===- ShortForm.h - descriptions written by hand ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The short form of a configuration, with Keras' names and defaults:
//
//   input: [28, 28, 1]
//   layers:
//     - Conv2D: {filters: 32, kernel_size: 3, activation: relu}
//     - MaxPooling2D
//     - Flatten
//     - Dense: [10, softmax]        # by position, as in Python
//   compile: {optimizer: adam, loss: sparse_categorical_crossentropy}
//
// A layer takes what the one before it gives, or what `from` names.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_SHORTFORM_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_SHORTFORM_H

#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace sinter::description {

bool isShortForm(const llvm::json::Value &model);

/// The functional configuration that it stands for; what is wrong goes to `problems`.
llvm::json::Value expandShortForm(const llvm::json::Value &model,
                                  std::vector<std::string> &problems);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_SHORTFORM_H
