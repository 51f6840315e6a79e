//===- Device.cpp - schedules for GPUs -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Device.h"
#include "passes/kernels/kernel-tile/DeviceLaunches.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Whether a thread's position along a loop would be the remainder of a quotient, which hides from
/// Halide that the thread has one value of it: it infers all of a known extent.
static bool hidesPositions(Model &model, const Stage &stage) {
  auto reduces = [](const std::unique_ptr<Stage> &each) { return each->reduces; };
  auto isLoop = [](int64_t extent) { return extent != 1; };
  return llvm::any_of(stage.extents, ShapedType::isDynamic) &&
         llvm::count_if(stage.extents, isLoop) > 2 && llvm::any_of(model.stages, reduces);
}

std::string tile::spreadElements(Model &model, Stage &stage) {
  std::string name, outer;
  int64_t count = 1;
  int64_t loops = llvm::count_if(stage.extents, [](int64_t extent) { return extent != 1; });
  bool inTwo = hidesPositions(model, stage);
  // What a loop of one iteration is fused with comes out as a remainder, which hides from Halide
  // that a thread has one value of it.
  SmallVector<std::string> single;
  for (auto [i, extent] : llvm::enumerate(stage.extents)) {
    std::string loop = loopName(i);
    if (extent == 1 && (!name.empty() || i + 1 < stage.extents.size())) {
      single.push_back(loop);
      continue;
    }
    // The last two loops apart from the others.
    if (inTwo && loops-- == 2) {
      outer = name;
      name.clear();
      count = 1;
    }
    std::string fused = name.empty() ? loop : name + "_" + loop.substr(1);
    if (!name.empty())
      model.fuse(stage, false, name, loop, fused);
    name = fused;
    count = ShapedType::isDynamic(count) || ShapedType::isDynamic(extent) ? ShapedType::kDynamic
                                                                          : count * extent;
  }
  if (name.empty()) {
    model.gpuBlock(stage, false, "block");
    return "block";
  }
  int64_t threads = std::min(blockThreads, model.target.device.threadsPerBlock);
  while (!ShapedType::isDynamic(count) && threads > model.target.device.warp &&
         threads / 2 >= count)
    threads /= 2;
  model.split(stage, false, name, threads, name + "_b", name + "_t", TailStrategy::Guard);
  SmallVector<std::string> blocks = {name + "_b"};
  if (inTwo)
    blocks.push_back(outer);
  if (!single.empty() || inTwo) {
    single.push_back(name + "_t");
    llvm::append_range(single, blocks);
    model.reorder(stage, false, single);
  }
  model.gpuBlocks(stage, false, blocks);
  model.gpuThreads(stage, false, {name + "_t"});
  return name + "_t";
}

std::string tile::fuseBlocks(Model &model, Stage &stage, ArrayRef<std::string> loops) {
  // In one loop of unknown size the position along a middle one is the remainder of a quotient, of
  // which Halide infers all values. The loop apart has at most 65,535 steps (CUDA's limit along y):
  // the innermost, over neighbours.
  bool isApart = loops.size() > 2 && llvm::any_of(stage.extents, ShapedType::isDynamic);
  std::string block = loops[isApart];
  for (const std::string &outer : loops.drop_front(1 + isApart)) {
    std::string fused = outer + "_" + block;
    model.fuse(stage, false, outer, block, fused);
    block = fused;
  }
  SmallVector<std::string> blocks = {block};
  if (isApart) {
    blocks.push_back(loops.front());
    model.reorder(stage, false, blocks);
  }
  model.gpuBlocks(stage, false, blocks);
  return block;
}

/// Blocks and threads for a launch; what its threads compute by themselves is computed there.
static void scheduleLaunch(Model &model, const Launch &launch) {
  Stage &root = *model.producer(launch.root->getResult(0));
  if (!root.isOutput)
    model.computeRoot(root);
  std::string level;
  if (launch.product)
    level = scheduleProduct(model, root, *launch.product, launch.productCopy.rootLoops);
  else if (!launch.reductions.empty())
    level = scheduleRowLaunch(model, launch);
  else if (!launch.squares.empty())
    level = scheduleSquares(model, launch);
  else
    level = spreadElements(model, root);
  for (Operation *copy : launch.small)
    for (auto &stage : model.stages) {
      if (!stage->reduces || stage->consumers.front()->op.getOperation() != copy)
        continue;
      model.computeAt(stage->handle, root, false, level);
      // Halide does not always see that a thread needs one element.
      for (int loop : stage->resultLoops)
        if (loop >= 0)
          model.bound(*stage, loopName(loop), 1);
    }
}

bool tile::tileForDevice(kernel::FuncOp kernel, const Target &target, Choices &choices) {
  std::string reason = refuseDevice(kernel, target.device);
  if (!reason.empty()) {
    kernel.emitRemark("kernel '") << kernel.getSymName() << "' stays the CPU's: " << reason;
    return false;
  }
  prepareForDevice(kernel);
  joinOutputs(kernel);
  splitLongReductions(kernel, target.device);
  kernel->setAttr("kernel.device", UnitAttr::get(kernel.getContext()));
  std::vector<Launch> launches = planLaunches(kernel, target);
  for (Launch &launch : launches) {
    formRows(launch, target.device);
    if (launch.product)
      formProduct(*launch.product);
    formSquares(launch);
  }
  Model model(kernel, target, choices);
  for (const Launch &launch : launches)
    scheduleLaunch(model, launch);
  return true;
}
