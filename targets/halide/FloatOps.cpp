//===- FloatOps.cpp - floats of arith and math in Halide ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where Halide and MLIR differ, MLIR's meaning is spelt out: Halide's min and max lose NaNs, and
// its simplifier takes !(a < b) for b <= a. Tests for NaN are therefore made on bits.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/FloatOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace sinter::halide;
using Halide::cast;
using Halide::Expr;
using Halide::select;
using Halide::Internal::Call;
namespace H = Halide;

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

Expr sinter::halide::bitsOf(Expr x) { return H::reinterpret(H::UInt(x.type().bits()), x); }

Expr sinter::halide::bitConstant(H::Type type, uint64_t bits) {
  return H::Internal::UIntImm::make(H::UInt(type.bits()), bits);
}

uint64_t sinter::halide::signBit(H::Type type) { return uint64_t(1) << (type.bits() - 1); }

uint64_t sinter::halide::infinityBits(H::Type type) {
  return type.bits() == 64 ? 0x7ff0000000000000 : 0x7f800000;
}

Expr sinter::halide::isNaN(Expr x) {
  if (H::Internal::as_const_float(x))
    return H::Internal::const_false(); // Constants that are NaN are no FloatImm: see floatConstant.
  H::Type type = x.type();
  return (bitsOf(x) & bitConstant(type, signBit(type) - 1)) > bitConstant(type, infinityBits(type));
}

/// Infinities and NaNs stay out of the simplifier's sight.
Expr sinter::halide::floatConstant(H::Type type, double value) {
  if (std::isfinite(value))
    return H::Internal::FloatImm::make(type, value);
  uint64_t bits = infinityBits(type);
  if (std::isnan(value))
    bits |= bits >> 1;
  if (std::signbit(value))
    bits |= signBit(type);
  return H::reinterpret(type, bitConstant(type, bits));
}

Expr sinter::halide::copySign(Expr magnitude, Expr sign) {
  H::Type type = magnitude.type();
  return H::reinterpret(type, (bitsOf(magnitude) & bitConstant(type, signBit(type) - 1)) |
                                  (bitsOf(sign) & bitConstant(type, signBit(type))));
}

//===----------------------------------------------------------------------===//
// Half precision: computed in float32.
//===----------------------------------------------------------------------===//

Expr sinter::halide::widen(Expr x, mlir::Type type) {
  if (type.isF16())
    return cast(H::Float(32), x);
  if (type.isBF16())
    return H::reinterpret(H::Float(32), cast(H::UInt(32), x) << 16);
  return x;
}

/// To nearest, ties to even; a NaN stays one.
static Expr toBFloat16(Expr x) {
  Expr bits = bitsOf(x);
  Expr rounded =
      (bits + bitConstant(x.type(), 0x7fff) + ((bits >> 16) & bitConstant(x.type(), 1))) >> 16;
  Expr nan = (bits >> 16) | bitConstant(x.type(), 0x40);
  return cast(H::UInt(16), select(isNaN(x), nan, rounded));
}

