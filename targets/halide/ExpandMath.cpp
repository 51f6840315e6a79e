//===- ExpandMath.cpp - polynomials for the common functions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide calls tanh and its like out of line, lane by lane. Upstream's approximations keep about
// 1e-6 and treat NaN and infinity properly. Functions that are rare or where an approximation would
// lose digits stay libm's.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

static bool isApproximated(StringRef name) {
  return llvm::is_contained({"exp", "math.exp", "expm1", "math.expm1", "log", "math.log", "log1p",
                             "math.log1p", "tanh", "math.tanh", "erf", "math.erf", "log2",
                             "math.log2"},
                            name);
}

namespace {
/// erf as a quotient of polynomials on [−4, 4], beyond which it is ±1: one division and 12
/// multiply-adds, where upstream's approximation selects among polynomials of four intervals. The
/// minimax coefficients are those of Eigen's and XLA's erf; the error is below 4e-7.
struct RationalErf : OpRewritePattern<math::ErfOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ErfOp op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "not float32");
    static const double numerator[] = {
        -2.72614225801306e-10, 2.77068142495902e-08,  -2.10102402082508e-06, -5.69250639462346e-05,
        -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02};
    static const double denominator[] = {-1.45660718464996e-05, -2.13374055278905e-04,
                                         -1.68282697438203e-03, -7.37332916720468e-03,
                                         -1.42647390514189e-02};
    Location loc = op.getLoc();
    auto number = [&](double value) -> Value {
      return arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(value));
    };
    // A NaN passes both comparisons by.
    Value x = op.getOperand();
    auto limit = [&](arith::CmpFPredicate predicate, double bound) {
      Value beyond = arith::CmpFOp::create(rewriter, loc, predicate, x, number(bound));
      x = arith::SelectOp::create(rewriter, loc, beyond, number(bound), x);
    };
    limit(arith::CmpFPredicate::OGT, 4);
    limit(arith::CmpFPredicate::OLT, -4);
    Value square = arith::MulFOp::create(rewriter, loc, x, x);
    auto polynomial = [&](ArrayRef<double> coefficients) {
      Value sum = number(coefficients.front());
      for (double coefficient : coefficients.drop_front()) {
        Value product = arith::MulFOp::create(rewriter, loc, sum, square);
        sum = arith::AddFOp::create(rewriter, loc, product, number(coefficient));
      }
      return sum;
    };
    Value odd = arith::MulFOp::create(rewriter, loc, x, polynomial(numerator));
    rewriter.replaceOpWithNewOp<arith::DivFOp>(op, odd, polynomial(denominator));
    return success();
  }
};
} // namespace

void sinter::halide::expandMath(kernel::FuncOp kernel) {
  SmallVector<Operation *> ops;
  kernel.getBody().walk([&](Operation *op) {
    if (isApproximated(op->getName().getStringRef()) && op->getResult(0).getType().isF32())
      ops.push_back(op);
  });
  if (ops.empty())
    return;
  RewritePatternSet patterns(kernel.getContext());
  populateMathPolynomialApproximationPatterns(patterns, isApproximated);
  patterns.add<RationalErf>(kernel.getContext(), /*benefit=*/2);
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  // What does not match stays, and is libm's: nothing here fails.
  (void)applyOpPatternsGreedily(ops, std::move(patterns), config);
}
