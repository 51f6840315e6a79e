//===- ShapeHelpers.h - what the shape functions share ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to the Shape*.cpp files.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_SHAPEHELPERS_H
#define SINTER_DIALECTS_NN_SHAPEHELPERS_H

#include "dialects/nn/NN.h"

namespace sinter::nn {

/// A dim as messages show it: a number or `?`.
inline std::string printDim(mlir::AffineExpr dim) {
  auto value = asConstant(dim);
  return value ? std::to_string(*value) : "?";
}

/// "2x?x3".
inline std::string printShape(llvm::ArrayRef<mlir::AffineExpr> shape) {
  std::string text;
  for (auto [index, dim] : llvm::enumerate(shape))
    text += (index ? "x" : "") + printDim(dim);
  return shape.empty() ? "scalar" : text;
}

/// True if both are constants that differ.
inline bool differ(mlir::AffineExpr lhs, mlir::AffineExpr rhs) {
  auto a = asConstant(lhs), b = asConstant(rhs);
  return a && b && *a != *b;
}
inline bool differ(mlir::AffineExpr lhs, int64_t rhs) {
  auto a = asConstant(lhs);
  return a && *a != rhs;
}

/// Turns a negative axis into a position; reports what is out of range.
inline mlir::LogicalResult normalizeAxis(ShapeContext &context, llvm::StringRef op, int64_t &axis,
                                         int64_t rank) {
  int64_t given = axis;
  if (axis < 0)
    axis += rank;
  if (axis >= 0 && axis < rank)
    return mlir::success();
  return context.emitError(op + ": axis " + llvm::Twine(given) + " is out of range for rank " +
                           llvm::Twine(rank));
}

/// Reports factors of a product whose element types don't go together: they are one type, or each
/// some 8-bit integer.
inline mlir::LogicalResult expectFactors(ShapeContext &context, llvm::StringRef op, mlir::Value lhs,
                                         mlir::Value rhs) {
  mlir::Type left = mlir::getElementTypeOrSelf(lhs), right = mlir::getElementTypeOrSelf(rhs);
  if (left == right || (left.isInteger(8) && right.isInteger(8)))
    return mlir::success();
  return context.emitError(op + ": factors of two element types that are not both of 8 bits");
}

/// Reports an operand of the wrong rank.
inline mlir::LogicalResult expectRank(ShapeContext &context, llvm::StringRef op,
                                      llvm::StringRef operand, const SymbolicShape &shape,
                                      int64_t rank) {
  if (static_cast<int64_t>(shape.size()) == rank)
    return mlir::success();
  return context.emitError(op + ": operand '" + operand + "' (" + printShape(shape) +
                           ") should have rank " + llvm::Twine(rank));
}

/// ⌈lhs / rhs⌉ by floorDiv, which simplifies better than ceilDiv.
inline mlir::AffineExpr ceilDiv(mlir::AffineExpr lhs, int64_t rhs) {
  return rhs == 1 ? lhs : (lhs + (rhs - 1)).floorDiv(rhs);
}

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_SHAPEHELPERS_H
