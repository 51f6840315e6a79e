//===- ScalarOps.cpp - arith and math ops as Halide expressions -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table entry an op. Where Halide and MLIR differ, MLIR's meaning is spelt out: Halide divides
// by flooring.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/FloatOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"

using namespace sinter::halide;
using Halide::cast;
using Halide::Expr;
using Halide::select;
namespace H = Halide;

static bool isHalf(mlir::Type type) { return type.isF16() || type.isBF16(); }

H::Type sinter::halide::typeOf(mlir::Type type) {
  if (type.isIndex())
    return H::Int(32);
  if (auto integer = mlir::dyn_cast<mlir::IntegerType>(type)) {
    switch (integer.getWidth()) {
    case 1:
      return H::Bool();
    case 8:
    case 16:
    case 32:
    case 64:
      return H::Int(integer.getWidth());
    }
  }
  if (type.isF32())
    return H::Float(32);
  if (type.isF64())
    return H::Float(64);
  if (type.isF16())
    return H::Float(16);
  if (type.isBF16())
    return H::UInt(16);
  std::string name;
  llvm::raw_string_ostream(name) << type;
  throw Refusal{"element type " + name};
}

Expr sinter::halide::constantOf(mlir::Type type, mlir::Attribute value) {
  if (auto real = mlir::dyn_cast<mlir::FloatAttr>(value)) {
    if (type.isBF16())
      return H::Internal::UIntImm::make(H::UInt(16),
                                        real.getValue().bitcastToAPInt().getZExtValue());
    if (type.isF16() && !real.getValue().isFinite())
      return H::reinterpret(
          H::Float(16),
          H::Internal::UIntImm::make(H::UInt(16), real.getValue().bitcastToAPInt().getZExtValue()));
    if (type.isF16())
      return H::Internal::FloatImm::make(H::Float(16), real.getValueAsDouble());
    return floatConstant(typeOf(type), real.getValueAsDouble());
  }
  if (auto integer = mlir::dyn_cast<mlir::IntegerAttr>(value)) {
    if (type.isInteger(1))
      return H::Internal::make_const(H::Bool(), integer.getValue().getZExtValue());
    int64_t number = integer.getValue().getSExtValue();
    if (type.isIndex())
      return number == int32_t(number) ? H::Internal::make_const(H::Int(32), number)
                                       : H::Internal::IntImm::make(H::Int(64), number);
    return H::Internal::IntImm::make(typeOf(type), number);
  }
  throw Refusal{"a constant that is neither float nor integer"};
}

Expr sinter::halide::coordinate(Expr index) { return cast(H::Int(32), index); }

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// A cast of a cast from float would be simplified to one cast from float, which is undefined for
/// negative values.
static Expr asUnsigned(Expr x) {
  if (x.type().is_bool() || x.type().is_uint())
    return x;
  H::Type type = H::UInt(x.type().bits());
  return H::Internal::is_const(x) ? cast(type, x) : H::reinterpret(type, x);
}

static Expr asSigned(Expr x) { return x.type().is_bool() ? x : cast(H::Int(x.type().bits()), x); }

/// Signed overflow is undefined in Halide at 32 bits and more, in MLIR it wraps. Sums of extended
/// narrow integers do not overflow, and keep the form that Halide's dot product patterns know.
template <typename F>
static Expr wrapping(mlir::Operation *op, Operands x, F compute) {
  if (op->getResult(0).getType().isIndex() || x[0].type().bits() < 32)
    return compute(x[0], x[1]);
  for (mlir::Value operand : op->getOperands()) {
    mlir::Operation *def = operand.getDefiningOp();
    if (!def ||
        mlir::isa<mlir::arith::ExtSIOp, mlir::arith::ExtUIOp, mlir::arith::IndexCastOp>(def) ||
        (mlir::isa<mlir::arith::MulIOp>(def) &&
         def->getOperand(0).getDefiningOp<mlir::arith::ExtSIOp>()))
      return compute(x[0], x[1]);
  }
  return asSigned(compute(asUnsigned(x[0]), asUnsigned(x[1])));
}

template <typename F>
static Expr unsignedly(mlir::Operation *op, Operands x, F compute) {
  // Index values stand for sizes and positions, never negative here; plain arithmetic simplifies
  // better.
  if (op->getOperand(0).getType().isIndex())
    return compute(x[0], x[1]);
  Expr result = compute(asUnsigned(x[0]), asUnsigned(x[1]));
  return result.type().is_bool() ? result : asSigned(result);
}

