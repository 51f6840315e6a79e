//===- Exporter.h - models as ONNX files ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_EXPORT_ONNX_EXPORTER_H
#define SINTER_COMPILER_EXPORT_ONNX_EXPORTER_H

#include "dialects/nn/HostTensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/LogicalResult.h"

namespace sinter::onnx_export {

/// Writes `@main` of a module at stage nn as an ONNX model of opset 17 (IR version 8),
/// which any runtime since 2022 reads. Constants are initializers by the names of their
/// places, results have the names of the model's layers. Every op that ONNX has no
/// counterpart for is reported at its place, all of them in one run; then, and when the
/// file can't be written, nothing is.
llvm::LogicalResult exportOnnx(mlir::ModuleOp module, llvm::StringRef path);

/// A tensor of an ONNX file that is to be another.
struct Replacement {
  std::string name; ///< the initializer's, or the Constant node's
  nn::HostTensor value;
};
/// Copies the ONNX model `source` to `path` with other values in its initializers, and
/// nothing else changed. Problems are reported at `loc`.
llvm::LogicalResult replaceInitializers(llvm::StringRef source, llvm::StringRef path,
                                        llvm::ArrayRef<Replacement> replacements,
                                        mlir::Location loc);

} // namespace sinter::onnx_export

#endif // SINTER_COMPILER_EXPORT_ONNX_EXPORTER_H
