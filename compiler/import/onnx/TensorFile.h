//===- TensorFile.h - a TensorProto in a file of its own --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_ONNX_TENSORFILE_H
#define SINTER_COMPILER_IMPORT_ONNX_TENSORFILE_H

#include "mlir/IR/BuiltinAttributes.h"
#include <string>

namespace sinter::onnx_import {

/// Reads a serialized TensorProto, as test cases hold them. On failure null,
/// and `error` says why (not a tensor, a type that isn't supported).
mlir::ElementsAttr readTensorFile(llvm::StringRef path, mlir::MLIRContext &context,
                                  std::string &name, std::string &error);

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_TENSORFILE_H
