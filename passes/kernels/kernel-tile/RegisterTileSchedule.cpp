//===- RegisterTileSchedule.cpp - the directives of a register tile -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/RegisterTile.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// The loops of a tile's vectors, innermost first: one, or the lanes of a part and the parts.
SmallVector<std::string> RegisterTiler::splitParts(Stage &stage, bool update,
                                                   const std::string &v) {
  if (parts == 1)
    return {v};
  model.split(stage, update, v, lanes, v + "_p", v + "_l", TailStrategy::Auto);
  return {v + "_l", v + "_p"};
}

void RegisterTiler::vectorizeParts(Stage &stage, bool update, const std::string &v) {
  model.vectorize(stage, update, parts == 1 ? v : v + "_l");
  if (parts != 1)
    model.unroll(stage, update, v + "_p");
}

void RegisterTiler::scheduleOutput() {
  Stage &o = *output;
  std::string v = loopName(vector);
  int64_t step = vectorTile;
  if (staging)
    step = std::min(int64_t(llvm::bit_floor(uint64_t(extent(vector)))), model.lanes(o));
  model.split(o, false, v, step, v + "_o", v + "_v", TailStrategy::ShiftInwards);
  SmallVector<std::string> innermostFirst = splitParts(o, false, v + "_v");
  if (staging)
    innermostFirst.push_back(v + "_o");
  for (auto &[loop, positions] : unrolled) {
    std::string name = loopName(loop);
    model.split(o, false, name, positions, name + "_o", name + "_u", TailStrategy::ShiftInwards);
    innermostFirst.push_back(name + "_u");
  }
  auto tileName = [&](int loop) {
    bool split = loop == vector;
    for (auto &[each, positions] : unrolled)
      split |= each == loop;
    return loopName(loop) + (split ? "_o" : "");
  };
  SmallVector<std::string> outermostFirst;
  SmallVector<int64_t> counts, expectedCounts;
  auto addAround = [&](const std::string &name, int64_t count, int64_t expectedCount) {
    outermostFirst.push_back(name);
    counts.push_back(count);
    expectedCounts.push_back(expectedCount);
  };
  for (int loop : outer) {
    int64_t step = loop == vector ? vectorTile : 1;
    for (auto &[each, positions] : unrolled)
      if (each == loop)
        step = positions;
    auto tilesIn = [&](int64_t extent) {
      return ShapedType::isDynamic(extent) ? extent : int64_t(llvm::divideCeil(extent, step));
    };
    int64_t count = tilesIn(extent(loop));
    if (loop == chunkLoop) {
      std::string name = loopName(loop);
      model.split(o, false, name, chunkRows, name + "_c", name + "_i", TailStrategy::ShiftInwards);
      int64_t chunks = llvm::divideCeil(extent(loop), chunkRows);
      addAround(name + "_c", chunks, chunks);
      addAround(name + "_i", chunkRows, chunkRows);
      continue;
    }
    if (loop == runLoop) {
      std::string name = tileName(loop);
      bool isRun = !llvm::is_contained(outermostFirst, name + "_r");
      if (isRun)
        model.split(o, false, name, runTiles, name + "_r", name + "_i", TailStrategy::ShiftInwards);
      int64_t each = isRun ? int64_t(llvm::divideCeil(count, runTiles)) : runTiles;
      addAround(name + (isRun ? "_r" : "_i"), each, each);
      continue;
    }
    addAround(tileName(loop), count, tilesIn(expected(loop)));
  }
  bool parallel = work() > parallelWork;
  int64_t panelRun = 0;
  // Where most tiles are along the innermost loop, runs of them are what goes in parallel.
  int64_t tasks = 1;
  for (int64_t count : ArrayRef(counts).drop_back(counts.empty() || staging ? 0 : 1))
    tasks *= ShapedType::isDynamic(count) ? 1 : count;
  constexpr int64_t fewTasks = 8, manyTiles = 8;
  if (parallel && chunkLoop < 0 && runLoop < 0 && !staging && !counts.empty() && tasks < fewTasks &&
      counts.back() >= manyTiles) {
    std::string name = outermostFirst.back();
    int64_t count = counts.back();
    int64_t run = chooseRun(count, llvm::divideCeil(count * tasks, 16), count / 2);
    model.split(o, false, name, run, name + "_r", name + "_i", TailStrategy::ShiftInwards);
    if (name == v + "_o")
      panelRun = run;
    outermostFirst.back() = name + "_r";
    counts.back() = expectedCounts.back() = llvm::divideCeil(count, run);
    addAround(name + "_i", run, run);
  }
  // Versions for dynamic extents, so that the tile never reaches beyond the end.
  SmallVector<Version> all;
  for (const TileVersion &each : versions) {
    all.push_back({{{loopName(first), each.positions}}, 100 * each.step});
    if (isStatic(vector) && !staging)
      all.back().factors.emplace_back(v, each.tile);
    if (panelRun != 0)
      all.back().factors.emplace_back(v + "_o",
                                      std::max<int64_t>(panelRun * vectorTile / each.tile, 1));
  }
  if (!all.empty())
    model.chooseAmong(o, all, /*fitting=*/true);
  if (!isStatic(vector) && vectorTile > 1)
    model.specialize(o, loopName(vector), {vectorTile});
  // Only the loops around a chunk may be fused into the parallel one.
  size_t fusible = outermostFirst.size();
  if (chunkLoop >= 0)
    fusible = llvm::find(outermostFirst, loopName(chunkLoop) + "_c") - outermostFirst.begin() + 1;
  else if (fusible > 1)
    --fusible; // the innermost stays, for the accumulators to be computed at
  for (const std::string &name : llvm::reverse(outermostFirst))
    innermostFirst.push_back(name);
  model.reorder(o, false, innermostFirst);
  vectorizeParts(o, false, v + "_v");
  if (!staging)
    for (auto &[loop, positions] : unrolled)
      model.unroll(o, false, loopName(loop) + "_u");

  // The loop around all rows of a panel, if it is not fused with one inside of it.
  size_t panel = llvm::find(outermostFirst, v + "_o") - outermostFirst.begin();
  if (vectorOutermost && runLoop < 0 && panel < outermostFirst.size())
    panelLoop = v + "_o";

  // Without other loops the one over vectors of the output remains.
  std::string inner = outermostFirst.empty() ? std::string() : outermostFirst.back();
  if (parallel && !outermostFirst.empty()) {
    // A batch is probably 1: the first loop that is longer is what to count on.
    auto isKnown = [](int64_t count) { return !ShapedType::isDynamic(count) && count != 1; };
    size_t known = 0;
    while (known < fusible && !isKnown(expectedCounts[known]))
      ++known;
    if (known == fusible)
      known = 0;
    std::string name = outermostFirst[known];
    bool dynamic = ShapedType::isDynamic(counts[known]);
    int64_t count = std::max<int64_t>(expectedCounts[known], 1), least = perChannel ? 4 : 16;
    size_t taken = known + 1;
    while (taken < fusible && count < least) {
      std::string fused = "task" + std::to_string(taken);
      model.fuse(o, false, name, outermostFirst[taken], fused);
      dynamic |= ShapedType::isDynamic(counts[taken]);
      count *= std::max<int64_t>(expectedCounts[taken], 1);
      name = fused;
      ++taken;
    }
    if (count != 1 || dynamic)
      model.parallel(o, false, name);
    if (taken > panel)
      panelLoop = taken == panel + 1 ? name : "";
    if (taken == outermostFirst.size())
      inner = name;
    if (chunkLoop >= 0)
      placeLoop = taken >= fusible ? name : loopName(chunkLoop) + "_c";
  } else if (chunkLoop >= 0) {
    placeLoop = loopName(chunkLoop) + "_c";
  }
  if (staging)
    scheduleStaging(inner, parallel && tasks < fewTasks);
  else
    model.computeAt(main->handle, o, false, inner);
}

