//===- DifferentiateControl.cpp - derivatives of branches and loops -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Differentiate.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace sinter::nn;

using llvm::SmallBitVector;

// Operands, then what the regions use from above.
static SmallVector<Value> getInputsOfRegions(Operation *op) {
  SmallVector<Value> inputs(op->getOperands());
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  llvm::append_range(inputs, captured);
  return inputs;
}

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value)); }

// Clones a block's ops, but not its terminator.
static void cloneOps(OpBuilder &b, Block &block, IRMapping &mapping) {
  for (Operation &op : block.without_terminator())
    b.clone(op, mapping);
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

SmallVector<Value> IfOp::getVjpInputs() { return getInputsOfRegions(*this); }

// The same branch, run again, and backwards.
Vjp IfOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  SmallVector<Value> inputs = getVjpInputs(), sources;
  SmallVector<Type> types;
  for (unsigned i : wanted.set_bits()) {
    sources.push_back(inputs[i]);
    types.push_back(inputs[i].getType());
  }
  auto branch = IfOp::create(b, getLoc(), types, getCondition());
  auto fill = [&](Region &from, Region &to) -> LogicalResult {
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&to);
    IRMapping mapping;
    cloneOps(b, from.front(), mapping);
    SmallVector<Value> outputs, seeds;
    for (auto [yielded, cotangent] :
         llvm::zip(from.front().getTerminator()->getOperands(), cotangents))
      if (cotangent) {
        outputs.push_back(mapping.lookupOrDefault(yielded));
        seeds.push_back(cotangent);
      }
    auto gradients = buildGradients(b, *block, outputs, seeds, sources);
    if (failed(gradients))
      return failure();
    for (auto [source, gradient] : llvm::zip(sources, *gradients))
      if (!gradient)
        gradient = zerosLike(Term(b, getLoc(), source));
    YieldOp::create(b, getLoc(), *gradients);
    return success();
  };
  if (failed(fill(getThenRegion(), branch.getThenRegion())) ||
      failed(fill(getElseRegion(), branch.getElseRegion())))
    return failure();
  SmallVector<Value> result(inputs.size());
  for (auto [position, value] : llvm::zip(wanted.set_bits(), branch.getResults()))
    result[position] = value;
  return result;
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

SmallVector<Value> LoopOp::getVjpInputs() { return getInputsOfRegions(*this); }

namespace {
/// Backpropagation through time. The forward loop gets further scans: what its
/// carried values were at each step, and what its contractions gave. The
/// backward loop reads these from the last step to the first, computes a step's
/// other values again, and its derivative.
class LoopVjp {
public:
  LoopVjp(LoopOp op, OpBuilder &outside, ValueRange cotangents, const SmallBitVector &wanted)
      : op(op), outside(outside), loc(op.getLoc()), cotangents(cotangents), wanted(wanted),
        inputs(op.getVjpInputs()), carriedCount(op.getInits().size()), body(&region.emplaceBlock()),
        b(op.getContext()) {
    b.setInsertionPointToEnd(body);
  }

  Vjp build();

private:
  enum class RowOrder { forward, backward, any };
  /// A float value that the loop carries.
  struct Carried {
    size_t position;
    Value value;           // the backward body's stand-in of the body's argument
    Value cotangent, next; // argument of the backward body; what it yields
  };
  /// A value from above that cotangents flow to.
  struct Captured {
    size_t position; // of the VJP's inputs
    Value value;
    Value row, rowIndex; // if all that a step reads is one row
    Value next;          // one step's cotangent
    MatMulOp product;    // `next`, if the sum over steps is one product
    RowOrder order = RowOrder::any;
    size_t result = 0; // of the backward loop: the sum, or the first stack
  };
  /// A value of the forward body that the backward body reads.
  struct Stash {
    Value value;
    UnrealizedConversionCastOp read; // stands for reading the stack
  };

  bool isCounted();
  Type stackedType(Type step);
  Value stash(Value value);
  void cloneStep();
  void findRows();
  RowOrder getRowOrder(const Captured &each);
  LogicalResult differentiateStep();
  void stashContractions();
  void eraseDead();
  void replaceForward();
  LoopOp createBackward();
  Value finish(const Captured &each, LoopOp backward);

