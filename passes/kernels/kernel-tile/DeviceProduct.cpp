//===- DeviceProduct.cpp - products and convolutions as tiles of blocks ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sum of products of two operands, only one of which has the innermost loop of the result: a
// matrix product, or a convolution over channels-last images. The loops of the sum become one, k
// (implicit GEMM: Chetlur et al., "cuDNN", 2014), and each operand is read through a stage of its
// own, of which a block holds some steps of k in shared memory. A thread sums a tile of the result
// in registers.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/DeviceProduct.h"
#include "passes/kernels/kernel-tile/DeviceLanes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

/// Whether the body is `sum + a * b`.
static bool addsProduct(linalg::GenericOp op) {
  Operation *sum = kernel::getCombiner(op);
  if (!isa_and_nonnull<arith::AddFOp>(sum) || !sum->getResult(0).getType().isF32())
    return false;
  Value soFar = op.getBlock()->getArguments().back();
  auto product = sum->getOperand(sum->getOperand(0) == soFar).getDefiningOp<arith::MulFOp>();
  return product && llvm::all_of(product->getOperands(), llvm::IsaPred<BlockArgument>) &&
         product.getLhs() != product.getRhs();
}

std::optional<Product> tile::findProduct(linalg::LinalgOp stage) {
  auto op = dyn_cast<linalg::GenericOp>(stage.getOperation());
  if (!op || op.getNumReductionLoops() == 0 || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || !addsProduct(op))
    return std::nullopt;
  Product product;
  product.op = op;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps.back().isProjectedPermutation() || maps.back().getNumResults() == 0)
    return std::nullopt;
  SmallVector<int64_t> extents = getExpectedExtents(op);
  auto extentOf = [&](int loop) {
    return ShapedType::isDynamic(extents[loop]) ? 64 : extents[loop];
  };
  for (auto [i, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::reduction) {
      product.depth *= extentOf(i);
      // Only the outermost of several may be of unknown extent.
      if (!product.sums.empty() && ShapedType::isDynamic(op.getStaticLoopRanges()[i]))
        return std::nullopt;
      product.sums.push_back(i);
    }
  // The innermost loop of the result that has an extent is n, the operand that has it the second.
  SmallVector<int> loops;
  for (AffineExpr result : maps.back().getResults())
    if (int loop = cast<AffineDimExpr>(result).getPosition(); extents[loop] != 1)
      loops.push_back(loop);
  if (loops.empty())
    return std::nullopt;
  product.n = loops.pop_back_val();
  if (maps[0].isFunctionOfDim(product.n) == maps[1].isFunctionOfDim(product.n))
    return std::nullopt;
  product.second = maps[1].isFunctionOfDim(product.n);
  while (!loops.empty() && product.rows.size() < 2) {
    int loop = loops.pop_back_val();
    if (!maps[!product.second].isFunctionOfDim(loop))
      break;
    // A loop of both is a product of its own each time: a batch, or the groups of a convolution.
    if (!maps[product.second].isFunctionOfDim(loop))
      product.rows.push_back(loop);
  }
  for (auto [i, deep] : llvm::enumerate(product.isDeep))
    deep = maps[i].getNumResults() != 0 &&
           maps[i].getResults().back().isFunctionOfDim(product.sums.back());
  product.columns = extentOf(product.n);
  for (int row : product.rows)
    product.rowCount *= extentOf(row);
  // Fewer are a product of a matrix and some vectors, whose threads would have nothing to share.
  constexpr int64_t least = 8;
  if (product.rowCount < least || product.columns < least || product.depth < least)
    return std::nullopt;
  // Twice as many halve the waits for memory, where the sum is long enough.
  product.step = product.depth > least ? 2 * least : least;
  return product;
}

namespace {

/// Builds the stage that reads one operand.
class OperandReader {
public:
  /// k runs over `staticDepth` steps, of which `realDepth` are the sum's; if that is not known,
  /// over `depth`.
  OperandReader(Product &product, OpBuilder &builder, int64_t staticDepth, Value depth,
                Value realDepth)
      : product(product), builder(builder), op(product.op), staticDepth(staticDepth), depth(depth),
        realDepth(realDepth) {}

  /// The stage's value, and the loops of the product, with k the last, that its dimensions are.
  std::pair<Value, SmallVector<int>> read(OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<int64_t> extents = op.getStaticLoopRanges();
    SmallVector<int> loops, tiled;
    for (unsigned i = 0; i < op.getNumLoops(); ++i) {
      if (!map.isFunctionOfDim(i) || llvm::is_contained(product.sums, i))
        continue;
      bool isTiled = int(i) == product.n || llvm::is_contained(product.rows, int(i));
      (isTiled ? tiled : loops).push_back(i);
    }
    loops.push_back(op.getNumLoops());
    llvm::append_range(loops, tiled);

    SmallVector<int64_t> shape;
    SmallVector<Value> sizes;
    for (int loop : loops) {
      int64_t extent = loop == int(op.getNumLoops()) ? staticDepth : extents[loop];
      shape.push_back(extent);
      if (ShapedType::isDynamic(extent))
        sizes.push_back(loop == int(op.getNumLoops()) ? depth : sizeOf(op, loop, builder));
    }
    Type element = getElementTypeOrSelf(operand.get().getType());
    Value empty = tensor::EmptyOp::create(builder, op.getLoc(), shape, element, sizes);
    unsigned rank = loops.size();
    SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
    auto stage = linalg::GenericOp::create(
        builder, op.getLoc(), empty.getType(), ValueRange(), empty,
        builder.getMultiDimIdentityMap(rank), kinds,
        [&](OpBuilder &inside, Location loc, ValueRange) {
          linalg::YieldOp::create(inside, loc, valueAt(inside, loc, operand, map, loops));
        });
    return {stage.getResult(0), loops};
  }

private:
  Value constant(OpBuilder &inside, Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(inside, loc, value);
  }

