//===- RegisterTileShape.cpp - how many vectors, how many positions -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/RegisterTile.h"

#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

/// Whether that many positions along a loop, read one after another at each step, push each other
/// out of the first cache: they lie a multiple of a page apart, and so in few of its sets.
bool RegisterTiler::thrash(const Operand &operand, int loop, int64_t positions) const {
  constexpr int64_t way = 4096; // bytes: more would need address bits that are translated
  AffineMap map = main->op.getMatchingIndexingMap(operand.use);
  auto type = cast<RankedTensorType>(operand.use->get().getType());
  AffineExpr u = getAffineDimExpr(reductionLoop(loop), map.getContext());
  int64_t stride = 0, bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t i = map.getNumResults() - 1; i >= 0; --i) {
    if (map.getResult(i).isFunctionOfDim(reductionLoop(loop)))
      stride += strideOf(map.getResult(i), u) * bytes;
    if (type.isDynamicDim(i))
      break;
    bytes *= type.getDimSize(i);
  }
  if (stride == 0)
    return false;
  int64_t sets = way / std::gcd(stride, way);
  return llvm::divideCeil(positions, sets) >= model.target.l1Bytes / way;
}

/// Whether the registers hold a row of the window from each operand beside the sums. If not, what
/// positions share is loaded for each of them.
bool RegisterTiler::holdsWindow(int64_t vectors, int64_t accumulators) const {
  int64_t held = accumulators;
  int64_t streams = llvm::count_if(operands, [&](const Operand &operand) {
    return bool(operand.dependsOn[reductionLoop(vector)]);
  });
  for (const Operand &operand : operands)
    if (auto window = first >= 0 ? windowOf(operand, first) : std::nullopt)
      held += streams * vectors * window->extent;
  return held <= model.target.vectorRegisters;
}

/// Cycles for the loads of one step of the reduction. Where the loop over a window is unrolled,
/// neighbouring positions share what they load.
double RegisterTiler::loadCycles(int64_t vectors, int64_t m1, int64_t m2) const {
  double cycles = 0;
  bool shares = !perChannel || holdsWindow(vectors, vectors * m1 * m2);
  for (const Operand &operand : operands) {
    bool hasFirst = first >= 0 && operand.dependsOn[reductionLoop(first)];
    bool hasSecond = second >= 0 && operand.dependsOn[reductionLoop(second)];
    bool hasVector = operand.dependsOn[reductionLoop(vector)];
    double each = hasVector ? vectors / model.target.loadsPerCycle / parts : 0.5;
    double positions = hasFirst || (hasVector && !shares) ? m1 : 1;
    if (hasFirst && hasVector && shares)
      if (auto window = windowOf(operand, first);
          window && vectors * m1 * m2 * window->extent <= unrolledBody)
        positions = double((m1 - 1) * window->stride + window->extent) / window->extent;
    // What is not in the first cache comes from the second, a line at a time.
    if (hasFirst && !hasVector && thrash(operand, first, hasSecond ? m1 * m2 : m1))
      each *= 5;
    cycles += each * positions * (hasSecond ? m2 : 1);
  }
  return cycles;
}

/// The part of the positions that a tile computes which are within the extent.
static double useful(int64_t extent, int64_t tile) {
  constexpr int64_t typical = 64; // unknown sizes are often multiples of 8
  if (ShapedType::isDynamic(extent))
    extent = typical;
  return double(extent) / (llvm::divideCeil(extent, tile) * tile);
}

/// Whether the registers hold a tile.
bool RegisterTiler::fits(int64_t tile, int64_t m1, int64_t m2) const {
  int64_t vectors = llvm::divideCeil(tile, lanes), accumulators = vectors * m1 * m2;
  return accumulators + vectors + model.target.broadcastRegisters <= model.target.vectorRegisters ||
         accumulators == 1;
}

