/*===- regions.c - the host's addresses on the device ---------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

static Region *append(SinterContext *context, const void *host, size_t bytes) {
  SinterDevice *device = context->device;
  if (device->regionCount == device->regionRoom) {
    int32_t room = device->regionRoom ? 2 * device->regionRoom : 32;
    Region *regions = (Region *)sinterAllocate(context, (size_t)room * sizeof(Region), 64);
    if (!regions) {
      snprintf(device->message.text, sizeof device->message.text, "out of memory");
      return NULL;
    }
    if (device->regionCount)
      memcpy(regions, device->regions, (size_t)device->regionCount * sizeof(Region));
    sinterDeallocate(context, device->regions, (size_t)device->regionRoom * sizeof(Region));
    device->regions = regions;
    device->regionRoom = room;
  }
  Region *region = &device->regions[device->regionCount++];
  memset(region, 0, sizeof *region);
  region->host = (uintptr_t)host;
  region->bytes = bytes;
  return region;
}

static void release(SinterDevice *device, char *memory) {
  if (!memory || !sinterDeviceEnter(device))
    return;
  /* Launches that use it may be on their way, or collected. */
  sinterGraphUnrepeatable(device);
  device->shared->driver->synchronize(device);
  sinterGraphDrop(device);
  device->shared->driver->release(device->shared, memory);
  sinterDeviceLeave(device);
}

static bool isOwned(const Region *region) { return !region->slot && !region->constant; }

static void drop(SinterDevice *device, Region *region) {
  if (isOwned(region))
    release(device, region->device);
  *region = device->regions[--device->regionCount];
}

Region *sinterRegionAdd(SinterContext *context, const void *host, size_t bytes) {
  return append(context, host, bytes);
}

void sinterRegionRemove(SinterContext *context, const void *host) {
  SinterDevice *device = context->device;
  for (int32_t i = 0; i < device->regionCount; ++i)
    if (device->regions[i].host == (uintptr_t)host && isOwned(&device->regions[i])) {
      drop(device, &device->regions[i]);
      return;
    }
}

void sinterRegionsFree(SinterContext *context) {
  SinterDevice *device = context->device;
  while (device->regionCount)
    drop(device, &device->regions[device->regionCount - 1]);
  sinterDeallocate(context, device->regions, (size_t)device->regionRoom * sizeof(Region));
  for (int32_t i = 0; i < device->slotCount; ++i) {
    release(device, device->slots[i].device);
    sinterDeallocate(context, device->slots[i].mirror, device->slots[i].mirrorBytes);
  }
}

/*===- Tensors of the caller ------------------------------------------------===*/

/* Tensors may share memory, whole or in part: they are one region then. */
static bool addHostTensor(SinterContext *context, Slot *slot, const void *data, size_t bytes,
                          bool input) {
  SinterDevice *device = context->device;
  uintptr_t low = (uintptr_t)data, high = low + bytes;
  for (int32_t i = 0; i < device->regionCount;) {
    Region *region = &device->regions[i];
    uintptr_t end = region->host + region->bytes;
    if (region->host >= high || end <= low) {
      ++i;
      continue;
    }
    if (!region->slot) /* memory that the context has given: the last run's output */
      return true;
    low = region->host < low ? region->host : low;
    high = end > high ? end : high;
    slot = region->slot;
    drop(device, region);
    i = 0; /* the larger one may meet others */
  }
  Region *region = append(context, (const void *)low, high - low);
  if (!region)
    return false;
  region->slot = slot;
  region->input = input;
  return true;
}

/* The host program needs addresses of the host; their memory is touched only where it reads or
   writes the tensor itself. */
static bool addDeviceTensor(SinterContext *context, Slot *slot, const DLTensor *tensor,
                            size_t bytes, bool input) {
  SinterDevice *device = context->device;
  if (slot->mirrorBytes < bytes) {
    sinterDeallocate(context, slot->mirror, slot->mirrorBytes);
    slot->mirrorBytes = 0;
    slot->mirror = sinterAllocate(context, bytes, 128);
    if (!slot->mirror) {
      snprintf(device->message.text, sizeof device->message.text, "out of memory");
      return false;
    }
    slot->mirrorBytes = bytes;
  }
  Region *region = append(context, slot->mirror, bytes);
  if (!region)
    return false;
  region->slot = slot;
  region->device = slot->given = (char *)tensor->data + tensor->byte_offset;
  slot->givenBytes = bytes;
  region->given = true;
  region->input = input;
  return true;
}

