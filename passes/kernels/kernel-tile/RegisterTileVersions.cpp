//===- RegisterTileVersions.cpp - tiles for sizes that are not known ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the extent of the first unrolled loop is not known, a kernel has versions, each with
// another register tile: which of them takes least for the extent at hand is found when it runs.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/RegisterTile.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

/// All up to twice the one to expect. Fewer than four are rather a batch, of which there may be
/// any.
SmallVector<int64_t> RegisterTiler::likelySizes() const {
  constexpr int64_t fewest = 4, batch = 32, typical = 64;
  int64_t size = ShapedType::isDynamic(expected(first)) ? typical : expected(first);
  return llvm::to_vector(llvm::seq_inclusive<int64_t>(1, size < fewest ? batch : 2 * size));
}

/// The mean rate over the likely sizes, of the best version with that tile for each.
double RegisterTiler::scoreOfVersions(int64_t tile) const {
  double sum = 0;
  SmallVector<int64_t> sizes = likelySizes();
  for (int64_t size : sizes) {
    double best = 0;
    for (int64_t m = 1; m <= std::min(size, mostPositions); ++m)
      if (auto each = rate(tile, m, 1))
        best = std::max(best, *each * double(size) / double(llvm::alignTo(size, m)));
    sum += best;
  }
  return sum / double(sizes.size());
}

void RegisterTiler::chooseVersions() {
  SmallVector<TileVersion> candidates;
  auto consider = [&](int64_t tile, int64_t positions) {
    candidates.push_back({tile, positions, step(tile, positions, 1)});
  };
  SmallVector<int64_t> tiles = {vectorTile};
  if (isStatic(vector) && !staging)
    tiles = vectorTiles();
  for (int64_t tile : tiles)
    for (int64_t m = 1; m <= mostPositions; ++m)
      if (fits(tile, m, 1))
        consider(tile, m);
  // One row: each vector of its panel is used once, and never in a register.
  consider(rowTile(vectorTile), 1);
  constexpr double never = 1e12; // a tile never reaches beyond the end
  SmallVector<SmallVector<double>> costs;
  for (const TileVersion &each : candidates) {
    double panels = isStatic(vector) ? double(llvm::divideCeil(extent(vector), each.tile)) : 1;
    costs.emplace_back();
    for (int64_t size : likelySizes())
      costs.back().push_back(size < each.positions
                                 ? never
                                 : double(llvm::divideCeil(size, each.positions)) * panels *
                                       each.step);
  }
  // Loops over windows that are cut at the picture's border take long to compile.
  const size_t most = perChannel ? 3 : 6;
  for (size_t each : tile::chooseVersions(costs, most))
    versions.push_back(candidates[each]);
  // The last one stands where no other fits.
  auto *single = llvm::find_if(versions, [](const TileVersion &v) { return v.positions == 1; });
  if (single != versions.end())
    std::rotate(single, single + 1, versions.end());
}
