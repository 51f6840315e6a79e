//===- HostTensor.h - a tensor in the compiler's own memory ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_HOSTTENSOR_H
#define SINTER_DIALECTS_NN_HOSTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>

namespace sinter::nn {

/// A dense row-major tensor. Copies share the memory; `mutableBytes` is for
/// whoever has just allocated it. bool is one byte (0 or 1) an element.
class HostTensor {
public:
  HostTensor() = default;
  /// Not allocated yet.
  explicit HostTensor(mlir::Type elementType) : elementType(elementType) {}
  /// Allocates zeros.
  HostTensor(mlir::Type elementType, llvm::ArrayRef<int64_t> shape);

  /// The value of a dense or resource attribute; shares a resource's memory
  /// and a non-splat dense attribute's (except i1), else makes a copy.
  static HostTensor fromAttribute(mlir::ElementsAttr attribute);
  /// A dense attribute if small, else a resource named after `name`.
  mlir::ElementsAttr toAttribute(llvm::StringRef name) const;

  void allocate(llvm::ArrayRef<int64_t> shape);
  bool isAllocated() const { return data != nullptr; }

  mlir::Type getElementType() const { return elementType; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return shape.size(); }
  int64_t getNumElements() const;
  int64_t getElementBytes() const;
  const char *bytes() const { return data.get(); }
  char *mutableBytes() { return data.get(); }
  /// The same memory under another shape of as many elements.
  HostTensor reshaped(llvm::ArrayRef<int64_t> newShape) const;

  template <typename T>
  const T *as() const {
    return reinterpret_cast<const T *>(data.get());
  }
  template <typename T>
  T *as() {
    return reinterpret_cast<T *>(data.get());
  }

  /// Element access through conversion, for code that isn't worth a template.
  double getDouble(int64_t index) const;
  int64_t getInt(int64_t index) const;
  void setDouble(int64_t index, double value);
  void setInt(int64_t index, int64_t value);

private:
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  std::shared_ptr<char> data;
};

/// Bytes of one element in memory: bool is one.
int64_t getElementBytes(mlir::Type elementType);

/// Calls EvaluableOpInterface::evaluate with results allocated where their
/// shapes are known. Fails quietly on what can't be evaluated.
mlir::LogicalResult evaluateOp(mlir::Operation *op, llvm::ArrayRef<HostTensor> operands,
                               llvm::SmallVectorImpl<HostTensor> &results);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_HOSTTENSOR_H