/// Cycles for one step of the reduction in a tile.
double RegisterTiler::step(int64_t tile, int64_t m1, int64_t m2) const {
  const Target &target = model.target;
  int64_t vectors = llvm::divideCeil(tile, lanes), accumulators = vectors * m1 * m2;
  double panelBytes = 0;
  for (const Operand &operand : operands)
    if (operand.dependsOn[reductionLoop(vector)] && first >= 0 &&
        !operand.dependsOn[reductionLoop(first)])
      panelBytes = std::max(panelBytes, operand.bytes);
  bool streams = panelBytes > target.l1Bytes / 2;
  // Of tiles that multiply as fast, the one that loads less.
  double loads = loadCycles(vectors, m1, m2);
  double fromL2 = streams ? vectors * target.vectorBytes / parts / target.l2Bandwidth : 0;
  return stepCycles(target, double(accumulators) / parts, loads, fromL2);
}

/// Multiply-adds of vectors in a cycle that a tile gets done within the result; nothing if the
/// registers do not hold it.
std::optional<double> RegisterTiler::rate(int64_t tile, int64_t m1, int64_t m2) const {
  if (!fits(tile, m1, m2))
    return std::nullopt;
  return double(tile) / (lanes * parts) * m1 * m2 / step(tile, m1, m2) *
         useful(expected(vector), tile) * useful(second < 0 ? 1 : expected(second), m2);
}

/// The widths that a tile may have along the vectors.
SmallVector<int64_t> RegisterTiler::vectorTiles() const {
  int64_t vectorExtent = extent(vector);
  bool dynamic = ShapedType::isDynamic(vectorExtent);
  SmallVector<int64_t> tiles;
  for (int64_t vectors = 1; vectors <= (first < 0 ? 8 : 4) * parts; ++vectors) {
    int64_t tile = vectors * lanes;
    bool fits = dynamic || staging || tile <= vectorExtent;
    // Halide does not see that a part of a panel is dense where steps of the sum lie beside each
    // other.
    for (int64_t pack : packs)
      fits &= (dot < 0 ? pack % tile == 0 : pack == tile) &&
              (staging || dynamic || vectorExtent % tile == 0);
    if (fits)
      tiles.push_back(tile);
  }
  if (!tiles.empty())
    return tiles;
  // Shorter than a vector, or packed oddly.
  int64_t tile = dynamic || staging
                     ? lanes
                     : std::min(int64_t(llvm::bit_floor(uint64_t(vectorExtent))), lanes);
  for (int64_t pack : packs)
    while (tile > 1 && (pack % tile != 0 || (!staging && !dynamic && vectorExtent % tile != 0)))
      tile /= 2;
  return {tile};
}

/// The vectors' tile in the version for few positions, which are taken one by one: as many sums
/// under way as hide the time that a multiply-add takes.
int64_t RegisterTiler::rowTile(int64_t otherwise) const {
  constexpr int64_t mostVectors = 8;
  int64_t best = otherwise;
  if (!isStatic(vector) || staging || first < 0 || isStatic(first))
    return best;
  for (int64_t tile = lanes; tile <= mostVectors * lanes; tile += lanes)
    if (extent(vector) % tile == 0 &&
        llvm::all_of(packs, [&](int64_t pack) { return pack % tile == 0; }))
      best = std::max(best, tile);
  return best;
}

/// Whether vectors of half a register may waste less: where they multiply as fast as whole ones,
/// and for panels that are an odd number of them.
bool RegisterTiler::considerHalves() const {
  bool isOddPanel = llvm::any_of(packs, [&](int64_t pack) {
    return pack > lanes && pack % lanes != 0 && pack % (lanes / 2) == 0;
  });
  bool isAsFast = model.target.vectorBytes == 64 && model.target.fmaPerCycle <= 1;
  return dot < 0 && (isOddPanel || (isAsFast && !staging && isStatic(vector) &&
                                    extent(vector) > lanes && extent(vector) % lanes != 0));
}

