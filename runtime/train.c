/*===- train.c - the state of a training ----------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* One block holds all: tensors that no step changes, then two halves with a  *|
|* place for each of the others. A step reads one half and writes the other,  *|
|* so that a kernel may write a new value while others still read the old     *|
|* one, and nothing has to be copied.                                         *|
\*===----------------------------------------------------------------------===*/

#include "runtime/include/sinter/initialize.h"
#include "runtime/internal.h"

static size_t align64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static const SinterTraining *trainingOf(const SinterContext *context) {
  return ((const SinterInternal *)context->model->internal)->training;
}

static int64_t elementsOf(const SinterTensorInfo *info) {
  int64_t count = 1;
  for (int32_t d = 0; d < info->rank; ++d)
    count *= info->dims[d];
  return count;
}

static size_t bytesOf(const SinterTensorInfo *info) {
  return (size_t)(elementsOf(info) * elementBytes(info->dtype));
}

static bool isUpdated(const SinterTraining *training, int32_t state) {
  const SinterInternal *step = (const SinterInternal *)training->train_step->internal;
  for (int32_t i = 0; i < step->stateOutputCount; ++i)
    if (step->stateOutputs[i] == state)
      return true;
  return false;
}

/* The table of places, then the block. */
static SinterStatus allocate(SinterContext *context) {
  const SinterTraining *training = trainingOf(context);
  SinterState *state = &context->state;
  size_t fixed = 0, half = 0, table = align64((size_t)training->state_count * sizeof(StatePlace));
  for (int32_t i = 0; i < training->state_count; ++i) {
    size_t bytes = align64(bytesOf(&training->states[i].tensor));
    if (isUpdated(training, i))
      half += bytes;
    else
      fixed += bytes;
  }
  state->bytes = table + fixed + 2 * half;
  char *memory = (char *)sinterAllocateShared(context, state->bytes, 64);
  if (!memory)
    return sinterError(context, SINTER_OUT_OF_MEMORY, "out of memory: no %zu bytes for the state",
                       state->bytes);
  memset(memory, 0, state->bytes);
  state->places = (StatePlace *)memory;
  char *constant = memory + table, *first = constant + fixed;
  for (int32_t i = 0; i < training->state_count; ++i) {
    size_t bytes = bytesOf(&training->states[i].tensor);
    bool updated = isUpdated(training, i);
    char **at = updated ? &first : &constant;
    state->places[i].bytes = bytes;
    state->places[i].half[0] = *at;
    state->places[i].half[1] = updated ? *at + half : *at;
    *at += align64(bytes);
  }
  state->current = 0;
  return SINTER_OK;
}

static void initialize(SinterContext *context, uint64_t seed) {
  const SinterTraining *training = trainingOf(context);
  for (int32_t i = 0; i < training->state_count; ++i) {
    const SinterStateInfo *info = &training->states[i];
    void *memory = sinterStateMemory(context, i, false);
    *sinterStateSides(context, i, false) = stateOnHost;
    bool counts = info->kind == SINTER_STEP || info->kind == SINTER_SAMPLE;
    if (counts || info->kind == SINTER_SEED)
      *(int64_t *)memory = counts ? 0 : (int64_t)seed;
    else
      sinter_rt_initialize(&info->initializer, info->tensor.rank, info->tensor.dims, seed,
                           (float *)memory);
  }
}

SinterStatus sinterStateEnsure(SinterContext *context) {
  if (!trainingOf(context) || context->owner->state.places)
    return SINTER_OK;
  SinterStatus status = allocate(context->owner);
  if (status && context != context->owner)
    memcpy(context->error, context->owner->error, sizeof context->error);
  if (!status)
    initialize(context->owner, 0);
  return status;
}

void *sinterStateMemory(SinterContext *context, int32_t index, bool next) {
  SinterState *state = &context->owner->state;
  return state->places[index].half[next ? !state->current : state->current];
}

uint8_t *sinterStateSides(SinterContext *context, int32_t index, bool next) {
  SinterState *state = &context->owner->state;
  StatePlace *place = &state->places[index];
  bool one = place->half[0] == place->half[1];
  return &place->sides[one ? 0 : next ? !state->current : state->current];
}

