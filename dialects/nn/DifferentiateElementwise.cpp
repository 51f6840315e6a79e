//===- DifferentiateElementwise.cpp - derivatives of elementwise ops ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Differentiate.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::nn;

using Predicate = ComparePredicate;

//===----------------------------------------------------------------------===//
// Unary: one formula a line
//===----------------------------------------------------------------------===//

template <typename OpTy, typename Formula>
static Vjp unaryVjp(OpTy op, OpBuilder &b, ValueRange cotangents, Formula formula) {
  auto term = [&](Value value) { return Term(b, op.getLoc(), value); };
  return SmallVector<Value>{
      formula(term(op.getInput()), term(op.getOutput()), term(cotangents[0]))};
}

#define UNARY(OpTy, formula)                                                                       \
  Vjp OpTy::buildVjp(OpBuilder &b, ValueRange cotangents, const llvm::SmallBitVector &) {          \
    return unaryVjp(*this, b, cotangents,                                                          \
                    [&]([[maybe_unused]] Term x, [[maybe_unused]] Term y, Term g) -> Term {        \
                      return formula;                                                              \
                    });                                                                            \
  }
/// Constant between its steps.
#define STEPS(OpTy)                                                                                \
  Vjp OpTy::buildVjp(OpBuilder &, ValueRange, const llvm::SmallBitVector &) {                      \
    return SmallVector<Value>{Value()};                                                            \
  }

// clang-format off
UNARY(AbsOp, g * x.apply<SignOp>())
UNARY(NegOp, -g)
STEPS(SignOp)
STEPS(CeilOp)
STEPS(FloorOp)
STEPS(RoundOp)
UNARY(SqrtOp, g * 0.5 / y)
UNARY(RsqrtOp, g * -0.5 * (y * y * y))
UNARY(ReciprocalOp, -(g * y * y))
UNARY(ExpOp, g * y)
UNARY(LogOp, g / x)
UNARY(SinOp, g * x.apply<CosOp>())
UNARY(CosOp, -(g * x.apply<SinOp>()))
UNARY(TanOp, g * (1 + y * y))
UNARY(AsinOp, g * (1 - x * x).apply<RsqrtOp>())
UNARY(AcosOp, -(g * (1 - x * x).apply<RsqrtOp>()))
UNARY(AtanOp, g / (1 + x * x))
UNARY(SinhOp, g * x.apply<CoshOp>())
UNARY(CoshOp, g * x.apply<SinhOp>())
UNARY(TanhOp, g * (1 - y * y))
UNARY(AsinhOp, g * (x * x + 1).apply<RsqrtOp>())
UNARY(AcoshOp, g * ((x - 1) * (x + 1)).apply<RsqrtOp>())
UNARY(AtanhOp, g / (1 - x * x))
UNARY(ErfOp, g * (2 / std::sqrt(llvm::numbers::pi)) * (-(x * x)).apply<ExpOp>())
UNARY(SigmoidOp, g * y * (1 - y))
UNARY(ReluOp, select(y.compare(Predicate::gt, 0), g, 0))
UNARY(SoftplusOp, g * x.apply<SigmoidOp>())
UNARY(SoftsignOp, g / ((1 + x.apply<AbsOp>()) * (1 + x.apply<AbsOp>())))
UNARY(LeakyReluOp, select(x.compare(Predicate::ge, 0), g, g * getAlpha().convertToDouble()))
UNARY(EluOp, select(x.compare(Predicate::ge, 0), g, g * (y + getAlpha().convertToDouble())))
UNARY(HardSigmoidOp, select(y.compare(Predicate::gt, 0),
                            select(y.compare(Predicate::lt, 1), g * getAlpha().convertToDouble(), 0), 0))
// clang-format on

Vjp GeluOp::buildVjp(OpBuilder &b, ValueRange cotangents, const llvm::SmallBitVector &) {
  return unaryVjp(*this, b, cotangents, [&](Term x, Term, Term g) -> Term {
    if (getTanhApproximation()) {
      // y = x/2 (1 + tanh u), u = √(2/π) (x + 0.044715 x³)
      double scale = std::sqrt(2 / llvm::numbers::pi), cubic = 0.044715;
      Term square = x * x;
      Term t = (x * (1 + square * cubic) * scale).apply<TanhOp>();
      Term slope = (1 + square * (3 * cubic)) * scale;
      return g * 0.5 * (1 + t + x * (1 - t * t) * slope);
    }
    // Φ(x) + x φ(x)
    Term distribution = 0.5 * (1 + (x * std::sqrt(0.5)).apply<ErfOp>());
    Term density = (x * x * -0.5).apply<ExpOp>() * (1 / std::sqrt(2 * llvm::numbers::pi));
    return g * (distribution + x * density);
  });
}