static Expr floorDivide(Expr a, Expr b) {
  // Halide's division floors for positive divisors and rounds up for negative ones.
  if (auto *constant = H::Internal::as_const_int(b); constant && *constant > 0)
    return a / b;
  Expr quotient = H::div_round_to_zero(a, b), rest = H::mod_round_to_zero(a, b);
  return select(rest != 0 && ((rest < 0) != (b < 0)), quotient - 1, quotient);
}

static Expr ceilDivide(Expr a, Expr b) {
  Expr quotient = H::div_round_to_zero(a, b), rest = H::mod_round_to_zero(a, b);
  return select(rest != 0 && ((rest < 0) == (b < 0)), quotient + 1, quotient);
}

static Expr compareIntegers(mlir::Operation *op, Operands x) {
  using P = mlir::arith::CmpIPredicate;
  Expr a = x[0], b = x[1];
  P predicate = mlir::cast<mlir::arith::CmpIOp>(op).getPredicate();
  bool isUnsigned =
      predicate == P::ult || predicate == P::ule || predicate == P::ugt || predicate == P::uge;
  bool isIndex = op->getOperand(0).getType().isIndex();
  if (a.type().is_bool()) {
    // As a signed number, true is -1.
    H::Type wide = isUnsigned ? H::UInt(8) : H::Int(8);
    a = isUnsigned ? cast(wide, a) : -cast(wide, a);
    b = isUnsigned ? cast(wide, b) : -cast(wide, b);
  } else if (isUnsigned && !isIndex) {
    a = asUnsigned(a);
    b = asUnsigned(b);
  }
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult: // A negative index is out of range, as a huge one is.
    return isIndex ? a >= 0 && a < b : a < b;
  case P::ule:
    return isIndex ? a >= 0 && a <= b : a <= b;
  case P::ugt:
    return isIndex ? a < 0 || a > b : a > b;
  case P::uge:
    return isIndex ? a < 0 || a >= b : a >= b;
  }
  throw Refusal{"integer comparison"};
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

static Expr toInteger(mlir::Operation *op, Expr x, bool isUnsigned) {
  H::Type type = typeOf(op->getResult(0).getType());
  if (type.is_bool())
    return cast(H::Int(32), x) != 0;
  return isUnsigned ? asSigned(cast(H::UInt(type.bits()), x)) : cast(type, x);
}

static Expr toFloat(mlir::Operation *op, Expr x, bool isUnsigned) {
  mlir::Type type = op->getResult(0).getType();
  H::Type wide = isHalf(type) ? H::Float(32) : typeOf(type);
  if (x.type().is_bool())
    return select(x, floatConstant(wide, isUnsigned ? 1.0 : -1.0), floatConstant(wide, 0.0));
  return cast(wide, isUnsigned ? asUnsigned(x) : x);
}

static Expr extend(mlir::Operation *op, Expr x, bool isUnsigned) {
  H::Type type =
      op->getResult(0).getType().isIndex() ? H::Int(32) : typeOf(op->getResult(0).getType());
  if (x.type().is_bool())
    return isUnsigned ? cast(type, x) : -cast(type, x);
  return cast(type, isUnsigned ? asUnsigned(x) : x);
}

static Expr truncate(mlir::Operation *op, Expr x) {
  H::Type type = typeOf(op->getResult(0).getType());
  if (type.is_bool())
    return (x & H::Internal::make_one(x.type())) != 0;
  // Halide's simplifier takes the int32 out of int8(int32(float)), and a float
  // out of an int8's range is then poison rather than wrapped. A mask keeps them
  // apart, also where another stage's float-to-integer cast is put in for a call.
  const auto *inner = x.as<H::Internal::Cast>();
  if (x.as<H::Internal::Call>() || (inner && inner->value.type().is_float()))
    x = x & H::Internal::make_const(x.type(), (int64_t(1) << type.bits()) - 1);
  return cast(type, x);
}

static Expr indexCast(mlir::Operation *op, Expr x, bool isUnsigned) {
  mlir::Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  if (to.isIndex()) // A 64-bit integer keeps its width until it becomes a coordinate.
    return from.isInteger(64) ? x : extend(op, x, isUnsigned);
  return typeOf(to).is_bool() ? truncate(op, x) : cast(typeOf(to), x);
}

