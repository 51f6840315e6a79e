//===- Prepare.cpp - the form that the schedulers expect ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace sinter;

Value tile::createCopy(OpBuilder &builder, Location loc, Value source,
                       ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (int64_t dim : permutation) {
    shape.push_back(type.getDimSize(dim));
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, loc, source, dim));
  }
  Value empty = tensor::EmptyOp::create(builder, loc, shape, type.getElementType(), sizes);
  unsigned rank = type.getRank();
  SmallVector<AffineExpr> results(rank);
  for (unsigned i = 0; i < rank; ++i)
    results[permutation[i]] = builder.getAffineDimExpr(i);
  AffineMap maps[] = {AffineMap::get(rank, 0, results, builder.getContext()),
                      builder.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  return linalg::GenericOp::create(builder, loc, empty.getType(), source, empty, maps, kinds,
                                   [](OpBuilder &builder, Location loc, ValueRange arguments) {
                                     linalg::YieldOp::create(builder, loc, arguments[0]);
                                   })
      .getResult(0);
}

/// The permutation that leaves all dimensions where they are.
SmallVector<int64_t> tile::identityOf(Value tensor) {
  return llvm::to_vector(llvm::seq<int64_t>(0, cast<RankedTensorType>(tensor.getType()).getRank()));
}

void tile::copyBehind(linalg::LinalgOp stage) {
  Value value = stage->getResult(0);
  OpBuilder builder(stage->getContext());
  builder.setInsertionPointAfter(stage);
  Value copy = tile::createCopy(builder, stage.getLoc(), value, tile::identityOf(value));
  value.replaceUsesWithIf(copy, [&](OpOperand &use) {
    return use.getOwner() != copy.getDefiningOp() && !isa<tensor::DimOp>(use.getOwner());
  });
}

static void eraseDead(kernel::FuncOp kernel) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(kernel.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Named ops become generic ones: the indexing maps are all that matters here.
static void generalize(kernel::FuncOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  for (linalg::LinalgOp op : kernel.getStages())
    if (!isa<linalg::GenericOp>(op)) {
      rewriter.setInsertionPoint(op);
      (void)linalg::generalizeNamedOp(rewriter,
                                      op); // A named op that stays is scheduled all the same.
    }
}

void tile::simplifyBody(kernel::FuncOp kernel) {
  eraseDead(kernel);
  generalize(kernel);
}

/// The loop along which the result of a product is contiguous; null if `op` is no product of two
/// tensors.
static AffineDimExpr getProductVector(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return nullptr;
  AffineMap outMap = op.getIndexingMapsArray().back();
  return outMap.getNumResults() == 0 ? nullptr
                                     : dyn_cast<AffineDimExpr>(outMap.getResults().back());
}

/// A product whose vectors would stride through an operand, as X * transpose(Y) does, reads a
/// transposed copy instead.
static void transposeOperands(linalg::GenericOp op, const Target &target) {
  AffineDimExpr vector = getProductVector(op);
  if (!vector)
    return;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  // The copy pays if there are enough rows that read it.
  double rows = 1;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (!map.isProjectedPermutation() || !map.isFunctionOfDim(vector.getPosition()))
      continue;
    for (auto [i, extent] : llvm::enumerate(extents))
      if (!map.isFunctionOfDim(i))
        rows *= ShapedType::isDynamic(extent) ? 64 : extent;
    int64_t position = -1, rank = map.getNumResults();
    for (int64_t i = 0; i < rank; ++i)
      if (map.getResult(i) == vector)
        position = i;
    if (position == rank - 1 || rows < 8)
      return;
    SmallVector<int64_t> permutation;
    SmallVector<AffineExpr> results;
    for (int64_t i = 0; i < rank; ++i)
      if (i != position)
        permutation.push_back(i);
    permutation.push_back(position);
    for (int64_t i : permutation)
      results.push_back(map.getResult(i));
    OpBuilder builder(op);
    Value copy = tile::createCopy(builder, op.getLoc(), operand->get(), permutation);
    operand->set(copy);
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps[operand->getOperandNumber()] =
        AffineMap::get(map.getNumDims(), 0, results, op.getContext());
    op.setIndexingMapsAttr(builder.getAffineMapArrayAttr(maps));
    return;
  }
}

