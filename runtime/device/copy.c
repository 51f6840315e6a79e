/*===- copy.c - the host program moves tensors ----------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

/* From the device; waits. */
void sinter_rt_to_host(SinterContext *caller, void *host, int64_t bytes) {
  if (bytes <= 0)
    return;
  SinterDevice *device = threadOf(caller)->context->device;
  Region *region = sinterRegionOf(caller, host, (size_t)bytes);
  if (region->constant || region->input)
    return;
  region->written = region->given;
  const char *address = sinterOnDevice(caller, host, (size_t)bytes);
  if (!device->shared->driver->download(device, host, address, (size_t)bytes))
    sinterDeviceFail(caller, device);
}

void sinter_rt_to_device(SinterContext *caller, void *host, int64_t bytes) {
  if (bytes <= 0)
    return;
  SinterDevice *device = threadOf(caller)->context->device;
  Region *region = sinterRegionOf(caller, host, (size_t)bytes);
  if (region->constant || (region->input && region->given))
    return;
  char *address = sinterOnDevice(caller, host, (size_t)bytes);
  if (!device->shared->driver->upload(device, address, host, (size_t)bytes))
    sinterDeviceFail(caller, device);
}

void sinter_rt_device_copy(SinterContext *caller, void *to, const void *from, int64_t bytes) {
  if (bytes <= 0 || to == from)
    return;
  SinterDevice *device = threadOf(caller)->context->device;
  size_t size = (size_t)bytes;
  char *target = sinterOnDevice(caller, to, size);
  const char *source = sinterOnDevice(caller, from, size);
  if (!device->shared->driver->copy(device, target, size, source, size, size, 1))
    sinterDeviceFail(caller, device);
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
  if (!copyDimensions(device, target, source, dims, count, bytes))
    sinterDeviceFail(caller, device);
}
