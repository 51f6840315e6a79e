//===- ScalarUnary.cpp - scalar functions of the unary ops ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ScalarBuilder.h"
#include <cmath>

using namespace mlir;
using namespace sinter::nn;

// Defines OpTy::buildScalar by an expression over `b` and `x` (widened) and
// `isUnsigned`.
#define SINTER_UNARY(OpTy, EXPRESSION)                                                             \
  Value OpTy::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {                \
    ScalarBuilder b(builder, loc);                                                                 \
    Type type = getInput().getType().getElementType();                                             \
    [[maybe_unused]] bool isUnsigned = isUnsignedElement(type);                                    \
    Value x = b.load(arguments[0]);                                                                \
    return b.store(EXPRESSION, type);                                                              \
  }

static Value isNotNegative(ScalarBuilder &b, Value x) {
  return b.compare(ComparePredicate::ge, x, b.constant(x, 0), false);
}

static Value absolute(ScalarBuilder &b, Value x, bool isUnsigned) {
  if (isUnsigned)
    return x;
  return ScalarBuilder::isFloat(x) ? b.make<math::AbsFOp>(x) : b.make<math::AbsIOp>(x);
}

static Value negate(ScalarBuilder &b, Value x) {
  return ScalarBuilder::isFloat(x) ? b.negf(x) : b.sub(b.constant(x, 0), x);
}

// NaN and zero are their own signs.
static Value sign(ScalarBuilder &b, Value x, bool isUnsigned) {
  Value zero = b.constant(x, 0), one = b.constant(x, 1);
  Value positive = b.select(b.less(zero, x, isUnsigned), one, x);
  if (isUnsigned)
    return positive;
  return b.select(b.less(x, zero), b.constant(x, -1), positive);
}

// e^−|x| never overflows: 1/(1+t) for x ≥ 0, t/(1+t) below.
static Value sigmoid(ScalarBuilder &b, Value x) {
  Value one = b.constant(x, 1);
  Value t = b.make<math::ExpOp>(b.negf(b.make<math::AbsFOp>(x)));
  return b.divf(b.select(isNotNegative(b, x), one, t), b.add(one, t));
}

// max(x, 0) + ln(1 + e^−|x|)
static Value softplus(ScalarBuilder &b, Value x) {
  Value t = b.make<math::ExpOp>(b.negf(b.make<math::AbsFOp>(x)));
  return b.add(b.max(x, b.constant(x, 0), false), b.make<math::Log1pOp>(t));
}

static Value gelu(ScalarBuilder &b, Value x, bool tanhApproximation) {
  Value inner;
  if (tanhApproximation) {
    // tanh(√(2/π) (x + 0.044715 x³)) = tanh(√(2/π) x (1 + 0.044715 x²))
    Value square = b.mul(x, x);
    Value factor = b.add(b.constant(x, 1), b.mul(b.constant(x, 0.044715), square));
    Value scaled = b.mul(b.constant(x, std::sqrt(2.0 / M_PI)), x);
    inner = b.make<math::TanhOp>(b.mul(scaled, factor));
  } else {
    inner = b.make<math::ErfOp>(b.mul(x, b.constant(x, M_SQRT1_2)));
  }
  return b.mul(b.mul(b.constant(x, 0.5), x), b.add(b.constant(x, 1), inner));
}