Vjp CastOp::buildVjp(OpBuilder &b, ValueRange cotangents, const llvm::SmallBitVector &) {
  Type from = getElementTypeOrSelf(getInput().getType());
  if (!isa<FloatType>(from) || !isa<FloatType>(getTo()))
    return SmallVector<Value>{Value()};
  return SmallVector<Value>{CastOp::create(b, getLoc(), cotangents[0], TypeAttr::get(from))};
}

//===----------------------------------------------------------------------===//
// Binary: a formula for each operand
//===----------------------------------------------------------------------===//

template <typename OpTy, typename Lhs, typename Rhs>
static Vjp binaryVjp(OpTy op, OpBuilder &b, ValueRange cotangents,
                     const llvm::SmallBitVector &wanted, Lhs lhs, Rhs rhs) {
  auto term = [&](Value value) { return Term(b, op.getLoc(), value); };
  Term x = term(op.getOperand(0)), y = term(op.getOperand(1)), z = term(op.getOutput()),
       g = term(cotangents[0]);
  SmallVector<Value> result(2);
  if (wanted[0])
    result[0] = sumTo(lhs(x, y, z, g), x);
  if (wanted[1])
    result[1] = sumTo(rhs(x, y, z, g), y);
  return result;
}

/// z = f(x, y)
#define BINARY(OpTy, lhs, rhs)                                                                     \
  Vjp OpTy::buildVjp(OpBuilder &b, ValueRange cotangents, const llvm::SmallBitVector &wanted) {    \
    return binaryVjp(                                                                              \
        *this, b, cotangents, wanted,                                                              \
        [&]([[maybe_unused]] Term x, [[maybe_unused]] Term y, [[maybe_unused]] Term z,             \
            Term g) -> Term { return lhs; },                                                       \
        [&]([[maybe_unused]] Term x, [[maybe_unused]] Term y, [[maybe_unused]] Term z,             \
            Term g) -> Term { return rhs; });                                                      \
  }

/// The whole part of a quotient toward zero.
static Term truncate(Term x) { return x.apply<SignOp>() * x.apply<AbsOp>().apply<FloorOp>(); }

// clang-format off
BINARY(AddOp, g, g)
BINARY(SubOp, g, -g)
BINARY(MulOp, g * y, g * x)
BINARY(DivOp, g / y, -(g * z / y))
BINARY(ModOp, g, -(g * (getFmod() ? truncate(x / y) : (x / y).apply<FloorOp>())))
// Where both are equal, the first one is it.
BINARY(MinOp, select(x.compare(Predicate::le, y), g, 0), select(x.compare(Predicate::le, y), g.number(0), g))
BINARY(MaxOp, select(x.compare(Predicate::ge, y), g, 0), select(x.compare(Predicate::ge, y), g.number(0), g))
BINARY(PReluOp, select(x.compare(Predicate::ge, 0), g, g * y), select(x.compare(Predicate::ge, 0), g.number(0), g * x))
// clang-format on

Vjp PowOp::buildVjp(OpBuilder &b, ValueRange cotangents, const llvm::SmallBitVector &wanted) {
  Type element = getElementTypeOrSelf(getLhs().getType());
  auto term = [&](Value value) { return Term(b, getLoc(), value); };
  Term x = term(getLhs()), z = term(getOutput()), g = term(cotangents[0]);
  Type exponentType = getElementTypeOrSelf(getRhs().getType());
  Term y = exponentType == element
               ? term(getRhs())
               : term(CastOp::create(b, getLoc(), getRhs(), TypeAttr::get(element)));
  SmallVector<Value> result(2);
  ElementsAttr exponent = getConstant(getRhs());
  bool isSquare = exponent && exponent.getNumElements() == 1 &&
                  HostTensor::fromAttribute(exponent).getDouble(0) == 2;
  if (wanted[0])
    result[0] = sumTo(isSquare ? g * x * 2 : g * y * x.apply<PowOp>((y - 1).get()), x);
  if (wanted[1] && isa<FloatType>(exponentType)) {
    // The exponent has a derivative where x > 0 only.
    Term positive = x.compare(Predicate::gt, 0);
    Term slope = select(positive, g * z * select(positive, x, 1).apply<LogOp>(), 0);
    if (exponentType != element)
      slope = slope.apply<CastOp>(TypeAttr::get(exponentType));
    result[1] = sumTo(slope, getRhs());
  }
  return result;
}

Vjp WhereOp::buildVjp(OpBuilder &b, ValueRange cotangents, const llvm::SmallBitVector &wanted) {
  auto term = [&](Value value) { return Term(b, getLoc(), value); };
  Term condition = term(getCondition()), g = term(cotangents[0]);
  SmallVector<Value> result(3);
  if (wanted[1])
    result[1] = sumTo(select(condition, g, 0), getLhs());
  if (wanted[2])
    result[2] = sumTo(select(condition, g.number(0), g), getRhs());
  return result;
}
