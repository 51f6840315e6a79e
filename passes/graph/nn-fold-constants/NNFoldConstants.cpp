//===- NNFoldConstants.cpp - evaluates constant subgraphs -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-fold-constants/NNFoldConstants.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/graph/nn-infer-shapes/NNInferShapes.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace sinter {
#define GEN_PASS_DEF_NNFOLDCONSTANTS
#include "passes/graph/nn-fold-constants/NNFoldConstants.h.inc"
} // namespace sinter

// The place of what `op` folds to: that of the one constant whose elements it moves or
// changes, so that a weight keeps its name, else its own.
static Location getPlace(Operation *op) {
  std::optional<Location> place;
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  for (Value operand : op->getOperands()) {
    if (getElementTypeOrSelf(operand.getType()) != element)
      continue;
    if (!operand.getDefiningOp<ConstantOp>() || (place && *place != operand.getLoc()))
      return op->getLoc();
    place = operand.getLoc();
  }
  return place.value_or(op->getLoc());
}

// A name for the constant that `op` folds to: that of the model's node.
static std::string getName(Operation *op) {
  if (auto name = dyn_cast<NameLoc>(getPlace(op)))
    return name.getName().str();
  return op->getName().stripDialect().str();
}

static DenseElementsAttr getSplat(Value value) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(getConstant(value));
  return dense && dense.isSplat() ? dense : DenseElementsAttr();
}

// True if each result element is some element of operand 0.
static bool onlyMovesFirstOperand(Operation *op) {
  auto fusible = dyn_cast<FusibleOpInterface>(op);
  return (fusible && fusible.getFusionClass() == FusionClass::view) ||
         isa<TransposeOp, ExpandOp, TileOp, SliceOp, GatherOp, GatherElementsOp, GatherNDOp,
             ReverseSequenceOp>(op);
}

namespace {
class Folder {
public:
  Folder(FunctionOpInterface function, int64_t maxBytes)
      : function(function), analysis(function.getContext()), maxBytes(maxBytes) {}

  bool run() {
    bool changed = replaceEmptyArguments();
    function.getFunctionBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getDialect() && isa<NNDialect>(op->getDialect()) && !isa<ConstantOp>(op) &&
          op->getNumResults() > 0)
        visit(op);
    });
    // Users first.
    for (Operation *op : llvm::reverse(folded))
      if (op->use_empty())
        op->erase();
    if (!folded.empty())
      updateResultTypes(function);
    return changed || !folded.empty();
  }