void RegisterTiler::setParts(int64_t count) {
  lanes = lanes * parts / count;
  parts = count;
}

/// Tries all tiles against a simple account of one step of the reduction, in cycles.
void RegisterTiler::chooseTile() {
  int64_t registers = model.target.vectorRegisters;
  // The loop to unroll: the innermost other one; where that is short and taken whole, the next one
  // as well.
  SmallVector<int> candidates;
  for (int loop : llvm::reverse(output->resultLoops))
    if (loop >= 0 && loop != vector && extent(loop) != 1 && (perChannel || !isBatch(loop)))
      candidates.push_back(loop);
  first = candidates.empty() ? -1 : candidates[0];
  second = candidates.size() < 2 ? -1 : candidates[1];

  struct Shape {
    double score, likely; // at the sizes to expect, and at others
    int64_t parts, tile, first, second;
  };
  SmallVector<Shape> shapes;
  double likely = 0;
  auto consider = [&](int64_t tile, int64_t m1, int64_t m2) {
    auto points = rate(tile, m1, m2);
    if (!points)
      return;
    if (first < 0) {
      shapes.push_back({*points, *points, parts, tile, m1, m2});
      return;
    }
    double score = *points * useful(expected(first), m1);
    shapes.push_back({score, isStatic(first) ? score : likely, parts, tile, m1, m2});
  };
  for (int64_t each : considerHalves() ? SmallVector<int64_t>{1, 2} : SmallVector<int64_t>{1}) {
    setParts(each);
    for (int64_t tile : vectorTiles()) {
      if (first >= 0 && !isStatic(first))
        likely = scoreOfVersions(tile);
      int64_t most =
          first < 0 ? 1
                    : std::min<int64_t>(isStatic(first) ? extent(first) : mostPositions, registers);
      for (int64_t m1 = 1; m1 <= most; ++m1) {
        consider(tile, m1, 1);
        if (second >= 0 && isStatic(second) && isStatic(first) && m1 == extent(first))
          for (int64_t m2 = 2; m2 <= std::min<int64_t>(extent(second), registers / m1); ++m2)
            consider(tile, m1, m2);
      }
    }
  }
  if (shapes.empty())
    shapes.push_back({0, 0, parts, vectorTiles().front(), 1, 1});
  // The best in front; of those that are about equal, the first that was considered.
  size_t best = 0;
  for (size_t i = 1; i < shapes.size(); ++i)
    if (shapes[i].score > shapes[best].score * 1.001)
      best = i;
  // Of those nearly as good at the sizes to expect, the best at others.
  constexpr double nearly = 1.03;
  double enough = shapes[best].score / nearly;
  for (size_t i = 0; i < shapes.size(); ++i)
    if (shapes[i].score > enough && shapes[i].likely > shapes[best].likely * 1.001)
      best = i;
  std::rotate(shapes.begin(), shapes.begin() + best, shapes.begin() + best + 1);
  llvm::sort(MutableArrayRef<Shape>(shapes).drop_front(), [](const Shape &a, const Shape &b) {
    return std::tie(b.score, a.parts, a.tile, a.first) <
           std::tie(a.score, b.parts, b.tile, b.first);
  });
  constexpr size_t worthMeasuring = 10;
  SmallVector<std::string> words;
  for (const Shape &shape : ArrayRef<Shape>(shapes).take_front(worthMeasuring))
    words.push_back(llvm::formatv("{0}x{1}x{2}{3}", shape.tile, shape.first, shape.second,
                                  shape.parts == 1 ? "" : "_halves"));
  const Shape &taken = shapes[model.choices.choose("register_tile", words)];
  setParts(taken.parts);
  vectorTile = taken.tile;
  if (first >= 0)
    unrolled.emplace_back(first, taken.first);
  if (second >= 0 && taken.second > 1)
    unrolled.emplace_back(second, taken.second);
  if (first >= 0 && !isStatic(first))
    chooseVersions();
}
