//===- Tensor.h - ONNX tensors as attributes -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_ONNX_TENSOR_H
#define SINTER_COMPILER_IMPORT_ONNX_TENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace onnx {
class TensorProto;
}

namespace sinter::onnx_import {

/// A tensor with more elements than this is an absurd one, from a damaged or
/// hostile file: refused before anything multiplies its dims.
constexpr int64_t maxTensorElements = int64_t(1) << 36;
/// Null if there are more than maxTensorElements, else their number. Dynamic
/// dims count as 1.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// The nn element type of a TensorProto.DataType, or null.
mlir::Type getElementType(mlir::MLIRContext *context, int64_t dataType);
/// The name of a TensorProto.DataType as in ONNX's text form ("float8e5m2").
std::string getDataTypeName(int64_t dataType);
/// ONNX's name of an nn element type ("uint8").
std::string getElementTypeName(mlir::Type elementType);

/// Turns TensorProtos into attributes: small ones dense, large ones resources
/// whose blob is the message's own string, or the mapped external file.
class TensorReader {
public:
  /// `modelPath`: external data is looked for in that file's folder, and
  /// nowhere else.
  TensorReader(mlir::MLIRContext *context, llvm::StringRef modelPath)
      : context(context), modelPath(modelPath) {}

  /// Takes the bytes out of `tensor`, which must stay alive: a second call for
  /// the same tensor gives the same attribute. On an error, null and `error`.
  mlir::ElementsAttr read(::onnx::TensorProto &tensor, llvm::StringRef name, std::string &error);

  static constexpr int64_t maxInlineBytes = 1024;

private:
  struct Bytes; // contiguous elements and who owns them
  bool readTyped(const ::onnx::TensorProto &tensor, int64_t count, mlir::Type elementType,
                 Bytes &bytes, std::string &error);
  bool readExternal(const ::onnx::TensorProto &tensor, int64_t size, int64_t alignment,
                    Bytes &bytes, std::string &error);
  mlir::ElementsAttr makeAttribute(mlir::RankedTensorType type, Bytes bytes, llvm::StringRef name);

  mlir::MLIRContext *context;
  std::string modelPath;
  llvm::DenseMap<const ::onnx::TensorProto *, mlir::ElementsAttr> known;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
};

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_TENSOR_H
