/* The model 'cifar10_cnn', compiled by Sinter. Generated: changes are lost.
   The C interface comes first; the model's own functions stand at the end. */

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
#define SINTER_ABI_VERSION 1

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
      13 /* lacks instructions of the target(s) that the model was compiled for */
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
     takes the fastest of several versions: SINTER_UNSUPPORTED_CPU if none fits. */
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
     belong to the context and hold until its next run. Otherwise the caller's
     memory, whose shape must be the result's, receives the result. */
  SinterStatus (*run)(SinterContext *context, const DLTensor *inputs, int32_t input_count,
                      DLTensor *outputs, int32_t output_count);

  /* What was wrong in the context's last call that failed; "" if none did. */
  const char *(*last_error)(const SinterContext *context);

  /* A status in words, for contexts that could not be created. */
  const char *(*status_text)(SinterStatus status);

  const void *internal; /* the compiler's own */
};

/* The type of the functions that a model's library exports. */
typedef const SinterModel *(*SinterModelFunction)(void);

#ifdef __cplusplus
}
#endif

#endif /* SINTER_MODEL_H */

/*===- sinter/train.h - the C interface of a training library -------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* `sinter compile --train` makes one library of three models that share      *|
|* their state (parameters, the optimizer's variables, the step's number):    *|
|*                                                                            *|
|*   const SinterTraining *training = sinter_training();                      *|
|*   const SinterModel *train = training->train_step;                         *|
|*                                                                            *|
|*   train->context_create(train, NULL, &context);                            *|
|*   training->init(context, 1);                                              *|
|*   train->run(context, (DLTensor[]){x, target, rate}, 3, &loss, 1);         *|
|*                                                                            *|
|* Each model is used as sinter/model.h says. The state lives in the context  *|
|* of whoever trains; others `share` it, and run when it does not.            *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_TRAIN_H
#define SINTER_TRAIN_H

#ifndef SINTER_MODEL_H
#include "model.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t SinterStateKind;
enum {
  SINTER_PARAMETER = 0,
  SINTER_OPTIMIZER = 1, /* a variable that the optimizer keeps for a parameter */
  SINTER_STATISTIC = 2, /* what batch normalization gathers */
  SINTER_STEP = 3,      /* int64 scalar: steps that were done */
  SINTER_SEED = 4       /* int64 scalar: what `init` was given */
};

typedef int32_t SinterInitialization;
enum {
  SINTER_INIT_CONSTANT = 0,         /* a */
  SINTER_INIT_UNIFORM = 1,          /* from a to b */
  SINTER_INIT_NORMAL = 2,           /* mean a, standard deviation b */
  SINTER_INIT_TRUNCATED_NORMAL = 3, /* the same, cut at two deviations */
  SINTER_INIT_ORTHOGONAL = 4,       /* orthonormal rows or columns, times a */
  SINTER_INIT_VALUES = 5            /* those that the model came with */
};

/* The first value of a tensor. Random numbers are Philox 4x32-10's, with the seed
   as its key and `stream` in its counter: the same on every machine. */
typedef struct SinterInitializer {
  SinterInitialization kind;
  double a, b;
  uint64_t stream;
  const void *values;
} SinterInitializer;

/* One tensor of the state; all its dims are constant. */
typedef struct SinterStateInfo {
  SinterTensorInfo tensor; /* "dense/kernel"; of its optimizer "dense/kernel/m" */
  SinterStateKind kind;
  SinterInitializer initializer;
} SinterStateInfo;

/* Replaces numbers by their means over the processes of a training. Not 0: it failed. */
typedef int32_t (*SinterAllReduce)(void *user, float *numbers, int64_t count);

typedef struct SinterTraining {
  uint32_t abi_version; /* SINTER_ABI_VERSION of the compiler */
  uint32_t struct_size; /* sizeof(SinterTraining) of the compiler */

  /* inputs…, target, learning_rate → loss, metrics…; makes the next state. */
  const SinterModel *train_step;
  /* inputs…, target → loss, metrics…, the model's outputs… */
  const SinterModel *eval_step;
  /* inputs… → the model's outputs… */
  const SinterModel *forward;

  int32_t state_count;
  const SinterStateInfo *states;
  const char *description; /* loss, optimizer, metrics …, a JSON object */

  /* Gives the whole state its first value. A context that was given none begins
     with seed 0. SINTER_OUT_OF_MEMORY if there is none for the state, which only
     the first use of a context allocates. */
  SinterStatus (*init)(SinterContext *context, uint64_t seed);

  /* One tensor of the state, to be read or written between steps. Its memory is
     another after each train step, of which two halves take turns: a step that
     fails leaves the state as it was. */
  SinterStatus (*state)(SinterContext *context, int32_t index, DLTensor *tensor);

  /* Lets `context`, of any of the three models, use the state of `owner`, which
     must outlive it. */
  SinterStatus (*share)(SinterContext *context, SinterContext *owner);

  /* Has a train step call `function` for the gradients of each parameter, in the
     same order in every process, before the optimizer sees them. NULL: one process.
     Only a step that was compiled with --data-parallel calls it, as `description` says. */
  SinterStatus (*set_all_reduce)(SinterContext *context, SinterAllReduce function, void *user);
} SinterTraining;

