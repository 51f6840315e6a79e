/*===- opencl.c - devices of OpenCL 2.0 -----------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Memory is shared virtual memory: a launch may take an address anywhere in  *|
|* an allocation. The loader is opened by name; its few functions are declared*|
|* here, with the numbers of the specification's CL/cl.h.                     *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

enum {
  success = 0,
  deviceTypeCpu = 1 << 1,
  deviceType = 0x1000,
  deviceName = 0x102B,
  deviceSingleConfig = 0x101B,
  correctlyRoundedDivide = 1 << 7,
  deviceSvm = 0x1053,
  svmCoarseGrain = 1,
  queueContext = 0x1090,
  queueDevice = 0x1091,
  memoryReadWrite = 1,
  programBuildLog = 0x1183,
  memoryAllocationFailure = -4,
  outOfResources = -5,
  outOfHostMemory = -6,
};
static const uint64_t deviceTypeAll = 0xFFFFFFFF;

typedef void *Handle;
typedef int32_t Code;

static struct {
  Code (*clGetPlatformIDs)(uint32_t, Handle *, uint32_t *);
  Code (*clGetDeviceIDs)(Handle, uint64_t, uint32_t, Handle *, uint32_t *);
  Code (*clGetDeviceInfo)(Handle, uint32_t, size_t, void *, size_t *);
  Code (*clGetCommandQueueInfo)(Handle, uint32_t, size_t, void *, size_t *);
  Handle (*clCreateContext)(const intptr_t *, uint32_t, const Handle *, void *, void *, Code *);
  Code (*clRetainContext)(Handle);
  Code (*clReleaseContext)(Handle);
  Handle (*clCreateCommandQueueWithProperties)(Handle, Handle, const uint64_t *, Code *);
  Code (*clReleaseCommandQueue)(Handle);
  Code (*clFinish)(Handle);
  void *(*clSVMAlloc)(Handle, uint64_t, size_t, uint32_t);
  void (*clSVMFree)(Handle, void *);
  Code (*clEnqueueSVMMemcpy)(Handle, uint32_t, void *, const void *, size_t, uint32_t,
                             const Handle *, Handle *);
  Handle (*clCreateProgramWithSource)(Handle, uint32_t, const char **, const size_t *, Code *);
  Code (*clBuildProgram)(Handle, uint32_t, const Handle *, const char *, void *, void *);
  Code (*clGetProgramBuildInfo)(Handle, Handle, uint32_t, size_t, void *, size_t *);
  Code (*clReleaseProgram)(Handle);
  Handle (*clCreateKernel)(Handle, const char *, Code *);
  Code (*clReleaseKernel)(Handle);
  Code (*clSetKernelArg)(Handle, uint32_t, size_t, const void *);
  Code (*clSetKernelArgSVMPointer)(Handle, uint32_t, const void *);
  Code (*clEnqueueNDRangeKernel)(Handle, Handle, uint32_t, const size_t *, const size_t *,
                                 const size_t *, uint32_t, const Handle *, Handle *);
} cl;

static const char *const names[] = {
    "clGetPlatformIDs",
    "clGetDeviceIDs",
    "clGetDeviceInfo",
    "clGetCommandQueueInfo",
    "clCreateContext",
    "clRetainContext",
    "clReleaseContext",
    "clCreateCommandQueueWithProperties",
    "clReleaseCommandQueue",
    "clFinish",
    "clSVMAlloc",
    "clSVMFree",
    "clEnqueueSVMMemcpy",
    "clCreateProgramWithSource",
    "clBuildProgram",
    "clGetProgramBuildInfo",
    "clReleaseProgram",
    "clCreateKernel",
    "clReleaseKernel",
    "clSetKernelArg",
    "clSetKernelArgSVMPointer",
    "clEnqueueNDRangeKernel",
};

static bool check(Code code, const char *what, Message *message) {
  if (code == success)
    return true;
  const char *reason =
      code == memoryAllocationFailure || code == outOfResources || code == outOfHostMemory
          ? " (out of memory or resources)"
          : "";
  snprintf(message->text, sizeof message->text, "OpenCL: %s failed with %d%s", what, (int)code,
           reason);
  return false;
}

static bool load(Message *message) {
  return sinterLoad("OpenCL", "libOpenCL.so.1", /*bringsLLVM=*/true, names, (void **)&cl,
                    sizeof names / sizeof names[0], message);
}