SINTER_UNARY(AbsOp, absolute(b, x, isUnsigned))
SINTER_UNARY(NegOp, negate(b, x))
SINTER_UNARY(SignOp, sign(b, x, isUnsigned))
SINTER_UNARY(NotOp, b.make<arith::XOrIOp>(x, b.constant(x, -1)))
SINTER_UNARY(CeilOp, b.make<math::CeilOp>(x))
SINTER_UNARY(FloorOp, b.make<math::FloorOp>(x))
SINTER_UNARY(RoundOp, b.make<math::RoundEvenOp>(x))
SINTER_UNARY(SqrtOp, b.make<math::SqrtOp>(x))
SINTER_UNARY(RsqrtOp, b.make<math::RsqrtOp>(x))
SINTER_UNARY(ReciprocalOp, b.divf(b.constant(x, 1), x))
SINTER_UNARY(ExpOp, b.make<math::ExpOp>(x))
SINTER_UNARY(LogOp, b.make<math::LogOp>(x))
SINTER_UNARY(SinOp, b.make<math::SinOp>(x))
SINTER_UNARY(CosOp, b.make<math::CosOp>(x))
SINTER_UNARY(TanOp, b.make<math::TanOp>(x))
SINTER_UNARY(AsinOp, b.make<math::AsinOp>(x))
SINTER_UNARY(AcosOp, b.make<math::AcosOp>(x))
SINTER_UNARY(AtanOp, b.make<math::AtanOp>(x))
SINTER_UNARY(SinhOp, b.make<math::SinhOp>(x))
SINTER_UNARY(CoshOp, b.make<math::CoshOp>(x))
SINTER_UNARY(TanhOp, b.make<math::TanhOp>(x))
SINTER_UNARY(AsinhOp, b.make<math::AsinhOp>(x))
SINTER_UNARY(AcoshOp, b.make<math::AcoshOp>(x))
SINTER_UNARY(AtanhOp, b.make<math::AtanhOp>(x))
SINTER_UNARY(ErfOp, b.make<math::ErfOp>(x))
SINTER_UNARY(SigmoidOp, sigmoid(b, x))
SINTER_UNARY(ReluOp, isUnsigned ? x : b.max(x, b.constant(x, 0), false))
SINTER_UNARY(SoftplusOp, softplus(b, x))
SINTER_UNARY(SoftsignOp, b.divf(x, b.add(b.constant(x, 1), b.make<math::AbsFOp>(x))))
SINTER_UNARY(LeakyReluOp, b.select(isNotNegative(b, x), x,
                                   b.mul(b.constant(x, getAlpha().convertToDouble()), x)))
SINTER_UNARY(EluOp, b.select(isNotNegative(b, x), x,
                             b.mul(b.constant(x, getAlpha().convertToDouble()),
                                   b.sub(b.make<math::ExpOp>(x), b.constant(x, 1)))))
SINTER_UNARY(HardSigmoidOp, b.max(b.constant(x, 0),
                                  b.min(b.constant(x, 1),
                                        b.add(b.mul(b.constant(x, getAlpha().convertToDouble()), x),
                                              b.constant(x, getBeta().convertToDouble())),
                                        false),
                                  false))
SINTER_UNARY(GeluOp, gelu(b, x, getTanhApproximation()))

//===----------------------------------------------------------------------===//
// NaN and infinity: compared as bits, which no float flag can break
//===----------------------------------------------------------------------===//

// The bits of +∞ in a float type: all ones in the exponent.
static uint64_t getInfinityBits(Type type) {
  return APFloat::getInf(cast<FloatType>(type).getFloatSemantics()).bitcastToAPInt().getZExtValue();
}

static Value asBits(ScalarBuilder &b, Value x) {
  return b.make<arith::BitcastOp>(b.builder.getIntegerType(x.getType().getIntOrFloatBitWidth()), x);
}

Value IsNanOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  ScalarBuilder b(builder, loc);
  Value bits = asBits(b, arguments[0]);
  Type type = bits.getType();
  uint64_t signBit = uint64_t(1) << (type.getIntOrFloatBitWidth() - 1);
  Value magnitude = b.make<arith::AndIOp>(bits, b.bits(type, signBit - 1));
  return b.compare(ComparePredicate::gt, magnitude,
                   b.bits(type, getInfinityBits(arguments[0].getType())),
                   /*isUnsigned=*/false);
}

Value IsInfOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  ScalarBuilder b(builder, loc);
  Value bits = asBits(b, arguments[0]);
  Type type = bits.getType();
  uint64_t signBit = uint64_t(1) << (type.getIntOrFloatBitWidth() - 1);
  uint64_t infinity = getInfinityBits(arguments[0].getType());
  if (getPositive() && getNegative()) {
    Value magnitude = b.make<arith::AndIOp>(bits, b.bits(type, signBit - 1));
    return b.equal(magnitude, b.bits(type, infinity));
  }
  if (getPositive())
    return b.equal(bits, b.bits(type, infinity));
  if (getNegative())
    return b.equal(bits, b.bits(type, infinity | signBit));
  return b.constant(builder.getI1Type(), 0);
}
