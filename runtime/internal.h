/*===- internal.h - what the runtime's own files share --------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* The `SinterContext *` that host code, kernels and Halide's user_context    *|
|* carry points to the SinterThread of whoever calls: a worker's kernels so   *|
|* find their own scratch memory and their own way out of a failure without   *|
|* thread-local storage. The context itself begins with the SinterThread of   *|
|* the thread that calls `run`.                                               *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_RUNTIME_INTERNAL_H
#define SINTER_RUNTIME_INTERNAL_H

#include "runtime/include/sinter/model.h"
#include "runtime/include/sinter/profile.h"
#include "runtime/include/sinter/train.h"
#include "runtime/libc.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Memory that is given out in order and taken back in the reverse order
   (scratch of one thread) or all at once (results of one run). It grows by
   blocks; when it is empty again the blocks become one. */
typedef struct ArenaBlock {
  struct ArenaBlock *previous;
  size_t bytes; /* of the whole block, this header included */
  size_t used;  /* from the block's begin */
} ArenaBlock;

typedef struct Arena {
  ArenaBlock *top;
  size_t blocks, total;
  size_t used; /* by allocations, without the blocks' headers */
  void *last;  /* header of the youngest allocation that is not freed */
} Arena;

typedef struct SinterThread {
  SinterContext *context;
  JumpBuffer *escape; /* where a failure jumps to */
  Arena scratch;
  int32_t slot;
} SinterThread;

/* The most scratch memory that runs have used: around parallel loops, and in a
   task, whichever thread it ran on. */
typedef struct ScratchPeak {
  size_t around, loop; /* loop: what the caller holds during the present loop */
  _Atomic size_t task;
} ScratchPeak;

/* A contiguous part of a job's tasks: its owner takes from it, and who has
   nothing left to do takes from others'. One cache line, no false sharing. */
typedef struct TaskRange {
  _Alignas(64) _Atomic int64_t next;
  int64_t end;
} TaskRange;

typedef void (*TaskFunction)(SinterContext *, int64_t index, void *closure);

typedef struct Job {
  TaskFunction function;
  void *closure;
  int64_t block; /* tasks that are taken at once */
  int32_t ranges;
} Job;

typedef struct Pool {
  _Alignas(64) _Atomic uint32_t generation; /* one more with every job */
  _Atomic uint32_t sleepers;
  _Alignas(64) _Atomic uint32_t state; /* `jobOpen` + workers inside the job */
  _Atomic bool waiting;                /* the caller sleeps on `state` */
  bool started, stop;
  int32_t workers; /* that could be started */
} Pool;

/* Bits of the CPU's identification that code needs (CpuRequirement of
   targets/Target.h). A mask of 0 ends a list. */
typedef struct SinterRequirement {
  uint32_t leaf, subleaf, word, mask;
} SinterRequirement;

/* How kernels on a device are driven: sinter_rt_opencl or sinter_rt_cuda (runtime/device). */
typedef struct SinterDriver SinterDriver;

/* What a context has on its device. */
typedef struct SinterDevice SinterDevice;

/* A tensor that is made of the weights: its dense memory in the library. */
typedef struct SinterPreparedTensor {
  void *address;
  int64_t bytes, rank;
} SinterPreparedTensor;

/* What the model makes of its weights before the first run. */
typedef struct SinterPrepared {
  /* (results' descriptors one after the other, context, workspace's descriptor) */
  void (*entry)(void *results, void *context, void *workspace);
  int64_t (*workspace)(void **inputs); /* NULL: none needed */
  const SinterPreparedTensor *tensors;
  int64_t count;
} SinterPrepared;

/* What the compiler generates of the model for one target. */
typedef struct SinterVariant {
  /* Calls the model: (context, workspace's descriptor, inputs' descriptors,
     results' descriptors one after the other). */
  void (*entry)(void *context, void *workspace, void **inputs, void *results);
  int64_t (*workspace)(void **inputs); /* NULL: none needed */
  const SinterRequirement *requirements;
  const SinterKernelInfo *kernels; /* calls that are measured */
  int64_t kernelCount;
  const SinterPrepared *prepared; /* NULL: nothing */

  const SinterDriver *driver; /* NULL: all of it runs on the CPU */
  const void *weights;        /* that kernels on the device read */
  int64_t weightsBytes;
  int64_t capability; /* CUDA's, times ten: the least that the code needs */
} SinterVariant;

/* The device files' part in contexts and runs. A driver begins with its address, so that libraries
   without a device need none of them. */