SinterStatus sinterStateToHost(SinterContext *context, int32_t index, bool next) {
  SinterContext *owner = context->owner;
  uint8_t *sides = sinterStateSides(context, index, next);
  SinterStatus status = SINTER_OK;
  if (!(*sides & stateOnHost))
    status = hooksOf(owner->variant->driver)
                 ->fetch(owner, sinterStateMemory(context, index, next),
                         owner->state.places[index].bytes);
  if (!status)
    *sides = stateOnHost;
  else if (context != owner)
    memcpy(context->error, owner->error, sizeof context->error);
  return status;
}

void sinterStateFree(SinterContext *context) {
  sinterDeallocateShared(context, context->state.places, context->state.bytes);
}

/*===- The public functions -------------------------------------------------===*/

__attribute__((visibility("hidden"))) SinterStatus sinter_rt_train_init(SinterContext *context,
                                                                        uint64_t seed) {
  if (!context)
    return SINTER_INVALID_ARGUMENT;
  SinterStatus status = sinterStateEnsure(context);
  if (!status)
    initialize(context, seed);
  return status;
}

__attribute__((visibility("hidden"))) SinterStatus
sinter_rt_train_state(SinterContext *context, int32_t index, DLTensor *tensor) {
  if (!context || !tensor)
    return SINTER_INVALID_ARGUMENT;
  const SinterTraining *training = trainingOf(context);
  if (index < 0 || index >= training->state_count)
    return sinterError(context, SINTER_INVALID_COUNT, "model '%s': there is no state %d of %d",
                       context->model->name, index, training->state_count);
  SinterStatus status = sinterStateEnsure(context);
  if (status || (status = sinterStateToHost(context, index, false)))
    return status;
  const SinterTensorInfo *info = &training->states[index].tensor;
  *tensor =
      sinter_tensor(sinterStateMemory(context, index, false), info->dtype, info->rank, info->dims);
  return SINTER_OK;
}

__attribute__((visibility("hidden"))) SinterStatus sinter_rt_train_share(SinterContext *context,
                                                                         SinterContext *owner) {
  if (!context || !owner)
    return SINTER_INVALID_ARGUMENT;
  if (trainingOf(context) != trainingOf(owner))
    return sinterError(context, SINTER_INVALID_ARGUMENT,
                       "model '%s': the state's owner is of another library", context->model->name);
  if (context->variant->driver != owner->owner->variant->driver ||
      context->options.device != owner->owner->options.device)
    return sinterError(context, SINTER_INVALID_ARGUMENT,
                       "model '%s': the state's owner runs on another device",
                       context->model->name);
  sinterStateFree(context);
  memset(&context->state, 0, sizeof context->state);
  context->owner = owner->owner;
  return SINTER_OK;
}

__attribute__((visibility("hidden"))) SinterStatus
sinter_rt_train_set_all_reduce(SinterContext *context, SinterAllReduce begin,
                               SinterAllReduceEnd end, void *user) {
  if (!context)
    return SINTER_INVALID_ARGUMENT;
  context->allReduce = begin;
  context->allReduceEnd = end;
  context->allReduceUser = user;
  return SINTER_OK;
}

static const char notTogether[] = "the processes' gradients can't be brought together";

void sinter_rt_all_reduce_begin(SinterContext *caller, void *numbers, int64_t count,
                                bool isFloat32) {
  SinterContext *context = threadOf(caller)->context;
  if (context->allReduce &&
      (!isFloat32 || context->allReduce(context->allReduceUser, (float *)numbers, count) != 0))
    sinter_rt_fail(caller, SINTER_MODEL_ERROR, notTogether);
}

void sinter_rt_all_reduce_end(SinterContext *caller, void *numbers) {
  SinterContext *context = threadOf(caller)->context;
  if (context->allReduceEnd && context->allReduceEnd(context->allReduceUser, (float *)numbers) != 0)
    sinter_rt_fail(caller, SINTER_MODEL_ERROR, notTogether);
}
