/*===- device.h - what the device files of the runtime share --------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Only libraries with a target that has a device carry these files. The host *|
|* program knows each tensor by its address in the host's memory; a region is *|
|* a range of such addresses whose bytes also have a place on the device. The *|
|* place is allocated when a launch or a copy first asks for it: pages of the *|
|* host that nobody touches, and devices that nobody asks, cost nothing.      *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_RUNTIME_DEVICE_DEVICE_H
#define SINTER_RUNTIME_DEVICE_DEVICE_H

#include "runtime/internal.h"

#pragma GCC visibility push(default)
void *dlopen(const char *name, int mode);
void *dlmopen(long place, const char *name, int mode);
void *dlsym(void *library, const char *name);
char *dlerror(void);
#pragma GCC visibility pop
enum { loadNow = 2, newNamespace = -1 };

enum {
  maxShared = 16, /* devices that one process uses at a time */
  maxArguments = 64,
};

typedef struct Message {
  char text[512];
} Message;

/* A device as all contexts of the process see it. */
typedef struct Shared {
  const SinterDriver *driver;
  void *key; /* the driver's own: contexts with equal keys share it */
  int32_t users;
  void *device, *context; /* the driver's handles */
  bool borrowed;          /* the context is the caller's */
  char *weights;          /* the model's, on the device; NULL: not yet */
  const void *weightsHost;
  char name[256];
} Shared;

/* The device code of one kernel, and what the drivers have made of it. */
typedef struct Program {
  struct Program *next;
  _Atomic(struct Program *) *state; /* where the kernel keeps the address of this */
  const char *source;               /* OpenCL C or PTX, a zero at its end */
  size_t bytes;
  _Atomic(void *) built[maxShared];
} Program;

typedef struct Region {
  uintptr_t host;
  size_t bytes;
  char *device;      /* NULL: not asked for yet */
  struct Slot *slot; /* NULL: the context's memory or the weights */
  bool constant;     /* equal on both sides, always */
  bool given;        /* the device's memory is the caller's */
  bool input;        /* the caller's, and only read */
} Region;

/* What follows a caller's tensor from run to run. */
typedef struct Slot {
  char *device;
  size_t bytes;
  void *mirror; /* host addresses for a tensor that the caller has on the device */
  size_t mirrorBytes;
  char *given; /* that tensor, in this run */
  size_t givenBytes;
  bool delivered; /* the model has written it on the device */
} Slot;

typedef struct Launch {
  uint32_t blocks[3], threads[3];
  uint32_t sharedBytes;
  int32_t count;
  size_t sizes[maxArguments];
  void *values[maxArguments]; /* addresses of the arguments */
  bool isPointer[maxArguments];
} Launch;

/* An entry point of one program, ready for launches from one context. */
typedef struct Kernel {
  const Program *program;
  const char *name;
  void *function, *module; /* the driver's */
  uint32_t threads;        /* of a block, that it has been prepared for */
  size_t sharedBytes;      /* of a block, likewise */
} Kernel;

/* Of an input or a result, around the launches of a graph. */
typedef struct GraphTransfer {
  void *host;
  char *place; /* on the device */
  size_t bytes;
} GraphTransfer;

/* What is known of the last run, and its launches in one. */
typedef struct Graph {
  int64_t *key;             /* the tensors that it was given */
  GraphTransfer *transfers; /* uploads from the front, downloads from the back */
  int32_t uploads, downloads, results;
  bool wanted, capturing;
  bool repeatable;  /* the host has looked at no tensor */
  void *launchable; /* the driver's; NULL: not captured */
} Graph;

struct SinterDevice {
  Shared *shared;
  int32_t number; /* of `shared` in the process */
  void *queue;    /* the driver's */
  bool ownQueue;

  Region *regions;
  int32_t regionCount, regionRoom, lastFound;
  Slot *slots; /* of the inputs, then of the outputs */
  int32_t slotCount;

  Kernel *kernels; /* a hash table with room for a power of two */
  size_t kernelCount, kernelRoom;
  Graph graph;
  Message message; /* of the last failure */
};

/* How one kind of device is driven. What can fail gives false, or NULL, and leaves a message. */
struct SinterDriver {
  const SinterDeviceHooks *hooks; /* must be first */
  const char *kind;               /* "OpenCL" */
  int32_t dlType;                 /* DLPack's number of its memory */

