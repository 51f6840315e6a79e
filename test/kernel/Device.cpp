//===- Device.cpp - runs device kernels of kernel-check -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Device.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <thread>

namespace {

// Of the OpenCL specification's CL/cl.h.
using Handle = void *;
using Status = int32_t;
constexpr uint64_t deviceTypeAll = 0xffffffff;
constexpr uint32_t buildLog = 0x1183;

struct DeviceBuffer { // the head of halide_buffer_t
  uint64_t device;
  void *interface;
  uint8_t *host;
  uint64_t flags;
  uint8_t code, bits;
  uint16_t lanes;
  int32_t dimensions;
  struct Dimension {
    int32_t min, extent, stride;
    uint32_t flags;
  } * dim;
};

void require(bool good, const char *what) {
  if (good)
    return;
  std::fprintf(stderr, "kernel-check: OpenCL: %s failed\n", what);
  std::exit(3);
}

/// Apart from this process' LLVM, and so with a C library of its own. Both share the dynamic
/// loader's lock, which wakes nobody while the first believes that there are no threads.
void *openDriver() {
  std::thread([] {}).join();
  return dlmopen(LM_ID_NEWLM, "libOpenCL.so.1", RTLD_NOW);
}

template <typename F>
F *function(const char *name) {
  static void *library = openDriver();
  require(library != nullptr, "loading libOpenCL.so.1");
  void *address = dlsym(library, name);
  require(address != nullptr, name);
  return reinterpret_cast<F *>(address);
}

struct Queue {
  Handle device = nullptr, context = nullptr, queue = nullptr;
  Queue() {
    Handle platform = nullptr;
    Status status =
        function<Status(uint32_t, Handle *, uint32_t *)>("clGetPlatformIDs")(1, &platform, nullptr);
    require(status == 0, "clGetPlatformIDs");
    status = function<Status(Handle, uint64_t, uint32_t, Handle *, uint32_t *)>("clGetDeviceIDs")(
        platform, deviceTypeAll, 1, &device, nullptr);
    require(status == 0, "clGetDeviceIDs");
    context = function<Handle(void *, uint32_t, Handle *, void *, void *, Status *)>(
        "clCreateContext")(nullptr, 1, &device, nullptr, nullptr, &status);
    require(status == 0, "clCreateContext");
    queue = function<Handle(Handle, Handle, uint64_t, Status *)>("clCreateCommandQueue")(
        context, device, 0, &status);
    require(status == 0, "clCreateCommandQueue");
  }
};

Queue &theQueue() {
  static Queue queue;
  return queue;
}

int initializeKernels(void *, void **state, const char *source, int size) {
  static std::map<const char *, Handle> programs;
  Handle &program = programs[source];
  *state = program;
  if (program)
    return 0;
  Queue &queue = theQueue();
  Status status;
  // The size counts a zero at the end.
  size_t length = size - 1;
  program = function<Handle(Handle, uint32_t, const char **, const size_t *, Status *)>(
      "clCreateProgramWithSource")(queue.context, 1, &source, &length, &status);
  require(status == 0, "clCreateProgramWithSource");
  status = function<Status(Handle, uint32_t, Handle *, const char *, void *, void *)>(
      "clBuildProgram")(program, 1, &queue.device, "", nullptr, nullptr);
  if (status != 0) {
    static char log[1 << 16];
    function<Status(Handle, Handle, uint32_t, size_t, void *, size_t *)>("clGetProgramBuildInfo")(
        program, queue.device, buildLog, sizeof log, log, nullptr);
    std::fprintf(stderr, "%s\n", log);
  }
  require(status == 0, "clBuildProgram");
  *state = program;
  return 0;
}

int run(void *, void *program, const char *name, int blocksX, int blocksY, int blocksZ,
        int threadsX, int threadsY, int threadsZ, int sharedBytes, size_t *sizes, void **arguments,
        int8_t *isBuffer) {
  if (blocksX == 0 || blocksY == 0 || blocksZ == 0)
    return 0;
  Queue &queue = theQueue();
  Status status;
  Handle kernel =
      function<Handle(Handle, const char *, Status *)>("clCreateKernel")(program, name, &status);
  require(status == 0, "clCreateKernel");
  auto set = function<Status(Handle, uint32_t, size_t, const void *)>("clSetKernelArg");
  auto setPointer = function<Status(Handle, uint32_t, const void *)>("clSetKernelArgSVMPointer");
  uint32_t i = 0;
  for (; sizes[i] != 0; ++i)
    require((isBuffer[i] ? setPointer(kernel, i,
                                      reinterpret_cast<void *>(
                                          static_cast<DeviceBuffer *>(arguments[i])->device))
                         : set(kernel, i, sizes[i], arguments[i])) == 0,
            "clSetKernelArg");
  require(set(kernel, i, sharedBytes > 0 ? sharedBytes : 1, nullptr) == 0, "clSetKernelArg");
  size_t local[] = {size_t(threadsX), size_t(threadsY), size_t(threadsZ)};
  size_t global[] = {size_t(blocksX) * local[0], size_t(blocksY) * local[1],
                     size_t(blocksZ) * local[2]};
  status = function<Status(Handle, Handle, uint32_t, const size_t *, const size_t *, const size_t *,
                           uint32_t, const Handle *, Handle *)>("clEnqueueNDRangeKernel")(
      queue.queue, kernel, 3, nullptr, global, local, 0, nullptr, nullptr);
  require(status == 0, "clEnqueueNDRangeKernel");
  require(function<Status(Handle)>("clFinish")(queue.queue) == 0, "clFinish");
  function<Status(Handle)>("clReleaseKernel")(kernel);
  return 0;
}

void finalizeKernels(void *, void *) {}

void *deviceInterface() {
  static int interface;
  return &interface;
}

int deviceMalloc(void *, DeviceBuffer *buffer, void *) {
  size_t bytes = (buffer->bits + 7) / 8;
  for (int32_t i = 0; i < buffer->dimensions; ++i)
    bytes *= buffer->dim[i].extent;
  buffer->device = reinterpret_cast<uint64_t>(std::aligned_alloc(64, (bytes + 127) / 64 * 64));
  return 0;
}

int deviceFree(void *, DeviceBuffer *buffer) {
  std::free(reinterpret_cast<void *>(buffer->device));
  buffer->device = 0;
  return 0;
}

} // namespace

std::vector<std::pair<const char *, void *>> sinter::openclFunctions() {
  return {{"halide_opencl_initialize_kernels", reinterpret_cast<void *>(initializeKernels)},
          {"halide_opencl_run", reinterpret_cast<void *>(run)},
          {"halide_opencl_finalize_kernels", reinterpret_cast<void *>(finalizeKernels)},
          {"halide_opencl_device_interface", reinterpret_cast<void *>(deviceInterface)},
          {"halide_device_malloc", reinterpret_cast<void *>(deviceMalloc)},
          {"halide_device_free", reinterpret_cast<void *>(deviceFree)},
          {"halide_device_free_as_destructor", reinterpret_cast<void *>(deviceFree)}};
}
