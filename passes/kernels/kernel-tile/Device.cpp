//===- Device.cpp - schedules for GPUs -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Device.h"
#include "passes/kernels/kernel-tile/DeviceProduct.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Threads of a block that walks elements one by one.
static constexpr int64_t blockThreads = 256;

std::string tile::spreadElements(Model &model, Stage &stage) {
  std::string name;
  int64_t count = 1;
  // What a loop of one iteration is fused with comes out as a remainder, which hides from Halide
  // that a thread has one value of it.
  SmallVector<std::string> single;
  for (auto [i, extent] : llvm::enumerate(stage.extents)) {
    std::string loop = loopName(i);
    if (extent == 1 && (!name.empty() || i + 1 < stage.extents.size())) {
      single.push_back(loop);
      continue;
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
  if (!single.empty()) {
    single.append({name + "_t", name + "_b"});
    model.reorder(stage, false, single);
  }
  model.gpuBlocks(stage, false, {name + "_b"});
  model.gpuThreads(stage, false, {name + "_t"});
  return name + "_t";
}

bool tile::isPointwise(const Stage &stage) {
  return llvm::all_of(llvm::zip(stage.resultLoops, stage.outputLoops), [&](auto loops) {
    auto [own, with] = loops;
    return own < 0 || stage.extents[own] == 1 || with >= 0;
  });
}

bool tile::isKeptOnDevice(const Stage &stage) {
  // Positions are computed beside the memory's accesses.
  constexpr double cheap = 8;
  return isKept(stage) && stage.floatCost() >= cheap;
}

static void scheduleElements(Model &model) {
  // More elements of the output than this that need the same one read it from memory.
  constexpr double sharers = 4;
  Stage *output = model.output();
  auto isRoot = [&](const Stage &stage) {
    if (stage.isOutput)
      return true;
    if (stage.reduces)
      return false;
    bool copiesReduction = llvm::any_of(model.stages, [&](auto &source) {
      return source->reduces && llvm::is_contained(source->consumers, &stage);
    });
    if (!copiesReduction)
      return isKeptOnDevice(stage);
    return !output || !isPointwise(stage) || output->iterations() >= sharers * stage.iterations();
  };
  llvm::DenseMap<Stage *, std::string> levels;
  for (auto &stage : model.stages) {
    if (!isRoot(*stage))
      continue;
    if (!stage->isOutput)
      model.computeRoot(*stage);
    levels[stage.get()] = spreadElements(model, *stage);
  }
  for (auto &stage : model.stages) {
    if (!stage->reduces)
      continue;
    Stage *copy = stage->consumers.front();
    Stage *place = levels.count(copy) ? copy : output;
    model.computeAt(stage->handle, *place, false, levels.lookup(place));
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
  kernel->setAttr("kernel.device", UnitAttr::get(kernel.getContext()));
  std::optional<Product> product = findProduct(kernel);
  if (product)
    formProduct(*product);
  Model model(kernel, target, choices);
  if (!product || !scheduleProduct(model, *product))
    scheduleElements(model);
  return true;
}
