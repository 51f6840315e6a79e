//===- ScalarCast.cpp - comparison and conversion of scalars --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ScalarBuilder.h"

using namespace mlir;
using namespace sinter::nn;

Value ScalarBuilder::compare(ComparePredicate predicate, Value x, Value y, bool isUnsigned) {
  if (isFloat(x)) {
    static constexpr arith::CmpFPredicate predicates[] = {
        arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE, arith::CmpFPredicate::OLT,
        arith::CmpFPredicate::OLE, arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE};
    return make<arith::CmpFOp>(predicates[static_cast<int>(predicate)], x, y);
  }
  static constexpr arith::CmpIPredicate signedPredicates[] = {
      arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne,  arith::CmpIPredicate::slt,
      arith::CmpIPredicate::sle, arith::CmpIPredicate::sgt, arith::CmpIPredicate::sge};
  static constexpr arith::CmpIPredicate unsignedPredicates[] = {
      arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne,  arith::CmpIPredicate::ult,
      arith::CmpIPredicate::ule, arith::CmpIPredicate::ugt, arith::CmpIPredicate::uge};
  return make<arith::CmpIOp>(
      (isUnsigned ? unsignedPredicates : signedPredicates)[static_cast<int>(predicate)], x, y);
}

// Out-of-range values wrap as numpy's do on x86 rather than being poison:
// narrow integers go through i32, ui32 through i64.
static Value floatToInteger(ScalarBuilder &b, Value value, Type to) {
  unsigned width = to.getIntOrFloatBitWidth();
  Type signless = getSignlessType(to);
  value = b.load(value);
  if (to.isUnsignedInteger(64)) {
    Value negative = b.less(value, b.constant(value, 0));
    return b.select(negative, b.make<arith::FPToSIOp>(signless, value),
                    b.make<arith::FPToUIOp>(signless, value));
  }
  unsigned through = width < 32 ? 32 : to.isUnsignedInteger() ? 64 : width;
  Type wide = IntegerType::get(to.getContext(), through);
  Value integer = b.make<arith::FPToSIOp>(wide, value);
  return through == width ? integer : b.make<arith::TruncIOp>(signless, integer);
}

Value ScalarBuilder::cast(Value value, Type from, Type to) {
  if (from == to)
    return value;
  Type signless = getSignlessType(to);
  unsigned fromWidth = from.getIntOrFloatBitWidth();
  unsigned toWidth = to.getIntOrFloatBitWidth();
  if (to.isInteger(1)) {
    value = load(value);
    return compare(ComparePredicate::ne, value, constant(value, 0), true);
  }
  if (isa<FloatType>(from)) {
    if (!isa<FloatType>(to))
      return floatToInteger(*this, value, to);
    if (fromWidth < toWidth)
      return make<arith::ExtFOp>(to, value);
    if (fromWidth > toWidth)
      return make<arith::TruncFOp>(to, value);
    return store(load(value), to); // f16 and bf16
  }
  bool isUnsigned = isUnsignedElement(from);
  if (isa<FloatType>(to)) {
    Type wide = isNarrowFloat(to) ? builder.getF32Type() : to;
    Value result =
        isUnsigned ? make<arith::UIToFPOp>(wide, value) : make<arith::SIToFPOp>(wide, value);
    return store(result, to);
  }
  if (fromWidth > toWidth)
    return make<arith::TruncIOp>(signless, value);
  if (fromWidth < toWidth)
    return isUnsigned ? make<arith::ExtUIOp>(signless, value)
                      : make<arith::ExtSIOp>(signless, value);
  return value;
}

Value CastOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  return ScalarBuilder(builder, loc)
      .cast(arguments[0], getInput().getType().getElementType(), getTo());
}

Value CompareOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  ScalarBuilder b(builder, loc);
  return b.compare(getPredicate(), b.load(arguments[0]), b.load(arguments[1]),
                   isUnsignedElement(getLhs().getType().getElementType()));
}

Value WhereOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  return arith::SelectOp::create(builder, loc, arguments[0], arguments[1], arguments[2]);
}
