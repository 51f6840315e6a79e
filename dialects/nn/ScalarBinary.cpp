//===- ScalarBinary.cpp - scalar functions of the binary ops --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ScalarBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sinter::nn;

// Defines OpTy::buildScalar by an expression over `b`, `x`, `y` (widened) and
// `isUnsigned`.
#define SINTER_BINARY(OpTy, EXPRESSION)                                                            \
  Value OpTy::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {                \
    ScalarBuilder b(builder, loc);                                                                 \
    Type type = getLhs().getType().getElementType();                                               \
    [[maybe_unused]] bool isUnsigned = isUnsignedElement(type);                                    \
    Value x = b.load(arguments[0]), y = b.load(arguments[1]);                                      \
    return b.store(EXPRESSION, type);                                                              \
  }

// x / y or x rem y. A machine division traps on y = 0 and on MIN / −1; ONNX
// leaves the first open and the second wraps.
static Value divide(ScalarBuilder &b, Value x, Value y, bool isUnsigned, bool remainder) {
  APInt known;
  bool isKnown = matchPattern(y, m_ConstantInt(&known));
  Value divisor = y, isMinusOne;
  if (!isKnown || known.isZero())
    divisor = b.select(b.equal(y, b.constant(y, 0)), b.constant(y, 1), y);
  if (isUnsigned)
    return remainder ? b.make<arith::RemUIOp>(x, divisor) : b.make<arith::DivUIOp>(x, divisor);
  if (!isKnown || known.isAllOnes()) {
    isMinusOne = b.equal(y, b.constant(y, -1));
    divisor = b.select(isMinusOne, b.constant(y, 1), divisor);
  }
  if (remainder)
    return b.make<arith::RemSIOp>(x, divisor);
  Value quotient = b.make<arith::DivSIOp>(x, divisor);
  if (!isMinusOne)
    return quotient;
  return b.select(isMinusOne, b.sub(b.constant(x, 0), quotient), quotient);
}

// numpy.mod's result has the sign of y, C's remainder that of x.
static Value modulus(ScalarBuilder &b, Value x, Value y, bool isUnsigned, bool fmod) {
  bool isFloat = ScalarBuilder::isFloat(x);
  Value remainder =
      isFloat ? b.make<arith::RemFOp>(x, y) : divide(b, x, y, isUnsigned, /*remainder=*/true);
  if (fmod || isUnsigned)
    return remainder;
  Value zero = b.constant(x, 0);
  Value nonZero = b.compare(ComparePredicate::ne, remainder, zero, false);
  Value signsDiffer = b.make<arith::XOrIOp>(b.less(remainder, zero), b.less(y, zero));
  return b.select(b.make<arith::AndIOp>(nonZero, signsDiffer), b.add(remainder, y), remainder);
}

static Value shift(ScalarBuilder &b, Value x, Value y, bool left, bool isUnsigned) {
  double width = x.getType().getIntOrFloatBitWidth();
  // A negative amount counts as a great one.
  Value last = b.constant(y, width - 1);
  Value amount = b.make<arith::MinUIOp>(y, last);
  if (!left && !isUnsigned)
    return b.make<arith::ShRSIOp>(x, amount);
  Value shifted = left ? b.make<arith::ShLIOp>(x, amount) : b.make<arith::ShRUIOp>(x, amount);
  Value inRange = b.compare(ComparePredicate::le, y, last, /*isUnsigned=*/true);
  return b.select(inRange, shifted, b.constant(x, 0));
}

SINTER_BINARY(AddOp, b.add(x, y))
SINTER_BINARY(SubOp, b.sub(x, y))
SINTER_BINARY(MulOp, b.mul(x, y))
SINTER_BINARY(DivOp, ScalarBuilder::isFloat(x) ? b.divf(x, y)
                                               : divide(b, x, y, isUnsigned, /*remainder=*/false))
SINTER_BINARY(ModOp, modulus(b, x, y, isUnsigned, getFmod()))
SINTER_BINARY(MinOp, b.min(x, y, isUnsigned))
SINTER_BINARY(MaxOp, b.max(x, y, isUnsigned))
SINTER_BINARY(AndOp, b.make<arith::AndIOp>(x, y))
SINTER_BINARY(OrOp, b.make<arith::OrIOp>(x, y))
SINTER_BINARY(XorOp, b.make<arith::XOrIOp>(x, y))
SINTER_BINARY(ShiftLeftOp, shift(b, x, y, /*left=*/true, isUnsigned))
SINTER_BINARY(ShiftRightOp, shift(b, x, y, /*left=*/false, isUnsigned))
SINTER_BINARY(PReluOp, isUnsigned
                           ? x
                           : b.select(b.compare(ComparePredicate::ge, x, b.constant(x, 0), false),
                                      x, b.mul(y, x)))

