//===- AllReduce.cpp - gradients of all processes -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// By the functions that the context was given; without them the mean of one process.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/Elements.h"

static float *copy(const SinterArray &input, const SinterArray &output) {
  memcpy(output.data, input.data,
         static_cast<size_t>(elementCount(input) * elementBytes(input.dtype)));
  return static_cast<float *>(output.data);
}

/// (x) → (pending): begins its mean over processes.
SINTER_KERNEL(all_reduce_begin) {
  if (arrays[0].dtype != SINTER_F32)
    return SINTER_INTERNAL;
  sinter_rt_all_reduce_begin(context, copy(arrays[0], arrays[inputs]), elementCount(arrays[0]));
  return SINTER_OK;
}

/// (pending) → (mean): waits for it.
SINTER_KERNEL(all_reduce_end) {
  sinter_rt_all_reduce_end(context, static_cast<float *>(arrays[0].data));
  copy(arrays[0], arrays[inputs]);
  return SINTER_OK;
}

/// (x) → (mean)
SINTER_KERNEL(all_reduce) {
  if (arrays[0].dtype != SINTER_F32)
    return SINTER_INTERNAL;
  float *numbers = copy(arrays[0], arrays[inputs]);
  sinter_rt_all_reduce_begin(context, numbers, elementCount(arrays[0]));
  sinter_rt_all_reduce_end(context, numbers);
  return SINTER_OK;
}
