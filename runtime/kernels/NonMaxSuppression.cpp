//===- NonMaxSuppression.cpp - keeps the best of overlapping boxes --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two phases, since the number of results depends on data: `nms_count` and
// `nms` walk the same selection, the first only counts.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/Elements.h"

namespace {

struct Candidate {
  float score;
  int32_t box;
};
struct Corners {
  float y1, x1, y2, x2;
};

Corners corners(const SinterArray &boxes, int64_t at, bool centerPoint) {
  float a = float(loadFloat(boxes, at)), b = float(loadFloat(boxes, at + 1));
  float c = float(loadFloat(boxes, at + 2)), d = float(loadFloat(boxes, at + 3));
  if (centerPoint) // x center, y center, width, height
    return {b - d / 2, a - c / 2, b + d / 2, a + c / 2};
  // Any pair of diagonal corners.
  return {a < c ? a : c, b < d ? b : d, a < c ? c : a, b < d ? d : b};
}

/// Intersection over union is above `threshold`.
bool overlaps(const Corners &a, const Corners &b, float threshold) {
  float height = (a.y2 < b.y2 ? a.y2 : b.y2) - (a.y1 > b.y1 ? a.y1 : b.y1);
  float width = (a.x2 < b.x2 ? a.x2 : b.x2) - (a.x1 > b.x1 ? a.x1 : b.x1);
  if (height <= 0 || width <= 0)
    return false;
  float intersection = height * width;
  float areaA = (a.y2 - a.y1) * (a.x2 - a.x1);
  float areaB = (b.y2 - b.y1) * (b.x2 - b.x1);
  if (areaA <= 0 || areaB <= 0)
    return false;
  return intersection / (areaA + areaB - intersection) > threshold;
}

/// Calls `keep(batch, class, box)` for each kept box, best scores first.
template <typename Keep>
int32_t select(SinterContext *context, const SinterArray *arrays, int32_t inputs,
               const int64_t *params, Keep keep) {
  const SinterArray &boxes = arrays[0], &scores = arrays[1];
  bool centerPoint = params[0] != 0, hasScoreThreshold = params[1] != 0;
  int64_t limit = inputs > 2 ? loadIndex(arrays[2], 0) : 0;
  float iouThreshold = inputs > 3 ? float(loadFloat(arrays[3], 0)) : 0.0f;
  float scoreThreshold = hasScoreThreshold && inputs > 4 ? float(loadFloat(arrays[4], 0)) : 0.0f;
  int64_t batches = scores.dims[0], classes = scores.dims[1];
  int64_t count = scores.dims[2];
  if (limit <= 0)
    return 0;

  Scratch<Candidate> candidates(context, count);
  Scratch<Corners> chosen(context, limit < count ? limit : count);
  auto better = [](const Candidate &a, const Candidate &b) {
    int order = compareValues(a.score, b.score);
    return order != 0 ? order > 0 : a.box < b.box;
  };
  for (int64_t batch = 0; batch < batches; ++batch) {
    for (int64_t cls = 0; cls < classes; ++cls) {
      int64_t total = 0;
      for (int64_t i = 0; i < count; ++i) {
        float score = float(loadFloat(scores, (batch * classes + cls) * count + i));
        if (!hasScoreThreshold || score > scoreThreshold)
          candidates[total++] = {score, int32_t(i)};
      }
      sortItems<Candidate>(candidates, total, better);
      int64_t kept = 0;
      for (int64_t i = 0; i < total && kept < limit; ++i) {
        int64_t box = candidates[i].box;
        Corners corner = corners(boxes, (batch * count + box) * 4, centerPoint);
        bool free = true;
        for (int64_t j = 0; free && j < kept; ++j)
          free = !overlaps(corner, chosen[j], iouThreshold);
        if (!free)
          continue;
        chosen[kept++] = corner;
        keep(batch, cls, box);
      }
    }
  }
  return SINTER_OK;
}

} // namespace

/// (boxes, scores, max_boxes, iou_threshold, score_threshold) → (number of
/// kept boxes, scalar i64); params: center_point_box, has_score_threshold.
SINTER_KERNEL(nms_count) {
  int64_t kept = 0;
  int32_t status =
      select(context, arrays, inputs, params, [&](int64_t, int64_t, int64_t) { ++kept; });
  storeIndex(arrays[inputs], 0, kept);
  return status;
}

/// The same → (rows of batch, class, box).
SINTER_KERNEL(nms) {
  const SinterArray &output = arrays[inputs];
  int64_t row = 0, rows = output.dims[0];
  return select(context, arrays, inputs, params, [&](int64_t batch, int64_t cls, int64_t box) {
    if (row >= rows)
      return;
    storeIndex(output, row * 3, batch);
    storeIndex(output, row * 3 + 1, cls);
    storeIndex(output, row * 3 + 2, box);
    ++row;
  });
}
