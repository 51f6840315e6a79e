//===- Winograd.cpp - the schedule of F(m×m, 3×3) -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stages are those of nn-to-kernel's LowerWinograd.cpp. Two ways through them:
//
//   strips   for each strip of tiles: transform its input, which then stays in the second cache;
//            for each block of filters: α² products, then the inverse transform, tile by tile
//   whole    transform all of the input; for each block of filters and each strip: the same
//
// Strips read the filter again for each strip, `whole` the transformed input for each block of
// filters: what is smaller is read often.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Winograd.h"
#include "passes/kernels/kernel-tile/RegisterTile.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

//===----------------------------------------------------------------------===//
// Match
//===----------------------------------------------------------------------===//

Stage *WinogradTiler::producer(Stage &stage, unsigned operand) {
  return model.producer(stage.op.getDpsInputOperand(operand)->get());
}

/// The m of a stage that reads operand 0 at (n, y floordiv m, x floordiv m, y mod m, x mod m, f).
int64_t WinogradTiler::tileOf(Stage &stage) {
  AffineMap map = stage.op.getMatchingIndexingMap(stage.op.getDpsInputOperand(0));
  auto d = [&](unsigned i) { return getAffineDimExpr(i, map.getContext()); };
  if (map.getNumResults() != 6 || map.getNumDims() != 4)
    return 0;
  auto mod = dyn_cast<AffineBinaryOpExpr>(map.getResult(3));
  auto m = mod ? dyn_cast<AffineConstantExpr>(mod.getRHS()) : AffineConstantExpr();
  if (!m)
    return 0;
  int64_t tile = m.getValue();
  AffineExpr expected[] = {d(Batch),      d(Row).floorDiv(tile), d(Column).floorDiv(tile),
                           d(Row) % tile, d(Column) % tile,      d(Filter)};
  return llvm::equal(map.getResults(), expected) ? tile : 0;
}

/// The size of the squares of a stage's positions that the output's elements combine: 1 if they go
/// element by element; 0 if there is no such size.
int64_t WinogradTiler::blockOf(Stage &stage) const {
  if (&stage == output)
    return 1;
  int64_t result = 0;
  for (Stage *consumer : stage.consumers) {
    int64_t behind = blockOf(*consumer);
    for (OpOperand *use : consumer->op.getDpsInputOperands()) {
      if (use->get().getDefiningOp() != stage.op.getOperation())
        continue;
      AffineMap map = consumer->op.getMatchingIndexingMap(use);
      auto d = [&](unsigned i) { return getAffineDimExpr(i, map.getContext()); };
      int64_t step = strideOf(map.getResult(Row), d(Row));
      auto isWithin = [&](OutputLoop loop) {
        AffineExpr offset = map.getResult(loop) - d(loop) * step;
        auto constant = dyn_cast<AffineConstantExpr>(simplifyAffineExpr(offset, 4, 0));
        return constant && constant.getValue() >= 0 && constant.getValue() < step;
      };
      if (behind == 0 || (result != 0 && result != behind * step) ||
          map.getResult(Batch) != d(Batch) || map.getResult(Filter) != d(Filter) ||
          !isWithin(Row) || !isWithin(Column))
        return 0;
      result = behind * step;
    }
  }
  return result;
}