static Expr bitcast(mlir::Operation *op, Expr x) {
  return H::reinterpret(typeOf(op->getResult(0).getType()), x);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

using Entry = Expr (*)(mlir::Operation *, Operands);

static const llvm::StringMap<Entry> &table() {
#define ENTRY(NAME, EXPR)                                                                          \
  {                                                                                                \
    NAME, [](mlir::Operation *op, Operands x) -> Expr {                                            \
      (void)op;                                                                                    \
      return EXPR;                                                                                 \
    }                                                                                              \
  }
  static const llvm::StringMap<Entry> entries = {
      // Floats.
      ENTRY("arith.addf", x[0] + x[1]),
      ENTRY("arith.subf", x[0] - x[1]),
      ENTRY("arith.mulf", x[0] * x[1]),
      ENTRY("arith.divf", x[0] / x[1]),
      ENTRY("arith.remf", library("fmod", x)),
      ENTRY("arith.negf",
            H::reinterpret(x[0].type(),
                           bitsOf(x[0]) ^ bitConstant(x[0].type(), signBit(x[0].type())))),
      ENTRY("arith.maximumf", maximum(x)),
      ENTRY("arith.minimumf", minimum(x)),
      ENTRY("arith.maxnumf", maximumNumber(x)),
      ENTRY("arith.minnumf", minimumNumber(x)),
      ENTRY("arith.cmpf", compareFloats(op, x)),
      ENTRY("arith.extf", cast(typeOf(op->getResult(0).getType()), x[0])),
      ENTRY("arith.truncf", isHalf(op->getResult(0).getType())
                                ? x[0]
                                : cast(typeOf(op->getResult(0).getType()), x[0])),
      ENTRY("arith.fptosi", toInteger(op, x[0], false)),
      ENTRY("arith.fptoui", toInteger(op, x[0], true)),
      ENTRY("arith.sitofp", toFloat(op, x[0], false)),
      ENTRY("arith.uitofp", toFloat(op, x[0], true)),
      // Integers and indices.
      ENTRY("arith.addi", x[0].type().is_bool()
                              ? x[0] != x[1]
                              : wrapping(op, x, [](Expr a, Expr b) { return a + b; })),
      ENTRY("arith.subi", x[0].type().is_bool()
                              ? x[0] != x[1]
                              : wrapping(op, x, [](Expr a, Expr b) { return a - b; })),
      ENTRY("arith.muli", x[0].type().is_bool()
                              ? x[0] && x[1]
                              : wrapping(op, x, [](Expr a, Expr b) { return a * b; })),
      ENTRY("arith.divsi", H::div_round_to_zero(x[0], x[1])),
      ENTRY("arith.remsi", H::mod_round_to_zero(x[0], x[1])),
      ENTRY("arith.divui", unsignedly(op, x, [](Expr a, Expr b) { return a / b; })),
      ENTRY("arith.remui", unsignedly(op, x, [](Expr a, Expr b) { return a % b; })),
      ENTRY("arith.floordivsi", floorDivide(x[0], x[1])),
      ENTRY("arith.ceildivsi", ceilDivide(x[0], x[1])),
      ENTRY("arith.ceildivui", unsignedly(op, x, [](Expr a, Expr b) { return (a + b - 1) / b; })),
      ENTRY("arith.maxsi", H::max(x[0], x[1])),
      ENTRY("arith.minsi", H::min(x[0], x[1])),
      ENTRY("arith.maxui", x[0].type().is_bool()
                               ? x[0] || x[1]
                               : unsignedly(op, x, [](Expr a, Expr b) { return H::max(a, b); })),
      ENTRY("arith.minui", x[0].type().is_bool()
                               ? x[0] && x[1]
                               : unsignedly(op, x, [](Expr a, Expr b) { return H::min(a, b); })),
      ENTRY("arith.andi", x[0].type().is_bool() ? x[0] && x[1] : x[0] & x[1]),
      ENTRY("arith.ori", x[0].type().is_bool() ? x[0] || x[1] : x[0] | x[1]),
      ENTRY("arith.xori", x[0].type().is_bool() ? x[0] != x[1] : x[0] ^ x[1]),
      ENTRY("arith.shli", asSigned(asUnsigned(x[0]) << asUnsigned(x[1]))),
      ENTRY("arith.shrsi", x[0] >> asUnsigned(x[1])),
      ENTRY("arith.shrui", asSigned(asUnsigned(x[0]) >> asUnsigned(x[1]))),
      ENTRY("arith.cmpi", compareIntegers(op, x)),
      ENTRY("arith.extsi", extend(op, x[0], false)),
      ENTRY("arith.extui", extend(op, x[0], true)),
      ENTRY("arith.trunci", truncate(op, x[0])),
      ENTRY("arith.index_cast", indexCast(op, x[0], false)),
      ENTRY("arith.index_castui", indexCast(op, x[0], true)),
      ENTRY("math.absi", x[0].type().is_bool() ? x[0] : cast(x[0].type(), H::abs(x[0]))),
      ENTRY("math.ctpop", asSigned(H::popcount(asUnsigned(x[0])))),
      // Math that Halide or a few instructions do in vectors.
      ENTRY("math.absf", H::abs(x[0])),
      ENTRY("math.sqrt", H::sqrt(x[0])),
      ENTRY("math.rsqrt", H::Internal::make_one(x[0].type()) / H::sqrt(x[0])),
      ENTRY("math.floor", H::floor(x[0])),
      ENTRY("math.ceil", H::ceil(x[0])),
      ENTRY("math.trunc", H::trunc(x[0])),
      ENTRY("math.roundeven", roundEven(x[0])),
      ENTRY("math.round", roundAway(x[0])),
      ENTRY("math.copysign", copySign(x[0], x[1])),
      ENTRY("math.fma", x[0] * x[1] + x[2]),
      ENTRY("math.isnan", isNaN(x[0])),
      ENTRY("math.isinf", (bitsOf(x[0]) & bitConstant(x[0].type(), signBit(x[0].type()) - 1)) ==
                              bitConstant(x[0].type(), infinityBits(x[0].type()))),
      ENTRY("math.isfinite", (bitsOf(x[0]) & bitConstant(x[0].type(), signBit(x[0].type()) - 1)) <
                                 bitConstant(x[0].type(), infinityBits(x[0].type()))),
      ENTRY("math.sin", sinusoid(x, 0)),
      ENTRY("math.cos", sinusoid(x, 1)),
      ENTRY("math.powf", power(x)),
      // The rest is libm's, lane by lane. float32 exp, log, tanh, erf and their like never come
      // here: see ExpandMath.
      ENTRY("math.acos", library("acos", x)),
      ENTRY("math.acosh", library("acosh", x)),
      ENTRY("math.asin", library("asin", x)),
      ENTRY("math.asinh", library("asinh", x)),
      ENTRY("math.atan", library("atan", x)),
      ENTRY("math.atan2", library("atan2", x)),
      ENTRY("math.atanh", library("atanh", x)),
      ENTRY("math.cbrt", library("cbrt", x)),
      ENTRY("math.cosh", library("cosh", x)),
      ENTRY("math.erf", library("erf", x)),
      ENTRY("math.erfc", library("erfc", x)),
      ENTRY("math.exp", library("exp", x)),
      ENTRY("math.exp2", library("exp2", x)),
      ENTRY("math.expm1", library("expm1", x)),
      ENTRY("math.log", library("log", x)),
      ENTRY("math.log10", library("log10", x)),
      ENTRY("math.log1p", library("log1p", x)),
      ENTRY("math.log2", library("log2", x)),
      ENTRY("math.sinh", library("sinh", x)),
      ENTRY("math.tan", library("tan", x)),
      ENTRY("math.tanh", library("tanh", x)),
  };
#undef ENTRY
  return entries;
}

Expr sinter::halide::scalarOp(mlir::Operation *op, std::vector<Expr> operands) {
  if (op->getNumResults() != 1)
    return Expr();
  mlir::Type type = op->getResult(0).getType();
  // These move bits and compute nothing.
  if (mlir::isa<mlir::arith::BitcastOp>(op))
    return bitcast(op, operands[0]);
  // Operands of index type may be narrow or wide; an op computes in one width.
  bool wide = false;
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    wide |= operand.getType().isIndex() && operands[i].type().bits() == 64;
  if (wide)
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      if (operand.getType().isIndex())
        operands[i] = cast(H::Int(64), operands[i]);
  if (mlir::isa<mlir::arith::SelectOp>(op))
    return select(operands[0], operands[1], operands[2]);
  auto entry = table().find(op->getName().getStringRef());
  if (entry == table().end())
    return Expr();
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    operands[i] = widen(operands[i], operand.getType());
  return narrow(entry->second(op, operands), type);
}
