//===- Rows.cpp - the schedule of kernels that are no contraction ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The output is computed row by row. What a row needs, its maximum or its sum for a softmax, is
// computed just before the row, while the row's inputs are in the cache.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Rows.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Elements for one iteration of a vectorised loop: several vectors where the body is light.
static int64_t vectorFactor(const Model &model, const Stage &stage, int loop) {
  int64_t lanes = model.lanes(stage), extent = stage.extents[loop];
  int64_t most = stage.bodyCost() <= 6 ? 4 : stage.bodyCost() <= 16 ? 2 : 1;
  if (ShapedType::isDynamic(extent))
    return lanes;
  if (extent < lanes)
    return int64_t(llvm::bit_floor(uint64_t(extent)));
  while (most > 1 && extent < most * lanes)
    most /= 2;
  return most * lanes;
}

/// Whether the vectors of a nest must not reach beyond the loop's end, and what then happens there.
static TailStrategy tailOf(const Stage &stage, int loop, int64_t factor, bool update) {
  if (!stage.isStatic(loop))
    return TailStrategy::Predicate;
  if (stage.extents[loop] % factor == 0)
    return update ? TailStrategy::RoundUp : TailStrategy::ShiftInwards;
  return update ? TailStrategy::Predicate : TailStrategy::ShiftInwards;
}

/// The loop over the vectors; none where there are none.
static Loop vectorizeLoop(Model &model, Stage &stage, bool update, int loop) {
  int64_t factor = vectorFactor(model, stage, loop);
  // A predicated tail of an update is not to be relied on in Halide 14: with
  // 3 columns by 2 the last one was never updated.
  if (update)
    while (factor > 1 && (!stage.isStatic(loop) || stage.extents[loop] % factor != 0))
      factor /= 2;
  if (factor < 2)
    return {};
  std::string name = loopName(loop);
  model.split(stage, update, name, factor, name + "_o", name + "_v",
              tailOf(stage, loop, factor, update));
  model.vectorize(stage, update, name + "_v");
  auto vectors = [&](int64_t size) {
    return ShapedType::isDynamic(size) ? size : int64_t(llvm::divideCeil(size, factor));
  };
  return {name + "_o", vectors(stage.extents[loop]), vectors(stage.expected[loop])};
}

/// A reduction loop that runs through the memory of an input; -1 if there is none.
static int denseReductionLoop(Stage &stage) {
  int64_t best = -1;
  for (OpOperand *operand : stage.op.getDpsInputOperands()) {
    AffineMap map = stage.op.getMatchingIndexingMap(operand);
    if (map.getNumResults() == 0)
      continue;
    auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
    if (last && stage.isReduction[last.getPosition()])
      best = last.getPosition();
  }
  return best;
}

bool tile::factorReduction(Model &model, Stage &stage, Stage *place, StringRef placeLoop) {
  int loop = denseReductionLoop(stage);
  int64_t lanes = model.lanes(stage);
  if (loop < 0 || !kernel::getCombiner(stage.op) ||
      (stage.isStatic(loop) && stage.extents[loop] < 2 * lanes))
    return false;
  int64_t vectors = 1;
  if (stage.isStatic(loop))
    while (vectors < 4 && stage.extents[loop] >= 8 * vectors * lanes)
      vectors *= 2;
  std::string lane = loopName(loop) + "_v";
  Value partial = model.rfactor(stage, loopName(loop), vectors * lanes, lane);
  for (bool update : {false, true})
    kernel::VectorizeOp::create(model.builder, stage.op.getLoc(), partial, update, lane);
  int innermost = -1;
  for (int each : stage.resultLoops)
    if (each >= 0)
      innermost = each;
  if (innermost >= 0)
    model.computeAt(partial, stage, /*update=*/false, loopName(innermost));
  else if (place)
    model.computeAt(partial, *place, /*update=*/false, placeLoop);
  return true;
}

