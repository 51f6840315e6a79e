//===- NNRecompute.cpp - activations are computed again -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-recompute/NNRecompute.h"
#include "dialects/nn/HostTensor.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/autodiff/nn-recompute/Segments.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNRECOMPUTE
#include "passes/autodiff/nn-recompute/NNRecompute.h.inc"
} // namespace sinter

// Whether an op only gives its first operand another shape.
static bool isView(Operation *op) {
  auto fusible = dyn_cast_if_present<nn::FusibleOpInterface>(op);
  return fusible && fusible.getFusionClass() == nn::FusionClass::view;
}

// The tensor whose memory a value is.
static Value getBase(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isView(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

// An estimate: an activation's dynamic dims are the batch and the like, for all the same.
static int64_t getBytes(Value value) {
  constexpr int64_t Dynamic = 64;
  auto type = cast<RankedTensorType>(value.getType());
  int64_t bytes = nn::getElementBytes(type.getElementType());
  for (int64_t dim : type.getShape())
    bytes *= ShapedType::isDynamic(dim) ? Dynamic : dim;
  return bytes;
}

// Kernels, and numbers that are drawn again as they were; no loops, and nothing of the runtime's.
static bool canRepeat(Operation *op) {
  auto fusible = dyn_cast<nn::FusibleOpInterface>(op);
  return fusible && fusible.getFusionClass() != nn::FusionClass::opaque &&
         op->getNumRegions() == 0 && isPure(op);
}

namespace {
class Recomputation {
public:
  explicit Recomputation(func::FuncOp function)
      : function(function), block(function.getBody().front()) {}

  void run(int64_t segments) {
    findForward();
    if (forward.empty())
      return;
    cuts = cutForward(findActivations(), static_cast<int64_t>(forward.size()), segments);
    if (!cuts.empty())
      repeatSegments();
  }

private:
  /// What the results that are no state depend on, in program order.
  void findForward() {
    SetVector<Operation *> slice;
    bool hasState = false;
    for (auto [i, result] : llvm::enumerate(block.getTerminator()->getOperands())) {
      if (function.getResultAttr(i, "nn.state")) {
        hasState = true;
        continue;
      }
      BackwardSliceOptions options;
      options.inclusive = true;
      options.omitUsesFromAbove = false;
      LogicalResult found = getBackwardSlice(result, &slice, options);
      assert(succeeded(found) && "a function's ops can be followed");
      (void)found;
    }
    if (!hasState)
      return;
    for (Operation &op : block)
      if (slice.contains(&op)) {
        placeOf[&op] = forward.size();
        forward.push_back(&op);
      }
  }

  /// Whether an op, or the one of the block that holds it, belongs to the backward pass.
  bool isBackward(Operation *user) {
    user = block.findAncestorOpInBlock(*user);
    return !placeOf.contains(user) && forward.back()->isBeforeInBlock(user) &&
           user != block.getTerminator();
  }

  SmallVector<Activation> findActivations() {
    llvm::MapVector<Value, Activation> found;
    for (auto [place, op] : llvm::enumerate(forward)) {
      if (isa<nn::ConstantOp>(op))
        continue;
      for (Value result : op->getResults()) {
        Value base = getBase(result);
        if (!base.getDefiningOp() || isa<nn::ConstantOp>(base.getDefiningOp()))
          continue;
        auto made = static_cast<int64_t>(place);
        Activation &each =
            found.try_emplace(base, Activation{getBytes(base), made, made, false}).first->second;
        for (Operation *user : result.getUsers()) {
          auto read = placeOf.find(block.findAncestorOpInBlock(*user));
          if (read != placeOf.end())
            each.lastRead = std::max(each.lastRead, read->second);
          else
            each.isKept |= isBackward(user);
        }
      }
    }
    SmallVector<Activation> activations;
    for (auto &[base, activation] : found) {
      activations.push_back(activation);
      lastRead[base] = activation.lastRead;
    }
    return activations;
  }

  /// The segment of a value that is not kept; none of the others.
  std::optional<size_t> getSegment(Value value) {
    Operation *op = getBase(value).getDefiningOp();
    auto place = placeOf.find(op);
    if (!op || place == placeOf.end() || isa<nn::ConstantOp>(op) || !canRepeat(op))
      return std::nullopt;
    size_t segment = llvm::upper_bound(cuts, place->second) - cuts.begin();
    if (segment == cuts.size() || lastRead[getBase(value)] >= cuts[segment])
      return std::nullopt;
    return segment;
  }

  /// In the order of the backward pass, so that each segment comes before its first reader.
  void repeatSegments() {
    std::vector<IRMapping> repeated(cuts.size());
    std::vector<Operation *> before(cuts.size(), nullptr);
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (!isBackward(&op) || op.hasAttr("nn.recomputed"))
        continue;
      op.walk([&](Operation *user) {
        for (OpOperand &use : user->getOpOperands()) {
          auto segment = getSegment(use.get());
          if (!segment)
            continue;
          if (!before[*segment])
            before[*segment] = &op;
          OpBuilder builder(before[*segment]);
          use.set(repeat(builder, use.get(), *segment, repeated[*segment]));
        }
      });
    }
  }

  /// The value computed again from what is kept.
  Value repeat(OpBuilder &builder, Value value, size_t segment, IRMapping &repeated) {
    if (Value known = repeated.lookupOrNull(value))
      return known;
    if (getSegment(value) != segment)
      return value;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      repeated.map(operand, repeat(builder, operand, segment, repeated));
    Operation *clone = builder.clone(*op, repeated);
    clone->setDiscardableAttr("nn.recomputed", builder.getUnitAttr());
    return repeated.lookup(value);
  }

  func::FuncOp function;
  Block &block;
  SmallVector<Operation *> forward;
  DenseMap<Operation *, int64_t> placeOf;
  DenseMap<Value, int64_t> lastRead; ///< in the forward pass, by base
  SmallVector<int64_t> cuts;
};

struct NNRecomputePass : sinter::impl::NNRecomputeBase<NNRecomputePass> {
  using NNRecomputeBase::NNRecomputeBase;

  void runOnOperation() override {
    if (!getOperation().isExternal())
      Recomputation(getOperation()).run(segments);
  }
};
} // namespace
