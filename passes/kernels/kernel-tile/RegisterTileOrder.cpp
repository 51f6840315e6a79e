//===- RegisterTileOrder.cpp - the loops around the tile ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/RegisterTile.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

/// The order of the loops around the tile. Weights that do not fit the second cache are gone
/// through once, a panel at a time; otherwise rows of the output come first and their inputs stay
/// near.
void RegisterTiler::order() {
  double panelBytes = 0, wholeBytes = 0;
  for (const Operand &operand : operands) {
    bool isPanel = operand.dependsOn[reductionLoop(vector)];
    for (auto [loop, positions] : unrolled)
      isPanel &= !operand.dependsOn[reductionLoop(loop)];
    if (!isPanel || unrolled.empty())
      continue;
    wholeBytes = std::max(wholeBytes, operand.bytes);
    double tiles = isStatic(vector) ? double(llvm::divideCeil(extent(vector), vectorTile)) : 4;
    panelBytes = std::max(panelBytes, operand.bytes / tiles);
  }
  vectorOutermost = wholeBytes > model.target.l2Bytes / 2;
  if (wholeBytes > 0 && !staging) {
    std::string words[] = {"rows_outermost", "panels_outermost"};
    if (vectorOutermost)
      std::swap(words[0], words[1]);
    if (model.choices.choose("order", words) == 1)
      vectorOutermost = !vectorOutermost;
  }
  SmallVector<int> rest;
  for (int loop : output->resultLoops)
    if (loop >= 0 && loop != vector)
      rest.push_back(loop);
  if (staging) {
    vectorOutermost = false;
    outer = rest;
    return;
  }
  // Loops that the weights depend on, as a batch of products has, stay outside.
  if (vectorOutermost) {
    auto inPanel = [&](int loop) {
      for (const Operand &operand : operands)
        if (operand.dependsOn[reductionLoop(vector)] && operand.bytes == wholeBytes &&
            reductionLoop(loop) >= 0)
          return bool(operand.dependsOn[reductionLoop(loop)]);
      return false;
    };
    llvm::copy_if(rest, std::back_inserter(outer), inPanel);
    outer.push_back(vector);
    llvm::copy_if(rest, std::back_inserter(outer), [&](int loop) { return !inPanel(loop); });
    return;
  }
  if (!perChannel)
    std::stable_partition(rest.begin(), rest.end(),
                          [&](int loop) { return extent(loop) != 1 && isBatch(loop); });
  outer = rest;
  // Without a sum over channels the picture is what streams: channels innermost.
  if (perChannel) {
    outer.push_back(vector);
    return;
  }
  // Within a row: a panel that fits the first cache is used for the whole row.
  bool panelStays = panelBytes <= model.target.l1Bytes * 3 / 4;
  if (!panelStays || rest.empty()) {
    outer.push_back(vector);
    return;
  }
  outer.insert(outer.end() - 1, vector);
  chooseRows(rest);
}

/// What a core has computed it finds in its own cache when the next kernel reads it. So where the
/// positions are one loop, runs of them come before panels and groups of channels, and are what
/// goes in parallel.
void RegisterTiler::chooseRows(ArrayRef<int> rest) {
  int rows = rest.back();
  if (work() <= parallelWork || unrolled.empty() || unrolled.front().first != rows ||
      !isStatic(rows))
    return;
  ArrayRef<int> order = output->resultLoops;
  auto isBefore = [&](int loop) {
    return extent(loop) != 1 && llvm::find(order, loop) < llvm::find(order, rows);
  };
  if (llvm::any_of(rest.drop_back(), isBefore))
    return;
  constexpr int64_t most = 16, least = 8; // runs
  int64_t tiles = llvm::divideCeil(extent(rows), unrolled.front().second);
  if (tiles < least / 2)
    return;
  runLoop = rows;
  runTiles = chooseRun(tiles, llvm::divideCeil(tiles, most),
                       std::max(llvm::divideCeil(tiles, most), uint64_t(tiles / least)));
  outer.insert(outer.begin(), rows);
}

int64_t tile::chooseRun(int64_t count, int64_t least, int64_t most) {
  int64_t best = std::min(least, count);
  double bestCost = -1;
  for (int64_t length = best; length <= std::min(most, count); ++length) {
    int64_t runs = llvm::divideCeil(count, length);
    double cost = double(runs * length) / count;
    for (int64_t threads : {2, 4})
      cost += double(llvm::alignTo(runs, threads)) / runs;
    if (bestCost < 0 || cost <= bestCost) {
      best = length;
      bestCost = cost;
    }
  }
  return best;
}

/// What the reduction reads many times is computed before: all of it, or what some rows of the
/// output need.
void RegisterTiler::place() {
  if (vectorOutermost || outer.empty())
    return;
  double bytes = 0;
  int rowLoop = -1;
  for (const Operand &operand : operands) {
    if (!operand.producer || isInlined(*operand.producer))
      continue;
    // Of one picture where the loop over pictures is outside of the rows.
    double each = operand.bytes;
    for (int loop : outer) {
      if (loop == vector || extent(loop) == 1 || !operand.dependsOn[reductionLoop(loop)])
        continue;
      if (isStatic(loop) && windowOf(operand, loop)) {
        rowLoop = loop;
        break;
      }
      each /= isStatic(loop) ? extent(loop) : 64;
    }
    bytes = std::max(bytes, each);
  }
  if (bytes <= model.target.l2Bytes / 4 || rowLoop < 0 || !isStatic(rowLoop))
    return;
  // Only loops outside of `rowLoop` may be around the chunk.
  int64_t rows = extent(rowLoop);
  int64_t chunk = std::max<int64_t>(4, int64_t(rows * (model.target.l2Bytes / 4) / bytes));
  chunk =
      chooseRun(rows, std::min<int64_t>(chunk, 4), std::min(chunk, std::max<int64_t>(rows / 4, 4)));
  for (auto [loop, positions] : unrolled)
    if (loop == rowLoop)
      return;
  chunkLoop = rowLoop;
  chunkRows = std::min(chunk, rows);
}
