/*===- device.c - contexts and runs on a device ---------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

/*===- What contexts share --------------------------------------------------===*/

static _Atomic uint32_t lock; /* 0 free, 1 held, 2 held and waited for */
static Shared shared[maxShared];

void sinterLock(void) {
  uint32_t expected = 0;
  if (atomic_compare_exchange_strong(&lock, &expected, 1))
    return;
  while (atomic_exchange(&lock, 2))
    sinterFutexWait(&lock, 2);
}

void sinterUnlock(void) {
  if (atomic_exchange(&lock, 0) == 2)
    sinterFutexWake(&lock, 1);
}

/* With the lock held. */
static bool acquire(SinterDevice *device, const Shared *found) {
  int32_t number = -1;
  for (int32_t i = 0; i < maxShared; ++i) {
    if (shared[i].users && shared[i].driver == found->driver && shared[i].key == found->key) {
      number = i;
      break;
    }
    if (!shared[i].users && number < 0)
      number = i;
  }
  if (number < 0) {
    snprintf(device->message.text, sizeof device->message.text, "more than %d devices are in use",
             (int)maxShared);
    return false;
  }
  Shared *one = &shared[number];
  if (!one->users) {
    *one = *found;
    if (!one->driver->open(one, &device->message))
      return false;
  }
  ++one->users;
  device->shared = one;
  device->number = number;
  return true;
}

static void releaseShared(SinterDevice *device) {
  Shared *one = device->shared;
  sinterLock();
  if (!--one->users) {
    bool entered = sinterDeviceEnter(device);
    sinterProgramsRelease(one, device->number);
    if (one->weights)
      one->driver->release(one, one->weights);
    if (entered)
      sinterDeviceLeave(device);
    one->driver->close(one);
    memset(one, 0, sizeof *one);
  }
  sinterUnlock();
}

/*===- Drivers --------------------------------------------------------------===*/

static void *doNothing(void *argument) { return argument; }

/* A library with a C library of its own. Both of these share the lock of the dynamic loader, which
   takes and gives it by the first one's functions: as long as that one believes that there are no
   threads, it wakes nobody. */
static void *openApart(const char *library) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, doNothing, NULL))
    return NULL;
  pthread_join(thread, NULL);
  return dlmopen(newNamespace, library, loadNow);
}

/* With the lock held. The last function tells whether all have been filled in. */
bool sinterLoad(const char *kind, const char *library, bool bringsLLVM, const char *const *names,
                void **functions, size_t count, Message *message) {
  if (functions[count - 1])
    return true;
  /* The driver's LLVM would take the process' own, if it has one, for itself, and crash. */
  bool apart = bringsLLVM && dlsym(NULL, "LLVMContextCreate");
  void *handle = apart ? openApart(library) : dlopen(library, loadNow);
  if (!handle) {
    const char *reason = dlerror(); /* names the library */
    snprintf(message->text, sizeof message->text, "%s: %s", kind, reason ? reason : library);
    return false;
  }
  for (size_t i = 0; i < count; ++i) {
    functions[i] = dlsym(handle, names[i]);
    if (!functions[i]) {
      snprintf(message->text, sizeof message->text, "%s: %s is too old: it has no %s", kind,
               library, names[i]);
      return false;
    }
  }
  return true;
}

/*===- The thread's current device ------------------------------------------===*/

bool sinterDeviceEnter(SinterDevice *device) {
  const SinterDriver *driver = device->shared->driver;
  return !driver->enter || driver->enter(device->shared, &device->message);
}

void sinterDeviceLeave(SinterDevice *device) {
  if (device->shared->driver->leave)
    device->shared->driver->leave(device->shared);
}

/*===- Failures -------------------------------------------------------------===*/

static SinterStatus deviceError(SinterContext *context) {
  return sinterError(context, SINTER_DEVICE_ERROR, "model '%s': %s", context->model->name,
                     context->device->message.text);
}

void sinterDeviceFail(SinterContext *caller, SinterDevice *device) {
  sinter_rt_fail(caller, SINTER_DEVICE_ERROR, device->message.text);
}

/*===- Contexts -------------------------------------------------------------===*/

static bool find(const SinterVariant *variant, const SinterContextOptions *options, Shared *found,
                 Message *message) {
  memset(found, 0, sizeof *found);
  found->driver = variant->driver;
  return variant->driver->find(options->device, options->stream, variant->capability, found,
                               message);
}

static SinterStatus findDevice(const SinterVariant *variant, const SinterContextOptions *options) {
  Shared found;
  Message message;
  sinterLock();
  bool good = find(variant, options, &found, &message);
  sinterUnlock();
  if (good)
    return SINTER_OK;
  sinterCreateError(options, message.text);
  return SINTER_NO_DEVICE;
}

static size_t deviceBytes(const SinterContext *context) {
  return sizeof(SinterDevice) +
         (size_t)(context->model->input_count + context->model->output_count) * sizeof(Slot);
}

