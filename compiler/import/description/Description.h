//===- Description.h - Keras configurations and built-in models -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A description is what Keras' `model.to_json()` writes of a Sequential or Functional
// model: its layers with their settings, no weights; as JSON or YAML, or in a short form
// (ShortForm.h). What it says of loss, optimizer and metrics becomes the module's
// `nn.compile`. Parameters become constants that hold
// the initialisers' numbers, named `layer/kernel` by their locations, in Keras'
// layouts: what `nn-train-step` makes state of.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_DESCRIPTION_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_DESCRIPTION_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/JSON.h"

namespace sinter::description {

struct ImportOptions {
  /// Sizes of named dims ("batch").
  llvm::StringMap<int64_t> dims;
  /// Of the initialisers.
  uint64_t seed = 0;
  /// For a training: layers that behave otherwise there (Dropout) are what they are then.
  bool isTraining = false;
};

/// Reads a .json or .yaml file. Null after an error, which has been reported: all problems
/// of the description at once.
mlir::OwningOpRef<mlir::ModuleOp> importFile(llvm::StringRef path, mlir::MLIRContext &context,
                                             const ImportOptions &options = {});

/// A model of `name`, or of `name:size=number,kind=word,…`.
mlir::OwningOpRef<mlir::ModuleOp> importBuiltIn(llvm::StringRef text, mlir::MLIRContext &context,
                                                const ImportOptions &options = {});

/// A configuration that was read, or made.
mlir::OwningOpRef<mlir::ModuleOp> importModel(const llvm::json::Value &model, llvm::StringRef path,
                                              mlir::MLIRContext &context,
                                              const ImportOptions &options);

/// One of the models that Sinter knows by name.
struct BuiltIn {
  llvm::StringRef name, summary;
  /// What may be set, and its default.
  struct Size {
    llvm::StringRef name;
    int64_t value;
    /// What `value` counts, if it is one of several kinds: "lstm", "gru".
    llvm::ArrayRef<llvm::StringRef> kinds = {};
  };
  llvm::ArrayRef<Size> sizes;
  /// Sizes that tests are quick with.
  llvm::StringRef small;
  /// The Keras configuration for these sizes.
  llvm::json::Value (*build)(llvm::ArrayRef<int64_t> sizes);
};
llvm::ArrayRef<BuiltIn> getBuiltIns();
/// The built-in that `text` names, before any colon; null if there is none.
const BuiltIn *lookupBuiltIn(llvm::StringRef text);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_DESCRIPTION_H
