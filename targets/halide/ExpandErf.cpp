//===- ExpandErf.cpp - erf as a quotient of polynomials -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// erf(x) = x P(x²) / Q(x²) up to where a float32 erf is 1. Upstream's approximation chooses each
// coefficient of two polynomials among those of four intervals, which takes more time than the
// polynomials. fit_polynomials.py derives the coefficients, and tests hold them to it.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sinter::halide;

static constexpr float limit = 3.8325f;
static constexpr float numerator[] = {1.12837911f,    0.187308788f,    0.0524186082f,
                                      0.00365277799f, 0.000285944494f, 2.1231383e-06f};
static constexpr float denominator[] = {1.0f,          0.499330997f,   0.112900704f,
                                        0.0147425449f, 0.00114171451f, 3.88984117e-05f};

namespace {
struct ErfAsQuotient : OpRewritePattern<math::ErfOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ErfOp op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "not float32");
    Location loc = op.getLoc();
    Value x = clampFloat(rewriter, loc, op.getOperand(), -limit, limit);
    Value square = arith::MulFOp::create(rewriter, loc, x, x);
    auto evaluate = [&](ArrayRef<float> coefficients) {
      Value value = createFloat(rewriter, loc, coefficients.back());
      for (float each : llvm::reverse(coefficients.drop_back()))
        value = math::FmaOp::create(rewriter, loc, value, square, createFloat(rewriter, loc, each));
      return value;
    };
    Value top = arith::MulFOp::create(rewriter, loc, x, evaluate(numerator));
    Value quotient = arith::DivFOp::create(rewriter, loc, top, evaluate(denominator));
    rewriter.replaceOp(op, clampFloat(rewriter, loc, quotient, -1.0f, 1.0f));
    return success();
  }
};
} // namespace

void sinter::halide::populateErfPatterns(RewritePatternSet &patterns) {
  patterns.add<ErfAsQuotient>(patterns.getContext());
}