  /* Finds the device of that number, or the one of the caller's queue: its key, handle and name. */
  bool (*find)(int32_t index, void *queue, int64_t capability, Shared *, Message *);
  bool (*open)(Shared *, Message *);
  void (*close)(Shared *);
  bool (*openQueue)(Shared *, void *given, void **queue, Message *);
  void (*closeQueue)(Shared *, void *queue);
  /* Around calls from a thread; NULL: not needed. */
  bool (*enter)(Shared *, Message *);
  void (*leave)(Shared *);

  char *(*allocate)(Shared *, size_t bytes, Message *);
  void (*release)(Shared *, char *memory);
  /* Return when the host's memory may be changed, or read. */
  bool (*upload)(SinterDevice *, char *to, const void *from, size_t bytes);
  bool (*download)(SinterDevice *, void *to, const char *from, size_t bytes);
  /* In order with launches; `rows` of `bytes`, each a pitch after the other. */
  bool (*copy)(SinterDevice *, char *to, size_t toPitch, const char *from, size_t fromPitch,
               size_t bytes, size_t rows);
  bool (*synchronize)(SinterDevice *);

  void *(*build)(Shared *, const Program *, Message *);
  void (*unbuild)(Shared *, void *built);
  bool (*prepare)(SinterDevice *, Kernel *, void *built);
  void (*unprepare)(SinterDevice *, Kernel *);
  bool (*launch)(SinterDevice *, Kernel *, const Launch *);

  /* Between these, launches and copies are collected, not done; NULL: it has no graphs, as where it
     does not begin. */
  bool (*beginCapture)(SinterDevice *);
  void *(*endCapture)(SinterDevice *);
  bool (*launchGraph)(SinterDevice *, void *);
  void (*destroyGraph)(void *);
};

/* device.c */
extern const SinterDeviceHooks sinterDeviceHooks;
bool sinterDeviceEnter(SinterDevice *);
void sinterDeviceLeave(SinterDevice *);
/* Ends the run with the device's message. */
void sinterDeviceFail(SinterContext *caller, SinterDevice *) __attribute__((noreturn));
/* One lock for all that contexts share; held while a program is built. */
void sinterLock(void);
void sinterUnlock(void);

/* Opens a library and fills in the functions; once. Does its driver bring an LLVM, as PoCL does? */
bool sinterLoad(const char *kind, const char *library, bool bringsLLVM, const char *const *names,
                void **functions, size_t count, Message *);

/* regions.c */
/* NULL: out of memory. */
Region *sinterRegionAdd(SinterContext *, const void *host, size_t bytes);
void sinterRegionRemove(SinterContext *, const void *host);
bool sinterRegionsBegin(SinterContext *, const DLTensor *inputs, const DLTensor *outputs);
void sinterRegionsFree(SinterContext *);
/* The region that all `bytes` from `host` on are in; ends the run if there is none. */
Region *sinterRegionOf(SinterContext *caller, const void *host, size_t bytes);
/* Their place on the device, likewise. */
char *sinterOnDevice(SinterContext *caller, const void *host, size_t bytes);
/* The same outside of runs; NULL: there is none yet. */
const char *sinterPlaceOf(SinterDevice *, const void *host, size_t bytes);

/* graph.c */
void sinterGraphBegin(SinterContext *, const DLTensor *inputs, const DLTensor *outputs);
/* Before what may be captured. */
bool sinterGraphOpen(SinterDevice *);
/* Before what must find it done. */
bool sinterGraphClose(SinterDevice *);
/* The host looks at values, or brings its own. */
bool sinterGraphUnrepeatable(SinterDevice *);
void sinterGraphTransfer(SinterDevice *, bool upload, void *host, char *place, size_t bytes);
bool sinterGraphEnd(SinterContext *);
bool sinterGraphReplay(SinterContext *, const DLTensor *inputs, const DLTensor *outputs,
                       bool *good);
/* Memory that it uses is given back. */
void sinterGraphDrop(SinterDevice *);
void sinterGraphFree(SinterContext *);

/* programs.c */
void sinterProgramsRelease(Shared *, int32_t number);
bool sinterProgramBuild(SinterDevice *, _Atomic(Program *) *state, const char *source,
                        size_t bytes);
Kernel *sinterKernelFind(SinterContext *, const Program *, const char *name);
void sinterKernelsFree(SinterContext *);

/* opencl.c, cuda.c */
extern const SinterDriver sinter_rt_opencl, sinter_rt_cuda;

static inline bool isOnDevice(const SinterDriver *driver, const DLTensor *tensor) {
  return (int32_t)tensor->device.device_type == driver->dlType;
}

#endif /* SINTER_RUNTIME_DEVICE_DEVICE_H */