void tile::vectorizeNest(Model &model, Stage &stage) {
  int loop = vectorLoop(stage);
  if (loop < 0)
    return;
  vectorizeLoop(model, stage, false, loop);
  if (stage.reduces)
    vectorizeLoop(model, stage, true, loop);
}

std::string tile::parallelizeLoops(Model &model, Stage &stage, ArrayRef<Loop> loops, double work) {
  if (work < parallelWork)
    return loops.back().name;
  // A task is worth starting if it is longer than the start: a few microseconds. No more loops are
  // fused than make enough tasks: a fused loop divides in each iteration.
  constexpr int64_t enough = 16, tasks = 64;
  auto product = [](int64_t a, int64_t b) {
    return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) ? ShapedType::kDynamic : a * b;
  };
  auto [name, count, expected] = loops.front();
  size_t taken = 1;
  for (; taken < loops.size() && (ShapedType::isDynamic(expected) || expected < enough); ++taken) {
    const Loop &inner = loops[taken];
    std::string fused = name + "_" + inner.name.substr(1);
    model.fuse(stage, false, name, inner.name, fused);
    name = fused;
    count = product(count, inner.extent);
    expected = product(expected, inner.expected);
  }
  std::string innermost = name;
  if (!ShapedType::isDynamic(count) && count > tasks) {
    int64_t chunk = llvm::divideCeil(count, tasks);
    model.split(stage, false, name, chunk, name + "_task", name + "_i", TailStrategy::ShiftInwards);
    innermost = name + "_i";
    name += "_task";
  }
  if (count != 1)
    model.parallel(stage, false, name);
  return taken == loops.size() ? innermost : loops.back().name;
}

std::string tile::parallelize(Model &model, Stage &stage, ArrayRef<int> loops, double work) {
  SmallVector<Loop> named;
  for (int loop : loops)
    named.push_back({loopName(loop), stage.extents[loop], stage.expected[loop]});
  return parallelizeLoops(model, stage, named, work);
}

void tile::parallelizeNest(Model &model, Stage &stage) {
  SmallVector<int> outer;
  for (int loop : stage.resultLoops)
    if (loop >= 0 && loop != vectorLoop(stage))
      outer.push_back(loop);
    else
      break;
  // The innermost of several stays a loop within the task.
  if (outer.size() > 1)
    outer.pop_back();
  if (!outer.empty())
    parallelize(model, stage, outer,
                stage.iterations() * (stage.bodyCost() + 1) / model.lanes(stage));
}

bool tile::isKept(const Stage &stage) {
  if (stage.reduces)
    return true;
  double uses = 0;
  for (Stage *consumer : stage.consumers) {
    // Each place that one iteration reads.
    DenseSet<AffineMap> places;
    for (OpOperand *operand : consumer->op.getDpsInputOperands())
      if (operand->get().getDefiningOp() == stage.op.getOperation())
        places.insert(consumer->op.getMatchingIndexingMap(operand));
    uses += std::max<size_t>(places.size(), 1) * consumer->iterations() /
            std::max(stage.iterations(), 1.0);
  }
  double cost = stage.bodyCost();
  return (cost >= 4 && uses >= 1.5) || (cost >= 2 && uses >= 4);
}

