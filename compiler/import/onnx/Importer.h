//===- Importer.h - an ONNX file as a module of nn ops ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_ONNX_IMPORTER_H
#define SINTER_COMPILER_IMPORT_ONNX_IMPORTER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace sinter::onnx_import {

struct ImportOptions {
  /// Sizes for dims: by symbolic name (`batch`), or by input and position
  /// (`x:0`) for dims that the model gives no name.
  llvm::StringMap<int64_t> dims;
};

/// Reads an ONNX model (opset 1 to 28) into a module with
/// `sinter.stage = "nn"` and one function `@main`. Weights stay where they are:
/// in the parsed message or in the mapped file of external data, referenced by
/// resource attributes.
///
/// Every problem of the model is reported as a diagnostic of `context`, all of
/// them in one run; then the result is null.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path, mlir::MLIRContext &context,
                                             const ImportOptions &options = {});

/// One operator that the importer knows.
struct SupportedOperator {
  std::string domain; ///< "" is ai.onnx
  std::string name;
  int64_t since; ///< first opset version
};
/// All of them, sorted, for `sinter models --operators` and the documentation.
std::vector<SupportedOperator> getSupportedOperators();

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_IMPORTER_H
