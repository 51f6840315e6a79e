//===- ExpandMath.cpp - polynomials for the common functions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide calls tanh and its like out of line, lane by lane. Upstream's approximations keep about
// 1e-6 and treat NaN and infinity properly. Functions that are rare or where an approximation would
// lose digits stay libm's.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

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
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  // What does not match stays, and is libm's: nothing here fails.
  (void)applyOpPatternsGreedily(ops, std::move(patterns), config);
}
