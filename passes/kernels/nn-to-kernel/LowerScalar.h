//===- LowerScalar.h - scalars under construction --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index formulas (resize, pads, windows …) are written with the operators of
// C++; each builds the arith op of its operands' type, folding constants.
// Integers are signed; unsigned element types are told explicitly.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERSCALAR_H
#define SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERSCALAR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include <type_traits>

namespace sinter {

/// An index, integer or float value and the place where more is built from it.
class Scalar {
public:
  Scalar() = default;
  Scalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value)
      : builder(&builder), loc(loc), value(value) {}

  mlir::Value get() const { return value; }
  mlir::Type getType() const { return value.getType(); }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(getType()); }
  explicit operator bool() const { return static_cast<bool>(value); }

  /// A constant of this scalar's type.
  Scalar like(double constant) const;
  Scalar with(mlir::Value other) const { return {*builder, loc, other}; }
  template <typename OpTy, typename... Args>
  Scalar build(Args &&...args) const {
    return with(builder->createOrFold<OpTy>(mlir::Location(loc), std::forward<Args>(args)...));
  }
  mlir::OpBuilder &getBuilder() const { return *builder; }
  mlir::Location getLoc() const { return mlir::Location(loc); }

private:
  mlir::OpBuilder *builder = nullptr;
  mlir::LocationAttr loc;
  mlir::Value value;
};

/// A constant of an index, integer or float type.
Scalar constantScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);

Scalar operator+(Scalar lhs, Scalar rhs);
Scalar operator-(Scalar lhs, Scalar rhs);
Scalar operator*(Scalar lhs, Scalar rhs);
/// Floats divide; integers divide as non-negative numbers.
Scalar operator/(Scalar lhs, Scalar rhs);
/// Remainder of non-negative integers.
Scalar operator%(Scalar lhs, Scalar rhs);
Scalar operator<(Scalar lhs, Scalar rhs);
Scalar operator<=(Scalar lhs, Scalar rhs);
Scalar operator>(Scalar lhs, Scalar rhs);
Scalar operator>=(Scalar lhs, Scalar rhs);
Scalar operator==(Scalar lhs, Scalar rhs);
Scalar operator!=(Scalar lhs, Scalar rhs);
Scalar operator&(Scalar lhs, Scalar rhs);
Scalar operator|(Scalar lhs, Scalar rhs);

/// The other operand where one is NaN.
Scalar min(Scalar lhs, Scalar rhs);
Scalar max(Scalar lhs, Scalar rhs);
Scalar select(Scalar condition, Scalar yes, Scalar no);
Scalar clamp(Scalar x, Scalar low, Scalar high);
Scalar abs(Scalar x);
Scalar floor(Scalar x);
Scalar ceil(Scalar x);
/// Nearest integer, ties to even.
Scalar roundEven(Scalar x);
Scalar exp(Scalar x);
Scalar log(Scalar x);
Scalar sqrt(Scalar x);
Scalar pow(Scalar x, Scalar y);
/// x mod n in [0, n) for any sign of x.
Scalar floorMod(Scalar x, Scalar n);
/// ⌈x / n⌉ for any sign of x, n > 0.
Scalar ceilDivide(Scalar x, Scalar n);

#define SINTER_MIXED_OPERATOR(OP)                                                                  \
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>                      \
  Scalar operator OP(Scalar lhs, T rhs) {                                                          \
    return lhs OP lhs.like(static_cast<double>(rhs));                                              \
  }                                                                                                \
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>                      \
  Scalar operator OP(T lhs, Scalar rhs) {                                                          \
    return rhs.like(static_cast<double>(lhs)) OP rhs;                                              \
  }
SINTER_MIXED_OPERATOR(+)
SINTER_MIXED_OPERATOR(-)
SINTER_MIXED_OPERATOR(*)
SINTER_MIXED_OPERATOR(/)
SINTER_MIXED_OPERATOR(%)
SINTER_MIXED_OPERATOR(<)
SINTER_MIXED_OPERATOR(<=)
SINTER_MIXED_OPERATOR(>)
SINTER_MIXED_OPERATOR(>=)
SINTER_MIXED_OPERATOR(==)
SINTER_MIXED_OPERATOR(!=)
#undef SINTER_MIXED_OPERATOR

//===-- Element types ------------------------------------------------------===//

/// True for uiN, the nn element types that kernels see as iN.
bool isUnsigned(mlir::Type type);
/// What sums of `elementType` are kept in: f32 for f16 and bf16, else itself.
mlir::Type getAccumulatorType(mlir::Type elementType);
/// Converts between index, integer and float types. Float to integer
/// truncates; `fromUnsigned` says how a source integer is read,
/// `toUnsigned` how a target integer is.
Scalar convert(Scalar x, mlir::Type to, bool fromUnsigned = false, bool toUnsigned = false);
/// Element values with the sign and NaN rules of the nn ops.
Scalar maxElement(Scalar lhs, Scalar rhs, bool isUnsigned);
Scalar minElement(Scalar lhs, Scalar rhs, bool isUnsigned);
Scalar greater(Scalar lhs, Scalar rhs, bool isUnsigned);
/// −∞ or the least integer; +∞ or the greatest integer.
mlir::TypedAttr getLowest(mlir::Type signlessType, bool isUnsigned);
mlir::TypedAttr getHighest(mlir::Type signlessType, bool isUnsigned);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NN_TO_KERNEL_LOWERSCALAR_H