  LoopOp op;
  OpBuilder &outside;
  Location loc;
  ValueRange cotangents;
  const SmallBitVector &wanted;
  SmallVector<Value> inputs;
  size_t carriedCount;

  Region region; // the backward body
  Block *body;
  OpBuilder b;
  Value trips, step; // scalars; the step that is being differentiated
  IRMapping mapping; // forward body → its copy in the backward body
  SmallVector<Carried> carried;
  SmallVector<Captured> captured;
  SmallVector<Stash> stashes;
};
} // namespace

// Runs exactly `trip_count` times.
bool LoopVjp::isCounted() {
  Value next = op.getBody().front().getTerminator()->getOperand(0);
  if (!op.getTripCount() || op.getCondition())
    return false;
  if (next == op.getBody().getArgument(1))
    return true;
  ElementsAttr constant = getConstant(next);
  return constant && HostTensor::fromAttribute(constant).getInt(0) != 0;
}

Type LoopVjp::stackedType(Type type) {
  auto stepType = cast<RankedTensorType>(type);
  ElementsAttr count = getConstant(op.getTripCount());
  SmallVector<int64_t> shape{count ? HostTensor::fromAttribute(count).getInt(0)
                                   : ShapedType::kDynamic};
  llvm::append_range(shape, stepType.getShape());
  return RankedTensorType::get(shape, stepType.getElementType());
}

Value LoopVjp::stash(Value value) {
  auto read = UnrealizedConversionCastOp::create(b, loc, value.getType(), ValueRange());
  stashes.push_back({value, read});
  return read.getResult(0);
}

// Computes the forward step again.
void LoopVjp::cloneStep() {
  Block &source = op.getBody().front();
  mapping.map(source.getArgument(0), step);
  mapping.map(source.getArgument(1), createScalar(b, loc, b.getI1Type(), 1));
  for (size_t i = 0; i < carriedCount; ++i) {
    BlockArgument argument = source.getArgument(2 + i);
    Value value = stash(argument);
    mapping.map(argument, value);
    if (isFloat(argument))
      carried.push_back({i, value, {}, {}});
  }
  cloneOps(b, source, mapping);
}

// Where each step reads one row of a captured value, the cotangent is made of
// rows too, instead of adding up tensors that are zero elsewhere.
void LoopVjp::findRows() {
  for (Captured &each : captured) {
    SmallVector<Operation *> users;
    for (Operation *user : each.value.getUsers())
      if (region.findAncestorOpInRegion(*user))
        users.push_back(user);
    if (users.size() != 1)
      continue;
    auto gather = dyn_cast<GatherOp>(users.front());
    if (gather && gather->getBlock() == body && gather.getAxis() == 0 &&
        cast<RankedTensorType>(gather.getIndices().getType()).getRank() == 0)
      std::tie(each.row, each.rowIndex) = std::pair(gather.getOutput(), gather.getIndices());
  }
}

// Whether step i reads row i, or row n − 1 − i, of n rows.
LoopVjp::RowOrder LoopVjp::getRowOrder(const Captured &each) {
  ShapeAnalysis analysis(op.getContext());
  auto equal = [&](Value lhs, AffineExpr rhs) {
    auto contents = analysis.contents(lhs);
    if (!contents || contents->size() != 1)
      return false;
    AffineExpr difference = contents->front() - rhs;
    unsigned symbols = 0;
    difference.walk([&](AffineExpr expr) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
        symbols = std::max(symbols, symbol.getPosition() + 1);
    });
    return asConstant(simplifyAffineExpr(difference, 0, symbols)) == 0;
  };
  auto stepNumber = analysis.contents(step), number = analysis.contents(body->getArgument(0));
  if (!stepNumber || !number || !equal(trips, analysis.shape(each.value).front()))
    return RowOrder::any;
  if (equal(each.rowIndex, stepNumber->front()))
    return RowOrder::forward;
  return equal(each.rowIndex, number->front()) ? RowOrder::backward : RowOrder::any;
}

