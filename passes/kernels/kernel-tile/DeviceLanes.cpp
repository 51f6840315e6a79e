//===- DeviceLanes.cpp - sums that the threads of a block share -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/DeviceLanes.h"
#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

static SmallVector<int> loopsOf(linalg::LinalgOp op, utils::IteratorType kind) {
  SmallVector<int> loops;
  for (auto [i, each] : llvm::enumerate(op.getIteratorTypesArray()))
    if (each == kind)
      loops.push_back(i);
  return loops;
}

Value tile::sizeOf(linalg::LinalgOp op, int loop, OpBuilder &builder) {
  for (OpOperand &operand : op->getOpOperands())
    for (auto [i, result] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(result); dim && int(dim.getPosition()) == loop)
        return tensor::DimOp::create(builder, op.getLoc(), operand.get(), i);
  llvm_unreachable("linalg's verifier: each loop is a dimension of an operand");
}

void tile::setDigits(linalg::LinalgOp op, ArrayRef<int> sums, Value k, OpBuilder &builder,
                     MutableArrayRef<Value> positions) {
  AffineExpr rest = builder.getAffineDimExpr(0);
  for (int sum : llvm::reverse(sums)) {
    int64_t extent = op.getStaticLoopRanges()[sum];
    bool isOutermost = sum == sums.front();
    AffineExpr digit = isOutermost ? rest : rest % extent;
    positions[sum] =
        affine::AffineApplyOp::create(builder, op.getLoc(), AffineMap::get(1, 0, digit), k);
    if (!isOutermost)
      rest = rest.floorDiv(extent);
  }
}

bool tile::canSplit(linalg::LinalgOp op) {
  if (!isa<linalg::GenericOp>(op) || !kernel::getCombiner(op) ||
      !op.getIndexingMapsArray().back().isProjectedPermutation())
    return false;
  SmallVector<int> sums = loopsOf(op, utils::IteratorType::reduction);
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  // The positions along all but the outermost are remainders by their extents.
  for (int sum : llvm::drop_begin(sums))
    if (ShapedType::isDynamic(extents[sum]))
      return false;
  return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
    return op.getMatchingIndexingMap(operand).isProjectedPermutation(/*allowZeroInResults=*/true);
  });
}

bool tile::isDeep(linalg::LinalgOp op) {
  SmallVector<int64_t> extents = getExpectedExtents(op);
  double most = 0;
  int innermost = -1;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    double elements = 1;
    int last = -1;
    for (AffineExpr result : op.getMatchingIndexingMap(operand).getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(result); dim && extents[dim.getPosition()] != 1) {
        last = dim.getPosition();
        elements *= ShapedType::isDynamic(extents[last]) ? 64 : extents[last];
      }
    if (last >= 0 && elements > most) {
      most = elements;
      innermost = last;
    }
  }
  return innermost >= 0 && op.getIteratorTypesArray()[innermost] == utils::IteratorType::reduction;
}

namespace {

class LaneSplitter {
public:
  LaneSplitter(linalg::GenericOp op, bool lanesFirst)
      : op(op), lanesFirst(lanesFirst), builder(op), loc(op.getLoc()),
        parallels(loopsOf(op, utils::IteratorType::parallel)),
        sums(loopsOf(op, utils::IteratorType::reduction)), combiner(kernel::getCombiner(op)),
        element(op.getDpsInits().front().getType()) {}

  Lanes split(int64_t count) {
    Lanes lanes;
    // From here on what is reduced is one dimension of partial results.
    LaneStep first = makeFirst(count);
    lanes.steps.push_back(first);
    constexpr int64_t fewLanes = 8;
    if (count > fewLanes)
      lanes.steps.push_back(
          makeNext(first, int64_t(1) << ((llvm::Log2_64(count) + 1) / 2), /*last=*/false));
    LaneStep last = makeNext(lanes.steps.back(), 1, /*last=*/true);
    lanes.last = last.reduction;
    op->replaceAllUsesWith(last.reduction);
    op->erase();
    return lanes;
  }

private:
  Value index(OpBuilder &at, int64_t value) {
    return arith::ConstantIndexOp::create(at, loc, value);
  }

  Value neutral(OpBuilder &at) {
    return arith::ConstantOp::create(at, loc, *arith::getNeutralElement(combiner));
  }

  Type elementType() const { return getElementTypeOrSelf(element); }

  /// The extent of a loop of the reduction, as a constant or as a value before it.
  OpFoldResult extentOf(int loop) {
    int64_t extent = op.getStaticLoopRanges()[loop];
    if (!ShapedType::isDynamic(extent))
      return builder.getIndexAttr(extent);
    return sizeOf(op, loop, builder);
  }

  Value emptyTensor(ArrayRef<OpFoldResult> sizes, Type type) {
    return tensor::EmptyOp::create(builder, loc, sizes, type);
  }

