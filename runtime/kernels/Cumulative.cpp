//===- Cumulative.cpp - running sum or product along an axis --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/kernels/Elements.h"

namespace {

template <typename T>
void cumulative(const T *input, T *output, const AxisView &view, bool product, bool exclusive,
                bool reverse) {
  using V = ValueOf<T>;
  int64_t step = reverse ? -view.inner : view.inner;
  for (int64_t outer = 0; outer < view.outer; ++outer) {
    for (int64_t inner = 0; inner < view.inner; ++inner) {
      int64_t at =
          outer * view.size * view.inner + inner + (reverse ? (view.size - 1) * view.inner : 0);
      V running = product ? V(1) : V(0);
      for (int64_t i = 0; i < view.size; ++i, at += step) {
        V value = load(input, at), next;
        if constexpr (Element<T>::isFloat)
          next = product ? running * value : running + value;
        else // wraps
          next = product ? V(uint64_t(running) * uint64_t(value))
                         : V(uint64_t(running) + uint64_t(value));
        store(output, at, exclusive ? running : next);
        running = next;
      }
    }
  }
}

} // namespace

/// (x) → (out); params: kind (0 sum, 1 product), axis, exclusive, reverse.
SINTER_KERNEL(cumulative) {
  const SinterArray &input = arrays[0];
  AxisView view(input, params[1] < 0 ? params[1] + input.rank : params[1]);
  return withType(context, input.dtype, [&](auto tag) -> int32_t {
    using T = typename decltype(tag)::type;
    cumulative(static_cast<const T *>(input.data), static_cast<T *>(arrays[inputs].data), view,
               params[0] != 0, params[2] != 0, params[3] != 0);
    return SINTER_OK;
  });
}
