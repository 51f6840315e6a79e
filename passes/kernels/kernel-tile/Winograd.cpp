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

#include "passes/kernels/kernel-tile/RegisterTile.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

namespace {

/// Tiles of a row or column where nothing says how many there will be.
constexpr int64_t usualTiles = 14;

// The loops of the stages.
enum OutputLoop { Batch, Row, Column, Filter };
enum ProductLoop { PointY, PointX, ProductBatch, TileY, TileX, ProductFilter, Channel };

class WinogradTiler {
public:
  explicit WinogradTiler(Model &model) : model(model) {}
  bool run();

private:
  /// How the work is cut.
  struct Plan {
    bool whole = false;
    int64_t stripRows = 1, stripColumns = 1; ///< tiles
    int64_t filters = 1;                     ///< of a block
    int64_t tileRows = 1, tileColumns = 1;   ///< tiles that are accumulated together
  };

  bool match();
  Stage *producer(Stage &stage, unsigned operand);
  int64_t blockOf(Stage &stage) const;
  void choose();
  int64_t count(unsigned loop, int64_t otherwise) const;
  double cost(const Plan &plan, int64_t height, int64_t width) const;
  double costAtLikelySizes(const Plan &plan) const;
  void scheduleOutput();
  void scheduleProducts();
  void scheduleInput();

  Model &model;
  Stage *padded = nullptr, *rows = nullptr, *tiles = nullptr, *products = nullptr, *kept = nullptr,
        *columns = nullptr, *results = nullptr, *output = nullptr;
  int64_t tile = 0, lanes = 1, panel = 1;
  int64_t block = 1; ///< the output's elements combine so many rows and columns of a tile
  Plan plan;
};

} // namespace

//===----------------------------------------------------------------------===//
// Match
//===----------------------------------------------------------------------===//

Stage *WinogradTiler::producer(Stage &stage, unsigned operand) {
  return model.producer(stage.op.getDpsInputOperand(operand)->get());
}