typedef struct SinterDeviceHooks {
  /* Is there a device that can run the variant? */
  SinterStatus (*find)(const SinterVariant *, const SinterContextOptions *);
  /* A failure leaves its words in the options, as `find` does. */
  SinterStatus (*open)(SinterContext *);
  void (*close)(SinterContext *);
  const char *(*name)(const SinterContext *);
  bool (*takes)(const SinterContext *, const DLTensor *); /* tensors in the device's memory */

  /* Memory of the context that the model uses; without memory for the note false. */
  bool (*add)(SinterContext *, const void *host, size_t bytes);
  void (*remove)(SinterContext *, const void *host);

  /* Does the run as a captured one, if it is one; else false. */
  bool (*replay)(SinterContext *, const DLTensor *inputs, const DLTensor *outputs, SinterStatus *);
  /* Around a run. `begin` notes the callers' tensors; `end` waits for the device. */
  SinterStatus (*begin)(SinterContext *, const DLTensor *inputs, const DLTensor *outputs);
  SinterStatus (*end)(SinterContext *);
  /* Where the host program finds an input (or, after them, an output). */
  void *(*address)(SinterContext *, int32_t tensor, const DLTensor *);
  /* Has the model written an output on the device already? */
  bool (*isDelivered)(const SinterContext *, int32_t output);
  /* Brings a result that is at its address in the host's memory to an output on the device. */
  SinterStatus (*deliver)(SinterContext *, int32_t output, const DLTensor *);
  /* Brings memory of the context that the device has written to the host. */
  SinterStatus (*fetch)(SinterContext *, void *host, size_t bytes);
} SinterDeviceHooks;

static inline const SinterDeviceHooks *hooksOf(const SinterDriver *driver) {
  return *(const SinterDeviceHooks *const *)driver;
}

/* What SinterModel.internal points to. */
typedef struct SinterInternal {
  int32_t variants;
  const SinterVariant *const *variant; /* the fastest first */

  /* Of a training library: numbers of the states that the model takes after its
     inputs, and gives after its outputs. */
  const SinterTraining *training; /* NULL: none */
  const int32_t *stateInputs, *stateOutputs;
  int32_t stateInputCount, stateOutputCount;
} SinterInternal;

/* On which sides the values of a tensor are: of a training's state, between runs. */
enum StateSide { stateOnHost = 1, stateOnDevice = 2 };

/* Where one tensor of the state is; both halves are one if no step changes it. */
typedef struct StatePlace {
  size_t bytes;
  void *half[2];
  uint8_t sides[2]; /* StateSide */
} StatePlace;

typedef struct SinterState {
  StatePlace *places; /* begins the allocation; NULL: not allocated yet */
  size_t bytes;
  int32_t current; /* the half that holds the values */
} SinterState;

struct SinterContext {
  SinterThread self; /* must be first */

  const SinterModel *model;
  const SinterVariant *variant; /* that this CPU, and device, run */
  SinterDevice *device;         /* NULL: none */
  SinterContextOptions options;
  size_t bytes; /* of this allocation */
  int32_t threads;
  SinterThread *thread; /* slots 1 ... threads - 1; slot 0 is `self` */
  pthread_t *handles;
  TaskRange *ranges;
  Job job;
  Pool pool;
  bool parallel; /* inside a parallel loop */
  ScratchPeak scratchPeak;

  void *workspace;
  size_t workspaceBytes;
  void *ownWorkspace;
  size_t ownWorkspaceBytes;
  Arena results;        /* sinter_rt_alloc */
  Arena earlierResults; /* those of the run before, while this one reads them */

  /* Symbolic dimensions: symbol[i] is the number of the i-th input or output
     dimension's name, or -1; value[symbol] its size in this run, or -1. */
  int32_t *symbol;
  int32_t symbols;
  int64_t *value;
  int32_t *valueInput; /* the input that gave the value */

  int64_t *descriptors; /* MLIR's memref descriptors of the inputs */
  void **descriptorOf;
  int64_t *resultDescriptors;
  int64_t *shapes;                 /* of the outputs: shape, then strides */
  DLTensor *outputs;               /* during a run: the caller's, for sinter_rt_output */
  uint64_t outputsDirect;          /* bit i: output i may be written in place */
  const SinterPrepared *preparing; /* while these, not outputs, are computed */

  SinterState state;
  SinterContext *owner;      /* of the state that the model runs on */
  SinterAllReduce allReduce; /* NULL: one process */
  SinterAllReduceEnd allReduceEnd;
  void *allReduceUser;

  SinterKernelTotals *totals; /* of each call that is measured */

  _Atomic bool failed;
  SinterStatus status;
  char error[1024];
};

/* cpu.c: the first that this CPU, and a device here, can run; or why there is none. */
SinterStatus sinterChooseVariant(const SinterInternal *, const SinterContextOptions *,
                                 const SinterVariant **);

/* memory.c */
void *sinterAllocate(SinterContext *, size_t bytes, size_t alignment);
void sinterDeallocate(SinterContext *, void *, size_t bytes);
/* Memory for the model, also known to the context's device, if it has one. */
void *sinterAllocateShared(SinterContext *, size_t bytes, size_t alignment);
void sinterDeallocateShared(SinterContext *, void *, size_t bytes);
SinterStatus sinterShareMemory(SinterContext *, const void *, size_t bytes);
void *sinterDefaultAllocate(void *user, size_t bytes, size_t alignment);
void sinterDefaultDeallocate(void *user, void *memory, size_t bytes);
void *sinterArenaPush(SinterContext *, Arena *, size_t bytes);
void sinterArenaPop(SinterContext *, Arena *, void *memory);
void sinterArenaReset(SinterContext *, Arena *);
void sinterArenaFree(SinterContext *, Arena *);
bool sinterArenaHolds(const Arena *, const void *memory);
/* Gives each thread the scratch memory that any has needed: after a run, equal ones allocate
   nothing, however their tasks fall to the threads. */
