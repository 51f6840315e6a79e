/*===- sinter/model.h - the C interface of a compiled model ---------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* A model is one shared library that needs nothing but libc and libm. All    *|
|* that it offers hangs on one table:                                         *|
|*                                                                            *|
|*   const SinterModel *model = sinter_model();   or, when several models are *|
|*   const SinterModel *model = NAME_model();     linked into one program     *|
|*                                                                            *|
|*   SinterContext *context;                                                  *|
|*   model->context_create(model, NULL, &context);                            *|
|*   model->run(context, inputs, n, outputs, m);                              *|
|*   model->context_destroy(context);                                         *|
|*                                                                            *|
|* The table and the weights are read-only and shared; a context belongs to   *|
|* one thread at a time. No function aborts or prints: each returns a status, *|
|* and `last_error` tells the rest in words.                                  *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_MODEL_H
#define SINTER_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows with every incompatible change. Structs grow only at their end, and
   carry their size, so that a program and a model may differ in age. */
#define SINTER_ABI_VERSION 2

/*===- Tensors --------------------------------------------------------------===*\
|* DLPack's, binary compatible with its versions 0.x and 1.x. A program that    *|
|* uses dlpack.h itself includes it before this header.                         *|
\*===------------------------------------------------------------------------===*/

#if !defined(DLPACK_DLPACK_H_) && !defined(DLPACK_VERSION) && !defined(DLPACK_MAJOR_VERSION)

typedef enum {
  kDLCPU = 1,
  kDLCUDA = 2,
  kDLCUDAHost = 3,
  kDLOpenCL = 4,
} DLDeviceType;

typedef struct {
  DLDeviceType device_type;
  int32_t device_id;
} DLDevice;

typedef enum {
  kDLInt = 0U,
  kDLUInt = 1U,
  kDLFloat = 2U,
  kDLOpaqueHandle = 3U,
  kDLBfloat = 4U,
  kDLComplex = 5U,
  kDLBool = 6U,
} DLDataTypeCode;

typedef struct {
  uint8_t code; /* DLDataTypeCode */
  uint8_t bits;
  uint16_t lanes; /* 1 */
} DLDataType;

typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL: dense, last dimension innermost */
  uint64_t byte_offset;
} DLTensor;

#endif

/* A dense tensor in the caller's memory. */
static inline DLTensor sinter_tensor(const void *data, DLDataType dtype, int32_t rank,
                                     const int64_t *shape) {
  DLTensor tensor;
  tensor.data = (void *)data;
  tensor.device.device_type = kDLCPU;
  tensor.device.device_id = 0;
  tensor.ndim = rank;
  tensor.dtype = dtype;
  tensor.shape = (int64_t *)shape;
  tensor.strides = NULL;
  tensor.byte_offset = 0;
  return tensor;
}

/* Type and shape of one input or output, as the model declares it. */
typedef struct SinterTensorInfo {
  const char *name;
  DLDataType dtype;
  int32_t rank;
  const int64_t *dims;          /* -1: any size */
  const char *const *dim_names; /* "" without a name; dimensions of one name
                                   have one size in a run */
} SinterTensorInfo;

/*===- Status ---------------------------------------------------------------===*/

typedef int32_t SinterStatus;
enum {
  SINTER_OK = 0,
  SINTER_INVALID_ARGUMENT = 1,    /* a null table, context or option */
  SINTER_INVALID_COUNT = 2,       /* number of inputs or outputs */
  SINTER_INVALID_TYPE = 3,        /* element type */
  SINTER_INVALID_SHAPE = 4,       /* rank, size, or named sizes that differ */
  SINTER_INVALID_STRIDES = 5,     /* not dense row-major */
  SINTER_INVALID_DEVICE = 6,      /* not in the memory that the model runs in */
  SINTER_NULL_DATA = 7,           /* a tensor without memory or shape */
  SINTER_MISALIGNED = 8,          /* address not a multiple of the element */
  SINTER_WORKSPACE_TOO_SMALL = 9, /* the caller's */
  SINTER_OUT_OF_MEMORY = 10,
  SINTER_MODEL_ERROR = 11, /* the model's own failure: an index out of range */
  SINTER_INTERNAL = 12,    /* a bug in Sinter */
  SINTER_UNSUPPORTED_CPU =
      13,                  /* lacks instructions of the target(s) that the model was compiled for */
  SINTER_NO_DEVICE = 14,   /* no driver, or no device that the model was compiled for */
  SINTER_DEVICE_ERROR = 15 /* the device or its driver failed */
};

/*===- Contexts -------------------------------------------------------------===*/

/* What one thread needs to run a model: workspace, worker threads, last error. */
typedef struct SinterContext SinterContext;

