/*===- cuda.c - NVIDIA's GPUs through their driver ------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* The driver is opened by name; its few functions are declared here, with the*|
|* numbers of cuda.h. The context is the device's primary one, which the      *|
|* runtime library and frameworks use too.                                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

enum {
  success = 0,
  capabilityMajor = 75,
  capabilityMinor = 76,
  functionMaxThreads = 0,
  functionMaxDynamicShared = 8,
  jitMaxRegisters = 0,
  jitErrorLog = 5,
  jitErrorLogBytes = 6,
  streamNonBlocking = 1,
  captureRelaxed = 2,
  mostBlocks = 65535, /* along y and z */
  memoryDevice = 2,
  registersOfMultiprocessor = 64 << 10,
  sharedWithoutAsking = 48 << 10,
};

typedef int32_t Code;
typedef void *Handle;
typedef uint64_t Pointer;

/* CUDA_MEMCPY2D. */
typedef struct Copy2D {
  size_t fromX, fromY;
  uint32_t fromKind;
  const void *fromHost;
  Pointer from;
  Handle fromArray;
  size_t fromPitch;
  size_t toX, toY;
  uint32_t toKind;
  void *toHost;
  Pointer to;
  Handle toArray;
  size_t toPitch;
  size_t bytes, rows;
} Copy2D;

static struct {
  Code (*cuInit)(uint32_t);
  Code (*cuGetErrorString)(Code, const char **);
  Code (*cuDeviceGetCount)(int32_t *);
  Code (*cuDeviceGet)(int32_t *, int32_t);
  Code (*cuDeviceGetName)(char *, int32_t, int32_t);
  Code (*cuDeviceGetAttribute)(int32_t *, int32_t, int32_t);
  Code (*cuDevicePrimaryCtxRetain)(Handle *, int32_t);
  Code (*cuDevicePrimaryCtxRelease)(int32_t);
  Code (*cuCtxPushCurrent)(Handle);
  Code (*cuCtxPopCurrent)(Handle *);
  Code (*cuStreamCreate)(Handle *, uint32_t);
  Code (*cuStreamDestroy)(Handle);
  Code (*cuStreamSynchronize)(Handle);
  Code (*cuMemAlloc)(Pointer *, size_t);
  Code (*cuMemFree)(Pointer);
  Code (*cuMemcpyHtoDAsync)(Pointer, const void *, size_t, Handle);
  Code (*cuMemcpyDtoHAsync)(void *, Pointer, size_t, Handle);
  Code (*cuMemcpyDtoDAsync)(Pointer, Pointer, size_t, Handle);
  Code (*cuMemcpy2DAsync)(const Copy2D *, Handle);
  Code (*cuModuleLoadDataEx)(Handle *, const void *, uint32_t, const int32_t *, void **);
  Code (*cuModuleUnload)(Handle);
  Code (*cuModuleGetFunction)(Handle *, Handle, const char *);
  Code (*cuFuncGetAttribute)(int32_t *, int32_t, Handle);
  Code (*cuFuncSetAttribute)(Handle, int32_t, int32_t);
  Code (*cuLaunchKernel)(Handle, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t,
                         uint32_t, Handle, void **, void **);
} cu;

static const char *const names[] = {
    "cuInit",
    "cuGetErrorString",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceGetAttribute",
    "cuDevicePrimaryCtxRetain",
    "cuDevicePrimaryCtxRelease_v2",
    "cuCtxPushCurrent_v2",
    "cuCtxPopCurrent_v2",
    "cuStreamCreate",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyDtoDAsync_v2",
    "cuMemcpy2DAsync_v2",
    "cuModuleLoadDataEx",
    "cuModuleUnload",
    "cuModuleGetFunction",
    "cuFuncGetAttribute",
    "cuFuncSetAttribute",
    "cuLaunchKernel",
};