  /// The dimensions of a step's results: loops of the reduction, and the lanes (-1).
  SmallVector<int> dimensions() const {
    SmallVector<int> dims(parallels);
    dims.insert(lanesFirst ? dims.begin() : dims.end(), -1);
    return dims;
  }

  /// A reduction over the last loop, before which are `dims`, and a copy behind it.
  LaneStep makeStep(ArrayRef<int> dims, int64_t lanes, ValueRange inputs, ArrayRef<AffineMap> maps,
                    Value init, function_ref<Value(OpBuilder &, ValueRange arguments)> makeValue,
                    bool copied) {
    SmallVector<utils::IteratorType> kinds(dims.size(), utils::IteratorType::parallel);
    kinds.push_back(utils::IteratorType::reduction);
    auto reduction = linalg::GenericOp::create(
        builder, loc, init.getType(), inputs, init, maps, kinds,
        [&](OpBuilder &inside, Location loc, ValueRange arguments) {
          IRMapping mapping;
          Value value = makeValue(inside, arguments);
          bool second = combiner->getOperand(1) == op.getBlock()->getArguments().back();
          mapping.map(combiner->getOperand(second ? 1 : 0), arguments.back());
          mapping.map(combiner->getOperand(second ? 0 : 1), value);
          linalg::YieldOp::create(inside, loc, inside.clone(*combiner, mapping)->getResults());
        });
    LaneStep step{reduction, nullptr, SmallVector<int>(dims), lanes};
    if (copied)
      step.copy =
          createCopy(builder, loc, reduction.getResult(0), identityOf(reduction.getResult(0)))
              .getDefiningOp();
    return step;
  }

  LaneStep makeFirst(int64_t count) {
    // All loops of the sum, as one.
    int64_t inner = 1;
    for (int sum : llvm::drop_begin(sums))
      inner *= op.getStaticLoopRanges()[sum];
    OpFoldResult outer = extentOf(sums.front());
    AffineExpr d = builder.getAffineDimExpr(0), s = builder.getAffineSymbolExpr(0);
    OpFoldResult length = affine::makeComposedFoldedAffineApply(builder, loc, s * inner, {outer});
    OpFoldResult turns =
        affine::makeComposedFoldedAffineApply(builder, loc, s.ceilDiv(count), {length});
    std::optional<int64_t> known = getConstantIntValue(length);
    bool isGuarded = !known || *known % count != 0;

    SmallVector<int> dims = dimensions();
    SmallVector<OpFoldResult> sizes;
    for (int dim : dims)
      sizes.push_back(dim < 0 ? OpFoldResult(builder.getIndexAttr(count)) : extentOf(dim));
    Value init =
        linalg::FillOp::create(builder, loc, neutral(builder), emptyTensor(sizes, elementType()))
            .getResult(0);
    unsigned rank = dims.size();
    // Nothing is read of the input: it says how many turns there are.
    Value counter = emptyTensor(turns, builder.getI1Type());
    AffineMap maps[] = {AffineMap::get(rank + 1, 0, builder.getAffineDimExpr(rank)),
                        AffineMap::get(rank + 1, 0, identity(rank), builder.getContext())};
    return makeStep(
        dims, count, counter, maps, init,
        [&](OpBuilder &inside, ValueRange) {
          Value lane, turn = linalg::IndexOp::create(inside, loc, rank);
          SmallVector<Value> positions(op.getNumLoops());
          for (auto [i, dim] : llvm::enumerate(dims))
            (dim < 0 ? lane : positions[dim]) = linalg::IndexOp::create(inside, loc, i);
          Value k = affine::AffineApplyOp::create(
              inside, loc, AffineMap::get(2, 0, d * count + inside.getAffineDimExpr(1)),
              ValueRange{turn, lane});
          Value isInside;
          if (isGuarded) {
            Value end = getValueOrCreateConstantIndexOp(inside, loc, length);
            isInside = arith::CmpIOp::create(inside, loc, arith::CmpIPredicate::slt, k, end);
            Value last = arith::SubIOp::create(inside, loc, end, index(inside, 1));
            k = arith::MinSIOp::create(inside, loc, k, last);
          }
          setDigits(op, sums, k, inside, positions);
          Value value = valueAt(inside, positions);
          return isInside ? arith::SelectOp::create(inside, loc, isInside, value, neutral(inside))
                                .getResult()
                          : value;
        },
        /*copied=*/true);
  }

  SmallVector<AffineExpr> identity(unsigned rank) {
    SmallVector<AffineExpr> all;
    for (unsigned i = 0; i < rank; ++i)
      all.push_back(builder.getAffineDimExpr(i));
    return all;
  }