/*===- Devices --------------------------------------------------------------===*/

static uint64_t number(Handle device, uint32_t what) {
  uint64_t value = 0;
  return cl.clGetDeviceInfo(device, what, sizeof value, &value, NULL) == success ? value : 0;
}

static bool hasSharedMemory(Handle device) { return number(device, deviceSvm) & svmCoarseGrain; }

/* Devices with shared virtual memory, in the platforms' order: GPUs and the like, then CPUs. */
static Handle deviceAt(int32_t index) {
  enum { most = 32 };
  Handle platforms[most];
  uint32_t platformCount = 0;
  if (cl.clGetPlatformIDs(most, platforms, &platformCount) != success)
    return NULL;
  for (int pass = 0; pass < 2; ++pass)
    for (uint32_t p = 0; p < platformCount && p < most; ++p) {
      Handle devices[most];
      uint32_t count = 0;
      if (cl.clGetDeviceIDs(platforms[p], deviceTypeAll, most, devices, &count) != success)
        continue;
      for (uint32_t d = 0; d < count && d < most; ++d) {
        bool cpu = number(devices[d], deviceType) & deviceTypeCpu;
        if (cpu == (pass == 1) && hasSharedMemory(devices[d]) && index-- == 0)
          return devices[d];
      }
    }
  return NULL;
}

static bool find(int32_t index, void *queue, int64_t capability, Shared *found, Message *message) {
  (void)capability;
  if (!load(message))
    return false;
  if (queue) {
    if (!check(cl.clGetCommandQueueInfo(queue, queueContext, sizeof(Handle), &found->context, NULL),
               "clGetCommandQueueInfo", message) ||
        !check(cl.clGetCommandQueueInfo(queue, queueDevice, sizeof(Handle), &found->device, NULL),
               "clGetCommandQueueInfo", message))
      return false;
    if (!hasSharedMemory(found->device)) {
      snprintf(message->text, sizeof message->text,
               "OpenCL: the queue's device has no shared virtual memory");
      return false;
    }
    found->borrowed = true;
    found->key = found->context;
  } else {
    found->device = found->key = index < 0 ? NULL : deviceAt(index);
    if (!found->device) {
      snprintf(message->text, sizeof message->text,
               "OpenCL: there is no device %d with shared virtual memory (OpenCL 2.0)", (int)index);
      return false;
    }
  }
  cl.clGetDeviceInfo(found->device, deviceName, sizeof found->name, found->name, NULL);
  found->name[sizeof found->name - 1] = 0;
  return true;
}

static bool openContext(Shared *shared, Message *message) {
  if (shared->borrowed)
    return check(cl.clRetainContext(shared->context), "clRetainContext", message);
  Code code;
  shared->context = cl.clCreateContext(NULL, 1, &shared->device, NULL, NULL, &code);
  return check(code, "clCreateContext", message);
}

static void closeContext(Shared *shared) { cl.clReleaseContext(shared->context); }

static bool openQueue(Shared *shared, void *given, void **queue, Message *message) {
  Code code = success;
  *queue =
      given ? given
            : cl.clCreateCommandQueueWithProperties(shared->context, shared->device, NULL, &code);
  return check(code, "clCreateCommandQueueWithProperties", message);
}

static void closeQueue(Shared *shared, void *queue) {
  (void)shared;
  cl.clReleaseCommandQueue(queue);
}

/*===- Memory ---------------------------------------------------------------===*/

static char *allocate(Shared *shared, size_t bytes, Message *message) {
  /* Vector loads may read a little beyond the end. */
  enum { alignment = 128 };
  char *memory =
      (char *)cl.clSVMAlloc(shared->context, memoryReadWrite, bytes + alignment, alignment);
  if (!memory)
    snprintf(message->text, sizeof message->text, "OpenCL: no %zu bytes on the device", bytes);
  return memory;
}

static void release(Shared *shared, char *memory) { cl.clSVMFree(shared->context, memory); }