/* Of later drivers; without them each run launches its kernels one by one. */
static struct {
  Code (*cuStreamBeginCapture)(Handle, int32_t);
  Code (*cuStreamEndCapture)(Handle, Handle *);
  Code (*cuGraphInstantiateWithFlags)(Handle *, Handle, uint64_t);
  Code (*cuGraphLaunch)(Handle, Handle);
  Code (*cuGraphDestroy)(Handle);
  Code (*cuGraphExecDestroy)(Handle);
} graphs;

static const char *const graphNames[] = {
    "cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags",
    "cuGraphLaunch",           "cuGraphDestroy",     "cuGraphExecDestroy",
};

static bool check(Code code, const char *what, Message *message) {
  if (code == success)
    return true;
  const char *text = NULL;
  cu.cuGetErrorString(code, &text);
  snprintf(message->text, sizeof message->text, "CUDA: %s: %s (%d)", what,
           text ? text : "unknown error", (int)code);
  return false;
}

/*===- Devices --------------------------------------------------------------===*/

static int32_t ordinal(const Shared *shared) { return (int32_t)(intptr_t)shared->device; }

static bool find(int32_t index, void *queue, int64_t capability, Shared *found, Message *message) {
  (void)queue;
  int32_t count = 0, device, major = 0, minor = 0;
  Message noGraphs;
  if (!sinterLoad("CUDA", "libcuda.so.1", /*bringsLLVM=*/false, names, (void **)&cu,
                  sizeof names / sizeof names[0], message) ||
      !check(cu.cuInit(0), "cuInit", message) ||
      !check(cu.cuDeviceGetCount(&count), "cuDeviceGetCount", message))
    return false;
  sinterLoad("CUDA", "libcuda.so.1", /*bringsLLVM=*/false, graphNames, (void **)&graphs,
             sizeof graphNames / sizeof graphNames[0], &noGraphs);
  if (index < 0 || index >= count) {
    snprintf(message->text, sizeof message->text, "CUDA: there is no device %d of %d", (int)index,
             (int)count);
    return false;
  }
  if (!check(cu.cuDeviceGet(&device, index), "cuDeviceGet", message) ||
      !check(cu.cuDeviceGetName(found->name, sizeof found->name, device), "cuDeviceGetName",
             message) ||
      !check(cu.cuDeviceGetAttribute(&major, capabilityMajor, device), "cuDeviceGetAttribute",
             message) ||
      !check(cu.cuDeviceGetAttribute(&minor, capabilityMinor, device), "cuDeviceGetAttribute",
             message))
    return false;
  if (10 * major + minor < capability) {
    snprintf(message->text, sizeof message->text,
             "CUDA: device %d, %.100s, has compute capability %d.%d, and the model needs %d.%d",
             (int)index, found->name, (int)major, (int)minor, (int)(capability / 10),
             (int)(capability % 10));
    return false;
  }
  found->device = (void *)(intptr_t)device;
  found->key = (void *)((intptr_t)device + 1);
  return true;
}

static bool openContext(Shared *shared, Message *message) {
  return check(cu.cuDevicePrimaryCtxRetain(&shared->context, ordinal(shared)),
               "cuDevicePrimaryCtxRetain", message);
}

static void closeContext(Shared *shared) { cu.cuDevicePrimaryCtxRelease(ordinal(shared)); }

static bool enter(Shared *shared, Message *message) {
  return check(cu.cuCtxPushCurrent(shared->context), "cuCtxPushCurrent", message);
}

static void leave(Shared *shared) {
  (void)shared;
  Handle context;
  cu.cuCtxPopCurrent(&context);
}

static bool openQueue(Shared *shared, void *given, void **queue, Message *message) {
  (void)shared;
  *queue = given;
  return given || check(cu.cuStreamCreate(queue, streamNonBlocking), "cuStreamCreate", message);
}

static void closeQueue(Shared *shared, void *queue) {
  (void)shared;
  cu.cuStreamDestroy(queue);
}

/*===- Memory ---------------------------------------------------------------===*/

