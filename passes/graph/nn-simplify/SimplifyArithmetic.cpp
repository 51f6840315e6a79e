//===- SimplifyArithmetic.cpp - cheaper forms of elementwise ops ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Term.h"
#include "passes/graph/nn-simplify/NNSimplify.h"

#include <cmath>

using namespace mlir;
using namespace sinter;

// The value of a constant whose elements are all equal, and which doesn't
// broadcast its partner of type `partner`.
static std::optional<double> getUniform(Value value, RankedTensorType partner) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(nn::getConstant(value));
  auto type = cast<RankedTensorType>(value.getType());
  if (!dense || !dense.isSplat() || type.getRank() > partner.getRank())
    return std::nullopt;
  for (auto [dim, other] :
       llvm::zip(llvm::reverse(type.getShape()), llvm::reverse(partner.getShape())))
    if (dim != 1 && dim != other)
      return std::nullopt;
  return nn::HostTensor::fromAttribute(
             dense.resizeSplat(RankedTensorType::get({}, dense.getElementType())))
      .getDouble(0);
}

namespace {

/// x^2 → x·x, x^3 → x·x·x, x^½ → √x, x^-1 → 1/x, x^-½ → 1/√x, x^1 → x
struct SimplifyPower : OpRewritePattern<nn::PowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::PowOp op, PatternRewriter &rewriter) const override {
    Value base = op.getLhs();
    auto type = cast<RankedTensorType>(base.getType());
    auto exponent = getUniform(op.getRhs(), type);
    if (!exponent || op.getType() != type)
      return rewriter.notifyMatchFailure(op, "exponent is not one constant");
    bool isFloat = isa<FloatType>(type.getElementType());
    Location loc = op.getLoc();
    if (*exponent == 1) {
      rewriter.replaceOp(op, base);
    } else if (*exponent == 2) {
      rewriter.replaceOpWithNewOp<nn::MulOp>(op, base, base);
    } else if (*exponent == 3) {
      Value square = nn::MulOp::create(rewriter, loc, base, base);
      rewriter.replaceOpWithNewOp<nn::MulOp>(op, square, base);
    } else if (isFloat && *exponent == 0.5) {
      rewriter.replaceOpWithNewOp<nn::SqrtOp>(op, base);
    } else if (isFloat && *exponent == -0.5) {
      rewriter.replaceOpWithNewOp<nn::RsqrtOp>(op, base);
    } else if (isFloat && *exponent == -1) {
      rewriter.replaceOpWithNewOp<nn::ReciprocalOp>(op, base);
    } else {
      return rewriter.notifyMatchFailure(op, "a general power");
    }
    return success();
  }
};

/// x / 2ⁿ → x · 2⁻ⁿ, which is exact
struct DivideByPowerOfTwo : OpRewritePattern<nn::DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::DivOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    auto divisor = getUniform(op.getRhs(), cast<RankedTensorType>(op.getLhs().getType()));
    if (!divisor || !isa<FloatType>(type.getElementType()))
      return rewriter.notifyMatchFailure(op, "no constant float divisor");
    // Of normal numbers in every float type.
    int exponent = 0;
    if (std::abs(std::frexp(*divisor, &exponent)) != 0.5 || std::abs(exponent) > 12)
      return rewriter.notifyMatchFailure(op, "no power of two");
    Value factor = nn::createScalar(rewriter, op.getLoc(), type.getElementType(), 1 / *divisor);
    rewriter.replaceOpWithNewOp<nn::MulOp>(op, op.getType(), op.getLhs(), factor);
    return success();
  }
};

// True if each dim of `shape` is 1 or surely that of `result`: such a broadcast
// is decided at compile time, as nn-explicit-broadcast wants it.
static bool broadcastsCertainly(const nn::SymbolicShape &shape, const nn::SymbolicShape &result) {
  for (auto [dim, full] : llvm::zip(llvm::reverse(shape), llvm::reverse(result))) {
    auto constant = nn::asConstant(dim);
    if (!(constant && *constant == 1) && dim != full)
      return false;
  }
  return true;
}

/// f(expand(x), y) → f(x, y) where f broadcasts x as far anyway.
struct DropExpand : RewritePattern {
  DropExpand(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<nn::ScalarOpInterface>(op) || op->getNumOperands() < 2)
      return rewriter.notifyMatchFailure(op, "doesn't broadcast");
    for (OpOperand &operand : op->getOpOperands()) {
      auto expand = operand.get().getDefiningOp<nn::ExpandOp>();
      if (!expand)
        continue;
      // Equality of symbols, not of types: `?` need not be `?`.
      nn::ShapeAnalysis analysis(op->getContext());
      nn::SymbolicShape wanted = analysis.shape(op->getResult(0));
      auto joined = analysis.broadcast({}, analysis.shape(expand.getInput()));
      for (OpOperand &other : op->getOpOperands())
        if (&other != &operand && succeeded(joined))
          joined = analysis.broadcast(*joined, analysis.shape(other.get()));
      if (failed(joined) || *joined != wanted ||
          !broadcastsCertainly(analysis.shape(expand.getInput()), wanted))
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(expand.getInput()); });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no expand to drop");
  }
};

/// expand(x) to x's own shape → x, by symbols
struct DropWholeExpand : OpRewritePattern<nn::ExpandOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ExpandOp op, PatternRewriter &rewriter) const override {
    if (op.getInput().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "types differ");
    nn::ShapeAnalysis analysis(op.getContext());
    if (analysis.shape(op.getInput()) != analysis.shape(op.getResult()))
      return rewriter.notifyMatchFailure(op, "shapes may differ");
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

/// A loop's derivative is built before the sizes that its values keep are known.
struct DecideSumToShape : OpRewritePattern<nn::SumToShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::SumToShapeOp op, PatternRewriter &rewriter) const override {
    nn::ShapeAnalysis analysis(op.getContext());
    auto target = analysis.contents(op.getShape());
    nn::Term x(rewriter, op.getLoc(), op.getInput());
    auto sum = target ? nn::trySumTo(x, analysis.shape(x), *target) : std::nullopt;
    if (!sum)
      return rewriter.notifyMatchFailure(op, "only a run can tell what is summed");
    rewriter.replaceOp(op, sum->get());
    return success();
  }
};

/// A reduction over no dims, or dims of size 1.
struct SimplifyReduce : OpRewritePattern<nn::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ReduceOp op, PatternRewriter &rewriter) const override {
    switch (op.getKind()) {
    case nn::ReduceKind::sum:
    case nn::ReduceKind::mean:
    case nn::ReduceKind::max:
    case nn::ReduceKind::min:
    case nn::ReduceKind::prod:
      break;
    default:
      return rewriter.notifyMatchFailure(op, "not the identity of one element");
    }
    auto type = cast<RankedTensorType>(op.getInput().getType());
    for (int64_t axis : op.getAxes())
      if (type.getDimSize(axis) != 1)
        return rewriter.notifyMatchFailure(op, "reduces");
    if (op.getKeepdims() || op.getAxes().empty()) {
      if (type != op.getType())
        return rewriter.notifyMatchFailure(op, "types differ");
      rewriter.replaceOp(op, op.getInput());
    } else {
      rewriter.replaceOpWithNewOp<nn::SqueezeOp>(op, op.getType(), op.getInput(), op.getAxes());
    }
    return success();
  }
};

} // namespace

void sinter::populateSimplifyArithmeticPatterns(RewritePatternSet &patterns) {
  patterns.add<SimplifyPower, DivideByPowerOfTwo, DropExpand, DropWholeExpand, DecideSumToShape,
               SimplifyReduce>(patterns.getContext());
}