void tile::scheduleRows(Model &model) {
  double work = 0;
  SmallVector<Stage *> kept;
  for (auto &stage : model.stages) {
    work += stage->iterations() * (stage->bodyCost() + 1) / model.lanes(*stage);
    if (!stage->isOutput && isKept(*stage))
      kept.push_back(stage.get());
  }
  // What moves more than it computes takes the time of its bytes.
  constexpr double bytesPerInstruction = 16;
  work = std::max(work, model.borderBytes() / bytesPerInstruction);

  Stage *output = model.output();
  if (!output || output->reduces || output->resultLoops.empty()) {
    // Nests of their own, one after another.
    for (auto &stage : model.stages) {
      if (!stage->isOutput && !llvm::is_contained(kept, stage.get()))
        continue;
      if (!stage->isOutput)
        model.computeRoot(*stage);
      if (stage->reduces && factorReduction(model, *stage, nullptr, ""))
        continue;
      vectorizeNest(model, *stage);
      if (!stage->reduces) {
        parallelizeNest(model, *stage);
        continue;
      }
      // A dynamic extent may be 1, as a batch is.
      int outer = -1;
      for (int loop : stage->resultLoops)
        if (loop >= 0 && loop != vectorLoop(*stage) && stage->extents[loop] != 1 &&
            (outer < 0 || (!stage->isStatic(outer) && stage->isStatic(loop))))
          outer = loop;
      if (outer >= 0 && work >= parallelWork)
        for (bool update : {false, true})
          model.parallel(*stage, update, loopName(outer));
    }
    return;
  }

  if (kept.empty() && (scheduleInterleave(model, work) || scheduleTransposed(model, work)))
    return;

  // How many of the output's outer loops a kept stage depends on, one value each.
  int vector = vectorLoop(*output);
  SmallVector<int> outer;
  for (int loop : output->resultLoops)
    if (loop != vector && loop >= 0)
      outer.push_back(loop);
    else
      break;
  auto depth = [&](const Stage &stage) {
    size_t count = 0;
    while (count < outer.size() && llvm::is_contained(stage.outputLoops, outer[count]))
      ++count;
    return count;
  };
  size_t shared = outer.size();
  for (Stage *stage : kept)
    if (size_t own = depth(*stage))
      shared = std::min(shared, own);
  outer.truncate(shared);

  // One value for each row: a vector of them would be of rows that are not at hand yet.
  auto isOneValue = [&](const Stage &stage) {
    return llvm::all_of(llvm::zip(stage.resultLoops, stage.outputLoops), [&](auto loops) {
      auto [own, with] = loops;
      return own < 0 || stage.extents[own] == 1 || llvm::is_contained(outer, with);
    });
  };

  Loop vectors;
  if (vector >= 0)
    vectors = vectorizeLoop(model, *output, false, vector);
  std::string level, runLevel;
  if (!outer.empty())
    level = runLevel = parallelize(model, *output, outer, work);
  // Of one long row vectors are what goes in parallel, with what they need beside them.
  constexpr int64_t longRow = 16;
  bool isLongRow = output->resultLoops.size() == 1 && vectors.extent >= longRow &&
                   work >= parallelWork && output->isStatic(vector);
  if (isLongRow)
    level = runLevel = parallelizeLoops(model, *output, vectors, work);
  // What is read across the vectors that were just stored waits for the stores: several short rows
  // are stored before the first is read.
  constexpr int64_t shortRow = 256, run = 8;
  auto isShortRow = [&](Stage *stage) {
    int loop = vectorLoop(*stage);
    return !stage->reduces && depth(*stage) != 0 && loop >= 0 && stage->isStatic(loop) &&
           stage->extents[loop] <= shortRow && !isOneValue(*stage) &&
           llvm::none_of(kept,
                         [&](Stage *each) { return llvm::is_contained(each->consumers, stage); });
  };
  if (outer.size() > 1 && level == loopName(outer.back()) &&
      output->extents[outer.back()] >= 2 * run && llvm::any_of(kept, isShortRow)) {
    model.split(*output, false, level, run, level + "_r", level + "_i", TailStrategy::ShiftInwards);
    runLevel = level + "_r";
    level += "_i";
  }
  for (Stage *stage : kept) {
    bool inside = !level.empty() && (depth(*stage) != 0 ||
                                     (isLongRow && llvm::is_contained(stage->outputLoops, vector)));
    if (inside)
      model.computeAt(stage->handle, *output, false, isShortRow(stage) ? runLevel : level);
    else
      model.computeRoot(*stage);
    if (stage->reduces && factorReduction(model, *stage, inside ? output : nullptr, level))
      continue;
    if (!inside || !isOneValue(*stage))
      vectorizeNest(model, *stage);
  }
}
