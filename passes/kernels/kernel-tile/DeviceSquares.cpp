//===- DeviceSquares.cpp - tensors that are read across -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A transpose reads neighbours of one dimension and writes neighbours of another. A block brings a
// square of the tensor to shared memory, along the first, and reads it there along the second
// (Ruetsch and Micikevicius, "Optimizing matrix transpose in CUDA", 2009). A row of the square
// takes one element more than it has, so that a column lies in different banks.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Device.h"
#include "passes/kernels/kernel-tile/DeviceLaunches.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Elements of a square's side, and rows of it that the threads of a block have at once.
static constexpr int64_t side = 32, rowsAtOnce = 8;

/// A copy of a tensor that may be read beyond its end: a square reaches there.
static Value copyClamped(OpBuilder &builder, Location loc, Value source) {
  Value copy = createCopy(builder, loc, source, identityOf(source));
  auto generic = copy.getDefiningOp<linalg::GenericOp>();
  auto type = cast<RankedTensorType>(source.getType());
  Operation *yield = generic.getBlock()->getTerminator();
  builder.setInsertionPoint(yield);
  SmallVector<Value> indices;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    Value at = linalg::IndexOp::create(builder, loc, i);
    if (type.isDynamicDim(i) || (type.getDimSize(i) != 1 && type.getDimSize(i) % side != 0)) {
      Value one = arith::ConstantIndexOp::create(builder, loc, 1), end;
      if (type.isDynamicDim(i)) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPoint(generic);
        end = tensor::DimOp::create(builder, loc, source, i);
      } else {
        end = arith::ConstantIndexOp::create(builder, loc, type.getDimSize(i));
      }
      at = arith::MinSIOp::create(builder, loc, at, arith::SubIOp::create(builder, loc, end, one));
    }
    indices.push_back(at);
  }
  yield->setOperand(0, tensor::ExtractOp::create(builder, loc, source, indices));
  return copy;
}

void tile::formSquares(Launch &launch) {
  auto root = cast<linalg::LinalgOp>(launch.root);
  SmallVector<int64_t> extents = getExpectedExtents(root);
  int innermost = innermostLoopOf(root);
  auto isLong = [&](int loop) {
    return ShapedType::isDynamic(extents[loop]) || extents[loop] >= side / 2;
  };
  if (launch.product || !launch.reductions.empty() || !launch.small.empty() || innermost < 0 ||
      !isLong(innermost))
    return;
  SmallVector<Beside, 2> readers = launch.again;
  readers.push_back({root, {}});
  for (AffineExpr result : root.getIndexingMapsArray().back().getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    readers.back().rootLoops.push_back(dim ? int(dim.getPosition()) : -1);
  }
  for (const Beside &reader : readers) {
    auto stage = dyn_cast<linalg::GenericOp>(reader.op);
    if (!stage)
      continue;
    // The root's loop of each of the reader's.
    SmallVector<int> with(stage.getNumLoops(), -1);
    for (auto [i, result] : llvm::enumerate(stage.getIndexingMapsArray().back().getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(result))
        with[dim.getPosition()] = reader.rootLoops[i];
    for (OpOperand *operand : stage.getDpsInputOperands()) {
      AffineMap map = stage.getMatchingIndexingMap(operand);
      if (!isa<RankedTensorType>(operand->get().getType()) || !map.isProjectedPermutation() ||
          map.getNumResults() < 2)
        continue;
      SmallVector<int> loops;
      for (AffineExpr result : map.getResults())
        loops.push_back(with[cast<AffineDimExpr>(result).getPosition()]);
      int last = loops.back();
      if (llvm::is_contained(loops, -1) || !llvm::is_contained(loops, innermost) ||
          last == innermost || !isLong(last) || (launch.across >= 0 && launch.across != last))
        continue;
      OpBuilder builder(stage);
      Value copy = copyClamped(builder, stage.getLoc(), operand->get());
      operand->set(copy);
      launch.across = last;
      launch.squares.push_back({copy.getDefiningOp(), loops});
    }
  }
}

std::string tile::scheduleSquares(Model &model, const Launch &launch) {
  Stage &root = *model.producer(launch.root->getResult(0));
  int innermost = root.innermostLoop();
  auto part = [](int loop, const char *suffix) { return loopName(loop) + suffix; };
  SmallVector<std::string> single, around;
  for (int loop = root.extents.size(); loop-- > 0;) {
    if (loop == innermost || loop == launch.across) {
      model.split(root, false, loopName(loop), side, part(loop, "_b"), part(loop, "_i"),
                  TailStrategy::Guard);
      around.push_back(part(loop, "_b"));
    } else {
      (root.extents[loop] == 1 ? single : around).push_back(loopName(loop));
    }
  }
  std::string x = part(innermost, "_i"), y = part(launch.across, "_i_t"),
              turn = part(launch.across, "_i_o");
  model.split(root, false, part(launch.across, "_i"), rowsAtOnce, turn, y, TailStrategy::RoundUp);
  SmallVector<std::string> order(single);
  order.append({turn, x, y});
  llvm::append_range(order, around);
  model.reorder(root, false, order);
  std::string block = fuseBlocks(model, root, around);
  model.gpuThreads(root, false, {x, y});
  for (const Beside &square : launch.squares) {
    Stage &copy = *model.producer(square.op->getResult(0));
    model.computeAt(copy.handle, root, false, block);
    model.storeIn(copy.handle, kernel::MemoryKind::GPUShared);
    std::string along, across;
    for (auto [i, loop] : llvm::enumerate(square.rootLoops)) {
      bool isSide = loop == innermost || loop == launch.across;
      model.bound(copy, loopName(i), isSide ? side : 1);
      if (isSide)
        (loop == launch.across ? across : along) = loopName(i);
    }
    model.alignStorage(copy, across, side + 1);
    model.split(copy, false, along, rowsAtOnce, along + "_o", along + "_t", TailStrategy::RoundUp);
    SmallVector<std::string> nest = {along + "_o", across, along + "_t"};
    model.reorder(copy, false, nest);
    model.gpuThreads(copy, false, {across, along + "_t"});
    model.unroll(copy, false, along + "_o");
  }
  return turn;
}