bool sinterRegionsBegin(SinterContext *context, const DLTensor *inputs, const DLTensor *outputs) {
  SinterDevice *device = context->device;
  for (int32_t i = device->regionCount; i-- > 0;)
    if (device->regions[i].slot)
      drop(device, &device->regions[i]);
  int32_t inputCount = context->model->input_count;
  for (int32_t i = 0; i < device->slotCount; ++i) {
    Slot *slot = &device->slots[i];
    slot->given = NULL;
    slot->delivered = false;
    bool input = i < inputCount;
    const DLTensor *tensor = input ? &inputs[i] : &outputs[i - inputCount];
    size_t bytes = tensor->data ? (size_t)tensorBytes(tensor) : 0;
    if (!bytes)
      continue;
    void *data = (char *)tensor->data + tensor->byte_offset;
    bool direct = input || (i - inputCount < 64 && context->outputsDirect >> (i - inputCount) & 1);
    if (isOnDevice(device->shared->driver, tensor)
            ? !addDeviceTensor(context, slot, tensor, bytes, input)
            : direct && !addHostTensor(context, slot, data, bytes, input))
      return false;
  }
  return true;
}

/*===- Addresses ------------------------------------------------------------===*/

static Region *findIn(SinterDevice *device, uintptr_t host, size_t bytes) {
  for (int32_t i = 0; i < device->regionCount; ++i) {
    /* From the last one that was found, around. */
    int32_t at = device->lastFound + i;
    at = at < device->regionCount ? at : at - device->regionCount;
    if (at >= device->regionCount)
      at = i;
    Region *region = &device->regions[at];
    if (host - region->host < region->bytes && bytes <= region->bytes - (host - region->host)) {
      device->lastFound = at;
      return region;
    }
  }
  return NULL;
}

/* NULL, or the region and whose it is. */
static Region *find(SinterContext *context, const void *host, size_t bytes, SinterDevice **device) {
  *device = context->device;
  Region *region = findIn(context->device, (uintptr_t)host, bytes);
  if (!region && context->owner != context && context->owner->device) {
    *device = context->owner->device; /* the state of a training */
    region = findIn(*device, (uintptr_t)host, bytes);
  }
  return region;
}

/* With the lock held: all contexts read the same. */
static char *weightsOnDevice(SinterDevice *device, const Region *region) {
  Shared *one = device->shared;
  if (!one->weights) {
    char *memory = one->driver->allocate(one, region->bytes, &device->message);
    if (memory && !one->driver->upload(device, memory, (const void *)region->host, region->bytes)) {
      one->driver->release(one, memory);
      memory = NULL;
    }
    one->weights = memory;
  }
  return one->weights;
}

static char *slotOnDevice(SinterDevice *device, const Region *region) {
  Slot *slot = region->slot;
  if (slot->bytes < region->bytes) {
    release(device, slot->device);
    slot->bytes = 0;
    slot->device =
        device->shared->driver->allocate(device->shared, region->bytes, &device->message);
    if (slot->device)
      slot->bytes = region->bytes;
  }
  return slot->device;
}

static bool ensureMemory(SinterDevice *device, Region *region) {
  if (region->device)
    return true;
  if (region->constant) {
    sinterLock();
    region->device = weightsOnDevice(device, region);
    sinterUnlock();
  } else if (region->slot) {
    region->device = slotOnDevice(device, region);
  } else {
    region->device =
        device->shared->driver->allocate(device->shared, region->bytes, &device->message);
  }
  return region->device != NULL;
}

static Region *require(SinterContext *caller, const void *host, size_t bytes,
                       SinterDevice **device) {
  Region *region = find(threadOf(caller)->context, host, bytes, device);
  if (region)
    return region;
  char message[128];
  snprintf(message, sizeof message, "the %zu bytes at %p have no place on the device", bytes, host);
  sinter_rt_fail(caller, SINTER_INTERNAL, message);
}

Region *sinterRegionOf(SinterContext *caller, const void *host, size_t bytes) {
  SinterDevice *device;
  return require(caller, host, bytes, &device);
}

char *sinterOnDevice(SinterContext *caller, const void *host, size_t bytes) {
  SinterDevice *device;
  Region *region = require(caller, host, bytes, &device);
  if (!ensureMemory(device, region))
    sinterDeviceFail(caller, device);
  return region->device + ((uintptr_t)host - region->host);
}

const char *sinterPlaceOf(SinterDevice *device, const void *host, size_t bytes) {
  Region *region = findIn(device, (uintptr_t)host, bytes);
  return region && region->device ? region->device + ((uintptr_t)host - region->host) : NULL;
}