static Pointer pointer(const char *address) { return (Pointer)(uintptr_t)address; }

static char *allocate(Shared *shared, size_t bytes, Message *message) {
  (void)shared;
  /* Vector loads may read a little beyond the end. */
  enum { margin = 128 };
  Pointer memory = 0;
  return check(cu.cuMemAlloc(&memory, bytes + margin), "cuMemAlloc", message)
             ? (char *)(uintptr_t)memory
             : NULL;
}

static void release(Shared *shared, char *memory) {
  (void)shared;
  cu.cuMemFree(pointer(memory));
}

static bool synchronize(SinterDevice *device) {
  return check(cu.cuStreamSynchronize(device->queue), "cuStreamSynchronize", &device->message);
}

static bool upload(SinterDevice *device, char *to, const void *from, size_t bytes) {
  /* The host's memory may be changed at once: pageable memory is copied before the call returns,
     pinned memory (kDLCUDAHost) when the stream comes to it. */
  return check(cu.cuMemcpyHtoDAsync(pointer(to), from, bytes, device->queue), "cuMemcpyHtoDAsync",
               &device->message) &&
         synchronize(device);
}

static bool download(SinterDevice *device, void *to, const char *from, size_t bytes) {
  return check(cu.cuMemcpyDtoHAsync(to, pointer(from), bytes, device->queue), "cuMemcpyDtoHAsync",
               &device->message) &&
         synchronize(device);
}

static bool copy(SinterDevice *device, char *to, size_t toPitch, const char *from, size_t fromPitch,
                 size_t bytes, size_t rows) {
  /* The driver limits pitches. */
  enum { largestPitch = 1 << 30 };
  if (rows > 1 && toPitch >= bytes && fromPitch >= bytes && toPitch < largestPitch &&
      fromPitch < largestPitch) {
    Copy2D plan = {.fromKind = memoryDevice,
                   .from = pointer(from),
                   .fromPitch = fromPitch,
                   .toKind = memoryDevice,
                   .to = pointer(to),
                   .toPitch = toPitch,
                   .bytes = bytes,
                   .rows = rows};
    return check(cu.cuMemcpy2DAsync(&plan, device->queue), "cuMemcpy2DAsync", &device->message);
  }
  for (size_t i = 0; i < rows; ++i)
    if (!check(cu.cuMemcpyDtoDAsync(pointer(to + i * toPitch), pointer(from + i * fromPitch), bytes,
                                    device->queue),
               "cuMemcpyDtoDAsync", &device->message))
      return false;
  return true;
}

/*===- Kernels --------------------------------------------------------------===*/

/* `registers` of one thread at most; 0: as many as the compiler likes. */
static Handle loadModule(const char *source, int32_t registers, Message *message) {
  char log[300] = "";
  Handle module = NULL;
  const int32_t options[] = {jitErrorLog, jitErrorLogBytes, jitMaxRegisters};
  void *values[] = {log, (void *)sizeof log, (void *)(intptr_t)registers};
  Code code = cu.cuModuleLoadDataEx(&module, source, registers ? 3 : 2, options, values);
  if (check(code, "cuModuleLoadDataEx", message))
    return module;
  size_t at = strlen(message->text);
  log[sizeof log - 1] = 0;
  snprintf(message->text + at, sizeof message->text - at, ": %s", log);
  return NULL;
}

static void *build(Shared *shared, const Program *program, Message *message) {
  if (!enter(shared, message))
    return NULL;
  Handle module = loadModule(program->source, 0, message);
  leave(shared);
  return module;
}

static void unbuild(Shared *shared, void *built) {
  (void)shared;
  cu.cuModuleUnload(built);
}