LogicalResult LoopVjp::differentiateStep() {
  Operation *yield = op.getBody().front().getTerminator();
  SmallVector<Value> outputs, seeds, sources;
  for (Carried &each : carried) {
    each.cotangent = body->addArgument(each.value.getType(), loc);
    outputs.push_back(mapping.lookupOrDefault(yield->getOperand(1 + each.position)));
    seeds.push_back(each.cotangent);
    sources.push_back(each.value);
  }
  for (size_t i = carriedCount; i < op.getNumResults(); ++i)
    if (cotangents[i]) {
      outputs.push_back(mapping.lookupOrDefault(yield->getOperand(1 + i)));
      seeds.push_back(GatherOp::create(b, loc, cotangents[i], step, 0));
    }
  for (Captured &each : captured)
    sources.push_back(each.row ? each.row : each.value);
  auto gradients = buildGradients(b, *body, outputs, seeds, sources);
  if (failed(gradients))
    return failure();
  for (auto [each, gradient] : llvm::zip(carried, *gradients))
    each.next = gradient ? gradient : zerosLike(Term(b, loc, each.value)).get();
  for (auto [each, gradient] :
       llvm::zip(captured, ArrayRef(*gradients).drop_front(carried.size()))) {
    each.next = gradient;
    // Σ over steps of Aᵀ B is one product of the stacked A and B.
    auto product = gradient ? gradient.getDefiningOp<MatMulOp>() : MatMulOp();
    auto isMatrix = [](Value value) {
      return cast<RankedTensorType>(value.getType()).getRank() == 2;
    };
    if (!each.row && product && product.getTransposeLhs() && !product.getTransposeRhs() &&
        product.getRhsBlock() == 0 && isMatrix(product.getLhs()) && isMatrix(product.getRhs()))
      each.product = product;
  }
  return success();
}

// What a contraction gave is kept; all else of a step is cheap to compute again.
void LoopVjp::stashContractions() {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(step);
  for (Operation &each : op.getBody().front().without_terminator()) {
    auto fusible = dyn_cast<FusibleOpInterface>(each);
    if (!fusible || fusible.getFusionClass() != FusionClass::contraction)
      continue;
    Value again = mapping.lookup(each.getResult(0));
    again.replaceAllUsesWith(stash(each.getResult(0)));
  }
}

