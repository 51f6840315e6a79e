//===- Versions.cpp - which versions of a nest to have --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Model.h"

#include <limits>

using namespace mlir;
using namespace sinter;

SmallVector<size_t> tile::chooseVersions(ArrayRef<SmallVector<double>> costs, size_t most) {
  size_t sizes = costs.front().size();
  SmallVector<double> least(sizes, std::numeric_limits<double>::infinity());
  for (ArrayRef<double> each : costs)
    for (size_t i = 0; i < sizes; ++i)
      least[i] = std::min(least[i], each[i]);
  // The mean over the sizes of how much longer than the best it takes.
  SmallVector<double> excess(sizes, 1e6);
  auto meanWith = [&](ArrayRef<double> more) {
    double sum = 0;
    for (size_t i = 0; i < sizes; ++i)
      sum += std::min(excess[i], more[i] / least[i]);
    return sum / double(sizes);
  };
  constexpr double gain = 0.005; // below which a version is not worth its code
  SmallVector<size_t> chosen;
  for (double before = std::numeric_limits<double>::infinity(); chosen.size() < most;) {
    size_t best = 0;
    for (size_t each = 1; each < costs.size(); ++each)
      if (meanWith(costs[each]) < meanWith(costs[best]) * 0.9999)
        best = each;
    double mean = meanWith(costs[best]);
    if (before - mean < gain)
      break;
    before = mean;
    chosen.push_back(best);
    for (size_t i = 0; i < sizes; ++i)
      excess[i] = std::min(excess[i], costs[best][i] / least[i]);
  }
  return chosen;
}
