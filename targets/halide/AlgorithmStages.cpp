//===- AlgorithmStages.cpp - linalg ops as Halide functions ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/Algorithm.h"

#include "targets/halide/Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace sinter;
using namespace sinter::halide;
using Halide::Expr;
namespace H = Halide;

/// Halide stores the elements of a tuple one after another, and an update that reads an element
/// stored before reads the new value. So a result that another one reads comes after it.
static std::vector<unsigned> tupleOrder(mlir::linalg::LinalgOp op) {
  unsigned count = op.getNumDpsInits();
  mlir::Block *block = op.getBlock();
  // reads[i][j]: result i is computed from the value of j so far.
  std::vector<std::vector<bool>> reads(count, std::vector<bool>(count));
  for (unsigned i = 0; i < count; ++i) {
    llvm::SmallVector<mlir::Value> work = {block->getTerminator()->getOperand(i)};
    llvm::DenseSet<mlir::Value> seen;
    while (!work.empty()) {
      mlir::Value value = work.pop_back_val();
      if (!seen.insert(value).second)
        continue;
      if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(value)) {
        if (argument.getOwner() == block && argument.getArgNumber() >= op.getNumDpsInputs())
          reads[i][argument.getArgNumber() - op.getNumDpsInputs()] = true;
      } else if (value.getDefiningOp()->getBlock() == block) {
        llvm::append_range(work, value.getDefiningOp()->getOperands());
      }
    }
  }
  std::vector<unsigned> order(count);
  std::vector<bool> placed(count);
  for (unsigned position = 0; position < count; ++position) {
    unsigned next = 0;
    // A result may be stored once every other one that reads it has been.
    for (; next < count; ++next) {
      bool free = !placed[next];
      for (unsigned i = 0; i < count; ++i)
        free &= i == next || placed[i] || !reads[i][next];
      if (free)
        break;
    }
    if (next == count && op.getNumReductionLoops() != 0)
      throw Refusal{"results of a reduction that read each other in a circle"};
    if (next == count)
      next = llvm::find(placed, false) - placed.begin();
    placed[next] = true;
    order[next] = position;
  }
  return order;
}

/// Added to a product that a stage yields, keeps the sums of later stages from contracting with it:
/// each op of the model rounds its result, as the model says. finishBitcode takes it out again.
static Expr minusZero(H::Type type) {
  return H::Internal::Call::make(type, minusZeroPrefix + std::to_string(type.bits()), {},
                                 H::Internal::Call::PureExtern);
}