  Value valueAt(OpBuilder &inside, Location loc, OpOperand &operand, AffineMap map,
                ArrayRef<int> loops) {
    SmallVector<int64_t> extents = op.getStaticLoopRanges();
    SmallVector<Value> positions(op.getNumLoops());
    Value k;
    // A tile reaches beyond the last row or column: what it reads there is not stored.
    for (auto [i, loop] : llvm::enumerate(loops)) {
      Value at = linalg::IndexOp::create(inside, loc, i);
      if (loop == int(op.getNumLoops())) {
        k = at;
        continue;
      }
      if (loop == product.n || llvm::is_contained(product.rows, loop)) {
        Value last = ShapedType::isDynamic(extents[loop])
                         ? arith::SubIOp::create(inside, loc, sizeOf(op, loop, builder),
                                                 constant(inside, loc, 1))
                               .getResult()
                         : constant(inside, loc, extents[loop] - 1);
        at = arith::MinSIOp::create(inside, loc, at, last);
      }
      positions[loop] = at;
    }
    // k counts through the loops of the sum, the last of them fastest.
    Value clamped = k, isInside;
    if (product.paddedDepth) {
      Value end = realDepth ? realDepth : constant(inside, loc, product.realDepth);
      isInside = arith::CmpIOp::create(inside, loc, arith::CmpIPredicate::slt, k, end);
      clamped = arith::MinSIOp::create(
          inside, loc, k, arith::SubIOp::create(inside, loc, end, constant(inside, loc, 1)));
    }
    setDigits(op, product.sums, clamped, inside, positions);
    Value zero = constant(inside, loc, 0);
    for (Value &position : positions)
      if (!position)
        position = zero;
    SmallVector<Value> indices;
    for (AffineExpr result : map.getResults())
      indices.push_back(affine::AffineApplyOp::create(
          inside, loc, AffineMap::get(op.getNumLoops(), 0, result), positions));
    Value value = tensor::ExtractOp::create(inside, loc, operand.get(), indices);
    if (!isInside)
      return value;
    Value none = arith::ConstantOp::create(inside, loc, inside.getZeroAttr(value.getType()));
    return arith::SelectOp::create(inside, loc, isInside, value, none);
  }

  Product &product;
  OpBuilder &builder; ///< before the product
  linalg::GenericOp op;
  int64_t staticDepth;
  Value depth, realDepth;
};

} // namespace

void tile::formProduct(Product &product) {
  linalg::GenericOp op = product.op;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  int64_t depth = 1;
  bool isDynamic = false;
  for (int sum : product.sums) {
    isDynamic |= ShapedType::isDynamic(extents[sum]);
    depth *= ShapedType::isDynamic(extents[sum]) ? 1 : extents[sum];
  }
  product.realDepth = depth;
  product.paddedDepth = isDynamic || depth % product.step != 0;
  int64_t staticDepth =
      isDynamic ? ShapedType::kDynamic : int64_t(llvm::alignTo(depth, product.step));
  Value size, real;
  if (isDynamic) {
    real = arith::MulIOp::create(builder, loc, sizeOf(op, product.sums.front(), builder),
                                 arith::ConstantIndexOp::create(builder, loc, depth));
    AffineExpr d = builder.getAffineDimExpr(0);
    size = affine::AffineApplyOp::create(
        builder, loc, AffineMap::get(1, 0, d.ceilDiv(product.step) * product.step),
        ValueRange(real));
  }
  OperandReader reader(product, builder, staticDepth, size, real);

  // The product's loops but the sums, then k.
  SmallVector<int> place(op.getNumLoops() + 1, -1);
  SmallVector<utils::IteratorType> kinds;
  for (unsigned i = 0; i < op.getNumLoops(); ++i)
    if (!llvm::is_contained(product.sums, int(i))) {
      place[i] = kinds.size();
      kinds.push_back(utils::IteratorType::parallel);
    }
  place.back() = kinds.size();
  kinds.push_back(utils::IteratorType::reduction);
  auto mapOf = [&](ArrayRef<int> loops) {
    SmallVector<AffineExpr> results;
    for (int loop : loops)
      results.push_back(builder.getAffineDimExpr(place[loop]));
    return AffineMap::get(kinds.size(), 0, results, op.getContext());
  };
  SmallVector<Value> inputs;
  SmallVector<AffineMap> newMaps;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    auto [value, loops] = reader.read(*operand);
    inputs.push_back(value);
    newMaps.push_back(mapOf(loops));
  }
  SmallVector<int> results;
  for (AffineExpr result : maps.back().getResults())
    results.push_back(cast<AffineDimExpr>(result).getPosition());
  newMaps.push_back(mapOf(results));
  auto formed = linalg::GenericOp::create(
      builder, loc, op->getResultTypes(), inputs, op.getDpsInits(), newMaps, kinds,
      [&](OpBuilder &inside, Location loc, ValueRange arguments) {
        IRMapping mapping;
        mapping.map(op.getBlock()->getArguments(), arguments);
        for (Operation &each : *op.getBlock())
          inside.clone(each, mapping);
      });
  op->replaceAllUsesWith(formed);
  op->erase();
  product.op = formed;
  product.n = place[product.n];
  for (int &row : product.rows)
    row = place[row];
  product.k = place.back();
}
