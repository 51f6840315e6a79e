//===- ScalarBuilder.h - arith and math on scalars -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the `buildScalar` functions are written with. Storage types are
// signless; signedness comes from the nn op's element types. Floats narrower
// than f32 are computed in f32: `load` widens, `store` narrows.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_SCALARBUILDER_H
#define SINTER_DIALECTS_NN_SCALARBUILDER_H

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace sinter::nn {

class ScalarBuilder {
public:
  ScalarBuilder(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  template <typename OpTy, typename... Args>
  mlir::Value make(Args &&...args) {
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }

  /// A constant of a float or signless integer type.
  mlir::Value constant(mlir::Type type, double value) {
    mlir::TypedAttr attribute;
    if (llvm::isa<mlir::FloatType>(type))
      attribute = builder.getFloatAttr(type, value);
    else
      attribute = builder.getIntegerAttr(
          type, llvm::APInt(type.getIntOrFloatBitWidth(),
                            static_cast<uint64_t>(static_cast<int64_t>(value)),
                            /*isSigned=*/true, /*implicitTrunc=*/true));
    return make<mlir::arith::ConstantOp>(attribute);
  }
  /// A constant of the type of `like`.
  mlir::Value constant(mlir::Value like, double value) { return constant(like.getType(), value); }
  mlir::Value bits(mlir::Type type, uint64_t value) {
    return make<mlir::arith::ConstantOp>(
        builder.getIntegerAttr(type, llvm::APInt(type.getIntOrFloatBitWidth(), value,
                                                 /*isSigned=*/false, /*implicitTrunc=*/true)));
  }

  /// Widens f16 and bf16 to f32; leaves the rest.
  mlir::Value load(mlir::Value value) {
    if (isNarrowFloat(value.getType()))
      return make<mlir::arith::ExtFOp>(builder.getF32Type(), value);
    return value;
  }
  /// The reverse, toward the signless storage type of `elementType`.
  mlir::Value store(mlir::Value value, mlir::Type elementType) {
    if (isNarrowFloat(elementType) && value.getType() != elementType)
      return make<mlir::arith::TruncFOp>(elementType, value);
    return value;
  }

  mlir::Value add(mlir::Value x, mlir::Value y) {
    return isFloat(x) ? make<mlir::arith::AddFOp>(x, y) : make<mlir::arith::AddIOp>(x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return isFloat(x) ? make<mlir::arith::SubFOp>(x, y) : make<mlir::arith::SubIOp>(x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return isFloat(x) ? make<mlir::arith::MulFOp>(x, y) : make<mlir::arith::MulIOp>(x, y);
  }
  mlir::Value divf(mlir::Value x, mlir::Value y) { return make<mlir::arith::DivFOp>(x, y); }
  mlir::Value negf(mlir::Value x) { return make<mlir::arith::NegFOp>(x); }
  mlir::Value max(mlir::Value x, mlir::Value y, bool isUnsigned) {
    if (isFloat(x))
      return make<mlir::arith::MaximumFOp>(x, y);
    return isUnsigned ? make<mlir::arith::MaxUIOp>(x, y) : make<mlir::arith::MaxSIOp>(x, y);
  }
  mlir::Value min(mlir::Value x, mlir::Value y, bool isUnsigned) {
    if (isFloat(x))
      return make<mlir::arith::MinimumFOp>(x, y);
    return isUnsigned ? make<mlir::arith::MinUIOp>(x, y) : make<mlir::arith::MinSIOp>(x, y);
  }
  /// Ordered comparison, but `ne` holds for NaN.
  mlir::Value compare(ComparePredicate predicate, mlir::Value x, mlir::Value y, bool isUnsigned);
  mlir::Value less(mlir::Value x, mlir::Value y, bool isUnsigned = false) {
    return compare(ComparePredicate::lt, x, y, isUnsigned);
  }
  mlir::Value equal(mlir::Value x, mlir::Value y) {
    return compare(ComparePredicate::eq, x, y, /*isUnsigned=*/false);
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return make<mlir::arith::SelectOp>(condition, x, y);
  }
  /// Converts between storage types by the nn element types `from` and `to`.
  mlir::Value cast(mlir::Value value, mlir::Type from, mlir::Type to);

  static bool isFloat(mlir::Value value) { return llvm::isa<mlir::FloatType>(value.getType()); }
  static bool isNarrowFloat(mlir::Type type) {
    return llvm::isa<mlir::FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  }

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// uiN and i1 count from zero up.
inline bool isUnsignedElement(mlir::Type elementType) {
  return elementType.isUnsignedInteger() || elementType.isInteger(1);
}

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_SCALARBUILDER_H
