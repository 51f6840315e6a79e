/*===- copy.c - the host program moves tensors ----------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

/* From the device; waits. */
static void toHost(SinterContext *caller, void *host, int64_t bytes, bool result) {
  SinterDevice *device = threadOf(caller)->context->device;
  Region *region = sinterRegionOf(caller, host, (size_t)bytes);
  if (region->constant || (region->input && !region->given))
    return;
  char *address = sinterOnDevice(caller, host, (size_t)bytes);
  if (result)
    sinterGraphTransfer(device, /*upload=*/false, host, address, (size_t)bytes);
  if (!sinterGraphClose(device) ||
      !device->shared->driver->download(device, host, address, (size_t)bytes))
    sinterDeviceFail(caller, device);
}

static void toDevice(SinterContext *caller, void *host, int64_t bytes, bool input) {
  SinterDevice *device = threadOf(caller)->context->device;
  Region *region = sinterRegionOf(caller, host, (size_t)bytes);
  if (region->constant || (region->input && region->given))
    return;
  char *address = sinterOnDevice(caller, host, (size_t)bytes);
  if (input)
    sinterGraphTransfer(device, /*upload=*/true, host, address, (size_t)bytes);
  if (!sinterGraphClose(device) ||
      !device->shared->driver->upload(device, address, host, (size_t)bytes))
    sinterDeviceFail(caller, device);
}

/* What follows may depend on values that the host sees. */
static void refuseGraph(SinterContext *caller) {
  SinterDevice *device = threadOf(caller)->context->device;
  if (!sinterGraphUnrepeatable(device))
    sinterDeviceFail(caller, device);
}

void sinter_rt_to_host(SinterContext *caller, void *host, int64_t bytes) {
  if (bytes <= 0)
    return;
  refuseGraph(caller);
  toHost(caller, host, bytes, /*result=*/false);
}

void sinter_rt_to_device(SinterContext *caller, void *host, int64_t bytes) {
  if (bytes <= 0)
    return;
  refuseGraph(caller);
  toDevice(caller, host, bytes, /*input=*/false);
}

/* A copy on the device: in order with launches, and captured with them. */
static void copyOnDevice(SinterContext *caller, char *to, const char *from, size_t bytes) {
  SinterDevice *device = threadOf(caller)->context->device;
  if (!sinterGraphOpen(device) ||
      !device->shared->driver->copy(device, to, bytes, from, bytes, bytes, 1))
    sinterDeviceFail(caller, device);
}

void sinter_rt_device_copy(SinterContext *caller, void *to, const void *from, int64_t bytes) {
  if (bytes <= 0 || to == from)
    return;
  size_t size = (size_t)bytes;
  char *target = sinterOnDevice(caller, to, size);
  copyOnDevice(caller, target, sinterOnDevice(caller, from, size), size);
}

/*===- Inputs and results ---------------------------------------------------===*/

static const SinterInternal *internalOf(const SinterContext *context) {
  return (const SinterInternal *)context->model->internal;
}

/* Where the values of an input are that is of the state; NULL: it is the caller's tensor. */
static uint8_t *sidesOf(SinterContext *context, int64_t input) {
  int64_t state = input - context->model->input_count;
  return state < 0 ? NULL
                   : sinterStateSides(context, internalOf(context)->stateInputs[state], false);
}

/* An input that the host program alone reads. */
void sinter_rt_input_to_host(SinterContext *caller, int64_t input, void *host, int64_t bytes) {
  SinterContext *context = threadOf(caller)->context;
  uint8_t *sides = sidesOf(context, input);
  if (bytes > 0)
    refuseGraph(caller);
  if (sides ? *sides & stateOnHost : !context->device->slots[input].given)
    return;
  sinter_rt_to_host(caller, host, bytes);
  if (sides)
    *sides |= stateOnHost;
}

/* One that kernels of the device read. */
void sinter_rt_input_to_device(SinterContext *caller, int64_t input, void *host, int64_t bytes) {
  uint8_t *sides = sidesOf(threadOf(caller)->context, input);
  if (bytes <= 0 || (sides && *sides & stateOnDevice))
    return;
  toDevice(caller, host, bytes, /*input=*/true);
  if (sides)
    *sides |= stateOnDevice;
}