Expr sinter::halide::narrow(Expr x, mlir::Type type) {
  if (type.isF16()) { // Halide makes an infinity of a NaN.
    Expr value = cast(H::Float(32), x),
         half = H::reinterpret(H::UInt(16), cast(H::Float(16), value));
    return H::reinterpret(H::Float(16),
                          select(isNaN(value), bitConstant(H::Float(16), 0x7e00), half));
  }
  if (type.isBF16())
    return toBFloat16(cast(H::Float(32), x));
  return x;
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

Expr sinter::halide::compareFloats(mlir::Operation *op, Operands x) {
  using P = mlir::arith::CmpFPredicate;
  Expr a = x[0], b = x[1], unordered = isNaN(a) || isNaN(b);
  switch (mlir::cast<mlir::arith::CmpFOp>(op).getPredicate()) {
  case P::AlwaysFalse:
    return H::Internal::const_false();
  case P::AlwaysTrue:
    return H::Internal::const_true();
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return a < b || a > b;
  case P::ORD:
    return !isNaN(a) && !isNaN(b);
  case P::UEQ:
    return a == b || unordered;
  case P::UGT:
    return a > b || unordered;
  case P::UGE:
    return a >= b || unordered;
  case P::ULT:
    return a < b || unordered;
  case P::ULE:
    return a <= b || unordered;
  case P::UNE:
    return a < b || a > b || unordered;
  case P::UNO:
    return unordered;
  }
  throw Refusal{"float comparison"};
}

static bool isNumber(Expr x) {
  const double *value = H::Internal::as_const_float(x);
  return value && !std::isnan(*value);
}

/// A NaN in either operand wins. Beside a constant one comparison does.
Expr sinter::halide::maximum(Operands x) {
  if (isNumber(x[0]))
    return select(x[1] < x[0], x[0], x[1]);
  return select(x[0] < x[1] || isNaN(x[1]), x[1], x[0]);
}
Expr sinter::halide::minimum(Operands x) {
  if (isNumber(x[0]))
    return select(x[1] > x[0], x[0], x[1]);
  return select(x[0] > x[1] || isNaN(x[1]), x[1], x[0]);
}
/// A number wins over a NaN.
Expr sinter::halide::maximumNumber(Operands x) {
  return select(x[0] < x[1] || isNaN(x[0]), x[1], x[0]);
}
Expr sinter::halide::minimumNumber(Operands x) {
  return select(x[0] > x[1] || isNaN(x[0]), x[1], x[0]);
}

/// Adding and taking away 1.5 * 2^(mantissa bits) rounds by the machine's own rule, ties to even.
Expr sinter::halide::roundEven(Expr x) {
  H::Type type = x.type();
  double magic = type.bits() == 64 ? 0x1.8p52 : 0x1.8p23,
         limit = type.bits() == 64 ? 0x1p51 : 0x1p22;
  Expr big = floatConstant(type, magic);
  Expr rounded = copySign((x + big) - big, x);
  return select(H::abs(x) < floatConstant(type, limit), rounded, x);
}

/// Half away from zero: the largest float below a half keeps 0.49999997 from becoming 1.
Expr sinter::halide::roundAway(Expr x) {
  H::Type type = x.type();
  double half = type.bits() == 64 ? std::nextafter(0.5, 0.0) : std::nextafterf(0.5f, 0.0f);
  return H::trunc(x + copySign(floatConstant(type, half), x));
}

/// A libm function, called for every lane.
Expr sinter::halide::library(const char *name, Operands x) {
  std::string symbol = name;
  if (x[0].type().bits() == 32)
    symbol += "f";
  return Call::make(x[0].type(), symbol, x, Call::PureExtern);
}

/// sin (quadrant 0) and cos (quadrant 1) of float32: the reduction to [-pi/4, pi/4] is done in
/// double precision, which holds for all arguments that have any accuracy left. Minimax polynomials
/// of Cephes.
Expr sinter::halide::sinusoid(Operands x, int shift) {
  if (x[0].type().bits() != 32)
    return library(shift ? "cos" : "sin", x);
  Expr wide = cast(H::Float(64), x[0]);
  Expr turns =
      H::floor(wide * floatConstant(H::Float(64), M_2_PI) + floatConstant(H::Float(64), 0.5));
  Expr r = cast(H::Float(32), (wide - turns * floatConstant(H::Float(64), M_PI_2)) -
                                  turns * floatConstant(H::Float(64), 6.123233995736766e-17));
  // Out of the range of int32 there is nothing sensible left; the limit keeps the conversion
  // defined.
  Expr limited =
      H::clamp(turns, floatConstant(H::Float(64), -2e9), floatConstant(H::Float(64), 2e9));
  Expr quadrant = cast(H::Int(32), limited) + shift;
  Expr z = r * r;
  Expr sine = r + r * z * (-1.6666654611e-1f + z * (8.3321608736e-3f + z * -1.9515295891e-4f));
  Expr cosine = 1.0f + z * (-0.5f + z * (4.166664568298827e-2f +
                                         z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f)));
  Expr value = select((quadrant & 1) != 0, cosine, sine);
  value = select((quadrant & 2) != 0, -value, value);
  // NaN and infinity give NaN.
  return select((bitsOf(x[0]) & bitConstant(x[0].type(), 0x7f800000)) ==
                    bitConstant(x[0].type(), 0x7f800000),
                floatConstant(H::Float(32), NAN), value);
}

static Expr integerPower(Expr base, int64_t exponent) {
  Expr result = H::Internal::make_one(base.type()), power = base;
  for (uint64_t rest = std::abs(exponent); rest != 0; rest >>= 1) {
    if (rest & 1)
      result = H::Internal::is_const_one(result) ? power : result * power;
    power = power * power;
  }
  return exponent < 0 ? H::Internal::make_one(base.type()) / result : result;
}

Expr sinter::halide::power(Operands x) {
  if (const double *exponent = H::Internal::as_const_float(x[1])) {
    if (*exponent == 0.5)
      return H::sqrt(x[0]);
    if (*exponent == std::nearbyint(*exponent) && std::abs(*exponent) <= 16)
      return integerPower(x[0], int64_t(*exponent));
  }
  return library("pow", x);
}
