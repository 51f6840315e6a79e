//===- WinogradPlan.cpp - how the work of F(m×m, 3×3) is cut ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the size of a picture is not known, the plan says how long a strip may be, and how many
// tiles may be accumulated together. How long strips are, and which of these versions multiplies,
// follows from the size that comes.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Winograd.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

/// Tiles of a row or column where nothing says how many there will be.
static constexpr int64_t usualTiles = 14;

int64_t WinogradTiler::count(unsigned loop, int64_t otherwise) const {
  int64_t expected = products->expected[loop];
  return ShapedType::isDynamic(expected) ? otherwise : expected;
}

/// Cycles for one step of the sum of tiles that are accumulated together.
double WinogradTiler::stepOf(const Together &together) const {
  double vectors = double(panel) / lanes, tiles = double(together.rows * together.columns);
  return stepCycles(model.target, vectors * tiles,
                    vectors / model.target.loadsPerCycle + tiles / 2);
}

/// The same with what it takes that a panel of the filter comes from the second cache once more for
/// each of these tiles.
double WinogradTiler::passOf(const Together &together) const {
  const Target &target = model.target;
  double bytes = 4, step = double(panel) * bytes;
  bool stays = count(Channel, 1) * step <= target.l1Bytes / 2;
  return stepOf(together) + (stays ? 0 : step / target.l2Bandwidth / 2);
}

/// What the registers hold: some of a row, or of as many rows as are taken whole.
SmallVector<WinogradTiler::Together> WinogradTiler::shapes(int64_t stripRows,
                                                           int64_t stripColumns) const {
  int64_t registers = model.target.vectorRegisters, vectors = panel / lanes;
  int64_t most =
      std::max<int64_t>((registers - vectors - model.target.broadcastRegisters) / vectors, 1);
  SmallVector<Together> shapes;
  for (int64_t columns = 1; columns <= std::min(most, stripColumns); ++columns) {
    int64_t rows = columns < stripColumns ? 1 : stripRows;
    for (int64_t each = 1; each <= std::min(most / columns, rows); ++each)
      shapes.push_back({each, columns});
  }
  return shapes;
}

/// How often so many tiles are accumulated together. Of the last strip there may be less.
static double groups(int64_t size, int64_t strip, int64_t together) {
  return double(size / strip * llvm::divideCeil(strip, together) +
                llvm::divideCeil(size % strip, together));
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
  double arithmetic = points * batch * groups(height, plan.stripRows, plan.together.rows) *
                      groups(width, plan.stripColumns, plan.together.columns) * channels *
                      (filters / panel) * stepOf(plan.together);

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

/// The length of the even parts, none longer than `most`.
static int64_t evenPart(int64_t size, int64_t most) {
  return llvm::divideCeil(size, llvm::divideCeil(size, most));
}

int64_t WinogradTiler::partOf(unsigned loop, int64_t size, int64_t most) const {
  return products->isStatic(loop) ? most : evenPart(size, most);
}

/// What becomes of a plan where a picture has that many tiles: its strips, and the best register
/// tile for them.
WinogradTiler::Plan WinogradTiler::atSize(Plan plan, int64_t height, int64_t width) const {
  plan.stripRows = partOf(TileY, height, plan.stripRows);
  plan.stripColumns = partOf(TileX, width, plan.stripColumns);
  plan.together = {};
  double least = cost(plan, height, width);
  Plan best = plan;
  for (const Together &each : shapes(plan.stripRows, plan.stripColumns)) {
    plan.together = each;
    if (double cycles = cost(plan, height, width); cycles < least * 0.999) {
      least = cycles;
      best = plan;
    }
  }
  return best;
}

SmallVector<int64_t> WinogradTiler::likelyCounts(unsigned loop) const {
  int64_t size = count(loop, usualTiles);
  SmallVector<int64_t> likely = getLikelyExtents(size);
  return products->isStatic(loop) ? SmallVector<int64_t>(likely.size(), size) : likely;
}

/// The mean over other sizes than the expected ones, per tile.
double WinogradTiler::costAtLikelySizes(const Plan &plan) const {
  double sum = 0;
  for (auto [height, width] : llvm::zip_equal(likelyCounts(TileY), likelyCounts(TileX)))
    sum += cost(atSize(plan, height, width), height, width) / double(height * width);
  return sum;
}

/// How long the strips of a loop may be: what divides it, or the even parts of the longest likely.
SmallVector<int64_t> WinogradTiler::stripsOf(unsigned loop) const {
  constexpr int64_t longest = 28;
  bool isStatic = products->isStatic(loop);
  int64_t size = isStatic ? products->extents[loop] : likelyCounts(loop).back();
  SmallVector<int64_t> strips;
  for (int64_t i = 1; i <= (isStatic ? size : std::min(size, longest)); ++i)
    if (isStatic ? size % i == 0 : i == longest || evenPart(size, i) == i)
      strips.push_back(i);
  return strips;
}

void WinogradTiler::choose() {
  bool fixed =
      products->isStatic(ProductBatch) && products->isStatic(TileY) && products->isStatic(TileX);
  int64_t height = count(TileY, usualTiles), width = count(TileX, usualTiles);
  // Each way to cut the work, with the register tile that suits it.
  SmallVector<std::pair<double, Plan>> plans;
  for (bool whole : {false, true})
    for (int64_t filters = panel; filters <= 4 * panel; filters *= 2) {
      if (products->extents[ProductFilter] % filters != 0)
        continue;
      for (int64_t stripRows : stripsOf(TileY))
        for (int64_t stripColumns : stripsOf(TileX)) {
          Plan each{whole, stripRows, stripColumns, filters, {}};
          Plan expected = atSize(each, height, width);
          each.together = expected.together;
          plans.emplace_back(cost(expected, height, width), each);
        }
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
        each.stripColumns, each.filters, each.together.rows, each.together.columns));
  plan = plans[model.choices.choose("winograd", words)].second;
  versions = {plan.together};
  if (!products->isStatic(TileY) || !products->isStatic(TileX))
    chooseVersions();
}

/// The register tiles that multiply best at some size.
void WinogradTiler::chooseVersions() {
  auto countsOf = [&](unsigned loop) {
    SmallVector<int64_t> likely = likelyCounts(loop);
    return llvm::to_vector(llvm::seq_inclusive<int64_t>(likely.front(), likely.back()));
  };
  // What each candidate takes for each size.
  SmallVector<Together> candidates;
  for (int64_t columns = 1; columns <= plan.stripColumns; ++columns)
    for (const Together &each : shapes(plan.stripRows, columns))
      if (each.columns == columns)
        candidates.push_back(each);
  SmallVector<SmallVector<double>> costs(candidates.size());
  for (int64_t height : countsOf(TileY))
    for (int64_t width : countsOf(TileX)) {
      int64_t stripRows = partOf(TileY, height, plan.stripRows),
              stripColumns = partOf(TileX, width, plan.stripColumns);
      for (auto [each, sizes] : llvm::zip(candidates, costs))
        sizes.push_back(groups(height, stripRows, each.rows) *
                        groups(width, stripColumns, each.columns) * passOf(each));
    }
  constexpr size_t most = 5; // each takes a tenth of the time to compile the rest
  versions.clear();
  for (size_t each : tile::chooseVersions(costs, most))
    versions.push_back(candidates[each]);
}
