//===- TopK.cpp - the k greatest or least values along an axis ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Per row a heap of the best k seen so far, its worst at the root: n log k.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/Elements.h"

namespace {

template <typename V>
struct Ranked {
  V value;
  int64_t index;
};

template <typename T, bool largest>
void topK(const T *input, T *values, const SinterArray &indices, const AxisView &view, int64_t k,
          bool sorted, Ranked<ValueOf<T>> *heap) {
  using Item = Ranked<ValueOf<T>>;
  auto better = [](const Item &a, const Item &b) {
    int order = compareValues(a.value, b.value);
    if (order != 0)
      return largest ? order > 0 : order < 0;
    return a.index < b.index;
  };
  auto byIndex = [](const Item &a, const Item &b) { return a.index < b.index; };
  for (int64_t outer = 0; outer < view.outer; ++outer) {
    for (int64_t inner = 0; inner < view.inner; ++inner) {
      const T *row = input + outer * view.size * view.inner + inner;
      for (int64_t i = 0; i < k; ++i)
        heap[i] = {load(row, i * view.inner), i};
      makeHeap(heap, k, better);
      for (int64_t i = k; i < view.size; ++i) {
        Item item = {load(row, i * view.inner), i};
        if (!better(item, heap[0]))
          continue;
        heap[0] = item;
        siftDown(heap, k, 0, better);
      }
      if (sorted)
        sortHeap(heap, k, better);
      else
        sortItems(heap, k, byIndex);
      int64_t at = outer * k * view.inner + inner;
      for (int64_t i = 0; i < k; ++i, at += view.inner) {
        store(values, at, heap[i].value);
        storeIndex(indices, at, heap[i].index);
      }
    }
  }
}

} // namespace

/// (x) → (values, indices); params: axis, k, largest, sorted. k below 0: as
/// many as the results' dim says. Unsorted results stand in order of position.
SINTER_KERNEL(top_k) {
  const SinterArray &input = arrays[0];
  const SinterArray &values = arrays[inputs];
  const SinterArray &indices = arrays[inputs + 1];
  int64_t axis = params[0] < 0 ? params[0] + input.rank : params[0];
  int64_t k = values.dims[axis];
  bool largest = params[2] != 0, sorted = params[3] != 0;
  AxisView view(input, axis);
  if (k > view.size)
    return fail(context, "TopK: k is greater than the dimension");
  if (k == 0)
    return 0;
  return withType(context, input.dtype, [&](auto tag) -> int32_t {
    using T = typename decltype(tag)::type;
    Scratch<Ranked<ValueOf<T>>> heap(context, k);
    auto *from = static_cast<const T *>(input.data);
    auto *to = static_cast<T *>(values.data);
    if (largest)
      topK<T, true>(from, to, indices, view, k, sorted, heap);
    else
      topK<T, false>(from, to, indices, view, k, sorted, heap);
    return SINTER_OK;
  });
}