void LoopVjp::eraseDead() {
  for (Operation &each : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (!isa<YieldOp, UnrealizedConversionCastOp>(each) && each.use_empty() &&
        &each != step.getDefiningOp())
      each.erase();
}

// The forward loop with what the backward one reads as further scans. The old
// loop stays behind, unused: its results are still names of cotangents.
void LoopVjp::replaceForward() {
  llvm::erase_if(stashes, [](Stash &each) {
    bool isUnused = each.read.use_empty();
    if (isUnused)
      each.read.erase();
    return isUnused;
  });
  SmallVector<Type> types(op.getResultTypes());
  for (Stash &each : stashes)
    types.push_back(stackedType(each.value.getType()));
  OpBuilder before(op);
  auto forward =
      LoopOp::create(before, loc, types, op.getTripCount(), op.getCondition(), op.getInits());
  IRMapping copies;
  op.getBody().cloneInto(&forward.getBody(), copies);
  Operation *yield = forward.getBody().front().getTerminator();
  for (Stash &each : stashes)
    yield->insertOperands(yield->getNumOperands(), copies.lookup(each.value));
  op->replaceAllUsesWith(forward->getResults().take_front(op.getNumResults()));
  for (auto [each, stack] :
       llvm::zip(stashes, forward->getResults().drop_front(op.getNumResults()))) {
    b.setInsertionPoint(each.read);
    each.read->replaceAllUsesWith(GatherOp::create(b, loc, stack, step, 0));
    each.read->erase();
  }
}

LoopOp LoopVjp::createBackward() {
  SmallVector<Value> inits, yielded{createScalar(b, loc, b.getI1Type(), 1)}, stacked;
  SmallVector<Type> types;
  for (Carried &each : carried) {
    Value given = cotangents[each.position];
    inits.push_back(given ? given
                          : zerosLike(Term(outside, loc, op.getInits()[each.position])).get());
    yielded.push_back(each.next);
    types.push_back(each.value.getType());
  }
  auto scan = [&](Value value) {
    stacked.push_back(value);
    return stacked.size() - 1;
  };
  SmallVector<Captured *> sums;
  for (Captured &each : captured) {
    if (!each.next)
      continue;
    if (each.row) {
      each.order = getRowOrder(each);
      each.result = scan(each.next);
      if (each.order == RowOrder::any)
        scan(each.rowIndex);
    } else if (each.product) {
      each.result = scan(each.product.getLhs());
      scan(each.product.getRhs());
    } else {
      sums.push_back(&each);
    }
  }
  for (Captured *each : sums) {
    each->result = inits.size();
    inits.push_back(zerosLike(Term(outside, loc, each->value)));
    Value sum = body->addArgument(each->value.getType(), loc);
    yielded.push_back(AddOp::create(b, loc, sum, each->next));
    types.push_back(each->value.getType());
  }
  for (Captured &each : captured)
    if (each.row || each.product)
      each.result += inits.size();
  for (Value value : stacked) {
    yielded.push_back(value);
    types.push_back(stackedType(value.getType()));
  }
  YieldOp::create(b, loc, yielded);
  auto loop = LoopOp::create(outside, loc, types, op.getTripCount(), Value(), inits);
  loop.getBody().takeBody(region);
  return loop;
}

// The cotangent of a captured value from what the backward loop gave.
Value LoopVjp::finish(const Captured &each, LoopOp backward) {
  if (!each.next)
    return {};
  Value first = backward.getResult(each.result);
  if (!each.row && !each.product)
    return first;
  Term x(outside, loc, first);
  auto second = [&] { return x.with(backward.getResult(each.result + 1)); };
  if (each.product)
    return x.apply<FlattenOp>(2).apply<MatMulOp>(second().apply<FlattenOp>(2).get(),
                                                 /*transpose_lhs=*/true, /*transpose_rhs=*/false);
  // Rows are stacked from the last step to the first.
  if (each.order != RowOrder::any)
    return reshapeLike(each.order == RowOrder::forward ? flip(x, {0}) : x, each.value);
  return scatterRows(x.with(each.value), second(), 0, x);
}

Vjp LoopVjp::build() {
  if (!isCounted())
    return op.emitOpError("is differentiable only where its trip count alone decides how often "
                          "it runs");
  trips = op.getTripCount();
  if (cast<RankedTensorType>(trips.getType()).getRank() != 0)
    trips = ReshapeOp::create(outside, loc, trips, createIndexConstant(outside, loc, {}), true);
  auto scalar = RankedTensorType::get({}, b.getI64Type());
  Value number = body->addArgument(scalar, loc);
  body->addArgument(RankedTensorType::get({}, b.getI1Type()), loc);
  Value last = SubOp::create(b, loc, trips, createIndexScalar(b, loc, 1));
  step = SubOp::create(b, loc, last, number);
  for (size_t i = op->getNumOperands(); i < inputs.size(); ++i)
    if (wanted[i])
      captured.push_back({i, inputs[i]});

  cloneStep();
  findRows();
  if (failed(differentiateStep()))
    return failure();
  stashContractions();
  // What the step yields is in use until it has a terminator.
  LoopOp backward = createBackward();
  body = &backward.getBody().front();
  eraseDead();
  replaceForward();

  SmallVector<Value> result(inputs.size());
  size_t firstInit = op->getNumOperands() - carriedCount;
  for (auto [i, each] : llvm::enumerate(carried))
    if (wanted[firstInit + each.position])
      result[firstInit + each.position] = backward.getResult(i);
  for (Captured &each : captured)
    result[each.position] = finish(each, backward);
  return result;
}

Vjp LoopOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  return LoopVjp(*this, b, cotangents, wanted).build();
}