private:
  // An argument without elements has nothing to say.
  bool replaceEmptyArguments() {
    Block &entry = function.getFunctionBody().front();
    auto builder = OpBuilder::atBlockBegin(&entry);
    bool changed = false;
    for (BlockArgument argument : entry.getArguments()) {
      SmallVector<ElementsAttr> value;
      // Its dims, or a result that it is, need no replacement.
      bool matters = llvm::any_of(argument.getUsers(), [](Operation *user) {
        return !isa<func::ReturnOp, ShapeOfOp>(user);
      });
      if (!matters || failed(makeEmpty(argument.getType(), value)))
        continue;
      argument.replaceAllUsesWith(ConstantOp::create(builder, argument.getLoc(), value[0]));
      changed = true;
    }
    return changed;
  }

  // The constant of a type that has no elements.
  static LogicalResult makeEmpty(Type type, SmallVectorImpl<ElementsAttr> &values) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape() || tensor.getNumElements() != 0)
      return failure();
    values.push_back(HostTensor(tensor.getElementType(), tensor.getShape()).toAttribute("empty"));
    return success();
  }

  void visit(Operation *op) {
    if (isa_and_nonnull<FusedOp>(op->getParentOp()) || op->use_empty())
      return;
    SmallVector<ElementsAttr> results;
    if (op->getNumResults() == 1 && isMemoryEffectFree(op))
      if (succeeded(makeEmpty(op->getResult(0).getType(), results)))
        return replace(op, results);
    if (succeeded(foldKnownContents(op, results)) || succeeded(foldSplat(op, results)) ||
        succeeded(evaluate(op, results)))
      replace(op, results);
  }

  void replace(Operation *op, ArrayRef<ElementsAttr> values) {
    OpBuilder builder(op);
    bool changed = false;
    for (auto [result, value] : llvm::zip(op->getResults(), values)) {
      if (!value || result.use_empty())
        continue;
      result.replaceAllUsesWith(ConstantOp::create(builder, getPlace(op), value));
      changed = true;
    }
    if (changed)
      folded.push_back(op);
  }

  // Shape arithmetic: nothing needs to be constant but the dims.
  LogicalResult foldKnownContents(Operation *op, SmallVectorImpl<ElementsAttr> &results) {
    if (op->getNumResults() != 1 || !isa<ContentsOpInterface>(op))
      return failure();
    auto contents = analysis.constantContents(op->getResult(0));
    if (!contents)
      return failure();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    SmallVector<APInt> elements;
    for (int64_t value : *contents)
      elements.emplace_back(type.getElementTypeBitWidth(), value,
                            /*isSigned=*/true, /*implicitTrunc=*/true);
    results.push_back(DenseElementsAttr::get(type, elements));
    return success();
  }

  // An op on splats gives a splat: compute one element.
  LogicalResult foldSplat(Operation *op, SmallVectorImpl<ElementsAttr> &results) {
    if (op->getNumResults() != 1 || op->getNumOperands() == 0)
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape() || type.getNumElements() == 0)
      return failure();
    if (onlyMovesFirstOperand(op)) {
      DenseElementsAttr splat = getSplat(op->getOperand(0));
      if (!splat)
        return failure();
      results.push_back(splat.resizeSplat(type));
      return success();
    }
    if (!isa<ScalarOpInterface>(op))
      return failure();
    SmallVector<HostTensor> operands, one;
    for (Value operand : op->getOperands()) {
      DenseElementsAttr splat = getSplat(operand);
      if (!splat || splat.getNumElements() == 0)
        return failure();
      operands.push_back(HostTensor::fromAttribute(
          splat.resizeSplat(RankedTensorType::get({}, splat.getElementType()))));
    }
    if (failed(evaluateOp(op, operands, one)) || one[0].getNumElements() != 1)
      return failure();
    auto value = dyn_cast<DenseElementsAttr>(one[0].toAttribute("splat"));
    if (!value || !value.isSplat())
      return failure();
    results.push_back(value.resizeSplat(type));
    return success();
  }

  LogicalResult evaluate(Operation *op, SmallVectorImpl<ElementsAttr> &results) {
    if (!isa<EvaluableOpInterface>(op))
      return failure();
    int64_t operandBytes = 0, resultBytes = 0;
    for (Value operand : op->getOperands()) {
      ElementsAttr constant = getConstant(operand);
      if (!constant)
        return failure();
      // A splat takes no room until it is spelled out.
      if (!getSplat(operand))
        operandBytes += constant.getNumElements() * getElementBytes(constant.getElementType());
    }
    for (Type type : op->getResultTypes())
      if (auto tensor = cast<RankedTensorType>(type); tensor.hasStaticShape())
        resultBytes += tensor.getNumElements() * getElementBytes(tensor.getElementType());
    // Weights that are padded to whole panels grow by a little.
    int64_t limit = std::max(maxBytes, operandBytes + operandBytes / 8);
    if (resultBytes > limit)
      return failure();

    SmallVector<HostTensor> operands, values;
    for (Value operand : op->getOperands())
      operands.push_back(HostTensor::fromAttribute(getConstant(operand)));
    if (llvm::any_of(operands, [](const HostTensor &operand) { return !operand.isAllocated(); }))
      return failure();
    if (failed(evaluateOp(op, operands, values)))
      return failure();
    // Shapes that only the evaluation could tell.
    resultBytes = 0;
    for (const HostTensor &value : values)
      resultBytes += value.getNumElements() * value.getElementBytes();
    if (resultBytes > limit)
      return failure();
    for (auto [result, value] : llvm::zip(op->getResults(), values))
      results.push_back(result.use_empty() ? ElementsAttr() : value.toAttribute(getName(op)));
    return success();
  }

  FunctionOpInterface function;
  ShapeAnalysis analysis;
  int64_t maxBytes;
  SmallVector<Operation *> folded;
};
} // namespace

bool sinter::foldConstants(FunctionOpInterface function, int64_t maxBytes) {
  return !function.isExternal() && Folder(function, maxBytes).run();
}

namespace {
struct NNFoldConstantsPass : sinter::impl::NNFoldConstantsBase<NNFoldConstantsPass> {
  using NNFoldConstantsBase::NNFoldConstantsBase;

  void runOnOperation() override {
    getOperation()->walk([&](func::FuncOp function) { foldConstants(function, maxBytes); });
  }
};
} // namespace
