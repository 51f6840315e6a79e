//===- Compress.cpp - slices where a condition holds ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/kernels/Elements.h"

/// (condition) → (number of true elements, scalar i64).
SINTER_KERNEL(count_true) {
  auto *condition = static_cast<const uint8_t *>(arrays[0].data);
  int64_t total = 0;
  for (int64_t i = 0, e = elementCount(arrays[0]); i < e; ++i)
    total += condition[i] != 0;
  storeIndex(arrays[inputs], 0, total);
  return SINTER_OK;
}

/// (x, condition) → (out); params: has_axis, axis. Without an axis x counts as
/// flat. A condition shorter than the dim leaves out the rest.
SINTER_KERNEL(compress) {
  const SinterArray &input = arrays[0], &condition = arrays[1];
  const SinterArray &output = arrays[inputs];
  int64_t axis = params[1] < 0 ? params[1] + input.rank : params[1];
  AxisView view(input, params[0] ? axis : 0);
  if (!params[0]) {
    view.size = elementCount(input);
    view.outer = view.inner = 1;
  }
  int64_t kept = output.rank == 0 ? 1 : output.dims[params[0] ? axis : 0];
  int64_t length = elementCount(condition);
  auto *flags = static_cast<const uint8_t *>(condition.data);
  for (int64_t i = view.size; i < length; ++i)
    if (flags[i])
      return fail(context, "Compress: the condition is longer than the dimension");
  length = length < view.size ? length : view.size;

  int64_t bytes = view.inner * elementBytes(input.dtype);
  auto *from = static_cast<const char *>(input.data);
  auto *to = static_cast<char *>(output.data);
  for (int64_t outer = 0; outer < view.outer; ++outer) {
    int64_t place = 0;
    for (int64_t i = 0; i < length && place < kept; ++i) {
      if (!flags[i])
        continue;
      copyBytes(to + (outer * kept + place) * bytes, from + (outer * view.size + i) * bytes, bytes);
      ++place;
    }
  }
  return SINTER_OK;
}
