//===- Strassen.cpp - the schedule of seven products of half the size -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stages are those of nn-to-kernel's LowerStrassen.cpp. For each strip of pairs of rows and
// each pair of panels of the right side: seven products, which stay in the second cache, and what
// becomes of them. The sums of a side are made first, or, where there are strips or pairs of panels
// enough to be tasks, those of the larger side for one strip or one pair of panels at a time, so
// that they stay in the second cache, too.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Model.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Pairs of rows of a strip, at least, where strips are tasks; and the tasks.
static constexpr int64_t fewestRows = 32, enoughTasks = 8;

namespace {

class StrassenTiler {
public:
  explicit StrassenTiler(Model &model) : model(model) {}
  bool run();

private:
  bool match();
  void chooseOrder();
  void choose();
  int64_t chooseStrip() const;
  void scheduleOutput();
  void scheduleProducts();
  void scheduleSums();

  Model &model;
  /// What is made for each task: a strip of a pair of panels, a strip, a pair of panels.
  enum class Order { Tiles, Strips, Panels };

  Stage *sums = nullptr, *rhsSums = nullptr, *products = nullptr, *kept = nullptr,
        *quarters = nullptr, *output = nullptr;
  bool transposed = false; ///< the sums of the left side are 7 K/2 h
  Order order = Order::Tiles;
  std::string tasks;  ///< the parallel loop
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
  if (!sums || panel % lanes != 0)
    return false;
  rhsSums = model.producer(products->op.getDpsInputOperand(1)->get());
  if (rhsSums && rhsSums->op.getNumDpsInputs() != 0)
    rhsSums = nullptr;
  AffineMap left = products->op.getMatchingIndexingMap(products->op.getDpsInputOperand(0));
  transposed = left.getResults().back() == getAffineDimExpr(batch + 1, left.getContext());
  // Vectors along the rows are whole: there is nothing to read behind the last row.
  return !transposed ||
         (products->isStatic(batch + 1) && products->extents[batch + 1] % lanes == 0);
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

/// The larger side is gone through once.
void StrassenTiler::chooseOrder() {
  int64_t batches = 1;
  for (unsigned loop = 0; loop < batch; ++loop)
    batches *= products->isStatic(loop) ? products->extents[loop] : 1;
  int64_t rows = products->extents[batch + 1], pairs = products->extents[batch + 2];
  if (ShapedType::isDynamic(rows))
    return;
  if (rhsSums && pairs * panel > rows && batches * pairs >= enoughTasks)
    order = Order::Panels;
  else if (batches * (rows / fewestRows) >= enoughTasks)
    order = Order::Strips;
}

/// Pairs of rows of a strip, about.
int64_t StrassenTiler::chooseStrip() const {
  const Target &target = model.target;
  int64_t rows = products->expected[batch + 1];
  if (ShapedType::isDynamic(rows))
    rows = 64;
  constexpr int64_t least = 64, bytes = 7 * 4;
  int64_t depth = products->expected[batch + 4];
  auto fit = [&](double share, int64_t elements) {
    return int64_t(target.l2Bytes * share / (bytes * elements));
  };
  if (order == Order::Panels)
    return std::min(std::max(fit(0.25, panel), fewestRows), rows);
  if (order == Order::Strips) {
    int64_t length = std::max(std::min(fit(0.5, depth), fit(0.25, panel)), fewestRows);
    // An even number, for two cores.
    return llvm::divideCeil(rows, llvm::alignTo(llvm::divideCeil(rows, length), 2));
  }
  // The sums of a strip, read by each pair of panels, stay in the second cache, and so do its
  // products; but each strip reads all of the right side.
  int64_t fits = std::max(fit(0.8, depth + panel), least);
  fits = std::min(fits, std::max(fit(0.25, panel), least));
  int64_t strips = llvm::divideCeil(rows, fits);
  // As many for each core, whose sums and results are then its own: lines out of another core's
  // cache cost two cores more than it costs one to go through the right side twice.
  constexpr int64_t leastPerCore = 32;
  if (rows >= 2 * leastPerCore)
    strips = llvm::alignTo(strips, 2);
  return llvm::divideCeil(rows, strips);
}

void StrassenTiler::choose() {
  const Target &target = model.target;
  chooseOrder();
  int64_t strip = chooseStrip();
  if (transposed)
    strip = llvm::alignTo(strip, lanes);
  int64_t vectors = panel / lanes, rows = products->expected[batch + 1];
  if (ShapedType::isDynamic(rows))
    rows = 64;
  int64_t most = std::max<int64_t>(
      (target.vectorRegisters - vectors - target.broadcastRegisters) / vectors, 1);
  SmallVector<std::pair<double, int64_t>> tiles;
  for (int64_t tile = most; tile >= 1; --tile) {
    int64_t length = transposed ? strip : llvm::alignTo(strip, tile), rest = rows % length;
    // The last tile of a strip of a transposed side moves inwards.
    if (transposed && (tile > length || (rest != 0 && tile > rest)))
      continue;
    // All vectors of a panel come from the second cache.
    double step = stepCycles(target, vectors * tile, vectors / target.loadsPerCycle + tile / 2.0,
                             vectors * target.vectorBytes / target.l2Bandwidth);
    int64_t count = rows / length * llvm::divideCeil(length, tile) + llvm::divideCeil(rest, tile);
    tiles.emplace_back(step * count, tile);
  }
  llvm::stable_sort(tiles, [](auto &a, auto &b) { return a.first < b.first; });
  constexpr size_t worthMeasuring = 4;
  SmallVector<std::string> words;
  for (auto &[cycles, tile] : ArrayRef(tiles).take_front(worthMeasuring))
    words.push_back(llvm::formatv("tile_{0}", tile));
  tileRows = tiles[model.choices.choose("strassen", words)].second;
  stripRows = transposed ? strip : llvm::alignTo(strip, tileRows);
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
  SmallVector<std::string> loops = {n + "_v", n + "_t", m + "_u", m + "_t"};
  if (order == Order::Panels)
    llvm::append_values(loops, m + "_s", n + "_s");
  else
    llvm::append_values(loops, n + "_s", m + "_s");
  for (unsigned loop = batch; loop-- > 0;)
    loops.push_back(loopName(loop));
  model.reorder(o, false, loops);
  model.vectorize(o, false, n + "_v");
  model.unroll(o, false, n + "_t");
  model.unroll(o, false, m + "_u");
  model.computeAt(quarters->handle, o, false, m + "_t");
  size_t first = order == Order::Tiles ? 4 : 5; // of the loops that are tasks
  tasks = loops[first];
  for (const std::string &loop : ArrayRef(loops).drop_front(first + 1)) {
    model.fuse(o, false, loop, tasks, loop + "_" + tasks);
    tasks = loop + "_" + tasks;
  }
  model.parallel(o, false, tasks);
  model.computeAt(kept->handle, o, false, order == Order::Tiles ? tasks : loops[4]);
}

/// The accumulators are those of one register tile.
void StrassenTiler::scheduleProducts() {
  Stage &k = *kept, &p = *products;
  std::string product = loopName(batch), row = loopName(batch + 1), columns = loopName(batch + 2),
              lane = loopName(batch + 3), term = loopName(batch + 4);
  model.split(k, false, lane, panel, lane + "_o", lane + "_v", TailStrategy::RoundUp);
  model.split(k, false, row, tileRows, row + "_o", row + "_u",
              transposed ? TailStrategy::ShiftInwards : TailStrategy::RoundUp);
  SmallVector<std::string> loops = {lane + "_v", row + "_u", row + "_o",
                                    lane + "_o", columns,    product};
  for (unsigned loop = batch; loop-- > 0;)
    loops.push_back(loopName(loop));
  model.reorder(k, false, loops);
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

void StrassenTiler::scheduleSums() {
  // Within the task that multiplies by them, or before all, where `across` is what goes in
  // parallel.
  auto schedule = [&](Stage &stage, bool inTask, unsigned across) {
    if (inTask) {
      model.computeAt(stage.handle, *output, false, tasks);
    } else {
      model.computeRoot(stage);
      model.parallel(stage, false, loopName(across));
    }
    scheduleChoices(model, stage, {batch}, across + 1);
  };
  schedule(*sums, order == Order::Strips, batch + 1);
  if (rhsSums)
    schedule(*rhsSums, order == Order::Panels, batch + 2);
}

bool StrassenTiler::run() {
  if (!match())
    return false;
  choose();
  scheduleOutput();
  scheduleChoices(model, *quarters, {batch + 3, batch + 1}, batch + 4);
  scheduleProducts();
  scheduleSums();
  return true;
}

bool tile::scheduleStrassen(Model &model) { return StrassenTiler(model).run(); }
