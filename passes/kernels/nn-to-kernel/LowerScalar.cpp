//===- LowerScalar.cpp - scalars under construction -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerScalar.h"

using namespace mlir;
using namespace sinter;

Scalar sinter::constantScalar(OpBuilder &builder, Location loc, Type type, double value) {
  TypedAttr attribute;
  if (isa<FloatType>(type))
    attribute = builder.getFloatAttr(type, value);
  else if (isa<IndexType>(type))
    attribute = builder.getIndexAttr(static_cast<int64_t>(value));
  else
    attribute = IntegerAttr::get(type, APInt(type.getIntOrFloatBitWidth(),
                                             static_cast<uint64_t>(static_cast<int64_t>(value)),
                                             /*isSigned=*/true, /*implicitTrunc=*/true));
  return Scalar(builder, loc, arith::ConstantOp::create(builder, loc, attribute));
}

Scalar Scalar::like(double constant) const {
  return constantScalar(*builder, getLoc(), getType(), constant);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

template <typename FloatOp, typename IntOp>
static Scalar binary(Scalar lhs, Scalar rhs) {
  if (lhs.isFloat())
    return lhs.build<FloatOp>(lhs.get(), rhs.get());
  return lhs.build<IntOp>(lhs.get(), rhs.get());
}

static Scalar compare(Scalar lhs, Scalar rhs, arith::CmpFPredicate floats,
                      arith::CmpIPredicate integers) {
  if (lhs.isFloat())
    return lhs.build<arith::CmpFOp>(floats, lhs.get(), rhs.get());
  return lhs.build<arith::CmpIOp>(integers, lhs.get(), rhs.get());
}

Scalar sinter::operator+(Scalar lhs, Scalar rhs) {
  return binary<arith::AddFOp, arith::AddIOp>(lhs, rhs);
}
Scalar sinter::operator-(Scalar lhs, Scalar rhs) {
  return binary<arith::SubFOp, arith::SubIOp>(lhs, rhs);
}
Scalar sinter::operator*(Scalar lhs, Scalar rhs) {
  return binary<arith::MulFOp, arith::MulIOp>(lhs, rhs);
}
Scalar sinter::operator/(Scalar lhs, Scalar rhs) {
  return binary<arith::DivFOp, arith::DivUIOp>(lhs, rhs);
}
Scalar sinter::operator%(Scalar lhs, Scalar rhs) {
  return lhs.build<arith::RemUIOp>(lhs.get(), rhs.get());
}
Scalar sinter::operator<(Scalar lhs, Scalar rhs) {
  return compare(lhs, rhs, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt);
}
Scalar sinter::operator<=(Scalar lhs, Scalar rhs) {
  return compare(lhs, rhs, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle);
}
Scalar sinter::operator>(Scalar lhs, Scalar rhs) {
  return compare(lhs, rhs, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt);
}
Scalar sinter::operator>=(Scalar lhs, Scalar rhs) {
  return compare(lhs, rhs, arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge);
}
Scalar sinter::operator==(Scalar lhs, Scalar rhs) {
  return compare(lhs, rhs, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq);
}
Scalar sinter::operator!=(Scalar lhs, Scalar rhs) {
  return compare(lhs, rhs, arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne);
}
Scalar sinter::operator&(Scalar lhs, Scalar rhs) {
  return lhs.build<arith::AndIOp>(lhs.get(), rhs.get());
}
Scalar sinter::operator|(Scalar lhs, Scalar rhs) {
  return lhs.build<arith::OrIOp>(lhs.get(), rhs.get());
}

Scalar sinter::min(Scalar lhs, Scalar rhs) {
  return binary<arith::MinNumFOp, arith::MinSIOp>(lhs, rhs);
}
Scalar sinter::max(Scalar lhs, Scalar rhs) {
  return binary<arith::MaxNumFOp, arith::MaxSIOp>(lhs, rhs);
}
Scalar sinter::select(Scalar condition, Scalar yes, Scalar no) {
  return yes.build<arith::SelectOp>(condition.get(), yes.get(), no.get());
}
Scalar sinter::clamp(Scalar x, Scalar low, Scalar high) { return min(max(x, low), high); }
Scalar sinter::abs(Scalar x) {
  return x.isFloat() ? x.build<math::AbsFOp>(x.get()) : x.build<math::AbsIOp>(x.get());
}
Scalar sinter::floor(Scalar x) { return x.build<math::FloorOp>(x.get()); }
Scalar sinter::ceil(Scalar x) { return x.build<math::CeilOp>(x.get()); }
Scalar sinter::roundEven(Scalar x) { return x.build<math::RoundEvenOp>(x.get()); }
Scalar sinter::exp(Scalar x) { return x.build<math::ExpOp>(x.get()); }
Scalar sinter::log(Scalar x) { return x.build<math::LogOp>(x.get()); }
Scalar sinter::sqrt(Scalar x) { return x.build<math::SqrtOp>(x.get()); }
Scalar sinter::pow(Scalar x, Scalar y) { return x.build<math::PowFOp>(x.get(), y.get()); }
Scalar sinter::floorMod(Scalar x, Scalar n) {
  Scalar remainder = x.build<arith::RemSIOp>(x.get(), n.get());
  return select(remainder < 0, remainder + n, remainder);
}
Scalar sinter::ceilDivide(Scalar x, Scalar n) {
  // Shifting by a multiple of n keeps the division among non-negative numbers.
  Scalar positive = max(x, x.like(0)) + n - 1;
  Scalar up = positive / n;
  Scalar negative = max(x.like(0) - x, x.like(0)) / n;
  return select(x > 0, up, x.like(0) - negative);
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

bool sinter::isUnsigned(Type type) { return getElementTypeOrSelf(type).isUnsignedInteger(); }

Type sinter::getAccumulatorType(Type elementType) {
  if (isa<FloatType>(elementType) && elementType.getIntOrFloatBitWidth() < 32)
    return Float32Type::get(elementType.getContext());
  return elementType;
}

Scalar sinter::convert(Scalar x, Type to, bool fromUnsigned, bool toUnsigned) {
  Type from = x.getType();
  if (from == to)
    return x;
  Type i32 = IntegerType::get(from.getContext(), 32);
  if (isa<IndexType>(from)) {
    if (isa<IntegerType>(to))
      return x.build<arith::IndexCastOp>(to, x.get());
    return convert(convert(x, i32), to);
  }
  if (isa<IndexType>(to)) {
    if (isa<FloatType>(from))
      x = convert(x, i32);
    return fromUnsigned ? x.build<arith::IndexCastUIOp>(to, x.get())
                        : x.build<arith::IndexCastOp>(to, x.get());
  }
  if (isa<FloatType>(from) && isa<FloatType>(to)) {
    unsigned fromWidth = from.getIntOrFloatBitWidth();
    unsigned toWidth = to.getIntOrFloatBitWidth();
    if (fromWidth == toWidth) // f16 and bf16
      return convert(convert(x, Float32Type::get(from.getContext())), to);
    return fromWidth < toWidth ? x.build<arith::ExtFOp>(to, x.get())
                               : x.build<arith::TruncFOp>(to, x.get());
  }
  if (isa<FloatType>(to)) {
    bool asUnsigned = fromUnsigned || from.isInteger(1);
    return asUnsigned ? x.build<arith::UIToFPOp>(to, x.get())
                      : x.build<arith::SIToFPOp>(to, x.get());
  }
  if (isa<FloatType>(from))
    return toUnsigned ? x.build<arith::FPToUIOp>(to, x.get())
                      : x.build<arith::FPToSIOp>(to, x.get());
  unsigned fromWidth = from.getIntOrFloatBitWidth();
  unsigned toWidth = to.getIntOrFloatBitWidth();
  if (fromWidth > toWidth)
    return x.build<arith::TruncIOp>(to, x.get());
  return fromUnsigned || fromWidth == 1 ? x.build<arith::ExtUIOp>(to, x.get())
                                        : x.build<arith::ExtSIOp>(to, x.get());
}

Scalar sinter::maxElement(Scalar lhs, Scalar rhs, bool isUnsigned) {
  if (lhs.getType().isInteger(1))
    return lhs | rhs;
  if (isUnsigned)
    return lhs.build<arith::MaxUIOp>(lhs.get(), rhs.get());
  return binary<arith::MaximumFOp, arith::MaxSIOp>(lhs, rhs);
}

Scalar sinter::minElement(Scalar lhs, Scalar rhs, bool isUnsigned) {
  if (lhs.getType().isInteger(1))
    return lhs & rhs;
  if (isUnsigned)
    return lhs.build<arith::MinUIOp>(lhs.get(), rhs.get());
  return binary<arith::MinimumFOp, arith::MinSIOp>(lhs, rhs);
}

Scalar sinter::greater(Scalar lhs, Scalar rhs, bool isUnsigned) {
  return compare(lhs, rhs, arith::CmpFPredicate::OGT,
                 isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt);
}

TypedAttr sinter::getLowest(Type type, bool isUnsigned) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(type, APFloat::getInf(floatType.getFloatSemantics(),
                                                /*Negative=*/true));
  unsigned width = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type, isUnsigned || width == 1 ? APInt::getZero(width)
                                                         : APInt::getSignedMinValue(width));
}

TypedAttr sinter::getHighest(Type type, bool isUnsigned) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(type, APFloat::getInf(floatType.getFloatSemantics()));
  unsigned width = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type, isUnsigned || width == 1 ? APInt::getAllOnes(width)
                                                         : APInt::getSignedMaxValue(width));
}