/// In a kernel that only maps elements, an operand whose rows are the result's columns is read
/// through a copy, of which the scheduler holds a tile.
static void copyTransposed(linalg::GenericOp op) {
  constexpr int64_t least = 9; // fewer columns are interleaved
  AffineMap outMap = op.getIndexingMapsArray().back();
  if (op.getNumDpsInits() != 1 || outMap.getNumResults() == 0)
    return;
  auto vector = dyn_cast<AffineDimExpr>(outMap.getResults().back());
  if (!vector)
    return;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto isLong = [&](AffineDimExpr dim) {
    int64_t extent = extents[dim.getPosition()];
    return !ShapedType::isDynamic(extent) && extent >= least;
  };
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (map.getNumResults() == 0 || !map.isProjectedPermutation() ||
        !map.isFunctionOfDim(vector.getPosition()))
      continue;
    auto last = cast<AffineDimExpr>(map.getResults().back());
    if (last == vector || !isLong(vector) || !isLong(last))
      continue;
    OpBuilder builder(op);
    operand->set(
        tile::createCopy(builder, op.getLoc(), operand->get(), tile::identityOf(operand->get())));
  }
}

/// The width of packed weights whose last panel is not full, where the result's innermost loop does
/// not even divide into vectors. 0 for all other ops.
static int64_t openPanel(linalg::GenericOp op, const Target &target) {
  AffineMap outMap = op.getIndexingMapsArray().back();
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1 || outMap.getNumResults() == 0)
    return 0;
  auto vector = dyn_cast<AffineDimExpr>(outMap.getResults().back());
  if (!vector)
    return 0;
  int64_t extent = op.getStaticLoopRanges()[vector.getPosition()];
  for (AffineMap map : op.getIndexingMapsArray()) {
    for (AffineExpr result : map.getResults()) {
      auto place = dyn_cast<AffineBinaryOpExpr>(result);
      if (!place || place.getKind() != AffineExprKind::Mod || place.getLHS() != vector)
        continue;
      auto width = dyn_cast<AffineConstantExpr>(place.getRHS());
      // Where steps of the sum lie beside each other a tile is as wide as the panel.
      bool whole = result != map.getResults().back();
      if (width && !ShapedType::isDynamic(extent) && extent % width.getValue() != 0 &&
          (whole || extent % target.lanes(4) != 0))
        return width.getValue();
    }
  }
  return 0;
}