  /// What the reduction combines with its result so far.
  Value valueAt(OpBuilder &inside, ArrayRef<Value> positions) {
    IRMapping mapping;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      BlockArgument argument = op.getMatchingBlockArgument(operand);
      if (argument.use_empty())
        continue;
      Value value = operand->get();
      if (isa<RankedTensorType>(value.getType())) {
        SmallVector<Value> indices;
        for (AffineExpr result : op.getMatchingIndexingMap(operand).getResults()) {
          auto dim = dyn_cast<AffineDimExpr>(result);
          indices.push_back(dim ? positions[dim.getPosition()] : index(inside, 0));
        }
        value = tensor::ExtractOp::create(inside, loc, value, indices);
      }
      mapping.map(argument, value);
    }
    for (Operation &each : op.getBlock()->without_terminator()) {
      if (&each == combiner)
        continue;
      if (auto at = dyn_cast<linalg::IndexOp>(each))
        mapping.map(at.getResult(), positions[at.getDim()]);
      else
        inside.clone(each, mapping);
    }
    bool second = combiner->getOperand(1) == op.getBlock()->getArguments().back();
    return mapping.lookupOrDefault(combiner->getOperand(second ? 0 : 1));
  }

  /// Lane v of `count` combines the results v, v + count, ... of the step before; the last step has
  /// no lanes, and begins where the reduction does.
  LaneStep makeNext(const LaneStep &before, int64_t count, bool last) {
    SmallVector<int> dims = last ? parallels : dimensions();
    unsigned rank = dims.size();
    AffineExpr turn = builder.getAffineDimExpr(rank);
    Value source = before.copy->getResult(0), init;
    SmallVector<AffineExpr> results;
    for (int dim : before.loops) {
      if (dim >= 0) {
        results.push_back(builder.getAffineDimExpr(llvm::find(dims, dim) - dims.begin()));
        continue;
      }
      AffineExpr lane = turn;
      if (!last)
        lane = turn * count + builder.getAffineDimExpr(llvm::find(dims, -1) - dims.begin());
      results.push_back(lane);
    }
    AffineMap output;
    if (last) {
      init = op.getDpsInits().front();
      SmallVector<AffineExpr> where;
      for (AffineExpr result : op.getIndexingMapsArray().back().getResults()) {
        int loop = cast<AffineDimExpr>(result).getPosition();
        where.push_back(builder.getAffineDimExpr(llvm::find(dims, loop) - dims.begin()));
      }
      output = AffineMap::get(rank + 1, 0, where, builder.getContext());
    } else {
      SmallVector<OpFoldResult> sizes;
      for (int dim : dims)
        sizes.push_back(dim < 0 ? OpFoldResult(builder.getIndexAttr(count)) : extentOf(dim));
      init =
          linalg::FillOp::create(builder, loc, neutral(builder), emptyTensor(sizes, elementType()))
              .getResult(0);
      output = AffineMap::get(rank + 1, 0, identity(rank), builder.getContext());
    }
    OpFoldResult turns = builder.getIndexAttr(before.lanes / count);
    Value counter = emptyTensor(turns, builder.getI1Type());
    AffineMap maps[] = {AffineMap::get(rank + 1, 0, turn),
                        AffineMap::get(rank + 1, 0, results, builder.getContext()), output};
    return makeStep(
        dims, count, ValueRange{counter, source}, maps, init,
        [&](OpBuilder &, ValueRange arguments) { return arguments[1]; }, /*copied=*/!last);
  }

  linalg::GenericOp op;
  bool lanesFirst;
  OpBuilder builder;
  Location loc;
  SmallVector<int> parallels, sums;
  Operation *combiner;
  Type element;
};

} // namespace

Lanes tile::splitAmongLanes(linalg::GenericOp op, int64_t lanes, bool lanesFirst) {
  return LaneSplitter(op, lanesFirst).split(lanes);
}

void tile::splitLongReductions(kernel::FuncOp kernel, const Device &device) {
  constexpr int64_t leastLength = 8192, leastEach = 16, threads = 1024, sideBySide = 32;
  for (linalg::LinalgOp op : kernel.getStages()) {
    if (op.getNumReductionLoops() == 0 || !canSplit(op))
      continue;
    double length = 1, results = 1;
    for (auto [extent, kind] : llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray()))
      (kind == utils::IteratorType::reduction ? length : results) *=
          ShapedType::isDynamic(extent) ? 1 : extent;
    bool deep = isDeep(op);
    if (length < leastLength || results / (deep ? 1 : sideBySide) >= double(device.multiprocessors))
      continue;
    double lanes = std::min(length / leastEach, double(threads * device.multiprocessors) / results);
    splitAmongLanes(cast<linalg::GenericOp>(op.getOperation()),
                    int64_t(llvm::PowerOf2Ceil(uint64_t(lanes))), /*lanesFirst=*/!deep);
  }
}
