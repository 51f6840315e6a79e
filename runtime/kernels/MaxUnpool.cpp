//===- MaxUnpool.cpp - puts pooled values back where they were ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/kernels/Elements.h"

/// (x, indices) → (out): out[indices[i]] = x[i] by flat indices in out's
/// shape, zeros elsewhere.
SINTER_KERNEL(max_unpool) {
  const SinterArray &input = arrays[0], &indices = arrays[1];
  const SinterArray &output = arrays[inputs];
  int64_t bytes = elementBytes(input.dtype), total = elementCount(output);
  auto *from = static_cast<const char *>(input.data);
  auto *to = static_cast<char *>(output.data);
  zeroBytes(to, total * bytes);
  for (int64_t i = 0, e = elementCount(input); i < e; ++i) {
    int64_t index = loadIndex(indices, i);
    if (index < 0 || index >= total)
      return fail(context, "MaxUnpool: an index is out of range");
    copyBytes(to + index * bytes, from + i * bytes, bytes);
  }
  return SINTER_OK;
}