/// The tiles of one row of tiles, each a whole panel wide, go to memory of their own; the output is
/// made of them. Where there are few rows, panels go in parallel.
void RegisterTiler::scheduleStaging(StringRef level, bool parallel) {
  Stage &s = *staging;
  if (level.empty())
    model.computeRoot(s);
  else
    model.computeAt(s.handle, *output, false, level);
  auto stagingLoop = [&](int loop) {
    for (auto [i, each] : llvm::enumerate(s.outputLoops))
      if (each == loop)
        return loopName(s.resultLoops[i]);
    return std::string();
  };
  std::string v = stagingLoop(vector);
  model.split(s, false, v, vectorTile, v + "_o", v + "_v", TailStrategy::RoundUp);
  SmallVector<std::string> order = {v + "_v"};
  for (auto &[loop, positions] : unrolled)
    order.push_back(stagingLoop(loop));
  order.push_back(v + "_o");
  model.reorder(s, false, order);
  model.vectorize(s, false, v + "_v");
  if (parallel)
    model.parallel(s, false, v + "_o");
  for (auto &[loop, positions] : unrolled)
    model.unroll(s, false, stagingLoop(loop));
  model.computeAt(main->handle, s, false, v + "_o");
}

/// Whether a stage only packs what the rows of a panel share, so that it can be done panel by panel
/// and stay in the second cache until it has been used.
bool RegisterTiler::isPanelOf(Stage &stage) const {
  if (panelLoop.empty() || unrolled.size() != 1 || stage.reduces || stage.readAnywhere)
    return false;
  for (const Operand &operand : operands) {
    if (operand.producer != &stage)
      continue;
    AffineMap map = main->op.getMatchingIndexingMap(operand.use);
    AffineExpr last = map.getResult(map.getNumResults() - 1);
    bool columnsLast = last.isFunctionOfDim(reductionLoop(vector)) && stage.innermostLoop() >= 0 &&
                       stage.isStatic(stage.innermostLoop()) &&
                       stage.extents[stage.innermostLoop()] % vectorTile == 0;
    // Loops around the panel that it does not depend on would pack it again.
    bool once = true;
    for (int loop : ArrayRef(outer).take_front(llvm::find(outer, vector) - outer.begin()))
      once &= extent(loop) == 1 || bool(operand.dependsOn[reductionLoop(loop)]);
    return columnsLast && once && operand.dependsOn[reductionLoop(vector)] &&
           !operand.dependsOn[reductionLoop(unrolled.front().first)];
  }
  return false;
}