void Algorithm::addStage(mlir::linalg::LinalgOp op, kernel::RFactorOp factor) {
  unsigned number = stages.size();
  Stage stage;
  stage.func = H::Func("s" + std::to_string(number));
  unsigned rank = op.getNumLoops();
  llvm::SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  auto kinds = op.getIteratorTypesArray();

  // Extents: static, or the dimension of an operand that the loop runs over.
  auto extentOf = [&](unsigned loop) -> Expr {
    if (!mlir::ShapedType::isDynamic(ranges[loop]))
      return int32_t(ranges[loop]);
    for (mlir::OpOperand &operand : op->getOpOperands()) {
      mlir::AffineMap map = op.getMatchingIndexingMap(&operand);
      for (unsigned i = 0; i < map.getNumResults(); ++i)
        if (auto dim = mlir::dyn_cast<mlir::AffineDimExpr>(map.getResult(i));
            dim && dim.getPosition() == loop)
          return extent(operand.get(), i);
    }
    throw Refusal{"a loop whose extent is no operand's dimension"};
  };

  Loops loops;
  std::vector<H::Var> vars(rank);
  H::Region reduction; // innermost first
  for (unsigned i = 0; i < rank; ++i) {
    stage.extents[kernel::loopName(i)] = extentOf(i);
    vars[i] = H::Var(kernel::loopName(i));
    if (kinds[i] == mlir::utils::IteratorType::parallel)
      continue;
    if (kinds[i] != mlir::utils::IteratorType::reduction)
      throw Refusal{"an iterator that is neither parallel nor reduction"};
    stage.hasUpdate = true;
  }
  for (unsigned i = rank; i-- > 0;)
    if (kinds[i] == mlir::utils::IteratorType::reduction)
      reduction.push_back(H::Range(0, stage.extents[kernel::loopName(i)]));
  H::RDom domain;
  if (stage.hasUpdate)
    domain = H::RDom(reduction, "r");
  unsigned nextReduction = reduction.size();
  for (unsigned i = 0; i < rank; ++i) {
    std::string name = kernel::loopName(i);
    if (kinds[i] == mlir::utils::IteratorType::parallel) {
      loops.dims.push_back(vars[i]);
      stage.loops[0].emplace(name, vars[i]);
      stage.loops[1].emplace(name, vars[i]);
    } else {
      H::RVar r = domain[--nextReduction];
      loops.dims.push_back(r);
      stage.loops[1].emplace(name, r);
    }
  }

  // Where the results go: each dimension is a parallel loop, or a constant 0 of extent 1.
  mlir::AffineMap outputMap = op.getIndexingMapsArray()[op.getNumDpsInputs()];
  std::vector<H::Var> outputVars;
  llvm::SmallBitVector seen(rank);
  for (auto [i, result] : llvm::enumerate(outputMap.getResults())) {
    if (auto dim = mlir::dyn_cast<mlir::AffineDimExpr>(result)) {
      if (seen[dim.getPosition()] ||
          kinds[dim.getPosition()] != mlir::utils::IteratorType::parallel)
        throw Refusal{"a result indexed by something other than distinct parallel loops"};
      seen.set(dim.getPosition());
      outputVars.push_back(vars[dim.getPosition()]);
    } else if (mlir::isa<mlir::AffineConstantExpr>(result)) {
      outputVars.push_back(H::Var("one" + std::to_string(i)));
    } else {
      throw Refusal{"a result indexed by something other than distinct parallel loops"};
    }
  }
  for (unsigned i = 0; i < rank; ++i)
    if (kinds[i] == mlir::utils::IteratorType::parallel && !seen[i])
      throw Refusal{"a parallel loop that no result depends on"};
  for (unsigned i = 1; i < op.getNumDpsInits(); ++i)
    if (op.getIndexingMapsArray()[op.getNumDpsInputs() + i] != outputMap)
      throw Refusal{"results of one op with different indexing maps"};

  std::vector<H::Var> place = reversed(outputVars);
  std::vector<Expr> outputIndices(outputVars.begin(), outputVars.end());

  // The initial values.
  std::vector<Expr> initial;
  for (mlir::Value init : op.getDpsInits())
    initial.push_back(element(init, outputIndices, outer, Loops{}));
  stage.tupleIndex = tupleOrder(op);
  auto assign = [&](const std::vector<Expr> &values) {
    H::FuncRef target = stage.func(place);
    if (values.size() == 1) {
      target = values[0];
      return;
    }
    std::vector<Expr> tuple(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      tuple[stage.tupleIndex[i]] = values[i];
    target = H::Tuple(tuple);
  };
  if (factor) {
    defineFactored(op, stage, factor, loops, place, initial[0]);
  } else if (stage.hasUpdate) {
    assign(initial);
    std::vector<Expr> accumulators;
    for (unsigned i = 0; i < initial.size(); ++i)
      accumulators.push_back(initial.size() == 1 ? Expr(stage.func(place))
                                                 : Expr(stage.func(place)[stage.tupleIndex[i]]));
    assign(body(op, loops, accumulators));
  } else {
    std::vector<Expr> values = body(op, loops, initial);
    for (auto [value, yielded] : llvm::zip(values, op.getBlock()->getTerminator()->getOperands()))
      if (backend == Backend::CPU && yielded.getDefiningOp<mlir::arith::MulFOp>() &&
          value.type().bits() >= 32)
        value = value + minusZero(value.type());
    assign(values);
  }
  for (mlir::Value value : op->getResults())
    stageOf[value] = number;
  stages.push_back(stage);
}

/// The values that the body of `op` yields at a position, given the outputs' values so far.
std::vector<Expr> Algorithm::body(mlir::linalg::LinalgOp op, const Loops &loops,
                                  std::vector<Expr> accumulators) {
  Scope scope;
  mlir::Block *block = op.getBlock();
  for (mlir::OpOperand &operand : op->getOpOperands()) {
    mlir::Value argument = block->getArgument(operand.getOperandNumber());
    if (argument.use_empty())
      continue;
    if (op.isDpsInit(&operand)) {
      scope[argument] = accumulators[operand.getOperandNumber() - op.getNumDpsInputs()];
    } else if (!mlir::isa<mlir::RankedTensorType>(operand.get().getType())) {
      scope[argument] = scalar(operand.get(), outer, Loops{});
    } else {
      mlir::AffineMap map = op.getMatchingIndexingMap(&operand);
      std::vector<Expr> indices;
      for (mlir::AffineExpr result : map.getResults())
        indices.push_back(affine(result, map, loops.dims));
      scope[argument] = element(operand.get(), indices, scope, loops);
    }
  }
  std::vector<Expr> values;
  for (mlir::Value value : block->getTerminator()->getOperands())
    values.push_back(scalar(value, scope, loops));
  if (backend != Backend::CPU)
    for (Expr &value : values)
      value = forDevice(value, /*isRounded=*/op.getNumReductionLoops() == 0, backend);
  return values;
}

/// A reduction in interleaved partial results: see kernel.rfactor.
///   partial(p, u) = neutral
///   partial(p, u) = op(partial(p, u), value(p, r * factor + u)) for r < extent / factor
///   func(p) = op(initial, partial(p, 0), partial(p, 1), ...)
///   func(p) = op(func(p), value(p, r)) for the rest
void Algorithm::defineFactored(mlir::linalg::LinalgOp op, Stage &stage, kernel::RFactorOp factor,
                               Loops loops, llvm::ArrayRef<H::Var> place, Expr initial) {
  mlir::Block *block = op.getBlock();
  mlir::Operation *combiner = kernel::getCombiner(op);
  if (!combiner)
    throw Refusal{"rfactor of a reduction that is not one associative op"};
  mlir::Value accumulator = block->getArgument(op.getNumDpsInputs());
  bool second = combiner->getOperand(1) == accumulator;
  mlir::Value element = combiner->getOperand(second ? 0 : 1);
  auto combine = [&](Expr a, Expr b) {
    std::vector<Expr> operands = {a, b};
    if (second)
      std::swap(operands[0], operands[1]);
    return scalarOp(combiner, operands);
  };
  auto valueAt = [&](const Loops &at) {
    // The body once more, with the accumulator's place taken by the neutral element; only `element`
    // is wanted.
    Scope scope;
    for (mlir::OpOperand *operand : op.getDpsInputOperands()) {
      mlir::Value argument = block->getArgument(operand->getOperandNumber());
      if (argument.use_empty())
        continue;
      if (!mlir::isa<mlir::RankedTensorType>(operand->get().getType())) {
        scope[argument] = scalar(operand->get(), outer, Loops{});
        continue;
      }
      mlir::AffineMap map = op.getMatchingIndexingMap(operand);
      std::vector<Expr> indices;
      for (mlir::AffineExpr result : map.getResults())
        indices.push_back(affine(result, map, at.dims));
      scope[argument] = this->element(operand->get(), indices, scope, at);
    }
    Expr value = scalar(element, scope, at);
    return backend == Backend::CPU ? value : forDevice(value, /*isRounded=*/false, backend);
  };

  unsigned dim = 0;
  while (kernel::loopName(dim) != factor.getDim())
    ++dim;
  int32_t lanes = factor.getFactor();
  Expr extent = stage.extents[kernel::loopName(dim)];
  Expr main = H::Internal::simplify(extent / lanes),
       rest = H::Internal::simplify(extent - extent / lanes * lanes);

  // Two domains: every loop as it is, but `dim`.
  auto domainOf = [&](Expr begin, Expr length, const char *name, Stage &nest, unsigned which) {
    Loops at = loops;
    H::Region ranges;
    std::vector<unsigned> dims;
    for (unsigned i = loops.dims.size(); i-- > 0;)
      if (op.getIteratorTypesArray()[i] == mlir::utils::IteratorType::reduction) {
        ranges.push_back(i == dim ? H::Range(begin, length)
                                  : H::Range(0, stage.extents[kernel::loopName(i)]));
        dims.push_back(i);
      }
    H::RDom domain(ranges, name);
    for (auto [k, i] : llvm::enumerate(dims)) {
      H::RVar r = domain[int(k)];
      at.dims[i] = r;
      nest.loops[1].erase(kernel::loopName(i));
      nest.loops[1].emplace(kernel::loopName(i), r);
    }
    return at;
  };

  Stage partial;
  partial.hasUpdate = true;
  partial.func = H::Func(stage.func.name() + "_partial");
  partial.loops[0] = stage.loops[0];
  partial.loops[1] = stage.loops[0];
  partial.extents = stage.extents;
  H::Var lane("u");
  partial.loops[0].emplace(factor.getLane().str(), lane);
  partial.loops[1].emplace(factor.getLane().str(), lane);
  std::vector<H::Var> lanePlace(place.begin(), place.end());
  lanePlace.insert(lanePlace.begin(), lane);
  Loops at = domainOf(0, main, "rp", partial, dim);
  at.dims[dim] = at.dims[dim] * lanes + lane;
  mlir::Type type = accumulator.getType();
  partial.func(lanePlace) = constantOf(type, *mlir::arith::getNeutralElement(combiner));
  partial.func(lanePlace) = combine(partial.func(lanePlace), valueAt(at));

  // A tree over the partial results.
  std::vector<Expr> tree;
  std::vector<Expr> indices(place.begin(), place.end());
  for (int32_t i = 0; i < lanes; ++i) {
    std::vector<Expr> at = indices;
    at.insert(at.begin(), Expr(i));
    tree.push_back(partial.func(at));
  }
  while (tree.size() > 1) {
    std::vector<Expr> next;
    size_t half = (tree.size() + 1) / 2;
    for (size_t i = 0; i < half; ++i)
      next.push_back(i + half < tree.size() ? combine(tree[i], tree[i + half]) : tree[i]);
    tree = next;
  }
  std::vector<H::Var> where(place.begin(), place.end());
  stage.func(where) = combine(initial, tree[0]);
  Loops tail = domainOf(main * lanes, rest, "r", stage, dim);
  stage.func(where) = combine(stage.func(where), valueAt(tail));
  partials.emplace(factor.getOperation(), partial);
}
