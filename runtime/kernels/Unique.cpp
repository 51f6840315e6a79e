//===- Unique.cpp - distinct elements or slices ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Slices are sorted by value, equal ones by position; each run of equals is one
// result. Two phases: `unique_count`, then `unique`.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/Elements.h"

namespace {

/// Lexicographic order of two slices; NaN equals NaN and is last.
template <typename T>
int compareSlices(const T *data, const AxisView &view, int64_t a, int64_t b) {
  for (int64_t outer = 0; outer < view.outer; ++outer) {
    const T *first = data + (outer * view.size + a) * view.inner;
    const T *second = data + (outer * view.size + b) * view.inner;
    for (int64_t i = 0; i < view.inner; ++i)
      if (int order = compareValues(load(first, i), load(second, i)))
        return order;
  }
  return SINTER_OK;
}

AxisView viewOf(const SinterArray &input, const int64_t *params) {
  if (params[0])
    return AxisView(input, params[1] < 0 ? params[1] + input.rank : params[1]);
  AxisView view(input, 0);
  view.size = elementCount(input);
  view.outer = view.inner = 1;
  return view;
}

/// Positions of slices in order, equal ones by position.
template <typename T>
void sortSlices(int64_t *order, const T *data, const AxisView &view) {
  for (int64_t i = 0; i < view.size; ++i)
    order[i] = i;
  sortItems(order, view.size, [&](int64_t a, int64_t b) {
    int compared = compareSlices(data, view, a, b);
    return compared != 0 ? compared < 0 : a < b;
  });
}

template <typename T>
void unique(SinterContext *context, const SinterArray &input, const SinterArray *results,
            const AxisView &view, int64_t axis, bool sorted) {
  auto *data = static_cast<const T *>(input.data);
  const SinterArray &output = results[0], &indices = results[1];
  const SinterArray &inverse = results[2], &counts = results[3];
  Scratch<int64_t> order(context, view.size);
  sortSlices<T>(order, data, view);

  // Groups in sorted order: where each begins in `order`.
  Scratch<int64_t> begins(context, view.size + 1);
  int64_t groups = 0;
  for (int64_t i = 0; i < view.size; ++i)
    if (i == 0 || compareSlices(data, view, order[i - 1], order[i]) != 0)
      begins[groups++] = i;
  begins[groups] = view.size;
  int64_t room = output.rank == 0 ? 1 : output.dims[axis];
  groups = groups < room ? groups : room;

  // Their order in the results; a group's first position is its smallest.
  Scratch<int64_t> places(context, groups);
  for (int64_t group = 0; group < groups; ++group)
    places[group] = group;
  if (!sorted)
    sortItems<int64_t>(places, groups,
                       [&](int64_t a, int64_t b) { return order[begins[a]] < order[begins[b]]; });

  auto *to = static_cast<T *>(output.data);
  for (int64_t place = 0; place < groups; ++place) {
    int64_t group = places[place];
    int64_t begin = begins[group], end = begins[group + 1];
    storeIndex(indices, place, order[begin]);
    storeIndex(counts, place, end - begin);
    for (int64_t i = begin; i < end; ++i)
      storeIndex(inverse, order[i], place);
    for (int64_t outer = 0; outer < view.outer; ++outer)
      copyBytes(to + (outer * groups + place) * view.inner,
                data + (outer * view.size + order[begin]) * view.inner,
                view.inner * int64_t(sizeof(T)));
  }
}

} // namespace

/// (x) → (number of distinct slices, scalar i64); params: has_axis, axis, sorted.
SINTER_KERNEL(unique_count) {
  const SinterArray &input = arrays[0];
  AxisView view = viewOf(input, params);
  return withType(context, input.dtype, [&](auto tag) -> int32_t {
    using T = typename decltype(tag)::type;
    auto *data = static_cast<const T *>(input.data);
    Scratch<int64_t> order(context, view.size);
    sortSlices<T>(order, data, view);
    int64_t groups = 0;
    for (int64_t i = 0; i < view.size; ++i)
      groups += i == 0 || compareSlices(data, view, order[i - 1], order[i]) != 0;
    storeIndex(arrays[inputs], 0, groups);
    return SINTER_OK;
  });
}

/// (x) → (distinct slices, first positions, inverse, counts); same params.
SINTER_KERNEL(unique) {
  const SinterArray &input = arrays[0];
  AxisView view = viewOf(input, params);
  int64_t axis = !params[0] ? 0 : params[1] < 0 ? params[1] + input.rank : params[1];
  return withType(context, input.dtype, [&](auto tag) -> int32_t {
    unique<typename decltype(tag)::type>(context, input, arrays + inputs, view, axis,
                                         params[2] != 0);
    return SINTER_OK;
  });
}