void RegisterTiler::scheduleReduction() {
  Stage &m = *main;
  std::string v = loopName(reductionLoop(vector));
  SmallVector<std::string> tile = splitParts(m, false, v);
  splitParts(m, true, v);
  size_t vectorLoops = tile.size();
  int64_t accumulators = llvm::divideCeil(vectorTile, lanes);
  for (auto &[loop, positions] : unrolled) {
    tile.push_back(loopName(reductionLoop(loop)));
    accumulators *= positions;
  }
  SmallVector<std::string> fully;
  // Without a sum over channels a window's values serve one position after the other: those of the
  // window that are unrolled come first, so that few are held at a time.
  SmallVector<std::string> update = tile;
  auto unrollFully = [&](const std::string &name) {
    update.insert(perChannel ? update.begin() + vectorLoops + fully.size() : update.end(), name);
    fully.push_back(name);
  };
  // Reduction loops in their order; the innermost ones unrolled while the body stays small.
  int64_t body = accumulators;
  bool unrolling = true;
  for (int i = int(m.extents.size()) - 1; i >= 0; --i) {
    if (!m.isReduction[i] || i == dot)
      continue;
    std::string name = loopName(i);
    int64_t extent = m.extents[i];
    if (unrolling && !ShapedType::isDynamic(extent) && extent > 1 &&
        extent * body <= unrolledBody) {
      unrollFully(name);
      body *= extent;
      continue;
    }
    if (unrolling && !ShapedType::isDynamic(extent)) {
      int64_t factor = 1;
      for (int64_t each : {4, 2})
        if (factor == 1 && extent % each == 0 && each * body <= 64)
          factor = each;
      if (factor > 1) {
        model.split(m, true, name, factor, name + "_o", name + "_u", TailStrategy::Auto);
        unrollFully(name + "_u");
        update.push_back(name + "_o");
        unrolling = false;
        continue;
      }
    }
    unrolling = unrolling && extent == 1;
    update.push_back(name);
  }
  model.reorder(m, false, tile);
  if (dot >= 0)
    update.insert(update.begin(), loopName(dot));
  model.reorder(m, true, update);
  if (dot >= 0) {
    model.atomic(m);
    model.vectorize(m, true, loopName(dot));
  }
  for (bool inUpdate : {false, true}) {
    vectorizeParts(m, inUpdate, v);
    for (const std::string &name : llvm::drop_begin(tile, vectorLoops))
      model.unroll(m, inUpdate, name);
  }
  for (const std::string &name : fully)
    model.unroll(m, true, name);

  for (auto &stage : model.stages) {
    if (stage.get() == main || stage.get() == staging || stage->isOutput)
      continue;
    if (isInlined(*stage))
      continue;
    // Producers that are read again and again are kept; the rest is computed where it is used.
    bool feeds = llvm::is_contained(stage->consumers, main);
    double reuse = main->iterations() / std::max(stage->iterations(), 1.0);
    if (!feeds || (reuse < 1.5 && stage->bodyCost() < 8))
      continue;
    // A stage that does not change from chunk to chunk stays outside.
    bool inChunk = false;
    for (const Operand &operand : operands)
      if (operand.producer == stage.get() && chunkLoop >= 0)
        inChunk |= operand.dependsOn[reductionLoop(chunkLoop)];
    inChunk &= !placeLoop.empty();
    if (isPanelOf(*stage)) {
      model.computeAt(stage->handle, *output, false, panelLoop);
      std::string columns = loopName(stage->innermostLoop());
      model.split(*stage, false, columns, vectorTile, columns + "_o", columns + "_v",
                  TailStrategy::RoundUp);
      model.vectorize(*stage, false, columns + "_v");
      continue;
    }
    if (inChunk)
      model.computeAt(stage->handle, *output, false, placeLoop);
    else
      model.computeRoot(*stage);
    vectorizeNest(model, *stage);
    if (!inChunk && !stage->reduces)
      parallelizeNest(model, *stage);
  }
}
