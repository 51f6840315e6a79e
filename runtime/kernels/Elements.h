//===- Elements.h - element types, views and sorting of runtime kernels ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel is a template over the stored element type; `withType` picks the
// instance. float16 and bfloat16 are computed in float.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_KERNELS_ELEMENTS_H
#define SINTER_RUNTIME_KERNELS_ELEMENTS_H

#include "runtime/kernels/kernels.h"

#include <stdint.h>

namespace {

using namespace sinter::rt;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

/// `Element<T>::Value` is the type to compute in.
template <typename T>
struct Element {
  using Value = T;
  static constexpr bool isFloat = false;
};
template <>
struct Element<float> {
  using Value = float;
  static constexpr bool isFloat = true;
};
template <>
struct Element<double> {
  using Value = double;
  static constexpr bool isFloat = true;
};
template <>
struct Element<_Float16> {
  using Value = float;
  static constexpr bool isFloat = true;
};
template <>
struct Element<__bf16> {
  using Value = float;
  static constexpr bool isFloat = true;
};

template <typename T>
using ValueOf = typename Element<T>::Value;
template <typename T>
inline ValueOf<T> load(const T *data, int64_t index) {
  return static_cast<ValueOf<T>>(data[index]);
}
template <typename T>
inline void store(T *data, int64_t index, ValueOf<T> value) {
  data[index] = static_cast<T>(value);
}

/// Reports and leaves the run.
inline int32_t fail(SinterContext *context, const char *message,
                    int32_t status = SINTER_MODEL_ERROR) {
  sinter_rt_fail(context, status, message);
}

/// Calls `function(Type<T>())` for the stored type T of `dtype`.
template <typename Function>
inline int32_t withType(SinterContext *context, int32_t dtype, Function function) {
  int32_t status = SINTER_OK;
  if (!dispatch(dtype, [&](auto type) { status = function(type); }))
    return fail(context, "runtime kernel: unknown element type", SINTER_INTERNAL);
  return status;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

inline int64_t product(const int64_t *dims, int64_t begin, int64_t end) {
  int64_t result = 1;
  for (int64_t i = begin; i < end; ++i)
    result *= dims[i];
  return result;
}
/// An array seen as outer × axis × inner.
struct AxisView {
  int64_t outer, size, inner;
  AxisView(const SinterArray &array, int64_t axis) {
    outer = product(array.dims, 0, axis);
    size = axis < array.rank ? array.dims[axis] : 1;
    inner = product(array.dims, axis + 1, array.rank);
  }
};

/// Element `index` of an i32 or i64 array.
inline int64_t loadIndex(const SinterArray &array, int64_t index) {
  return array.dtype == SINTER_I32 ? static_cast<const int32_t *>(array.data)[index]
                                   : static_cast<const int64_t *>(array.data)[index];
}
inline void storeIndex(const SinterArray &array, int64_t index, int64_t value) {
  if (array.dtype == SINTER_I32)
    static_cast<int32_t *>(array.data)[index] = int32_t(value);
  else
    static_cast<int64_t *>(array.data)[index] = value;
}
/// Element `index` of an f32, f64, f16 or bf16 array.
inline double loadFloat(const SinterArray &array, int64_t index) {
  switch (array.dtype) {
  case SINTER_F64:
    return static_cast<const double *>(array.data)[index];
  case SINTER_F16:
    return load(static_cast<const _Float16 *>(array.data), index);
  case SINTER_BF16:
    return load(static_cast<const __bf16 *>(array.data), index);
  }
  return static_cast<const float *>(array.data)[index];
}

inline void copyBytes(void *to, const void *from, int64_t bytes) {
  if (to != from && bytes > 0)
    __builtin_memcpy(to, from, uint64_t(bytes));
}
inline void zeroBytes(void *to, int64_t bytes) {
  if (bytes > 0)
    __builtin_memset(to, 0, uint64_t(bytes));
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

template <typename V>
inline bool isNan(V value) {
  return value != value;
}

/// A total order with NaN above everything (NumPy's): −1, 0 or 1.
template <typename V>
inline int compareValues(V a, V b) {
  if (a < b)
    return -1;
  if (b < a)
    return 1;
  if (a == b)
    return 0;
  return int(isNan(a)) - int(isNan(b));
}

/// Heapsort by a strict total order `before`: in place, so no work memory, and
/// n log n at worst. Callers break ties by position where order must be stable.
template <typename T, typename Before>
inline void siftDown(T *items, int64_t count, int64_t root, Before before) {
  T item = items[root];
  for (;;) {
    int64_t child = 2 * root + 1;
    if (child >= count)
      break;
    if (child + 1 < count && before(items[child], items[child + 1]))
      ++child;
    if (!before(item, items[child]))
      break;
    items[root] = items[child];
    root = child;
  }
  items[root] = item;
}
/// Makes the last item by `before` the root.
template <typename T, typename Before>
inline void makeHeap(T *items, int64_t count, Before before) {
  for (int64_t root = count / 2; root-- > 0;)
    siftDown(items, count, root, before);
}
/// Sorts what is a heap already.
template <typename T, typename Before>
inline void sortHeap(T *items, int64_t count, Before before) {
  while (count > 1) {
    --count;
    T last = items[0];
    items[0] = items[count];
    items[count] = last;
    siftDown(items, count, 0, before);
  }
}
template <typename T, typename Before>
inline void sortItems(T *items, int64_t count, Before before) {
  makeHeap(items, count, before);
  sortHeap(items, count, before);
}

} // namespace

#endif // SINTER_RUNTIME_KERNELS_ELEMENTS_H