//===----------------------------------------------------------------------===//
// Power
//===----------------------------------------------------------------------===//

// The exponent if it is one number known at compile time.
static std::optional<double> getKnownExponent(PowOp op, Value exponent) {
  if (ElementsAttr attribute = getConstant(op.getRhs())) {
    HostTensor tensor = HostTensor::fromAttribute(attribute);
    if (tensor.isAllocated() && (attribute.isSplat() || tensor.getNumElements() == 1))
      return tensor.getDouble(0);
  }
  APFloat number(0.0);
  if (matchPattern(exponent, m_ConstantFloat(&number)))
    return number.convertToDouble();
  return std::nullopt;
}

// Powers that multiplication and roots give, or null. Small exponents only:
// rounding errors add up.
static Value knownPower(ScalarBuilder &b, Value x, double exponent) {
  auto reciprocal = [&](Value value) { return b.divf(b.constant(x, 1), value); };
  if (exponent == 0)
    return b.constant(x, 1);
  if (exponent == 1)
    return x;
  if (exponent == 2)
    return b.mul(x, x);
  if (exponent == 3)
    return b.mul(b.mul(x, x), x);
  if (exponent == 4) {
    Value square = b.mul(x, x);
    return b.mul(square, square);
  }
  if (!ScalarBuilder::isFloat(x))
    return {};
  if (exponent == -1)
    return reciprocal(x);
  if (exponent == -2)
    return reciprocal(b.mul(x, x));
  if (exponent == 0.5)
    return b.make<math::SqrtOp>(x);
  if (exponent == -0.5)
    return reciprocal(b.make<math::SqrtOp>(x));
  return {};
}

// Square and multiply over the exponent's low six bits. An exponent of 64 or
// more overflows unless the base is 0, 1 or −1, for which 62 or 63 (by parity)
// gives the same power.
static Value integerPower(ScalarBuilder &b, Value x, Value y, bool isUnsigned,
                          bool exponentIsUnsigned) {
  Value zero = b.constant(x, 0), one = b.constant(x, 1);
  // Exponents may be wider or narrower than the base.
  Value zeroY = b.constant(y, 0), oneY = b.constant(y, 1);
  Value parity = b.make<arith::AndIOp>(y, oneY);
  Value isOdd = b.equal(parity, oneY);
  Value large = b.compare(ComparePredicate::gt, y, b.constant(y, 63), exponentIsUnsigned);
  Value exponent = b.select(large, b.make<arith::OrIOp>(parity, b.constant(y, 62)), y);
  Value result = one, square = x;
  for (int bit = 0; bit < 6; ++bit) {
    Value mask = b.constant(y, int64_t(1) << bit);
    Value isSet =
        b.compare(ComparePredicate::ne, b.make<arith::AndIOp>(exponent, mask), zeroY, true);
    result = b.select(isSet, b.mul(result, square), result);
    if (bit < 5)
      square = b.mul(square, square);
  }
  if (exponentIsUnsigned)
    return result;
  // x to a negative power is 0, but for 1 and −1.
  Value reciprocal = b.select(b.equal(x, one), one, zero);
  if (!isUnsigned) {
    Value minusOne = b.constant(x, -1);
    reciprocal = b.select(b.equal(x, minusOne), b.select(isOdd, minusOne, one), reciprocal);
  }
  return b.select(b.less(y, zeroY), reciprocal, result);
}

Value PowOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  ScalarBuilder b(builder, loc);
  Type baseType = getLhs().getType().getElementType();
  Type exponentType = getRhs().getType().getElementType();
  Value x = b.load(arguments[0]), y = b.load(arguments[1]);
  if (auto exponent = getKnownExponent(*this, arguments[1]))
    if (Value result = knownPower(b, x, *exponent))
      return b.store(result, baseType);

  bool isUnsigned = isUnsignedElement(baseType);
  if (ScalarBuilder::isFloat(x)) {
    if (y.getType() != x.getType())
      y = b.cast(arguments[1], exponentType, x.getType());
    return b.store(b.make<math::PowFOp>(x, y), baseType);
  }
  if (!ScalarBuilder::isFloat(y))
    return integerPower(b, x, y, isUnsigned, isUnsignedElement(exponentType));
  Type f64 = builder.getF64Type();
  Value power =
      b.make<math::PowFOp>(b.cast(x, baseType, f64), b.cast(arguments[1], exponentType, f64));
  return b.cast(power, f64, baseType);
}
