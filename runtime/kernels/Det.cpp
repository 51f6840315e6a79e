//===- Det.cpp - determinants ---------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LU decomposition with partial pivoting, in double.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/Elements.h"

namespace {

double determinant(double *m, int64_t n) {
  double result = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (__builtin_fabs(m[i * n + k]) > __builtin_fabs(m[pivot * n + k]))
        pivot = i;
    if (m[pivot * n + k] == 0)
      return 0;
    if (pivot != k) {
      result = -result;
      for (int64_t j = k; j < n; ++j) {
        double swapped = m[k * n + j];
        m[k * n + j] = m[pivot * n + j];
        m[pivot * n + j] = swapped;
      }
    }
    result *= m[k * n + k];
    for (int64_t i = k + 1; i < n; ++i) {
      double factor = m[i * n + k] / m[k * n + k];
      for (int64_t j = k + 1; j < n; ++j)
        m[i * n + j] -= factor * m[k * n + j];
    }
  }
  return result;
}

} // namespace

/// (x, … × n × n) → (determinants, …).
SINTER_KERNEL(det) {
  const SinterArray &input = arrays[0];
  int64_t n = input.dims[input.rank - 1];
  if (input.dims[input.rank - 2] != n)
    return fail(context, "Det: the matrices are not square");
  int64_t matrices = product(input.dims, 0, input.rank - 2);
  return withType(context, input.dtype, [&](auto tag) -> int32_t {
    using T = typename decltype(tag)::type;
    Scratch<double> work(context, n * n);
    for (int64_t i = 0; i < matrices; ++i) {
      for (int64_t j = 0; j < n * n; ++j)
        work[j] = load(static_cast<const T *>(input.data), i * n * n + j);
      store(static_cast<T *>(arrays[inputs].data), i, ValueOf<T>(determinant(work, n)));
    }
    return SINTER_OK;
  });
}