typedef struct SinterContextOptions {
  size_t struct_size; /* sizeof(SinterContextOptions) */

  /* Number of threads that a run uses, the caller's included; 0: the cores that
     the process may use. Workers start with the first kernel that needs them. */
  int32_t threads;

  /* Memory; both or neither. `allocate` gives NULL when there is no more. */
  void *(*allocate)(void *user, size_t bytes, size_t alignment);
  void (*deallocate)(void *user, void *memory, size_t bytes);
  void *allocator_user;

  /* Runs task(closure, 0) ... task(closure, count - 1), in any order, on any
     threads, at the same time or not, and returns when all have ended. `count`
     is at most `threads`. NULL: the context's own workers. */
  void (*parallel_for)(void *user, void (*task)(void *closure, int64_t index), void *closure,
                       int64_t count);
  void *parallel_user;

  /* Of a model that was compiled for a GPU or OpenCL; others take no notice.

     Which device: CUDA's number, or OpenCL's, GPUs before others. */
  int32_t device;

  /* The caller's CUstream (of the device's primary context) or cl_command_queue (in order), which
     the context then uses in place of one of its own; it decides the device of OpenCL. */
  void *stream;

  /* Receives in words, of at most error_bytes with the zero at their end, why no context could be
     created, as a driver puts it; "" when one was. NULL: not wanted. */
  char *error;
  size_t error_bytes;

  /* 1: a run on a GPU always launches its kernels one by one. 0: the third run in a row on the same
     tensors (addresses and shapes), or a later one if memory still grew, and all that follow are
     one launch of a captured graph, where the device has such and the model's host program looks at
     no tensor itself. */
  int32_t no_graph;
} SinterContextOptions;

/*===- The model ------------------------------------------------------------===*/

typedef struct SinterModel SinterModel;
struct SinterModel {
  uint32_t abi_version; /* SINTER_ABI_VERSION of the compiler */
  uint32_t struct_size; /* sizeof(SinterModel) of the compiler */
  const char *name;
  const char *producer; /* "sinter 0.1.0" */
  const char *target;   /* that it was compiled for; "a,b" if it chooses */
  int32_t input_count;
  int32_t output_count;
  const SinterTensorInfo *inputs;
  const SinterTensorInfo *outputs;

  /* Creates a context. `options` may be NULL. Before any code that the CPU
     may not know, it compares the CPU with what the model was compiled for, and
     takes the fastest of several versions: SINTER_UNSUPPORTED_CPU if none fits. A version for a
     device fits where that device is: SINTER_NO_DEVICE if no other does.
     The first context of a process also computes what the model makes of its
     weights, as transformed filters are, for all that follow. */
  SinterStatus (*context_create)(const SinterModel *model, const SinterContextOptions *options,
                                 SinterContext **context);

  /* Ends the context's threads and frees its memory. NULL is fine. */
  void (*context_destroy)(SinterContext *context);

  /* Bytes of workspace that a run on inputs of these shapes needs. Data
     pointers are not looked at, and may be NULL. */
  SinterStatus (*workspace_size)(SinterContext *context, const DLTensor *inputs,
                                 int32_t input_count, size_t *bytes);

  /* Gives the context the caller's memory for its workspace, 64-byte aligned,
     until the next call; NULL: back to memory of its own. */
  SinterStatus (*set_workspace)(SinterContext *context, void *memory, size_t bytes);

  /* Allocates the workspace for these shapes now, not in the first run. */
  SinterStatus (*prepare)(SinterContext *context, const DLTensor *inputs, int32_t input_count);

  /* Runs the model once.

     Inputs are dense, row-major and aligned to their element; they are only
     read. An output with data == NULL is filled in: data, shape and strides
     belong to the context and hold until its next run, of which it may be an
     input. Otherwise the caller's memory, whose shape must be the result's,
     receives the result.

     A context on a device also takes tensors in the device's memory: device type kDLCUDA, or
     kDLOpenCL with shared virtual memory (clSVMAlloc). When `run` returns, all is done. */
  SinterStatus (*run)(SinterContext *context, const DLTensor *inputs, int32_t input_count,
                      DLTensor *outputs, int32_t output_count);

  /* What was wrong in the context's last call that failed; "" if none did. */
  const char *(*last_error)(const SinterContext *context);

  /* A status in words; of a context that could not be created, `options->error` has more. */
  const char *(*status_text)(SinterStatus status);

  const void *internal; /* the compiler's own */

  /* The device that runs the context's kernels, as its driver calls it; "": the CPU does. */
  const char *(*device_name)(const SinterContext *context);
};

/* The type of the functions that a model's library exports. */
typedef const SinterModel *(*SinterModelFunction)(void);

#ifdef __cplusplus
}
#endif

#endif /* SINTER_MODEL_H */
