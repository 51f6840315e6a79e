//===- DeviceRows.cpp - reductions along rows, a block each ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Softmax, layer norm, sums, products of a matrix and a vector: a block has a row of the root and
// all that is reduced along it. Its threads read neighbouring elements and combine their own in
// registers, then the results of all through shared memory (Harris, "Optimizing parallel reduction
// in CUDA", 2007). Where neighbours in memory are of different rows, threads along x have a row
// each, and those along y share them.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Device.h"
#include "passes/kernels/kernel-tile/DeviceLaunches.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Rows side by side of a block, if neighbours in memory are of different rows.
static constexpr int64_t sideBySide = 32;

/// Lanes for `length` values: each has some to itself.
static int64_t lanesFor(int64_t length, int64_t least, int64_t most) {
  constexpr int64_t each = 4;
  int64_t wanted = std::max<int64_t>(ShapedType::isDynamic(length) ? most : length / each, 1);
  return std::clamp(int64_t(llvm::bit_floor(uint64_t(wanted))), least, most);
}

/// Values that a reduction combines.
static int64_t lengthOf(linalg::LinalgOp op) {
  int64_t length = 1;
  for (auto [extent, kind] : llvm::zip(getExpectedExtents(op), op.getIteratorTypesArray())) {
    if (kind == utils::IteratorType::parallel)
      continue;
    if (ShapedType::isDynamic(extent))
      return extent;
    length *= extent;
  }
  return length;
}

/// Rows that a block has side by side.
static int64_t columnsOf(const Launch &launch) {
  if (launch.isDeep)
    return 1;
  auto root = cast<linalg::LinalgOp>(launch.root);
  return std::min(root.getStaticLoopRanges()[innermostLoopOf(root)], sideBySide);
}

void tile::formRows(Launch &launch, const Device &device) {
  int64_t threads = std::min(blockThreads, device.threadsPerBlock);
  for (RowReduction &reduction : launch.reductions) {
    int64_t length = lengthOf(reduction.op);
    int64_t most = threads / int64_t(llvm::PowerOf2Ceil(columnsOf(launch)));
    int64_t lanes = lanesFor(length, launch.isDeep ? device.warp : 2, most);
    reduction.lanes = splitAmongLanes(reduction.op, lanes, /*lanesFirst=*/!launch.isDeep);
  }
}

namespace {

class RowScheduler {
public:
  RowScheduler(Model &model, const Launch &launch)
      : model(model), launch(launch), root(*stageOf(launch.root)), columns(columnsOf(launch)),
        side(launch.isDeep ? -1 : root.innermostLoop()) {
    for (const RowReduction &reduction : launch.reductions)
      lanes = std::max(lanes, reduction.lanes.steps.front().lanes);
  }

  std::string run() {
    std::string inner = scheduleRoot();
    for (const RowReduction &reduction : launch.reductions)
      scheduleReduction(reduction);
    for (const Beside &stage : launch.rowStages)
      scheduleBeside(stage);
    return inner;
  }

private:
  Stage *stageOf(Operation *op) const { return model.producer(op->getResult(0)); }

  /// Fuses loops, innermost first; empty if there are none.
  std::string fuse(ArrayRef<std::string> loops) {
    std::string fused;
    for (const std::string &loop : loops) {
      if (!fused.empty())
        model.fuse(root, false, loop, fused, loop + "_" + fused);
      fused = fused.empty() ? loop : loop + "_" + fused;
    }
    return fused;
  }

  std::string scheduleRoot() {
    SmallVector<std::string> order, rows, others, threads;
    for (int loop = root.extents.size(); loop-- > 0;) {
      std::string name = loopName(loop);
      if (root.extents[loop] == 1)
        order.push_back(name);
      else if (loop == side)
        splitSide(rows);
      else
        (llvm::is_contained(launch.rows, loop) ? rows : others).push_back(name);
    }
    std::string along = fuse(others);
    if (!along.empty()) {
      model.split(root, false, along, lanes, along + "_o", along + "_t", TailStrategy::Guard);
      order.push_back(along + "_o");
      threads.push_back(along + "_t");
    }
    if (side >= 0)
      threads.insert(threads.begin(), sideThread);
    if (threads.empty() && !order.empty())
      threads.push_back(order.pop_back_val());
    std::string inner = order.empty() ? "" : order.front();
    llvm::append_range(order, threads);
    llvm::append_range(order, rows);
    model.reorder(root, false, order);
    if (rows.empty())
      model.gpuBlock(root, false, block = "block");
    else
      block = fuseBlocks(model, root, rows);
    if (!threads.empty())
      model.gpuThreads(root, false, threads);
    level = !inner.empty() ? inner : !threads.empty() ? threads.front() : block;
    return level;
  }

