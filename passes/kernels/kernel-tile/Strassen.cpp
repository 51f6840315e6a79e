//===- Strassen.cpp - the schedule of seven products of half the size -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stages are those of nn-to-kernel's LowerStrassen.cpp. The sums of the left side are made
// first. Then, for each strip of pairs of rows and each pair of panels of the right side: seven
// products, which stay in the second cache, and what becomes of them.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Model.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

namespace {

class StrassenTiler {
public:
  explicit StrassenTiler(Model &model) : model(model) {}
  bool run();

private:
  bool match();
  void choose();
  void scheduleOutput();
  void scheduleProducts();

  Model &model;
  Stage *sums = nullptr, *products = nullptr, *kept = nullptr, *quarters = nullptr,
        *output = nullptr;
  unsigned batch = 0; ///< loops before those of a product
  int64_t lanes = 1, panel = 1;
  int64_t tileRows = 1; ///< pairs of rows whose products are accumulated together
  int64_t stripRows = 1;
};

} // namespace

//===----------------------------------------------------------------------===//
// Match
//===----------------------------------------------------------------------===//

/// The V of a stage that reads operand 0 at (…, m floordiv 2, m mod 2, n floordiv 2V, (n floordiv
/// V) mod 2, n mod V); 0 for others.
static int64_t panelOf(Stage &stage) {
  if (stage.op.getNumDpsInputs() == 0)
    return 0;
  AffineMap map = stage.op.getMatchingIndexingMap(stage.op.getDpsInputOperand(0));
  unsigned loops = map.getNumDims();
  if (loops < 2 || map.getNumResults() != loops + 3)
    return 0;
  auto mod = dyn_cast<AffineBinaryOpExpr>(map.getResults().back());
  auto width = mod ? dyn_cast<AffineConstantExpr>(mod.getRHS()) : AffineConstantExpr();
  if (!width)
    return 0;
  int64_t panel = width.getValue();
  SmallVector<AffineExpr> expected;
  for (unsigned i = 0; i < loops; ++i)
    expected.push_back(getAffineDimExpr(i, map.getContext()));
  AffineExpr n = expected.pop_back_val(), m = expected.pop_back_val();
  llvm::append_values(expected, m.floorDiv(2), m % 2, n.floorDiv(2 * panel), n.floorDiv(panel) % 2,
                      n % panel);
  return llvm::equal(map.getResults(), expected) ? panel : 0;
}