/* The type of the functions that a training library exports: sinter_training, and
   NAME_training when several are linked into one program. */
typedef const SinterTraining *(*SinterTrainingFunction)(void);

#ifdef __cplusplus
}
#endif

#endif /* SINTER_TRAIN_H */

#ifndef SINTER_MODEL_CIFAR10_CNN_H
#define SINTER_MODEL_CIFAR10_CNN_H

#ifdef __cplusplus
extern "C" {
#endif

/* The table of this model. */
const SinterModel *cifar10_cnn_model(void);

/* A context with `threads` threads; 0: all cores. */
static inline SinterStatus cifar10_cnn_create(int32_t threads, SinterContext **context) {
  SinterContextOptions options = {sizeof(SinterContextOptions), threads, NULL, NULL, NULL, NULL, NULL};
  return cifar10_cnn_model()->context_create(cifar10_cnn_model(), &options, context);
}

static inline void cifar10_cnn_destroy(SinterContext *context) {
  cifar10_cnn_model()->context_destroy(context);
}

/* The table of this training. Its state, by number:

   0: 'step', int64 []
   1: 'conv2d/kernel', float32 [3, 3, 3, 32]
   2: 'conv2d/bias', float32 [32]
   3: 'conv2d_1/kernel', float32 [3, 3, 32, 64]
   4: 'conv2d_1/bias', float32 [64]
   5: 'conv2d_2/kernel', float32 [3, 3, 64, 64]
   6: 'conv2d_2/bias', float32 [64]
   7: 'dense/kernel', float32 [1024, 64]
   8: 'dense/bias', float32 [64]
   9: 'dense_1/kernel', float32 [64, 10]
   10: 'dense_1/bias', float32 [10]
   11: 'conv2d/kernel/m', float32 [3, 3, 3, 32]
   12: 'conv2d/kernel/v', float32 [3, 3, 3, 32]
   13: 'conv2d/bias/m', float32 [32]
   14: 'conv2d/bias/v', float32 [32]
   15: 'conv2d_1/kernel/m', float32 [3, 3, 32, 64]
   16: 'conv2d_1/kernel/v', float32 [3, 3, 32, 64]
   17: 'conv2d_1/bias/m', float32 [64]
   18: 'conv2d_1/bias/v', float32 [64]
   19: 'conv2d_2/kernel/m', float32 [3, 3, 64, 64]
   20: 'conv2d_2/kernel/v', float32 [3, 3, 64, 64]
   21: 'conv2d_2/bias/m', float32 [64]
   22: 'conv2d_2/bias/v', float32 [64]
   23: 'dense/kernel/m', float32 [1024, 64]
   24: 'dense/kernel/v', float32 [1024, 64]
   25: 'dense/bias/m', float32 [64]
   26: 'dense/bias/v', float32 [64]
   27: 'dense_1/kernel/m', float32 [64, 10]
   28: 'dense_1/kernel/v', float32 [64, 10]
   29: 'dense_1/bias/m', float32 [10]
   30: 'dense_1/bias/v', float32 [10]
*/
const SinterTraining *cifar10_cnn_training(void);

/* Gives the whole state of a context its first value. */
static inline SinterStatus cifar10_cnn_init(SinterContext *context, uint64_t seed) {
  return cifar10_cnn_training()->init(context, seed);
}

/* A context for cifar10_cnn_eval_step that runs on the state of `trainer`, which must outlive it. */
static inline SinterStatus cifar10_cnn_eval_create(SinterContext *trainer, int32_t threads,
    SinterContext **context) {
  SinterContextOptions options = {sizeof(SinterContextOptions), threads, NULL, NULL, NULL, NULL, NULL};
  const SinterModel *model = cifar10_cnn_training()->eval_step;
  SinterStatus status = model->context_create(model, &options, context);
  return status ? status : cifar10_cnn_training()->share(*context, trainer);
}

/* A context for cifar10_cnn_forward that runs on the state of `trainer`, which must outlive it. */
static inline SinterStatus cifar10_cnn_forward_create(SinterContext *trainer, int32_t threads,
    SinterContext **context) {
  SinterContextOptions options = {sizeof(SinterContextOptions), threads, NULL, NULL, NULL, NULL, NULL};
  const SinterModel *model = cifar10_cnn_training()->forward;
  SinterStatus status = model->context_create(model, &options, context);
  return status ? status : cifar10_cnn_training()->share(*context, trainer);
}

/* One step: forward, loss, backward, and the next state.

   input: input 'input', float32 [batch, 32, 32, 3]
   target: input 'target', int64 [batch]
   learning_rate: input 'learning_rate', float32 []
   loss: output 'loss', float32 []
   accuracy: output 'accuracy', float32 []

   All dense, row-major. Returns SINTER_OK, or a status that cifar10_cnn_training()->train_step->last_error(context)
   explains. */
static inline SinterStatus cifar10_cnn_train_step(SinterContext *context,
    const float *input,
    int64_t batch,
    const int64_t *target,
    const float *learning_rate,
    float *loss,
    float *accuracy) {
  const SinterModel *model_ = cifar10_cnn_training()->train_step;
  DLTensor inputs_[3], outputs_[2];
  int64_t inputs_shape0[] = {batch, 32, 32, 3};
  inputs_[0] = sinter_tensor(input, model_->inputs[0].dtype, 4, inputs_shape0);
  int64_t inputs_shape1[] = {batch};
  inputs_[1] = sinter_tensor(target, model_->inputs[1].dtype, 1, inputs_shape1);
  inputs_[2] = sinter_tensor(learning_rate, model_->inputs[2].dtype, 0, NULL);
  outputs_[0] = sinter_tensor(loss, model_->outputs[0].dtype, 0, NULL);
  outputs_[1] = sinter_tensor(accuracy, model_->outputs[1].dtype, 0, NULL);
  if (!loss) return SINTER_NULL_DATA;
  if (!accuracy) return SINTER_NULL_DATA;
  SinterStatus status_ = model_->run(context, inputs_, 3, outputs_, 2);
  return status_;
}

/* Loss and outputs of a batch; the state stays.

   input: input 'input', float32 [batch, 32, 32, 3]
   target: input 'target', int64 [batch]
   loss: output 'loss', float32 []
   accuracy: output 'accuracy', float32 []
   output: output 'output', float32 [batch, 10]

   All dense, row-major. Returns SINTER_OK, or a status that cifar10_cnn_training()->eval_step->last_error(context)
   explains. */
static inline SinterStatus cifar10_cnn_eval_step(SinterContext *context,
    const float *input,
    int64_t batch,
    const int64_t *target,
    float *loss,
    float *accuracy,
    float *output) {
  const SinterModel *model_ = cifar10_cnn_training()->eval_step;
  DLTensor inputs_[2], outputs_[3];
  int64_t inputs_shape0[] = {batch, 32, 32, 3};
  inputs_[0] = sinter_tensor(input, model_->inputs[0].dtype, 4, inputs_shape0);
  int64_t inputs_shape1[] = {batch};
  inputs_[1] = sinter_tensor(target, model_->inputs[1].dtype, 1, inputs_shape1);
  outputs_[0] = sinter_tensor(loss, model_->outputs[0].dtype, 0, NULL);
  outputs_[1] = sinter_tensor(accuracy, model_->outputs[1].dtype, 0, NULL);
  int64_t outputs_shape2[] = {batch, 10};
  outputs_[2] = sinter_tensor(output, model_->outputs[2].dtype, 2, outputs_shape2);
  if (!loss) return SINTER_NULL_DATA;
  if (!accuracy) return SINTER_NULL_DATA;
  if (!output) return SINTER_NULL_DATA;
  SinterStatus status_ = model_->run(context, inputs_, 2, outputs_, 3);
  return status_;
}

/* Runs the model as it is trained so far.

   input: input 'input', float32 [batch, 32, 32, 3]
   output: output 'output', float32 [batch, 10]

   All dense, row-major. Returns SINTER_OK, or a status that cifar10_cnn_training()->forward->last_error(context)
   explains. */
static inline SinterStatus cifar10_cnn_forward(SinterContext *context,
    const float *input,
    int64_t batch,
    float *output) {
  const SinterModel *model_ = cifar10_cnn_training()->forward;
  DLTensor inputs_[1], outputs_[1];
  int64_t inputs_shape0[] = {batch, 32, 32, 3};
  inputs_[0] = sinter_tensor(input, model_->inputs[0].dtype, 4, inputs_shape0);
  int64_t outputs_shape0[] = {batch, 10};
  outputs_[0] = sinter_tensor(output, model_->outputs[0].dtype, 2, outputs_shape0);
  if (!output) return SINTER_NULL_DATA;
  SinterStatus status_ = model_->run(context, inputs_, 1, outputs_, 1);
  return status_;
}

#ifdef __cplusplus
}
#endif

#endif /* SINTER_MODEL_CIFAR10_CNN_H */
