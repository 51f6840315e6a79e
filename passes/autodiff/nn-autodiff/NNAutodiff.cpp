//===- NNAutodiff.cpp - the backward graph --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-autodiff/NNAutodiff.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNAUTODIFF
#include "passes/autodiff/nn-autodiff/NNAutodiff.h.inc"
} // namespace sinter

// A tensor of one value in the shape of `like`.
static Value fillLike(OpBuilder &builder, Location loc, Value like, double value) {
  auto type = cast<RankedTensorType>(like.getType());
  if (type.hasStaticShape())
    return nn::createSplat(builder, loc, type, value);
  Value shape = nn::ShapeOfOp::create(builder, loc, like, 0, type.getRank());
  Value scalar = nn::createScalar(builder, loc, type.getElementType(), value);
  return nn::ExpandOp::create(builder, loc, type, scalar, shape);
}

// `value` with exactly the type of `like`.
static Value withTypeOf(OpBuilder &builder, Location loc, Value value, Value like) {
  if (value.getType() == like.getType())
    return value;
  Value shape = nn::ShapeOfOp::create(builder, loc, like, 0,
                                      cast<RankedTensorType>(like.getType()).getRank());
  return nn::ReshapeOp::create(builder, loc, like.getType(), value, shape, /*allowzero=*/true);
}

static LogicalResult expand(nn::GradientOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  SmallVector<Value> seeds(op.getCotangents());
  if (seeds.empty())
    for (Value output : op.getOutputs())
      seeds.push_back(fillLike(builder, loc, output, 1));
  auto gradients =
      nn::buildGradients(builder, *op->getBlock(), op.getOutputs(), seeds, op.getInputs());
  if (failed(gradients))
    return failure();
  for (auto [input, result, gradient] : llvm::zip(op.getInputs(), op.getResults(), *gradients))
    result.replaceAllUsesWith(gradient ? withTypeOf(builder, loc, gradient, input)
                                       : fillLike(builder, loc, input, 0));
  op.erase();
  return success();
}

namespace {
struct NNAutodiffPass : sinter::impl::NNAutodiffBase<NNAutodiffPass> {
  using NNAutodiffBase::NNAutodiffBase;

  void runOnOperation() override {
    SmallVector<nn::GradientOp> gradients;
    getOperation()->walk([&](nn::GradientOp op) { gradients.push_back(op); });
    // In program order: a gradient may be differentiated by a later one.
    for (nn::GradientOp op : gradients)
      if (failed(expand(op)))
        return signalPassFailure();
    // Loops that were replaced by ones that keep more have no uses left.
    SmallVector<nn::LoopOp> loops;
    getOperation()->walk([&](nn::LoopOp loop) { loops.push_back(loop); });
    for (nn::LoopOp loop : loops)
      if (loop->use_empty())
        loop.erase();
  }
};
} // namespace