bool WinogradTiler::match() {
  output = model.output();
  products = model.reduction();
  if (!output || output->reduces || !products || products->op.getNumDpsInputs() != 2 ||
      products->extents.size() != 7)
    return false;
  kept = soleReader(products);
  columns = soleReader(kept);
  results = soleReader(columns);
  Stage *untiled = soleReader(results);
  if (!untiled || untiled->op.getNumDpsInputs() == 0 || producer(*untiled, 0) != results)
    return false;
  tile = tileOf(*untiled);
  block = tile == 0 ? 0 : blockOf(*untiled);
  if (block == 0 || tile % block != 0)
    return false;
  tiles = producer(*products, 0);
  rows = tiles && tiles->op.getNumDpsInputs() > 0 ? producer(*tiles, 0) : nullptr;
  if (!rows || rows->op.getNumDpsInputs() != tile + 2)
    return false;
  padded = producer(*rows, 0);

  lanes = model.lanes(*products);
  int64_t filters = products->extents[ProductFilter], channels = products->extents[Channel];
  if (!products->isStatic(ProductFilter) || !products->isStatic(Channel) || filters % lanes != 0 ||
      channels % lanes != 0)
    return false;
  panel = filters % (2 * lanes) == 0 ? 2 * lanes : lanes;
  return true;
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

void WinogradTiler::scheduleOutput() {
  Stage &o = *output;
  std::string n = loopName(Batch), y = loopName(Row), x = loopName(Column), f = loopName(Filter);
  // Only whole tiles are computed; what of them is outside is not stored.
  int64_t side = tile / block;
  auto split = [&](unsigned loop, int64_t tiles) {
    std::string name = loopName(loop), strip = name + "_s", inside = name + "_i";
    bool divides = o.isStatic(loop) && o.extents[loop] % (tiles * side) == 0;
    if (o.isStatic(loop))
      model.split(o, false, name, tiles * side, strip, inside,
                  divides ? TailStrategy::Auto : TailStrategy::Guard);
    else
      model.splitEvenly(o, name, tiles * side, side, strip, inside, TailStrategy::Guard);
    model.split(o, false, inside, side, name + "_t", name + "_u",
                o.isStatic(loop) ? TailStrategy::Auto : TailStrategy::RoundUp);
  };
  split(Row, plan.stripRows);
  split(Column, plan.stripColumns);
  model.split(o, false, f, plan.filters, f + "_s", f + "_i", TailStrategy::Auto);
  model.split(o, false, f + "_i", lanes, f + "_t", f + "_v", TailStrategy::Auto);
  SmallVector<std::string> order = {f + "_v", x + "_u", y + "_u", f + "_t", x + "_t", y + "_t"};
  if (plan.whole)
    llvm::append_values(order, x + "_s", y + "_s", n, f + "_s");
  else
    llvm::append_values(order, f + "_s", x + "_s", y + "_s", n);
  model.reorder(o, false, order);
  model.vectorize(o, false, f + "_v");
  model.unroll(o, false, x + "_u");
  model.unroll(o, false, y + "_u");
  for (Stage *stage : {results, columns})
    model.computeAt(stage->handle, o, false, f + "_t");
  model.fuse(o, false, n, y + "_s", "rows");
  model.fuse(o, false, "rows", x + "_s", "strips");
  if (plan.whole)
    model.fuse(o, false, f + "_s", "strips", "tasks");
  model.parallel(o, false, plan.whole ? "tasks" : "strips");
  model.computeAt(kept->handle, o, false, plan.whole ? "tasks" : f + "_s");
}

/// The α² products of a block. The accumulators are those of one register tile.
void WinogradTiler::scheduleProducts() {
  Stage &k = *kept, &p = *products;
  std::string f = loopName(ProductFilter), x = loopName(TileX), y = loopName(TileY);
  model.split(k, false, f, panel, f + "_o", f + "_v", TailStrategy::RoundUp);
  if (versions.size() > 1) {
    SmallVector<tile::Version> all;
    for (const Together &each : versions)
      all.push_back({{{x, each.columns}, {y, each.rows}}, 100 * passOf(each)});
    model.chooseAmong(k, all, /*fitting=*/false, {{x, plan.stripColumns}, {y, plan.stripRows}});
  }
  model.split(k, false, x, versions.front().columns, x + "_o", x + "_u", TailStrategy::RoundUp);
  model.split(k, false, y, versions.front().rows, y + "_o", y + "_u", TailStrategy::RoundUp);
  model.reorder(k, false,
                {f + "_v", x + "_u", y + "_u", x + "_o", y + "_o", loopName(ProductBatch), f + "_o",
                 loopName(PointX), loopName(PointY)});
  model.vectorize(k, false, f + "_v");
  model.unroll(k, false, x + "_u");
  model.unroll(k, false, y + "_u");
  model.computeAt(p.handle, k, false, x + "_o");

  std::string c = loopName(Channel);
  model.split(p, true, c, 2, c + "_o", c + "_u", TailStrategy::Auto);
  model.reorder(p, false, {f, x, y});
  model.reorder(p, true, {f, x, y, c + "_u", c + "_o"});
  for (bool update : {false, true}) {
    model.vectorize(p, update, f);
    model.unroll(p, update, x);
    model.unroll(p, update, y);
  }
  model.unroll(p, true, c + "_u");
}

void WinogradTiler::scheduleInput() {
  if (plan.whole) {
    model.computeRoot(*tiles);
    std::string y = loopName(TileY), positions = "positions";
    model.fuse(*tiles, false, y, loopName(TileX), positions);
    model.parallel(*tiles, false, positions);
  } else {
    model.computeAt(tiles->handle, *output, false, "strips");
  }
  model.computeAt(rows->handle, *tiles, false, loopName(ProductFilter) + "_o");
  if (!padded)
    return;
  if (plan.whole)
    model.computeRoot(*padded);
  else
    model.computeAt(padded->handle, *output, false, "strips");
  vectorizeNest(model, *padded);
  if (plan.whole)
    parallelizeNest(model, *padded);
}

bool WinogradTiler::run() {
  if (!match())
    return false;
  choose();
  scheduleOutput();
  scheduleChoices(model, *results, {4, 3}, 5);
  scheduleChoices(model, *columns, {4, 3}, 5);
  scheduleProducts();
  scheduleChoices(model, *tiles, {PointX, PointY}, ProductFilter);
  scheduleChoices(model, *rows, {4, 3}, 5);
  scheduleInput();
  return true;
}

bool tile::scheduleWinograd(Model &model) { return WinogradTiler(model).run(); }