/* A block of many threads needs them with few registers. */
static bool fitBlock(SinterDevice *device, Kernel *kernel, const Launch *launch) {
  uint32_t threads = launch->threads[0] * launch->threads[1] * launch->threads[2];
  int32_t most = 0;
  if (!check(cu.cuFuncGetAttribute(&most, functionMaxThreads, kernel->function),
             "cuFuncGetAttribute", &device->message))
    return false;
  if (threads <= (uint32_t)most)
    return true;
  int32_t registers = (int32_t)(registersOfMultiprocessor / threads) & ~7;
  if (kernel->module)
    cu.cuModuleUnload(kernel->module);
  kernel->module = loadModule(kernel->program->source, registers, &device->message);
  return kernel->module &&
         check(cu.cuModuleGetFunction(&kernel->function, kernel->module, kernel->name),
               "cuModuleGetFunction", &device->message);
}

static bool prepare(SinterDevice *device, Kernel *kernel, void *built) {
  return check(cu.cuModuleGetFunction(&kernel->function, built, kernel->name),
               "cuModuleGetFunction", &device->message);
}

static void unprepare(SinterDevice *device, Kernel *kernel) {
  (void)device;
  if (kernel->module)
    cu.cuModuleUnload(kernel->module);
}

static bool launch(SinterDevice *device, Kernel *kernel, const Launch *launch) {
  uint32_t threads = launch->threads[0] * launch->threads[1] * launch->threads[2];
  if (launch->blocks[1] > mostBlocks || launch->blocks[2] > mostBlocks) {
    snprintf(device->message.text, sizeof device->message.text,
             "CUDA: %s: a grid of %u x %u x %u blocks; along y and z there may be %d", kernel->name,
             launch->blocks[0], launch->blocks[1], launch->blocks[2], mostBlocks);
    return false;
  }
  if (threads > kernel->threads) {
    if (!fitBlock(device, kernel, launch))
      return false;
    kernel->threads = threads;
    kernel->sharedBytes = sharedWithoutAsking;
  }
  if (launch->sharedBytes > kernel->sharedBytes) {
    if (!check(cu.cuFuncSetAttribute(kernel->function, functionMaxDynamicShared,
                                     (int32_t)launch->sharedBytes),
               "cuFuncSetAttribute", &device->message))
      return false;
    kernel->sharedBytes = launch->sharedBytes;
  }
  return check(cu.cuLaunchKernel(kernel->function, launch->blocks[0], launch->blocks[1],
                                 launch->blocks[2], launch->threads[0], launch->threads[1],
                                 launch->threads[2], launch->sharedBytes, device->queue,
                                 (void **)launch->values, NULL),
               kernel->name, &device->message);
}

/*===- Graphs ---------------------------------------------------------------===*/

/* Relaxed: the host program may allocate on the way. */
static bool beginCapture(SinterDevice *device) {
  return graphs.cuGraphExecDestroy &&
         check(graphs.cuStreamBeginCapture(device->queue, captureRelaxed), "cuStreamBeginCapture",
               &device->message);
}

static void *endCapture(SinterDevice *device) {
  Handle graph = NULL, launchable = NULL;
  if (!check(graphs.cuStreamEndCapture(device->queue, &graph), "cuStreamEndCapture",
             &device->message))
    return NULL;
  if (!check(graphs.cuGraphInstantiateWithFlags(&launchable, graph, 0),
             "cuGraphInstantiateWithFlags", &device->message))
    launchable = NULL;
  graphs.cuGraphDestroy(graph);
  return launchable;
}

static bool launchGraph(SinterDevice *device, void *launchable) {
  return check(graphs.cuGraphLaunch(launchable, device->queue), "cuGraphLaunch", &device->message);
}

static void destroyGraph(void *launchable) { graphs.cuGraphExecDestroy(launchable); }

const SinterDriver sinter_rt_cuda = {
    &sinterDeviceHooks,
    "CUDA",
    kDLCUDA,
    find,
    openContext,
    closeContext,
    openQueue,
    closeQueue,
    enter,
    leave,
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
    beginCapture,
    endCapture,
    launchGraph,
    destroyGraph,
};
