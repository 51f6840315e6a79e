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
  SINTER_SEED = 4,      /* int64 scalar: what `init` was given */
  SINTER_SAMPLE = 5,    /* int64 scalar: which of all processes' samples of the step comes first
                           here; to be written before each step that shares its batch */
  SINTER_CARRIED = 6,   /* what a stateful layer keeps of a batch for the next one, which runs of
                           all three models make; zeros let it begin anew */
  SINTER_NOISE = 7      /* of the classes that a loss draws, the share that those up to each get:
                           not decreasing, the last one 1; to be written by who knows it */
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

/* Replaces numbers by their means over the processes of a training, or begins to. Not 0:
   it failed. */
typedef int32_t (*SinterAllReduce)(void *user, float *numbers, int64_t count);
/* Returns when these numbers, which begin so, have been replaced; NULL: all that were begun. */
typedef int32_t (*SinterAllReduceEnd)(void *user, float *numbers);

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

  /* One tensor of the state, to be read or written until the next run. Its memory is
     another after each train step, of which two halves take turns: a step that
     fails leaves the state as it was. The other models change none of it but
     SINTER_CARRIED. Of a training on a device, this brings the tensor to the
     host, and the next run takes it back; the others stay there. */
  SinterStatus (*state)(SinterContext *context, int32_t index, DLTensor *tensor);

  /* Lets `context`, of any of the three models, use the state of `owner`, which
     must outlive it. SINTER_INVALID_ARGUMENT where the owner is of another library, or
     runs on another device. */
  SinterStatus (*share)(SinterContext *context, SinterContext *owner);

  /* Has a train step call `begin` for its gradients, some at a time, as soon as they are
     there, in the same order in every process, and `end` before the optimizer sees them;
     what was begun may go on meanwhile on another thread. `end` NULL: `begin` does it at
     once. `begin` NULL: one process. The step runs in the thread that both are called from.
     Only a step that was compiled with --data-parallel calls them, as `description` says. */
  SinterStatus (*set_all_reduce)(SinterContext *context, SinterAllReduce begin,
                                 SinterAllReduceEnd end, void *user);
} SinterTraining;

/* The type of the functions that a training library exports: sinter_training, and
   NAME_training when several are linked into one program. */
typedef const SinterTraining *(*SinterTrainingFunction)(void);

#ifdef __cplusplus
}
#endif

#endif /* SINTER_TRAIN_H */
