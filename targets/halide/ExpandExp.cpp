//===- ExpandExp.cpp - exp as a polynomial and a power of two -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp(x) = 2ⁿ P(x − n ln 2), where n is x / ln 2 rounded (Cody and Waite, "Software Manual for the
// Elementary Functions", 1980, chapter 6). Upstream's approximation chooses at its end among what
// is too large, too small or infinite; here the ends of the range come out of the arithmetic.
// fit_polynomials.py derives the coefficients, and tests hold them to it.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sinter::halide;

static constexpr float polynomial[] = {1.0f,          1.0f,           0.499999911f,  0.166664198f,
                                       0.0416682251f, 0.00837481581f, 0.00138368597f};
/// ln 2 in two parts, of which the first has so few bits that n times it is exact.
static constexpr float ln2High = 0.693359375f, ln2Low = -2.12194440e-4f;
static constexpr float log2OfE = 1.44269504f;
/// Below, n is −126 and the power of two comes out as 0, which exp is but for less than 2e-38.
static constexpr float lowest = -87.33f;
/// Above, n is 128 and the product is beyond what float32 holds: infinity.
static constexpr float highest = 88.73f;
/// Added to a number, it rounds it to an integer, which with `bias` stands in the lowest bits.
static constexpr float rounder = 0x1.8p23f;
/// Half of 2ⁿ has the exponent n + 126; so n may be 128.
static constexpr float bias = 126;
static constexpr int64_t mantissaBits = 23;

namespace {
struct ExpAsPolynomial : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "not float32");
    Location loc = op.getLoc();
    Type i32 = rewriter.getI32Type();
    auto constant = [&](float value) { return createFloat(rewriter, loc, value); };
    auto multiplyAdd = [&](Value a, Value b, Value c) -> Value {
      return math::FmaOp::create(rewriter, loc, a, b, c);
    };
    Value x = clampFloat(rewriter, loc, op.getOperand(), lowest, highest);
    Value shifted = multiplyAdd(x, constant(log2OfE), constant(rounder + bias));
    Value n = arith::SubFOp::create(rewriter, loc, shifted, constant(rounder + bias));
    Value rest = multiplyAdd(n, constant(-ln2High), x);
    rest = multiplyAdd(n, constant(-ln2Low), rest);
    // Twice the polynomial, for half of the power.
    Value value = constant(2 * polynomial[std::size(polynomial) - 1]);
    for (float each : llvm::reverse(ArrayRef(polynomial).drop_back()))
      value = multiplyAdd(value, rest, constant(2 * each));
    Value bits = arith::BitcastOp::create(rewriter, loc, i32, shifted);
    Value places =
        arith::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(mantissaBits));
    Value exponent = arith::ShLIOp::create(rewriter, loc, bits, places);
    Value power = arith::BitcastOp::create(rewriter, loc, rewriter.getF32Type(), exponent);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, value, power);
    return success();
  }
};
} // namespace

void sinter::halide::populateExpPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpAsPolynomial>(patterns.getContext());
}
