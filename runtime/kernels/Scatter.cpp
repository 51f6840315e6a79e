//===- Scatter.cpp - writes updates at indexed places of a copy -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/kernels/Elements.h"

namespace {

enum Reduction : int64_t { none, add, mul, max, min };

/// How an update meets the value that is there; NaN wins in max and min, and
/// bool adds as or, multiplies as and.
template <typename T>
inline void reduce(T *data, int64_t at, const T *updates, int64_t from, int64_t reduction) {
  using V = ValueOf<T>;
  if (reduction == none) {
    data[at] = updates[from];
    return;
  }
  V old = load(data, at), update = load(updates, from), result = old;
  switch (reduction) {
  case add:
    if constexpr (Element<T>::isFloat)
      result = old + update;
    else if constexpr (__is_same(T, bool))
      result = old | update;
    else // wraps
      result = V(uint64_t(old) + uint64_t(update));
    break;
  case mul:
    if constexpr (Element<T>::isFloat)
      result = old * update;
    else
      result = V(uint64_t(old) * uint64_t(update));
    break;
  case max:
    result = isNan(old) || old > update ? old : update;
    break;
  case min:
    result = isNan(old) || old < update ? old : update;
    break;
  }
  store(data, at, result);
}

template <typename T>
int32_t scatterElements(SinterContext *context, const SinterArray *arrays, int32_t inputs,
                        int64_t axis, int64_t reduction) {
  const SinterArray &input = arrays[0], &indices = arrays[1];
  auto *updates = static_cast<const T *>(arrays[2].data);
  auto *output = static_cast<T *>(arrays[inputs].data);
  int64_t rank = input.rank, total = elementCount(indices);
  if (total == 0)
    return 0;
  // Walks the indices' positions like an odometer; `base` is the position in
  // the output but for the scattered axis.
  Scratch<int64_t> position(context, rank);
  Scratch<int64_t> strides(context, rank);
  int64_t stride = 1, base = 0;
  for (int64_t d = rank; d-- > 0;) {
    strides[d] = stride;
    stride *= input.dims[d];
    position[d] = 0;
  }
  int64_t axisStride = strides[axis], size = input.dims[axis];
  strides[axis] = 0;
  for (int64_t i = 0; i < total; ++i) {
    int64_t index = loadIndex(indices, i);
    if (index < 0)
      index += size;
    if (index < 0 || index >= size)
      return fail(context, "ScatterElements: an index is out of range");
    reduce(output, base + index * axisStride, updates, i, reduction);
    for (int64_t d = rank; d-- > 0;) {
      base += strides[d];
      if (++position[d] < indices.dims[d])
        break;
      base -= strides[d] * position[d];
      position[d] = 0;
    }
  }
  return SINTER_OK;
}

template <typename T>
int32_t scatterND(SinterContext *context, const SinterArray *arrays, int32_t inputs,
                  int64_t reduction) {
  const SinterArray &input = arrays[0], &indices = arrays[1];
  auto *updates = static_cast<const T *>(arrays[2].data);
  auto *output = static_cast<T *>(arrays[inputs].data);
  int64_t depth = indices.dims[indices.rank - 1];
  int64_t vectors = product(indices.dims, 0, indices.rank - 1);
  int64_t slice = product(input.dims, depth, input.rank);
  for (int64_t v = 0; v < vectors; ++v) {
    int64_t place = 0;
    for (int64_t d = 0; d < depth; ++d) {
      int64_t index = loadIndex(indices, v * depth + d);
      if (index < 0)
        index += input.dims[d];
      if (index < 0 || index >= input.dims[d])
        return fail(context, "ScatterND: an index is out of range");
      place = place * input.dims[d] + index;
    }
    for (int64_t i = 0; i < slice; ++i)
      reduce(output, place * slice + i, updates, v * slice + i, reduction);
  }
  return SINTER_OK;
}

} // namespace

/// (x, indices, updates) → (out); params: axis, reduction.
SINTER_KERNEL(scatter_elements) {
  const SinterArray &input = arrays[0];
  int64_t axis = params[0] < 0 ? params[0] + input.rank : params[0];
  copyBytes(arrays[inputs].data, input.data, elementCount(input) * elementBytes(input.dtype));
  return withType(context, input.dtype, [&](auto tag) {
    return scatterElements<typename decltype(tag)::type>(context, arrays, inputs, axis, params[1]);
  });
}

/// (x, indices, updates) → (out); params: [axis,] reduction.
SINTER_KERNEL(scatter_nd) {
  const SinterArray &input = arrays[0];
  copyBytes(arrays[inputs].data, input.data, elementCount(input) * elementBytes(input.dtype));
  return withType(context, input.dtype, [&](auto tag) {
    return scatterND<typename decltype(tag)::type>(context, arrays, inputs, params[paramCount - 1]);
  });
}
