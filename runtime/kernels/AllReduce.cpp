//===- AllReduce.cpp - gradients of all processes -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// By the functions that the context was given; without them the mean of one process.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/Elements.h"

static void copy(const SinterArray &input, const SinterArray &output) {
  memcpy(output.data, input.data,
         static_cast<size_t>(elementCount(input) * elementBytes(input.dtype)));
}

static void begin(SinterContext *context, const SinterArray &input, const SinterArray &output) {
  copy(input, output);
  sinter_rt_all_reduce_begin(context, output.data, elementCount(input), input.dtype == SINTER_F32);
}

/// (x) → (pending): begins its mean over processes.
SINTER_KERNEL(all_reduce_begin) {
  begin(context, arrays[0], arrays[inputs]);
  return SINTER_OK;
}

/// (pending) → (mean): waits for it.
SINTER_KERNEL(all_reduce_end) {
  sinter_rt_all_reduce_end(context, arrays[0].data);
  copy(arrays[0], arrays[inputs]);
  return SINTER_OK;
}

/// (x) → (mean)
SINTER_KERNEL(all_reduce) {
  begin(context, arrays[0], arrays[inputs]);
  sinter_rt_all_reduce_end(context, arrays[inputs].data);
  return SINTER_OK;
}