  /// The loop over neighbouring rows: threads, and blocks around them.
  void splitSide(SmallVectorImpl<std::string> &blocks) {
    std::string name = loopName(side);
    int64_t extent = root.extents[side];
    sideThread = name;
    if (extent == columns)
      return;
    // The last block shares some rows with the one before.
    model.split(root, false, name, columns, name + "_b", name + "_t",
                extent % columns == 0 ? TailStrategy::RoundUp : TailStrategy::ShiftInwards);
    blocks.push_back(name + "_b");
    sideThread = name + "_t";
  }

  /// A block's part of a stage whose dimensions go with loops of the root: its rows, all lanes.
  /// Returns the threads' loops.
  SmallVector<std::string> boundRows(Stage &stage, ArrayRef<int> rootLoops, int64_t lanes = 1) {
    SmallVector<std::string> threads;
    std::string lane;
    for (auto [own, with] : llvm::zip(stage.resultLoops, rootLoops)) {
      if (own < 0)
        continue;
      bool isSide = side >= 0 && with == side, isLane = with == laneDim;
      model.bound(stage, loopName(own), isSide ? columns : isLane ? lanes : 1);
      if (isSide)
        threads.push_back(loopName(own));
      if (isLane)
        lane = loopName(own);
    }
    if (!lane.empty())
      threads.push_back(lane);
    // One thread computes it.
    if (threads.empty() && !stage.resultLoops.empty() && stage.resultLoops.back() >= 0)
      threads.push_back(loopName(stage.resultLoops.back()));
    return threads;
  }

  /// Computes a copy in the block, and the reduction that it copies in each thread.
  void scheduleCopy(Stage &copy, ArrayRef<int> rootLoops, int64_t lanes,
                    linalg::GenericOp reduction) {
    Stage &source = *stageOf(reduction);
    std::string thread = level;
    if (&copy != &root) {
      model.computeAt(copy.handle, root, false, block);
      model.storeIn(copy.handle, kernel::MemoryKind::GPUShared);
      SmallVector<std::string> threads = boundRows(copy, rootLoops, lanes);
      if (!threads.empty())
        model.gpuThreads(copy, false, threads);
      thread = threads.empty() ? "" : threads.front();
    }
    if (thread.empty()) {
      model.computeAt(source.handle, root, false, block);
      return;
    }
    model.computeAt(source.handle, copy, false, thread);
    for (int loop : source.resultLoops)
      if (loop >= 0)
        model.bound(source, loopName(loop), 1);
  }

  void scheduleReduction(const RowReduction &reduction) {
    // The root's loops of the reduction's parallel loops.
    llvm::DenseMap<int, int> with = {{-1, laneDim}};
    Stage &copy = *stageOf(reduction.copy.op);
    Stage &last = *stageOf(reduction.lanes.last);
    // Loop i of the last step is the i-th parallel loop.
    SmallVector<int> parallels = reduction.lanes.steps.front().loops;
    llvm::erase(parallels, -1);
    for (auto [own, rootLoop] : llvm::zip(last.resultLoops, reduction.copy.rootLoops))
      with[parallels[own]] = rootLoop;
    for (const LaneStep &step : reduction.lanes.steps) {
      SmallVector<int> rootLoops;
      for (int loop : step.loops)
        rootLoops.push_back(with.lookup(loop));
      scheduleCopy(*stageOf(step.copy), rootLoops, step.lanes, step.reduction);
    }
    scheduleCopy(copy, reduction.copy.rootLoops, 1, reduction.lanes.last);
    // The partial results are read at once.
    for (auto &step : reduction.lanes.steps)
      if (&step != &reduction.lanes.steps.front())
        unrollSum(*stageOf(step.reduction));
    unrollSum(last);
  }

  void unrollSum(Stage &stage) {
    for (auto [loop, reduces] : llvm::enumerate(stage.isReduction))
      if (reduces)
        model.unroll(stage, true, loopName(loop));
  }

  void scheduleBeside(const Beside &beside) {
    Stage &stage = *stageOf(beside.op);
    model.computeAt(stage.handle, root, false, block);
    model.storeIn(stage.handle, kernel::MemoryKind::GPUShared);
    SmallVector<std::string> threads = boundRows(stage, beside.rootLoops);
    if (!threads.empty())
      model.gpuThreads(stage, false, threads);
  }

  static constexpr int laneDim = -2;

  Model &model;
  const Launch &launch;
  Stage &root;
  int64_t columns;
  int side;          ///< the root's loop over neighbouring rows
  int64_t lanes = 1; ///< that share a row
  std::string block, level, sideThread;
};

} // namespace

std::string tile::scheduleRowLaunch(Model &model, const Launch &launch) {
  return RowScheduler(model, launch).run();
}
