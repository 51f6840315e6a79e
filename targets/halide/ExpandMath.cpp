//===- ExpandMath.cpp - polynomials for the common functions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide calls tanh and its like out of line, lane by lane. Upstream's approximations keep about
// 1e-6 and treat NaN and infinity properly. Functions that are rare or where an approximation would
// lose digits stay libm's.
//
// Their clamps choose by comparisons that hold for NaN. Halide has only ordered ones, and a test of
// bits for NaN costs more than the polynomial: a choice by the opposite comparison, the other way
// round, is one instruction. It is a strict one, since Halide takes a ≥ b for !(a < b).
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

static bool isApproximated(StringRef name) {
  return llvm::is_contained({"expm1", "math.expm1", "log", "math.log", "log1p", "math.log1p",
                             "tanh", "math.tanh", "log2", "math.log2"},
                            name);
}

/// The strict ordered comparison that holds where `predicate`, an unordered one, does not and its
/// operands differ.
static std::optional<arith::CmpFPredicate> getOpposite(arith::CmpFPredicate predicate) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::ULT:
  case P::ULE:
    return P::OGT;
  case P::UGT:
  case P::UGE:
    return P::OLT;
  default:
    return std::nullopt;
  }
}

/// select(a unordered-< b, a, b) is select(a > b, b, a).
static void orderChoices(sinter::kernel::FuncOp kernel) {
  kernel.getBody().walk([](arith::SelectOp select) {
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    auto predicate = compare ? getOpposite(compare.getPredicate()) : std::nullopt;
    if (!predicate)
      return;
    Value a = compare.getLhs(), b = compare.getRhs();
    Value chosen = select.getTrueValue(), other = select.getFalseValue();
    if (!(chosen == a && other == b) && !(chosen == b && other == a))
      return;
    OpBuilder builder(select);
    Value opposite = arith::CmpFOp::create(builder, compare.getLoc(), *predicate, a, b);
    select.replaceAllUsesWith(
        arith::SelectOp::create(builder, select.getLoc(), opposite, other, chosen).getResult());
    select.erase();
    if (compare.use_empty())
      compare.erase();
  });
}

Value sinter::halide::createFloat(OpBuilder &builder, Location loc, float value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
}

// A NaN fails both comparisons.
Value sinter::halide::clampFloat(OpBuilder &builder, Location loc, Value value, float lowest,
                                 float highest) {
  for (auto [predicate, bound] : {std::pair(arith::CmpFPredicate::OGT, highest),
                                  std::pair(arith::CmpFPredicate::OLT, lowest)}) {
    Value end = createFloat(builder, loc, bound);
    Value beyond = arith::CmpFOp::create(builder, loc, predicate, value, end);
    value = arith::SelectOp::create(builder, loc, beyond, end, value);
  }
  return value;
}

void sinter::halide::expandMath(kernel::FuncOp kernel) {
  SmallVector<Operation *> ops;
  kernel.getBody().walk([&](Operation *op) {
    bool isExpanded =
        isa<math::ErfOp, math::ExpOp>(op) || isApproximated(op->getName().getStringRef());
    if (isExpanded && op->getResult(0).getType().isF32())
      ops.push_back(op);
  });
  if (!ops.empty()) {
    RewritePatternSet patterns(kernel.getContext());
    populateMathPolynomialApproximationPatterns(patterns, isApproximated);
    populateErfPatterns(patterns);
    populateExpPatterns(patterns);
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    // What does not match stays, and is libm's: nothing here fails.
    (void)applyOpPatternsGreedily(ops, std::move(patterns), config);
  }
  orderChoices(kernel);
}
