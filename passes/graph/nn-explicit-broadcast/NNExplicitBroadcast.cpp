//===- NNExplicitBroadcast.cpp - no broadcast left to run time ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-explicit-broadcast/NNExplicitBroadcast.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace sinter {
#define GEN_PASS_DEF_NNEXPLICITBROADCAST
#include "passes/graph/nn-explicit-broadcast/NNExplicitBroadcast.h.inc"
} // namespace sinter

// The positions, counted from the last dim, where `operand` may be 1 while the
// result is not, or the other way round.
static SmallVector<size_t> findDoubtfulDims(const SymbolicShape &operand,
                                            const SymbolicShape &result) {
  SmallVector<size_t> doubtful;
  for (size_t i = 0; i < operand.size(); ++i) {
    AffineExpr dim = operand[operand.size() - 1 - i];
    auto constant = asConstant(dim);
    if (!(constant && *constant == 1) && dim != result[result.size() - 1 - i])
      doubtful.push_back(i);
  }
  return doubtful;
}

// Expands the doubtful operands of `op` by the shapes of the others.
static void makeExplicit(Operation *op, ShapeAnalysis &analysis) {
  SymbolicShape result = analysis.shape(op->getResult(0));
  OpBuilder builder(op);
  SmallVector<Value> originals(op->getOperands());
  for (size_t index = 0; index < originals.size(); ++index) {
    Value operand = originals[index];
    SymbolicShape shape = analysis.shape(operand);
    SmallVector<size_t> doubtful = findDoubtfulDims(shape, result);
    if (doubtful.empty())
      continue;
    Value expanded = operand;
    // A dim that is static in the result needs no operand to be told.
    SmallVector<int64_t> known;
    for (size_t i = result.size(); i-- > 0;) {
      auto constant = asConstant(result[result.size() - 1 - i]);
      bool needed = constant && llvm::is_contained(doubtful, i);
      if (needed || !known.empty())
        known.push_back(needed ? *constant : 1);
    }
    if (!known.empty())
      expanded = ExpandOp::create(builder, op->getLoc(), expanded,
                                  createIndexConstant(builder, op->getLoc(), known));
    llvm::erase_if(doubtful,
                   [&](size_t i) { return asConstant(result[result.size() - 1 - i]).has_value(); });
    // The other operands that have a say in the remaining dims.
    for (Value other : originals) {
      SymbolicShape otherShape = analysis.shape(other);
      bool matters = llvm::any_of(doubtful, [&](size_t i) {
        if (other == operand || i >= otherShape.size())
          return false;
        AffineExpr dim = otherShape[otherShape.size() - 1 - i];
        auto constant = asConstant(dim);
        return !(constant && *constant == 1) && dim != shape[shape.size() - 1 - i];
      });
      if (!matters)
        continue;
      // Only the dims from the first doubtful one on, lest the rank grow.
      int64_t rank = otherShape.size();
      int64_t count = std::min<int64_t>(rank, shape.size());
      Value target = ShapeOfOp::create(builder, op->getLoc(), other, rank - count, rank);
      expanded = ExpandOp::create(builder, op->getLoc(), expanded, target);
    }
    op->setOperand(index, expanded);
  }
}

namespace {
struct NNExplicitBroadcastPass : sinter::impl::NNExplicitBroadcastBase<NNExplicitBroadcastPass> {
  using NNExplicitBroadcastBase::NNExplicitBroadcastBase;

  void runOnOperation() override {
    getOperation()->walk([](func::FuncOp function) {
      ShapeAnalysis analysis(function.getContext());
      SmallVector<Operation *> elementwise;
      function.walk([&](ScalarOpInterface op) {
        if (op->getNumOperands() > 1)
          elementwise.push_back(op);
      });
      for (Operation *op : elementwise)
        makeExplicit(op, analysis);
    });
  }
};
} // namespace
