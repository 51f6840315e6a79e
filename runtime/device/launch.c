/*===- launch.c - what Halide's kernels for devices call ------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Kernels are compiled without assertions and look at no result: a failure   *|
|* ends the run here. A buffer's `device` is its address in the host's memory.*|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

typedef struct HalideDimension {
  int32_t min, extent, stride;
  uint32_t flags;
} HalideDimension;

/* HalideRuntime.h's halide_buffer_t. */
typedef struct HalideBuffer {
  uint64_t device;
  const void *interface;
  uint8_t *host;
  uint64_t flags;
  uint8_t code, bits;
  uint16_t lanes;
  int32_t dimensions;
  HalideDimension *dim;
  void *padding;
} HalideBuffer;

static bool isEmpty(const HalideBuffer *buffer) {
  for (int32_t d = 0; d < buffer->dimensions; ++d)
    if (buffer->dim[d].extent <= 0)
      return true;
  return false;
}

static int initializeKernels(void *caller, void **state, const char *source, int bytes) {
  SinterDevice *device = threadOf((SinterContext *)caller)->context->device;
  if (!sinterProgramBuild(device, (_Atomic(Program *) *)state, source, (size_t)bytes))
    sinterDeviceFail((SinterContext *)caller, device);
  return 0;
}

static int run(void *caller, void *state, const char *name, const int blocks[3],
               const int threads[3], int sharedBytes, const size_t *sizes, void **arguments,
               const int8_t *isBuffer) {
  SinterContext *context = threadOf((SinterContext *)caller)->context;
  SinterDevice *device = context->device;
  Launch launch;
  char *addresses[maxArguments];
  for (int32_t i = 0; i < 3; ++i) {
    if (blocks[i] <= 0 || threads[i] <= 0)
      return 0;
    launch.blocks[i] = (uint32_t)blocks[i];
    launch.threads[i] = (uint32_t)threads[i];
  }
  launch.sharedBytes = (uint32_t)sharedBytes;
  for (launch.count = 0; sizes[launch.count]; ++launch.count) {
    int32_t i = launch.count;
    if (i == maxArguments)
      sinter_rt_fail((SinterContext *)caller, SINTER_INTERNAL,
                     "a kernel has more arguments than a launch");
    launch.isPointer[i] = isBuffer[i];
    launch.sizes[i] = sizes[i];
    launch.values[i] = arguments[i];
    if (!isBuffer[i])
      continue;
    const HalideBuffer *buffer = (const HalideBuffer *)arguments[i];
    addresses[i] = isEmpty(buffer) ? NULL
                                   : sinterOnDevice((SinterContext *)caller,
                                                    (const void *)(uintptr_t)buffer->device, 1);
    launch.sizes[i] = sizeof addresses[i];
    launch.values[i] = &addresses[i];
  }
  Kernel *kernel = sinterKernelFind(context, (const Program *)state, name);
  if (!kernel || !sinterGraphOpen(device) ||
      !device->shared->driver->launch(device, kernel, &launch))
    sinterDeviceFail((SinterContext *)caller, device);
  /* Who measures calls measures them to their end. */
  if (context->variant->kernelCount && !device->shared->driver->synchronize(device))
    sinterDeviceFail((SinterContext *)caller, device);
  return 0;
}

/*===- Memory between the launches of one kernel ----------------------------===*/

int halide_device_malloc(void *caller, HalideBuffer *buffer, const void *interface) {
  (void)interface;
  int64_t elements = 1;
  for (int32_t d = 0; d < buffer->dimensions; ++d)
    elements += (int64_t)(buffer->dim[d].extent - 1) * buffer->dim[d].stride;
  int64_t bytes = isEmpty(buffer) ? 1 : elements * ((buffer->bits + 7) / 8) * buffer->lanes;
  buffer->device = (uint64_t)(uintptr_t)sinter_rt_scratch_alloc((SinterContext *)caller, bytes);
  return 0;
}

int halide_device_free(void *caller, HalideBuffer *buffer) {
  sinter_rt_scratch_free((SinterContext *)caller, (void *)(uintptr_t)buffer->device);
  buffer->device = 0;
  return 0;
}

void halide_device_free_as_destructor(void *caller, void *buffer) {
  halide_device_free(caller, (HalideBuffer *)buffer);
}

/* Launches are in order. */
int halide_device_sync(void *caller, HalideBuffer *buffer) {
  (void)caller, (void)buffer;
  return 0;
}

/*===- By the names of the drivers ------------------------------------------===*/

int halide_opencl_initialize_kernels(void *caller, void **state, const char *source, int bytes) {
  return initializeKernels(caller, state, source, bytes);
}

int halide_cuda_initialize_kernels(void *caller, void **state, const char *source, int bytes) {
  return initializeKernels(caller, state, source, bytes);
}

/* Programs stay for the next call. */
void halide_opencl_finalize_kernels(void *caller, void *state) { (void)caller, (void)state; }

void halide_cuda_finalize_kernels(void *caller, void *state) { (void)caller, (void)state; }

/* Its functions are never called through it. */
const void *halide_opencl_device_interface(void) { return &sinter_rt_opencl; }

const void *halide_cuda_device_interface(void) { return &sinter_rt_cuda; }

int halide_opencl_run(void *caller, void *state, const char *name, int blocksX, int blocksY,
                      int blocksZ, int threadsX, int threadsY, int threadsZ, int sharedBytes,
                      size_t *sizes, void **arguments, int8_t *isBuffer) {
  return run(caller, state, name, (const int[]){blocksX, blocksY, blocksZ},
             (const int[]){threadsX, threadsY, threadsZ}, sharedBytes, sizes, arguments, isBuffer);
}

int halide_cuda_run(void *caller, void *state, const char *name, int blocksX, int blocksY,
                    int blocksZ, int threadsX, int threadsY, int threadsZ, int sharedBytes,
                    size_t *sizes, void **arguments, int8_t *isBuffer) {
  return run(caller, state, name, (const int[]){blocksX, blocksY, blocksZ},
             (const int[]){threadsX, threadsY, threadsZ}, sharedBytes, sizes, arguments, isBuffer);
}
