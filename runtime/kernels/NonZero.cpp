//===- NonZero.cpp - indices of the elements that are not zero ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX NonZero, in two calls: the host counts, allocates, and then fills in.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/kernels.h"

using namespace sinter::rt;

/// x: any -> count: int64, rank 0.
SINTER_KERNEL(count_nonzero) {
  const SinterArray &x = arrays[0];
  int64_t n = elementCount(x), count = 0;
  bool known = dispatch(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const T *values = data<T>(x);
    for (int64_t i = 0; i < n; ++i)
      count += values[i] != T(0);
  });
  *data<int64_t>(arrays[inputs]) = count;
  return known ? SINTER_OK : SINTER_INTERNAL;
}

/// x: any, rank r -> indices: int64 [max(r, 1), count], one column per element,
/// in row-major order of x.
SINTER_KERNEL(nonzero) {
  const SinterArray &x = arrays[0], &indices = arrays[inputs];
  int64_t n = elementCount(x);
  int64_t columns = indices.dims[1], column = 0;
  int64_t *to = data<int64_t>(indices);
  bool known = dispatch(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const T *values = data<T>(x);
    for (int64_t i = 0; i < n && column < columns; ++i) {
      if (values[i] == T(0))
        continue;
      int64_t rest = i;
      for (int32_t d = x.rank - 1; d >= 0; --d) {
        to[d * columns + column] = rest % x.dims[d];
        rest /= x.dims[d];
      }
      if (x.rank == 0)
        to[column] = 0;
      ++column;
    }
  });
  return known ? SINTER_OK : SINTER_INTERNAL;
}
