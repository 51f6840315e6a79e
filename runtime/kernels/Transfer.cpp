//===- Transfer.cpp - tensors between the host and a device ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What place-on-device calls. A tensor of the device is known by the address that it has, or would
// have, in the host's memory.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/kernels.h"

using namespace sinter::rt;

extern "C" {
#pragma GCC visibility push(hidden)
void sinter_rt_to_host(SinterContext *context, void *host, int64_t bytes);
void sinter_rt_to_device(SinterContext *context, void *host, int64_t bytes);
void sinter_rt_device_copy(SinterContext *context, void *to, void *from, int64_t bytes);
void sinter_rt_input_to_host(SinterContext *context, int64_t input, void *host, int64_t bytes);
void sinter_rt_input_to_device(SinterContext *context, int64_t input, void *host, int64_t bytes);
void sinter_rt_result_to_host(SinterContext *context, int64_t result, void *host, int64_t bytes);
#pragma GCC visibility pop
}

static int64_t bytesOf(const SinterArray &array) {
  return elementCount(array) * elementBytes(array.dtype);
}

SINTER_KERNEL(to_host) {
  sinter_rt_to_host(context, arrays[0].data, bytesOf(arrays[0]));
  return SINTER_OK;
}

SINTER_KERNEL(to_device) {
  sinter_rt_to_device(context, arrays[0].data, bytesOf(arrays[0]));
  return SINTER_OK;
}

/// Of the first array to the second, which has as many elements.
SINTER_KERNEL(device_copy) {
  sinter_rt_device_copy(context, arrays[1].data, arrays[0].data, bytesOf(arrays[0]));
  return SINTER_OK;
}

/// The parameter is the number of the input, or of the result.
SINTER_KERNEL(input_to_host) {
  sinter_rt_input_to_host(context, params[0], arrays[0].data, bytesOf(arrays[0]));
  return SINTER_OK;
}

SINTER_KERNEL(input_to_device) {
  sinter_rt_input_to_device(context, params[0], arrays[0].data, bytesOf(arrays[0]));
  return SINTER_OK;
}

SINTER_KERNEL(result_to_host) {
  sinter_rt_result_to_host(context, params[0], arrays[0].data, bytesOf(arrays[0]));
  return SINTER_OK;
}