static void closeDevice(SinterContext *context) {
  SinterDevice *device = context->device;
  const SinterDriver *driver = device->shared->driver;
  if (sinterDeviceEnter(device)) {
    driver->synchronize(device);
    sinterGraphFree(context);
    sinterRegionsFree(context);
    sinterKernelsFree(context);
    if (device->ownQueue)
      driver->closeQueue(device->shared, device->queue);
    sinterDeviceLeave(device);
  }
  releaseShared(device);
  sinterDeallocate(context, device, deviceBytes(context));
  context->device = NULL;
}

static bool openQueue(SinterDevice *device, void *given) {
  if (!sinterDeviceEnter(device))
    return false;
  device->ownQueue = !given;
  bool good =
      device->shared->driver->openQueue(device->shared, given, &device->queue, &device->message);
  sinterDeviceLeave(device);
  return good;
}

static SinterStatus openDevice(SinterContext *context) {
  const SinterVariant *variant = context->variant;
  SinterDevice *device = (SinterDevice *)sinterAllocate(context, deviceBytes(context), 64);
  if (!device)
    return SINTER_OUT_OF_MEMORY;
  memset(device, 0, deviceBytes(context));
  device->slots = (Slot *)(device + 1);
  device->slotCount = context->model->input_count + context->model->output_count;
  Shared found;
  sinterLock();
  bool good = find(variant, &context->options, &found, &device->message) && acquire(device, &found);
  sinterUnlock();
  if (good && !(good = openQueue(device, context->options.stream)))
    releaseShared(device);
  if (!good) {
    sinterCreateError(&context->options, device->message.text);
    sinterDeallocate(context, device, deviceBytes(context));
    return SINTER_DEVICE_ERROR;
  }
  context->device = device;
  if (variant->weightsBytes) {
    Region *weights = sinterRegionAdd(context, variant->weights, (size_t)variant->weightsBytes);
    if (!weights) {
      closeDevice(context);
      return SINTER_OUT_OF_MEMORY;
    }
    weights->constant = true;
  }
  return SINTER_OK;
}

static const char *deviceName(const SinterContext *context) {
  return context->device->shared->name;
}

static bool takes(const SinterContext *context, const DLTensor *tensor) {
  return isOnDevice(context->variant->driver, tensor);
}

static bool add(SinterContext *context, const void *host, size_t bytes) {
  return sinterRegionAdd(context, host, bytes) != NULL;
}

/*===- Runs -----------------------------------------------------------------===*/

static bool replay(SinterContext *context, const DLTensor *inputs, const DLTensor *outputs,
                   SinterStatus *status) {
  bool good = true;
  if (!sinterGraphReplay(context, inputs, outputs, &good))
    return false;
  *status = good ? SINTER_OK : deviceError(context);
  return true;
}

static SinterStatus begin(SinterContext *context, const DLTensor *inputs, const DLTensor *outputs) {
  if (!sinterDeviceEnter(context->device))
    return deviceError(context);
  sinterGraphBegin(context, inputs, outputs);
  if (sinterRegionsBegin(context, inputs, outputs))
    return SINTER_OK;
  sinterDeviceLeave(context->device);
  return deviceError(context);
}

static SinterStatus end(SinterContext *context) {
  bool good = sinterGraphEnd(context);
  good &= context->variant->driver->synchronize(context->device);
  sinterDeviceLeave(context->device);
  return good ? SINTER_OK : deviceError(context);
}

static void *address(SinterContext *context, int32_t tensor, const DLTensor *given) {
  void *mirror = context->device->slots[tensor].mirror;
  return isOnDevice(context->variant->driver, given) && mirror
             ? mirror
             : (char *)given->data + given->byte_offset;
}

static const Slot *outputSlot(const SinterContext *context, int32_t output) {
  return &context->device->slots[context->model->input_count + output];
}

static bool isDelivered(const SinterContext *context, int32_t output) {
  return outputSlot(context, output)->delivered;
}

static SinterStatus deliver(SinterContext *context, int32_t output, const DLTensor *tensor) {
  SinterDevice *device = context->device;
  const Slot *slot = outputSlot(context, output);
  if (!isOnDevice(context->variant->driver, tensor) || !slot->given)
    return SINTER_OK;
  if (!sinterDeviceEnter(device))
    return deviceError(context);
  bool good = context->variant->driver->upload(device, slot->given, slot->mirror, slot->givenBytes);
  sinterDeviceLeave(device);
  return good ? SINTER_OK : deviceError(context);
}

static SinterStatus fetch(SinterContext *context, void *host, size_t bytes) {
  SinterDevice *device = context->device;
  const char *address = sinterPlaceOf(device, host, bytes);
  if (!address || !sinterDeviceEnter(device))
    return deviceError(context);
  bool good = context->variant->driver->download(device, host, address, bytes);
  sinterDeviceLeave(device);
  return good ? SINTER_OK : deviceError(context);
}

const SinterDeviceHooks sinterDeviceHooks = {
    findDevice, openDevice, closeDevice, deviceName, takes,       add,     sinterRegionRemove,
    replay,     begin,      end,         address,    isDelivered, deliver, fetch};
