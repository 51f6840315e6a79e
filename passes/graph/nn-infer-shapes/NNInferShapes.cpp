//===- NNInferShapes.cpp - dynamic dims to static ones --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-infer-shapes/NNInferShapes.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace sinter {
#define GEN_PASS_DEF_NNINFERSHAPES
#include "passes/graph/nn-infer-shapes/NNInferShapes.h.inc"
} // namespace sinter

// The dims that two types agree on; others are dynamic.
static RankedTensorType join(RankedTensorType lhs, RankedTensorType rhs) {
  SmallVector<int64_t> shape;
  for (auto [a, b] : llvm::zip_equal(lhs.getShape(), rhs.getShape()))
    shape.push_back(a == b ? a : ShapedType::kDynamic);
  return RankedTensorType::get(shape, lhs.getElementType());
}

// `type` with the static dims of `other` where its own are dynamic.
static RankedTensorType refine(RankedTensorType type, ArrayRef<int64_t> other) {
  SmallVector<int64_t> shape;
  for (auto [a, b] : llvm::zip_equal(type.getShape(), other))
    shape.push_back(ShapedType::isDynamic(a) ? b : a);
  return RankedTensorType::get(shape, type.getElementType());
}

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// One walk over a function, in order of execution.
class Refiner {
public:
  explicit Refiner(MLIRContext *context) : analysis(context) {}
  bool hasChanged() const { return changed; }

  void visit(Block &block) {
    for (Operation &op : block) {
      if (auto branch = dyn_cast<IfOp>(op))
        visitIf(branch);
      else if (auto loop = dyn_cast<LoopOp>(op))
        visitLoop(loop);
      else if (isa<ShapeOpInterface>(op))
        visitOp(&op);
      else
        for (Region &region : op.getRegions())
          for (Block &inner : region)
            visit(inner);
      if (auto fused = dyn_cast<FusedOp>(op))
        for (auto [result, value] : llvm::zip(fused.getResults(), getYielded(fused.getBody())))
          refineValue(result, tensorType(value).getShape());
    }
  }

private:
  static OperandRange getYielded(Region &region) {
    return region.front().getTerminator()->getOperands();
  }

  void refineValue(Value value, ArrayRef<int64_t> shape) {
    RankedTensorType old = tensorType(value), type = ::refine(old, shape);
    if (type == old)
      return;
    // The analysis knew these dims already: it is what told them.
    value.setType(type);
    changed = true;
  }

  void visitOp(Operation *op) {
    SmallVector<SymbolicShape> shapes;
    // An op that can't have any shape is reported by its verifier.
    if (llvm::all_of(op->getResultTypes(),
                     [](Type type) { return cast<ShapedType>(type).hasStaticShape(); }) ||
        failed(analysis.inferOp(op, shapes)))
      return;
    for (auto [result, shape] : llvm::zip(op->getResults(), shapes))
      if (shape.size() == static_cast<size_t>(tensorType(result).getRank()))
        refineValue(result, getTensorType(shape, tensorType(result).getElementType()).getShape());
  }

  void visitIf(IfOp op) {
    visit(op.getThenRegion().front());
    visit(op.getElseRegion().front());
    for (auto [result, first, second] :
         llvm::zip(op.getResults(), getYielded(op.getThenRegion()), getYielded(op.getElseRegion())))
      if (tensorType(first).getRank() == tensorType(second).getRank())
        refineValue(result, join(tensorType(first), tensorType(second)).getShape());
  }

  // Carried values start from the types of their initial values; where the body
  // gives back another dim, that dim is dynamic after all and the body is
  // inferred anew.
  void visitLoop(LoopOp op) {
    Block &body = op.getBody().front();
    auto arguments = body.getArguments().drop_front(2);
    DenseMap<Value, Type> before;
    auto remember = [&](Value value) { before[value] = value.getType(); };
    llvm::for_each(arguments, remember);
    op.getBody().walk([&](Operation *inner) { llvm::for_each(inner->getResults(), remember); });
    bool changedBefore = changed;

    SmallVector<RankedTensorType> attempt;
    for (auto [argument, init] : llvm::zip(arguments, op.getInits()))
      attempt.push_back(::refine(tensorType(argument), tensorType(init).getShape()));
    while (true) {
      for (auto [argument, type] : llvm::zip(arguments, attempt))
        refineValue(argument, type.getShape());
      analysis.invalidate();
      visit(body);
      bool stable = true;
      for (auto [type, argument, value] :
           llvm::zip(attempt, arguments, getYielded(op.getBody()).drop_front(1))) {
        auto kept = join(type, tensorType(value));
        // A dim that was static from the start is a promise of the model.
        kept = ::refine(kept, cast<ShapedType>(before[argument]).getShape());
        if (kept != type)
          stable = false;
        type = kept;
      }
      if (stable)
        break;
      for (auto [value, type] : before)
        const_cast<Value &>(value).setType(type);
      analysis.invalidate();
      changed = changedBefore;
    }

    size_t carried = op.getInits().size();
    for (auto [index, result] : llvm::enumerate(op.getResults())) {
      RankedTensorType yielded = tensorType(getYielded(op.getBody())[index + 1]);
      if (index < carried) {
        // Without an iteration the initial value is the result.
        refineValue(result, join(tensorType(op.getInits()[index]), yielded).getShape());
        continue;
      }
      SmallVector<int64_t> shape{getTripCount(op)};
      llvm::append_range(shape, yielded.getShape());
      refineValue(result, shape);
    }
  }

  // How often the body runs, if that is certain.
  int64_t getTripCount(LoopOp op) {
    auto isTrue = [](Value value) {
      ElementsAttr constant = value ? getConstant(value) : ElementsAttr();
      return constant && HostTensor::fromAttribute(constant).getInt(0) != 0;
    };
    Value next = getYielded(op.getBody())[0];
    bool runsOn = isTrue(next) || next == op.getBody().getArgument(1);
    if (!op.getTripCount() || !runsOn || (op.getCondition() && !isTrue(op.getCondition())))
      return ShapedType::kDynamic;
    auto count = analysis.constantContents(op.getTripCount());
    return count && count->size() == 1 ? std::max<int64_t>(count->front(), 0)
                                       : ShapedType::kDynamic;
  }

  ShapeAnalysis analysis;
  bool changed = false;
};
} // namespace

bool sinter::updateResultTypes(FunctionOpInterface function) {
  bool changed = false;
  function.walk([&](func::ReturnOp op) {
    auto type =
        FunctionType::get(op.getContext(), function.getArgumentTypes(), op.getOperandTypes());
    changed |= function.getFunctionType() != type;
    function.setFunctionTypeAttr(TypeAttr::get(type));
  });
  return changed;
}

bool sinter::refineShapes(FunctionOpInterface function) {
  if (function.isExternal())
    return false;
  Refiner refiner(function.getContext());
  for (Block &block : function.getFunctionBody())
    refiner.visit(block);
  bool typeChanged = updateResultTypes(function);
  return refiner.hasChanged() || typeChanged;
}

namespace {
struct NNInferShapesPass : sinter::impl::NNInferShapesBase<NNInferShapesPass> {
  using NNInferShapesBase::NNInferShapesBase;

  void runOnOperation() override {
    getOperation()->walk([](func::FuncOp function) { refineShapes(function); });
  }
};
} // namespace