/// A matrix that many rows are multiplied with, and that does not fit the caches, is packed first:
/// panels of some vectors' width, each contiguous, as the weights of a convolution are packed at
/// compile time.
static void packOperand(linalg::GenericOp op, const Target &target) {
  AffineDimExpr vector = getProductVector(op);
  if (!vector)
    return;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    auto type = dyn_cast<RankedTensorType>(operand->get().getType());
    if (!type || !type.hasStaticShape() || !map.isProjectedPermutation() ||
        map.getNumResults() < 2 || map.getResults().back() != vector)
      continue;
    int64_t elementBytes = std::max<int64_t>(type.getElementTypeBitWidth() / 8, 1);
    int64_t lanes = target.lanes(std::max<int64_t>(elementBytes, 4)), rank = type.getRank();
    int64_t width = 2 * lanes;
    for (int64_t vectors : {4, 3})
      if (type.getShape().back() % (vectors * lanes) == 0)
        width = vectors * lanes;
    double rows = 1;
    for (auto [i, extent] : llvm::enumerate(extents))
      if (!map.isFunctionOfDim(i))
        rows *= ShapedType::isDynamic(extent) ? 64 : extent;
    // One panel's width is packed as it is.
    if (rows < 256 || type.getNumElements() * elementBytes <= target.l2Bytes / 2 ||
        type.getShape().back() % width != 0 || type.getShape().back() == width)
      continue;
    // (others..., n) becomes (n / width, others..., width).
    OpBuilder builder(op);
    SmallVector<int64_t> shape = {type.getShape().back() / width};
    llvm::append_range(shape, type.getShape().drop_back());
    shape.push_back(width);
    Value empty = tensor::EmptyOp::create(builder, op.getLoc(), shape, type.getElementType());
    SmallVector<AffineExpr> source;
    for (int64_t i = 1; i < rank; ++i)
      source.push_back(builder.getAffineDimExpr(i));
    source.push_back(builder.getAffineDimExpr(0) * width + builder.getAffineDimExpr(rank));
    AffineMap maps[] = {AffineMap::get(rank + 1, 0, source, op.getContext()),
                        builder.getMultiDimIdentityMap(rank + 1)};
    SmallVector<utils::IteratorType> kinds(rank + 1, utils::IteratorType::parallel);
    auto packed = linalg::GenericOp::create(
        builder, op.getLoc(), empty.getType(), operand->get(), empty, maps, kinds,
        [](OpBuilder &builder, Location loc, ValueRange arguments) {
          linalg::YieldOp::create(builder, loc, arguments[0]);
        });
    operand->set(packed.getResult(0));
    SmallVector<AffineExpr> results = {vector.floorDiv(width)};
    llvm::append_range(results, map.getResults().drop_back());
    results.push_back(vector % width);
    SmallVector<AffineMap> all = op.getIndexingMapsArray();
    all[operand->getOperandNumber()] =
        AffineMap::get(map.getNumDims(), 0, results, op.getContext());
    op.setIndexingMapsAttr(builder.getAffineMapArrayAttr(all));
    return;
  }
}

/// A reduction that one op reads at several places is kept in a stage of its own, so that the
/// accumulators need not be.
static void keepReduction(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1)
    return;
  llvm::SmallPtrSet<Operation *, 2> readers;
  bool again = false;
  for (Operation *user : op->getUsers())
    again |= isa<linalg::LinalgOp>(user) && !readers.insert(user).second;
  if (!again)
    return;
  tile::copyBehind(op);
}

/// Operands as their readers' vectors want them.
static void prepareOperands(kernel::FuncOp kernel, const Target &target) {
  for (linalg::LinalgOp op : kernel.getStages())
    if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation())) {
      transposeOperands(generic, target);
      packOperand(generic, target);
    }
  if (llvm::all_of(kernel.getStages(), [](linalg::LinalgOp op) {
        return op.getNumReductionLoops() == 0 && isa<linalg::GenericOp>(op);
      }))
    for (linalg::LinalgOp op : kernel.getStages())
      copyTransposed(cast<linalg::GenericOp>(op.getOperation()));
  for (linalg::LinalgOp op : kernel.getStages())
    keepReduction(op);
}

void tile::prepare(kernel::FuncOp kernel, const Target &target) {
  simplifyBody(kernel);
  bool isAttention = prepareAttention(kernel, target);
  if (!isAttention)
    prepareOperands(kernel, target);
  Operation *yield = kernel.getBody().front().getTerminator();
  OpBuilder builder(yield);
  for (OpOperand &operand : yield->getOpOperands()) {
    // A copy is a stage, which can be scheduled.
    if (isa<BlockArgument>(operand.get())) {
      operand.set(tile::createCopy(builder, yield->getLoc(), operand.get(),
                                   tile::identityOf(operand.get())));
      continue;
    }
    auto stage = operand.get().getDefiningOp<linalg::LinalgOp>();
    if (!stage || isa<linalg::FillOp>(stage) || stage.getNumReductionLoops() == 0 ||
        stage.getNumDpsInits() != 1)
      continue;
    operand.set(
        tile::createCopy(builder, stage.getLoc(), operand.get(), tile::identityOf(operand.get())));
  }

  if (isAttention)
    return;

  // Whole panels are computed, into a copy that may be wider than the result.
  for (linalg::LinalgOp op : kernel.getStages()) {
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    if (!generic || openPanel(generic, target) == 0)
      continue;
    copyBehind(generic);
  }
}
