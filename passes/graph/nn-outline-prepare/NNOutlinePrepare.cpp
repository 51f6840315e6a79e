//===- NNOutlinePrepare.cpp - weights that are made, not stored -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-outline-prepare/NNOutlinePrepare.h"
#include "dialects/nn/NN.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNOUTLINEPREPARE
#include "passes/graph/nn-outline-prepare/NNOutlinePrepare.h.inc"
} // namespace sinter

static int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape() ? type.getNumElements() * nn::getElementBytes(type.getElementType())
                               : 0;
}

namespace {

class Outliner {
public:
  Outliner(func::FuncOp main, int64_t leastBytes) : main(main), leastBytes(leastBytes) {}

  void run() {
    for (Operation &op : main.getBody().front())
      if (followsFromConstants(&op))
        known.insert(&op);
    for (Operation *op : known)
      for (Value result : op->getResults())
        if (bytesOf(result) >= leastBytes && isUsedOutside(result))
          prepared.push_back(result);
    if (prepared.empty())
      return;
    createPrepare();
    for (Value value : prepared) {
      unsigned number = main.getNumArguments();
      OpBuilder builder(main.getContext());
      auto attributes =
          builder.getDictionaryAttr(builder.getNamedAttr("nn.prepared", builder.getUnitAttr()));
      (void)main.insertArgument(number, value.getType(), attributes, value.getLoc());
      value.replaceAllUsesWith(main.getArgument(number));
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(main.getBody().front())))
      if (op.use_empty() && (known.contains(&op) || isa<nn::ConstantOp>(op)))
        op.erase();
  }

private:
  bool followsFromConstants(Operation *op) const {
    SmallVector<Value> operands(op->getOperands());
    if (isa<nn::FusedOp>(op)) {
      llvm::SetVector<Value> captured;
      getUsedValuesDefinedAbove(op->getRegions(), captured);
      llvm::append_range(operands, captured);
    }
    auto isKnown = [&](Value operand) {
      return nn::getConstant(operand) || known.contains(operand.getDefiningOp());
    };
    auto isStatic = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && tensor.hasStaticShape();
    };
    return isa<nn::EvaluableOpInterface, nn::FusedOp>(op) && !operands.empty() &&
           isMemoryEffectFree(op) && llvm::all_of(operands, isKnown) &&
           llvm::all_of(op->getResultTypes(), isStatic);
  }

  bool isUsedOutside(Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      return !known.contains(main.getBody().front().findAncestorOpInBlock(*user));
    });
  }

  /// @prepare() -> (the prepared values)
  void createPrepare() {
    OpBuilder builder(main);
    SmallVector<Type> types(ValueRange(prepared).getTypes());
    auto prepare =
        func::FuncOp::create(builder, main.getLoc(), "prepare", builder.getFunctionType({}, types));
    builder.setInsertionPointToStart(prepare.addEntryBlock());
    llvm::SetVector<Operation *> needed;
    BackwardSliceOptions options;
    options.inclusive = true;
    options.omitUsesFromAbove = false;
    for (Value value : prepared)
      (void)getBackwardSlice(value.getDefiningOp(), &needed, options);
    IRMapping mapping;
    for (Operation &op : main.getBody().front())
      if (needed.contains(&op))
        builder.clone(op, mapping);
    SmallVector<Value> results;
    for (Value value : prepared)
      results.push_back(mapping.lookup(value));
    func::ReturnOp::create(builder, main.getLoc(), results);
  }

  func::FuncOp main;
  int64_t leastBytes;
  llvm::SetVector<Operation *> known; ///< ops that follow from constants, in their order
  SmallVector<Value> prepared;
};

struct NNOutlinePreparePass : sinter::impl::NNOutlinePrepareBase<NNOutlinePreparePass> {
  using NNOutlinePrepareBase::NNOutlinePrepareBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (main && !getOperation()->hasAttr("nn.training"))
      Outliner(main, leastBytes).run();
  }
};

} // namespace
