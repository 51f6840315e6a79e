//===- Segments.cpp - where the forward pass is cut -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-recompute/Segments.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdlib>
#include <optional>
#include <tuple>

using namespace sinter;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {
/// The bytes of a forward pass by place.
class Forward {
public:
  Forward(ArrayRef<Activation> activations, int64_t places)
      : activations(activations), crossing(places + 1, 0), keptBefore(places + 1, 0) {
    for (const Activation &each : activations) {
      for (int64_t place = each.made + 1; place <= each.lastRead; ++place)
        crossing[place] += each.bytes;
      if (each.isKept)
        keptBefore[each.made + 1] += each.bytes;
    }
    for (int64_t place = 0; place < places; ++place)
      keptBefore[place + 1] += keptBefore[place];
  }

  /// Cuts near equal shares of what is kept, each where the least crosses it.
  SmallVector<int64_t> cut(int64_t count) const {
    SmallVector<int64_t> cuts;
    int64_t places = crossing.size() - 1, all = keptBefore.back();
    for (int64_t i = 1; i < count; ++i) {
      std::optional<std::tuple<int64_t, int64_t, int64_t>> best; // crossing, distance, place
      for (int64_t place = cuts.empty() ? 1 : cuts.back() + 1; place < places; ++place) {
        // Within half a segment of the share, and of equals the nearest.
        int64_t distance = std::abs(2 * count * keptBefore[place] - 2 * i * all);
        std::tuple<int64_t, int64_t, int64_t> found(crossing[place], distance, place);
        if (distance <= all && (!best || found < *best))
          best = found;
      }
      if (best)
        cuts.push_back(std::get<2>(*best));
    }
    return cuts;
  }

  /// The most that the backward pass holds at any place: checkpoints up to there, what its segment
  /// has made up to there, and the cotangents of what was made there and of what it was made from.
  int64_t bytesAtOnce(ArrayRef<int64_t> cuts) const {
    int64_t checkpoints = 0, own = 0, most = 0;
    size_t segment = 0;
    for (const Activation &each : activations) {
      for (; segment < cuts.size() && each.made >= cuts[segment]; ++segment)
        own = 0;
      if (segment < cuts.size() && each.lastRead >= cuts[segment])
        checkpoints += each.bytes;
      else if (each.isKept)
        own += each.bytes;
      most = std::max(most, checkpoints + own + 2 * each.bytes);
    }
    return most;
  }

private:
  ArrayRef<Activation> activations;
  std::vector<int64_t> crossing, keptBefore; ///< of the cut before each place
};
} // namespace

SmallVector<int64_t> sinter::cutForward(ArrayRef<Activation> activations, int64_t places,
                                        int64_t count) {
  Forward forward(activations, places);
  if (count > 0)
    return forward.cut(count);
  constexpr int64_t Most = 64;
  constexpr double Worthwhile = 0.75; // what is computed again costs time
  SmallVector<int64_t> best;
  for (int64_t segments = 2; segments <= std::min(Most, places); ++segments) {
    SmallVector<int64_t> cuts = forward.cut(segments);
    if (forward.bytesAtOnce(cuts) < forward.bytesAtOnce(best))
      best = std::move(cuts);
  }
  bool pays = forward.bytesAtOnce(best) <= Worthwhile * forward.bytesAtOnce({});
  return pays ? best : SmallVector<int64_t>();
}