/// The m of a stage that reads operand 0 at (n, y floordiv m, x floordiv m, y mod m, x mod m, f).
static int64_t tileOf(Stage &stage) {
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
// Choice
//===----------------------------------------------------------------------===//

int64_t WinogradTiler::count(unsigned loop, int64_t otherwise) const {
  int64_t expected = products->expected[loop];
  return ShapedType::isDynamic(expected) ? otherwise : expected;
}

/// Cycles for the whole convolution of a picture of that many tiles, as far as the plan decides
/// them.
double WinogradTiler::cost(const Plan &plan, int64_t height, int64_t width) const {
  const Target &target = model.target;
  double batch = count(ProductBatch, 1), filters = count(ProductFilter, 1);
  double channels = count(Channel, 1), points = (tile + 2) * (tile + 2), bytes = 4;
  double strips =
      batch * llvm::divideCeil(height, plan.stripRows) * llvm::divideCeil(width, plan.stripColumns);
  double blocks = std::ceil(filters / plan.filters);
  // Of the last strip there may be less.
  auto groups = [](int64_t size, int64_t strip, int64_t together) {
    return double(size / strip * llvm::divideCeil(strip, together) +
                  llvm::divideCeil(size % strip, together));
  };
  double vectors = double(panel) / lanes, together = double(plan.tileRows * plan.tileColumns);
  double arithmetic =
      points * batch * groups(height, plan.stripRows, plan.tileRows) *
      groups(width, plan.stripColumns, plan.tileColumns) * channels * (filters / panel) *
      stepCycles(target, vectors * together, vectors / target.loadsPerCycle + together / 2);

  // What is read in order is fetched ahead, beside the arithmetic.
  auto stream = [&](double bytes, double size) {
    double bandwidth = size <= target.l2Bytes * 0.8 ? target.l2Bandwidth
                       : size <= target.l3Bytes / 4 ? target.l3Bandwidth // others use it too
                                                    : target.memoryBandwidth;
    return bytes / bandwidth;
  };
  // What is spread over the points' planes is waited for, a line at a time, if it is not in the
  // second cache.
  auto scattered = [&](double bytes, double size) {
    constexpr double line = 64, lineCycles = 10;
    double hits = std::min(1.0, target.l2Bytes * 0.8 / size);
    return bytes * (hits / target.l2Bandwidth + (1 - hits) * lineCycles / line);
  };
  double positions = double(plan.stripRows * plan.stripColumns);
  double filter = points * channels * filters * bytes;
  double input = points * positions * channels * bytes;
  double product = points * positions * plan.filters * bytes;
  double all = batch * height * width / positions; // strips' worth of positions
  double strip = input + product, whole = plan.whole ? input * all : strip;
  double filterNear = (plan.whole ? filter / blocks : filter) + product;
  // A store also reads its line.
  double streams = stream(input * blocks * all, whole) + stream(filter * strips, filterNear);
  double waits = scattered(2 * input * all, whole) + scattered(3 * product * blocks * all, strip);
  double time = std::max(arithmetic, streams) + streams / 10 + waits;
  // A library may run on more cores than the machine that compiles it has.
  double tasks = plan.whole ? blocks * strips : strips,
         cores = double(std::max<int64_t>(target.cores, 2));
  return time * std::ceil(tasks / cores) * cores / tasks;
}

/// The mean over other sizes than the expected ones, per tile.
double WinogradTiler::costAtLikelySizes(const Plan &plan) const {
  auto sizes = [&](unsigned loop) {
    int64_t size = count(loop, usualTiles);
    SmallVector<int64_t> likely = getLikelyExtents(size);
    return products->isStatic(loop) ? SmallVector<int64_t>(likely.size(), size) : likely;
  };
  double sum = 0;
  for (auto [height, width] : llvm::zip_equal(sizes(TileY), sizes(TileX)))
    sum += cost(plan, height, width) / double(height * width);
  return sum;
}

static SmallVector<int64_t> divisors(int64_t n) {
  SmallVector<int64_t> result;
  for (int64_t i = 1; i <= n; ++i)
    if (n % i == 0)
      result.push_back(i);
  return result;
}

void WinogradTiler::choose() {
  int64_t registers = model.target.vectorRegisters, vectors = panel / lanes;
  int64_t most =
      std::max<int64_t>((registers - vectors - model.target.broadcastRegisters) / vectors, 1);
  bool fixed =
      products->isStatic(ProductBatch) && products->isStatic(TileY) && products->isStatic(TileX);
  int64_t height = count(TileY, usualTiles), width = count(TileX, usualTiles);
  auto stripsOf = [&](unsigned loop) {
    if (products->isStatic(loop))
      return divisors(products->extents[loop]);
    constexpr int64_t longest = 28;
    return llvm::to_vector(llvm::seq<int64_t>(1, std::min(count(loop, usualTiles), longest) + 1));
  };
  SmallVector<std::pair<double, Plan>> plans;
  // Each way to cut the work with the register tile that suits it; all tiles where the size is not
  // known.
  auto consider = [&](Plan each) {
    std::pair<double, Plan> best(cost(each, height, width), each);
    for (each.tileColumns = 1; each.tileColumns <= std::min(most, each.stripColumns);
         ++each.tileColumns) {
      int64_t rows = each.tileColumns < each.stripColumns ? 1 : each.stripRows;
      for (each.tileRows = 1; each.tileRows <= std::min(most / each.tileColumns, rows);
           ++each.tileRows) {
        double cycles = cost(each, height, width);
        if (!fixed)
          plans.emplace_back(cycles, each);
        else if (cycles < best.first * 0.999)
          best = {cycles, each};
      }
    }
    if (fixed)
      plans.push_back(best);
  };
  for (bool whole : {false, true})
    for (int64_t filters = panel; filters <= 4 * panel; filters *= 2) {
      if (products->extents[ProductFilter] % filters != 0)
        continue;
      for (int64_t stripRows : stripsOf(TileY))
        for (int64_t stripColumns : stripsOf(TileX))
          consider({whole, stripRows, stripColumns, filters, 1, 1});
    }
  // Of plans that are about equal, the first that was considered.
  llvm::stable_sort(plans, [](const auto &a, const auto &b) { return a.first < b.first; });
  // Of those nearly as good at the sizes to expect, the best at others.
  if (!fixed) {
    constexpr double nearly = 1.03;
    size_t best = 0;
    double least = costAtLikelySizes(plans.front().second);
    for (size_t i = 1; i < plans.size() && plans[i].first < plans[0].first * nearly; ++i)
      if (double cycles = costAtLikelySizes(plans[i].second); cycles < least * 0.999) {
        least = cycles;
        best = i;
      }
    std::rotate(plans.begin(), plans.begin() + best, plans.begin() + best + 1);
  }
  constexpr size_t worthMeasuring = 12;
  SmallVector<std::string> words;
  for (const auto &[cycles, each] : ArrayRef(plans).take_front(worthMeasuring))
    words.push_back(llvm::formatv(
        "{0}_{1}x{2}_by_{3}_tile_{4}x{5}", each.whole ? "whole" : "strips", each.stripRows,
        each.stripColumns, each.filters, each.tileRows, each.tileColumns));
  plan = plans[model.choices.choose("winograd", words)].second;
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

void WinogradTiler::scheduleOutput() {
  Stage &o = *output;
  std::string n = loopName(Batch), y = loopName(Row), x = loopName(Column), f = loopName(Filter);
  // Only whole tiles are computed; what of them is outside is not stored.
  int64_t side = tile / block;
  auto split = [&](const std::string &loop, int64_t tiles, bool divides) {
    model.split(o, false, loop, tiles * side, loop + "_s", loop + "_i",
                divides ? TailStrategy::Auto : TailStrategy::Guard);
    model.split(o, false, loop + "_i", side, loop + "_t", loop + "_u", TailStrategy::Auto);
  };
  auto divides = [&](unsigned loop, int64_t tiles) {
    return o.isStatic(loop) && o.extents[loop] % (tiles * side) == 0;
  };
  split(y, plan.stripRows, divides(Row, plan.stripRows));
  split(x, plan.stripColumns, divides(Column, plan.stripColumns));
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
  model.split(k, false, x, plan.tileColumns, x + "_o", x + "_u", TailStrategy::RoundUp);
  model.split(k, false, y, plan.tileRows, y + "_o", y + "_u", TailStrategy::RoundUp);
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
