//===- FloatOps.h - floats of arith and math in Halide ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TARGETS_HALIDE_FLOATOPS_H
#define SINTER_TARGETS_HALIDE_FLOATOPS_H

#include "targets/halide/ScalarOps.h"

namespace sinter::halide {

using Operands = const std::vector<Halide::Expr> &;

Halide::Expr bitsOf(Halide::Expr x);
Halide::Expr bitConstant(Halide::Type type, uint64_t bits);
uint64_t signBit(Halide::Type type);
uint64_t infinityBits(Halide::Type type);
Halide::Expr isNaN(Halide::Expr x);
/// Infinities and NaNs stay out of the simplifier's sight.
Halide::Expr floatConstant(Halide::Type type, double value);
Halide::Expr copySign(Halide::Expr magnitude, Halide::Expr sign);

/// Half precision is computed in float32: a value of an element type as one, and back.
Halide::Expr widen(Halide::Expr x, mlir::Type type);
Halide::Expr narrow(Halide::Expr x, mlir::Type type);

Halide::Expr compareFloats(mlir::Operation *op, Operands x);
/// A NaN in either operand wins.
Halide::Expr maximum(Operands x);
Halide::Expr minimum(Operands x);
/// A number wins over a NaN.
Halide::Expr maximumNumber(Operands x);
Halide::Expr minimumNumber(Operands x);
/// Ties to even.
Halide::Expr roundEven(Halide::Expr x);
/// Half away from zero.
Halide::Expr roundAway(Halide::Expr x);

/// A libm function, called for every lane.
Halide::Expr library(const char *name, Operands x);
/// sin (quadrant 0) and cos (quadrant 1).
Halide::Expr sinusoid(Operands x, int shift);
Halide::Expr power(Operands x);

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_FLOATOPS_H