bool StrassenTiler::match() {
  output = model.output();
  products = model.reduction();
  if (!output || output->reduces || !products)
    return false;
  kept = soleReader(products);
  quarters = soleReader(kept);
  Stage *whole = soleReader(quarters);
  panel = whole ? panelOf(*whole) : 0;
  if (panel == 0 || products->op.getNumDpsInputs() != 2)
    return false;
  batch = whole->extents.size() - 2;
  if (products->extents.size() != batch + 5)
    return false;
  for (unsigned i = 0; i < whole->outputLoops.size(); ++i)
    if (whole->outputLoops[i] != int(i))
      return false;
  sums = model.producer(products->op.getDpsInputOperand(0)->get());
  lanes = model.lanes(*products);
  return sums && panel % lanes == 0;
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

void StrassenTiler::choose() {
  const Target &target = model.target;
  int64_t vectors = panel / lanes, rows = products->expected[batch + 1];
  if (ShapedType::isDynamic(rows))
    rows = 64;
  int64_t most = std::max<int64_t>(
      (target.vectorRegisters - vectors - target.broadcastRegisters) / vectors, 1);
  SmallVector<std::pair<double, int64_t>> tiles;
  for (int64_t tile = most; tile >= 1; --tile) {
    // All vectors of a panel come from the second cache.
    double step = stepCycles(target, vectors * tile, vectors / target.loadsPerCycle + tile / 2.0,
                             vectors * target.vectorBytes / target.l2Bandwidth);
    tiles.emplace_back(step * llvm::divideCeil(rows, tile), tile);
  }
  llvm::stable_sort(tiles, [](auto &a, auto &b) { return a.first < b.first; });
  constexpr size_t worthMeasuring = 4;
  SmallVector<std::string> words;
  for (auto &[cycles, tile] : ArrayRef(tiles).take_front(worthMeasuring))
    words.push_back(llvm::formatv("tile_{0}", tile));
  tileRows = tiles[model.choices.choose("strassen", words)].second;
  // The sums of a strip, read by each pair of panels, stay in the second cache, and so do its
  // products; but each strip reads all of the right side.
  constexpr int64_t least = 64, bytes = 7 * 4;
  int64_t depth = products->expected[batch + 4];
  int64_t fits = std::max<int64_t>(target.l2Bytes * 0.8 / (bytes * (depth + panel)), least);
  fits = std::min<int64_t>(fits, std::max<int64_t>(target.l2Bytes / 4 / (bytes * panel), least));
  int64_t strips = llvm::divideCeil(rows, fits);
  // As many for each core, whose sums and results are then its own: lines out of another core's
  // cache cost two cores more than it costs one to go through the right side twice.
  constexpr int64_t leastPerCore = 32;
  if (rows >= 2 * leastPerCore)
    strips = llvm::alignTo(strips, 2);
  stripRows = llvm::alignTo(llvm::divideCeil(rows, strips), tileRows);
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

void StrassenTiler::scheduleOutput() {
  Stage &o = *output;
  std::string m = loopName(batch), n = loopName(batch + 1);
  bool divides = o.isStatic(batch) && o.extents[batch] % (2 * stripRows) == 0;
  model.split(o, false, m, 2 * stripRows, m + "_s", m + "_i",
              divides ? TailStrategy::Auto : TailStrategy::Guard);
  model.split(o, false, m + "_i", 2, m + "_t", m + "_u", TailStrategy::Auto);
  model.split(o, false, n, 2 * panel, n + "_s", n + "_i", TailStrategy::Auto);
  model.split(o, false, n + "_i", lanes, n + "_t", n + "_v", TailStrategy::Auto);
  SmallVector<std::string> order = {n + "_v", n + "_t", m + "_u", m + "_t", n + "_s", m + "_s"};
  for (unsigned loop = batch; loop-- > 0;)
    order.push_back(loopName(loop));
  model.reorder(o, false, order);
  model.vectorize(o, false, n + "_v");
  model.unroll(o, false, n + "_t");
  model.unroll(o, false, m + "_u");
  model.computeAt(quarters->handle, o, false, m + "_t");
  std::string tasks = n + "_s";
  for (const std::string &loop : ArrayRef(order).drop_front(5)) {
    model.fuse(o, false, loop, tasks, loop + "_" + tasks);
    tasks = loop + "_" + tasks;
  }
  model.parallel(o, false, tasks);
  model.computeAt(kept->handle, o, false, tasks);
}

/// The accumulators are those of one register tile.
void StrassenTiler::scheduleProducts() {
  Stage &k = *kept, &p = *products;
  std::string product = loopName(batch), row = loopName(batch + 1), columns = loopName(batch + 2),
              lane = loopName(batch + 3), term = loopName(batch + 4);
  model.split(k, false, lane, panel, lane + "_o", lane + "_v", TailStrategy::RoundUp);
  model.split(k, false, row, tileRows, row + "_o", row + "_u", TailStrategy::RoundUp);
  SmallVector<std::string> order = {lane + "_v", row + "_u", row + "_o",
                                    lane + "_o", columns,    product};
  for (unsigned loop = batch; loop-- > 0;)
    order.push_back(loopName(loop));
  model.reorder(k, false, order);
  model.vectorize(k, false, lane + "_v");
  model.unroll(k, false, row + "_u");
  model.computeAt(p.handle, k, false, row + "_o");

  model.split(p, true, term, 2, term + "_o", term + "_u", TailStrategy::Auto);
  model.reorder(p, false, {lane, row});
  model.reorder(p, true, {lane, row, term + "_u", term + "_o"});
  for (bool update : {false, true}) {
    model.vectorize(p, update, lane);
    model.unroll(p, update, row);
  }
  model.unroll(p, true, term + "_u");
}

bool StrassenTiler::run() {
  if (!match())
    return false;
  choose();
  scheduleOutput();
  scheduleChoices(model, *quarters, {batch + 3, batch + 1}, batch + 4);
  scheduleProducts();
  model.computeRoot(*sums);
  scheduleChoices(model, *sums, {batch}, batch + 2);
  model.parallel(*sums, false, loopName(batch + 1));
  return true;
}

bool tile::scheduleStrassen(Model &model) { return StrassenTiler(model).run(); }