void sinterScratchReserve(SinterContext *);

/* check.c: each returns a status, and leaves the words in the context. */
SinterStatus sinterCheckInputs(SinterContext *, const DLTensor *, int32_t count, bool data);
SinterStatus sinterCheckOutputs(SinterContext *, const DLTensor *, int32_t count);
SinterStatus sinterCheckResult(SinterContext *, int32_t output, const DLTensor *given,
                               const int64_t *dims);
SinterStatus sinterError(SinterContext *, SinterStatus, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of a context that can't be created: adds to the words that the caller's options receive. */
void sinterCreateError(const SinterContextOptions *, const char *words);

/* threads.c */
void sinterParallelFor(SinterThread *, TaskFunction, void *closure, int64_t count);
void sinterPoolStop(SinterContext *);
/* Sleeps while *word is `value`, or wakes all who do. */
void sinterFutexWait(_Atomic uint32_t *word, uint32_t value);
void sinterFutexWake(_Atomic uint32_t *word, uint32_t count);
int32_t sinterCores(void);

/* run.c */
SinterStatus sinterPrepare(SinterContext *, const DLTensor *, int32_t);
SinterStatus sinterWorkspaceSize(SinterContext *, const DLTensor *, int32_t, size_t *);
SinterStatus sinterRun(SinterContext *, const DLTensor *, int32_t, DLTensor *, int32_t);

/* prepared.c */
/* Makes sure that what the model makes of its weights is there, for all contexts. */
SinterStatus sinterPreparedEnsure(SinterContext *);

/* train.c */
/* Makes sure that a training's state is there; of other models, nothing. */
SinterStatus sinterStateEnsure(SinterContext *);
/* A tensor of the state, as it is or as the step writes it. */
void *sinterStateMemory(SinterContext *, int32_t index, bool next);
/* Where its values are, likewise. */
uint8_t *sinterStateSides(SinterContext *, int32_t index, bool next);
/* Brings it to the host for one who may read and write it there. */
SinterStatus sinterStateToHost(SinterContext *, int32_t index, bool next);
void sinterStateFree(SinterContext *);

/* Called by host code, kernels and Halide; any thread of the context. */
/* Fails with a message unless two sizes fit; `need` is a SinterNeed. */
void sinter_rt_require(SinterContext *, int64_t lhs, int64_t rhs, int32_t need, const char *what);
void sinter_rt_fail(SinterContext *, int32_t status, const char *message) __attribute__((noreturn));
void *sinter_rt_alloc(SinterContext *, int64_t bytes);
void *sinter_rt_output(SinterContext *, int32_t index, int64_t bytes);
void *sinter_rt_scratch_alloc(SinterContext *, int64_t bytes);
void sinter_rt_scratch_free(SinterContext *, void *memory);
int64_t sinter_rt_profile_now(void);
void sinter_rt_profile_add(SinterContext *, int64_t entry, int64_t nanoseconds, int64_t operations,
                           int64_t bytes);
void sinter_rt_parallel_for(SinterContext *, TaskFunction, void *closure, int64_t count);

/* runtime/device. Addresses are the host's; each has its place on the device. An input or a result
   is known by its number, too: those of the state come after the caller's. */
void sinter_rt_input_to_host(SinterContext *, int64_t input, void *host, int64_t bytes);
void sinter_rt_input_to_device(SinterContext *, int64_t input, void *host, int64_t bytes);
void sinter_rt_result_to_host(SinterContext *, int64_t result, void *host, int64_t bytes);
void sinter_rt_to_host(SinterContext *, void *host, int64_t bytes);
void sinter_rt_to_device(SinterContext *, void *host, int64_t bytes);
void sinter_rt_device_copy(SinterContext *, void *to, const void *from, int64_t bytes);
/* Sizes and strides in elements. */
void sinter_rt_device_copy_strided(SinterContext *, void *to, const void *from,
                                   int64_t elementBytes, int64_t rank, const int64_t *sizes,
                                   const int64_t *toStrides, const int64_t *fromStrides);

static inline SinterThread *threadOf(SinterContext *context) { return (SinterThread *)context; }

static inline int64_t elementBytes(DLDataType type) { return (type.bits * type.lanes + 7) / 8; }

static inline int64_t tensorBytes(const DLTensor *tensor) {
  int64_t bytes = elementBytes(tensor->dtype);
  for (int32_t d = 0; d < tensor->ndim; ++d)
    bytes *= tensor->shape[d];
  return bytes;
}

#endif /* SINTER_RUNTIME_INTERNAL_H */