/* A result that is on the device: where the caller, or the state, wants it. */
void sinter_rt_result_to_host(SinterContext *caller, int64_t result, void *host, int64_t bytes) {
  SinterContext *context = threadOf(caller)->context;
  SinterDevice *device = context->device;
  int64_t number = result - context->model->output_count;
  if (number >= 0) {
    int32_t state = internalOf(context)->stateOutputs[number];
    sinter_rt_device_copy(caller, sinterStateMemory(context, state, true), host, bytes);
    *sinterStateSides(context, state, true) = stateOnDevice;
    return;
  }
  ++device->graph.results;
  Slot *slot = &device->slots[context->model->input_count + result];
  size_t size = (size_t)bytes;
  if (bytes > 0 && (!slot->given || slot->givenBytes != size)) {
    toHost(caller, host, bytes, /*result=*/true);
    return;
  }
  if (bytes <= 0)
    return;
  const char *source = sinterOnDevice(caller, host, size);
  if (source != slot->given)
    copyOnDevice(caller, slot->given, source, size);
  slot->delivered = true;
}

/*===- Strided --------------------------------------------------------------===*/

typedef struct Dimension {
  int64_t size, to, from; /* strides in bytes */
} Dimension;

/* Outermost first: without sizes of one, neighbours joined that are one run of memory on both
   sides. Gives their number. */
static int64_t simplify(Dimension *dims, int64_t elementBytes, int64_t rank, const int64_t *sizes,
                        const int64_t *toStrides, const int64_t *fromStrides) {
  int64_t count = 0;
  for (int64_t i = 0; i < rank; ++i) {
    Dimension next = {sizes[i], toStrides[i] * elementBytes, fromStrides[i] * elementBytes};
    if (next.size == 1)
      continue;
    Dimension *last = &dims[count - 1];
    if (count && last->to == next.size * next.to && last->from == next.size * next.from)
      *last = (Dimension){last->size * next.size, next.to, next.from};
    else
      dims[count++] = next;
  }
  return count;
}

static bool copyDimensions(SinterDevice *device, char *to, const char *from, const Dimension *dims,
                           int64_t rank, size_t bytes) {
  if (rank <= 1) {
    bool one = rank == 0;
    return device->shared->driver->copy(device, to, one ? bytes : (size_t)dims[0].to, from,
                                        one ? bytes : (size_t)dims[0].from, bytes,
                                        one ? 1 : (size_t)dims[0].size);
  }
  for (int64_t i = 0; i < dims[0].size; ++i)
    if (!copyDimensions(device, to + i * dims[0].to, from + i * dims[0].from, dims + 1, rank - 1,
                        bytes))
      return false;
  return true;
}

void sinter_rt_device_copy_strided(SinterContext *caller, void *to, const void *from,
                                   int64_t elementBytes, int64_t rank, const int64_t *sizes,
                                   const int64_t *toStrides, const int64_t *fromStrides) {
  enum { maxRank = 64 };
  Dimension dims[maxRank];
  if (rank > maxRank)
    sinter_rt_fail(caller, SINTER_INTERNAL, "a copy of too many dimensions");
  int64_t toBytes = elementBytes, fromBytes = elementBytes;
  for (int64_t i = 0; i < rank; ++i) {
    if (sizes[i] <= 0)
      return;
    toBytes += (sizes[i] - 1) * toStrides[i] * elementBytes;
    fromBytes += (sizes[i] - 1) * fromStrides[i] * elementBytes;
  }
  SinterDevice *device = threadOf(caller)->context->device;
  char *target = sinterOnDevice(caller, to, (size_t)toBytes);
  const char *source = sinterOnDevice(caller, from, (size_t)fromBytes);
  int64_t count = simplify(dims, elementBytes, rank, sizes, toStrides, fromStrides);
  size_t bytes = (size_t)elementBytes;
  if (count && dims[count - 1].to == elementBytes && dims[count - 1].from == elementBytes)
    bytes *= (size_t)dims[--count].size;
  if (!sinterGraphOpen(device) || !copyDimensions(device, target, source, dims, count, bytes))
    sinterDeviceFail(caller, device);
}