static bool move(SinterDevice *device, bool wait, void *to, const void *from, size_t bytes) {
  return check(cl.clEnqueueSVMMemcpy(device->queue, wait, to, from, bytes, 0, NULL, NULL),
               "clEnqueueSVMMemcpy", &device->message);
}

static bool upload(SinterDevice *device, char *to, const void *from, size_t bytes) {
  return move(device, true, to, from, bytes);
}

static bool download(SinterDevice *device, void *to, const char *from, size_t bytes) {
  return move(device, true, to, from, bytes);
}

static bool copy(SinterDevice *device, char *to, size_t toPitch, const char *from, size_t fromPitch,
                 size_t bytes, size_t rows) {
  for (size_t i = 0; i < rows; ++i)
    if (!move(device, false, to + i * toPitch, from + i * fromPitch, bytes))
      return false;
  return true;
}

static bool synchronize(SinterDevice *device) {
  return check(cl.clFinish(device->queue), "clFinish", &device->message);
}

/*===- Kernels --------------------------------------------------------------===*/

static void *build(Shared *shared, const Program *program, Message *message) {
  Code code;
  size_t bytes = strlen(program->source);
  Handle built = cl.clCreateProgramWithSource(shared->context, 1, (const char **)&program->source,
                                              &bytes, &code);
  if (!check(code, "clCreateProgramWithSource", message))
    return NULL;
  const char *options = number(shared->device, deviceSingleConfig) & correctlyRoundedDivide
                            ? "-cl-fp32-correctly-rounded-divide-sqrt"
                            : "";
  code = cl.clBuildProgram(built, 1, &shared->device, options, NULL, NULL);
  if (code == success)
    return built;
  char log[400] = "";
  cl.clGetProgramBuildInfo(built, shared->device, programBuildLog, sizeof log, log, NULL);
  log[sizeof log - 1] = 0;
  snprintf(message->text, sizeof message->text, "OpenCL: clBuildProgram failed with %d: %s",
           (int)code, log);
  cl.clReleaseProgram(built);
  return NULL;
}

static void unbuild(Shared *shared, void *built) {
  (void)shared;
  cl.clReleaseProgram(built);
}

static bool prepare(SinterDevice *device, Kernel *kernel, void *built) {
  Code code;
  kernel->function = cl.clCreateKernel(built, kernel->name, &code);
  return check(code, "clCreateKernel", &device->message);
}

static void unprepare(SinterDevice *device, Kernel *kernel) {
  (void)device;
  cl.clReleaseKernel(kernel->function);
}

static bool launch(SinterDevice *device, Kernel *kernel, const Launch *launch) {
  for (int32_t i = 0; i < launch->count; ++i) {
    Code code = launch->isPointer[i] ? cl.clSetKernelArgSVMPointer(kernel->function, (uint32_t)i,
                                                                   *(void **)launch->values[i])
                                     : cl.clSetKernelArg(kernel->function, (uint32_t)i,
                                                         launch->sizes[i], launch->values[i]);
    if (!check(code, "clSetKernelArg", &device->message))
      return false;
  }
  /* Halide's kernels take their local memory last, also when it is none. */
  size_t local = launch->sharedBytes ? launch->sharedBytes : 1;
  if (!check(cl.clSetKernelArg(kernel->function, (uint32_t)launch->count, local, NULL),
             "clSetKernelArg", &device->message))
    return false;
  size_t threads[3], all[3];
  for (int i = 0; i < 3; ++i) {
    threads[i] = launch->threads[i];
    all[i] = threads[i] * launch->blocks[i];
  }
  return check(cl.clEnqueueNDRangeKernel(device->queue, kernel->function, 3, NULL, all, threads, 0,
                                         NULL, NULL),
               kernel->name, &device->message);
}

const SinterDriver sinter_rt_opencl = {
    &sinterDeviceHooks,
    "OpenCL",
    kDLOpenCL,
    find,
    openContext,
    closeContext,
    openQueue,
    closeQueue,
    NULL,
    NULL,
    allocate,
    release,
    upload,
    download,
    copy,
    synchronize,
    build,
    unbuild,
    prepare,
    unprepare,
    launch,
    NULL,
    NULL,
    NULL,
    NULL,
};
