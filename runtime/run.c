/*===- run.c - from DLPack to MLIR's memrefs and back ---------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* A memref descriptor is {allocated, aligned, offset, sizes[rank],           *|
|* strides[rank]}, each of 8 bytes.                                           *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

static void describe(int64_t *descriptor, const void *data, int32_t rank, const int64_t *shape) {
  descriptor[0] = descriptor[1] = (int64_t)(uintptr_t)data;
  descriptor[2] = 0;
  int64_t stride = 1;
  for (int32_t d = rank - 1; d >= 0; --d) {
    descriptor[3 + d] = shape[d];
    descriptor[3 + rank + d] = stride;
    stride *= shape[d];
  }
}

static const SinterInternal *internalOf(const SinterContext *context) {
  return (const SinterInternal *)context->model->internal;
}

static void describeInputs(SinterContext *context, const DLTensor *inputs) {
  for (int32_t i = 0; i < context->model->input_count; ++i)
    describe((int64_t *)context->descriptorOf[i],
             context->device ? hooksOf(context->variant->driver)->address(context, i, &inputs[i])
                             : (const char *)inputs[i].data + inputs[i].byte_offset,
             context->model->inputs[i].rank, inputs[i].shape);
}

/* The state that the model takes, which must be there. */
static void describeState(SinterContext *context) {
  const SinterInternal *internal = internalOf(context);
  for (int32_t i = 0; i < internal->stateInputCount; ++i) {
    int32_t state = internal->stateInputs[i];
    const SinterTensorInfo *info = &internal->training->states[state].tensor;
    describe((int64_t *)context->descriptorOf[context->model->input_count + i],
             sinterStateMemory(context, state, false), info->rank, info->dims);
  }
  for (int32_t i = 0; i < internal->stateOutputCount; ++i)
    *sinterStateSides(context, internal->stateOutputs[i], true) = stateOnHost;
}

/* `described` inputs have passed their check. */
static size_t workspaceBytes(SinterContext *context) {
  int64_t (*function)(void **) = context->variant->workspace;
  int64_t bytes = function ? function(context->descriptorOf) : 0;
  return bytes > 0 ? (size_t)bytes : 0;
}

/* Makes sure that the workspace, the caller's or the context's, is there. */
static SinterStatus ensureWorkspace(SinterContext *context, void **memory, size_t *bytes) {
  size_t need = workspaceBytes(context);
  if (context->workspace) {
    if (context->workspaceBytes < need)
      return sinterError(context, SINTER_WORKSPACE_TOO_SMALL,
                         "workspace: expected at least %zu bytes for inputs of "
                         "these shapes, given %zu",
                         need, context->workspaceBytes);
    *memory = context->workspace;
    *bytes = context->workspaceBytes;
    return SINTER_OK;
  }
  if (context->ownWorkspaceBytes < need) {
    sinterDeallocateShared(context, context->ownWorkspace, context->ownWorkspaceBytes);
    context->ownWorkspaceBytes = 0;
    context->ownWorkspace = sinterAllocateShared(context, need, 64);
    if (!context->ownWorkspace)
      return sinterError(context, SINTER_OUT_OF_MEMORY,
                         "out of memory: no %zu bytes for the workspace", need);
    context->ownWorkspaceBytes = need;
  }
  *memory = context->ownWorkspace;
  *bytes = context->ownWorkspaceBytes;
  return SINTER_OK;
}

SinterStatus sinterWorkspaceSize(SinterContext *context, const DLTensor *inputs, int32_t count,
                                 size_t *bytes) {
  if (!context || !bytes)
    return SINTER_INVALID_ARGUMENT;
  SinterStatus status = sinterCheckInputs(context, inputs, count, false);
  if (status)
    return status;
  describeInputs(context, inputs);
  *bytes = workspaceBytes(context);
  return SINTER_OK;
}

SinterStatus sinterPrepare(SinterContext *context, const DLTensor *inputs, int32_t count) {
  if (!context)
    return SINTER_INVALID_ARGUMENT;
  SinterStatus status = sinterCheckInputs(context, inputs, count, false);
  if (status)
    return status;
  describeInputs(context, inputs);
  if ((status = sinterStateEnsure(context)))
    return status;
  void *memory;
  size_t bytes;
  return ensureWorkspace(context, &memory, &bytes);
}

/*===- Outputs --------------------------------------------------------------===*/

static bool overlap(const DLTensor *a, const DLTensor *b) {
  uintptr_t x = (uintptr_t)a->data + a->byte_offset;
  uintptr_t y = (uintptr_t)b->data + b->byte_offset;
  return x < y + (uintptr_t)tensorBytes(b) && y < x + (uintptr_t)tensorBytes(a);
}

/* Which outputs the model may write to directly: those that share no memory
   with an input or another output. */
static uint64_t directOutputs(SinterContext *context, const DLTensor *inputs,
                              const DLTensor *outputs) {
  uint64_t direct = 0;
  int32_t count = context->model->output_count;
  for (int32_t i = 0; i < count && i < 64; ++i) {
    if (!outputs[i].data)
      continue;
    bool shared = false;
    for (int32_t j = 0; j < context->model->input_count && !shared; ++j)
      shared = overlap(&outputs[i], &inputs[j]);
    for (int32_t j = 0; j < count && !shared; ++j)
      shared = j != i && outputs[j].data && overlap(&outputs[i], &outputs[j]);
    if (!shared)
      direct |= (uint64_t)1 << i;
  }
  return direct;
}

static bool isDense(const int64_t *sizes, const int64_t *strides, int32_t rank) {
  int64_t dense = 1;
  for (int32_t d = rank - 1; d >= 0; --d) {
    if (sizes[d] != 1 && strides[d] != dense)
      return false;
    dense *= sizes[d];
  }
  return true;
}

/* Copies a strided result row by row. */
static char *copyStrided(char *to, const char *from, const int64_t *sizes, const int64_t *strides,
                         int32_t rank, int64_t element) {
  if (rank == 0) {
    memmove(to, from, (size_t)element);
    return to + element;
  }
  if (rank == 1 && strides[0] == 1) {
    memmove(to, from, (size_t)(sizes[0] * element));
    return to + sizes[0] * element;
  }
  for (int64_t i = 0; i < sizes[0]; ++i)
    to =
        copyStrided(to, from + i * strides[0] * element, sizes + 1, strides + 1, rank - 1, element);
  return to;
}

/* The state that came out, where no kernel has written it to its place; then it is
   the one that holds. A step's is a whole half; other models' is copied into the half
   that holds. */
static SinterStatus keepState(SinterContext *context, const int64_t *descriptor) {
  const SinterInternal *internal = internalOf(context);
  bool isStep = internal->training && context->model == internal->training->train_step;
  for (int32_t i = 0; i < internal->stateOutputCount; ++i) {
    int32_t state = internal->stateOutputs[i];
    const SinterTensorInfo *info = &internal->training->states[state].tensor;
    int64_t element = elementBytes(info->dtype);
    const char *data = (const char *)(uintptr_t)descriptor[1] + descriptor[2] * element;
    char *place = (char *)sinterStateMemory(context, state, true);
    if (data != place && *sinterStateSides(context, state, true) & stateOnHost)
      copyStrided(place, data, descriptor + 3, descriptor + 3 + info->rank, info->rank, element);
    if (!isStep) {
      SinterStatus status = sinterStateToHost(context, state, true);
      if (status)
        return status;
      memcpy(sinterStateMemory(context, state, false), place,
             context->owner->state.places[state].bytes);
      *sinterStateSides(context, state, false) = stateOnHost;
    }
    descriptor += 3 + 2 * info->rank;
  }
  if (isStep && internal->stateOutputCount)
    context->owner->state.current = !context->owner->state.current;
  return SINTER_OK;
}

static SinterStatus deliver(SinterContext *context, DLTensor *outputs) {
  const SinterDeviceHooks *hooks = context->device ? hooksOf(context->variant->driver) : NULL;
  const int64_t *descriptor = context->resultDescriptors;
  int64_t *shape = context->shapes;
  for (int32_t i = 0; i < context->model->output_count; ++i) {
    const SinterTensorInfo *info = &context->model->outputs[i];
    int32_t rank = info->rank;
    int64_t element = elementBytes(info->dtype);
    const int64_t *sizes = descriptor + 3, *strides = descriptor + 3 + rank;
    char *data = (char *)(uintptr_t)descriptor[1] + descriptor[2] * element;
    descriptor += 3 + 2 * rank;

    DLTensor *output = &outputs[i];
    bool own = !output->data;
    if (own) {
      for (int32_t d = 0; d < rank; ++d) {
        shape[d] = sizes[d];
        shape[rank + d] = strides[d];
      }
      output->data = data;
      output->device.device_type = kDLCPU;
      output->device.device_id = 0;
      output->ndim = rank;
      output->dtype = info->dtype;
      output->shape = shape;
      output->strides = shape + rank;
      output->byte_offset = 0;
    } else {
      SinterStatus status = sinterCheckResult(context, i, output, sizes);
      if (status)
        return status;
      if (!hooks || !hooks->isDelivered(context, i)) {
        char *to = hooks ? (char *)hooks->address(context, context->model->input_count + i, output)
                         : (char *)output->data + output->byte_offset;
        if (!isDense(sizes, strides, rank))
          copyStrided(to, data, sizes, strides, rank, element);
        else if (to != data)
          memmove(to, data, (size_t)tensorBytes(output));
        if (hooks && (status = hooks->deliver(context, i, output)))
          return status;
      }
    }
    shape += 2 * rank;
  }
  return keepState(context, descriptor);
}

/* An output that an earlier run has filled in still points to the context's
   memory: it is to be filled in again. */
static void forgetOwnOutputs(SinterContext *context, DLTensor *outputs) {
  int64_t *shape = context->shapes;
  for (int32_t i = 0; i < context->model->output_count; ++i) {
    if (outputs[i].shape == shape)
      outputs[i].data = NULL;
    shape += 2 * context->model->outputs[i].rank;
  }
}

/* Empties the memory for results; one of the last run that is an input of this stays. */
static void freeResults(SinterContext *context, const DLTensor *inputs) {
  for (int32_t i = 0; i < context->model->input_count; ++i)
    if (sinterArenaHolds(&context->results, inputs[i].data)) {
      Arena kept = context->results;
      context->results = context->earlierResults;
      context->earlierResults = kept;
      break;
    }
  sinterArenaReset(context, &context->results);
}

/*===- The run --------------------------------------------------------------===*/

void sinter_rt_fail(SinterContext *caller, int32_t status, const char *message) {
  SinterThread *thread = threadOf(caller);
  SinterContext *context = thread->context;
  if (!atomic_exchange(&context->failed, true)) {
    /* The first failure is the one that is told. */
    context->status = status > 0 ? status : SINTER_INTERNAL;
    snprintf(context->error, sizeof context->error, "model '%s': %s", context->model->name,
             message ? message : "failed");
  }
  longjmp(thread->escape, 1);
}

/* kernel.require's `need`. */
enum SinterNeed { needEqual = 0, needBroadcast = 1, needNonNegative = 2 };

void sinter_rt_require(SinterContext *caller, int64_t lhs, int64_t rhs, int32_t need,
                       const char *what) {
  char message[256];
  if (need == needNonNegative) {
    if (lhs >= 0)
      return;
    snprintf(message, sizeof message, "%s would be %lld", what, (long long)lhs);
  } else {
    if (lhs == rhs || (need == needBroadcast && (lhs == 1 || rhs == 1)))
      return;
    snprintf(message, sizeof message, "%s differ: %lld and %lld", what, (long long)lhs,
             (long long)rhs);
  }
  sinter_rt_fail(caller, SINTER_MODEL_ERROR, message);
}

/* True if the model ran to its end. Apart from the rest, so that no variable
   lives across the jump. */
__attribute__((noinline)) static bool callModel(SinterContext *context, int64_t *workspace) {
  JumpBuffer escape;
  context->self.escape = &escape;
  if (_setjmp(&escape))
    return false;
  context->variant->entry(context, workspace, context->descriptorOf, context->resultDescriptors);
  return true;
}

SinterStatus sinterRun(SinterContext *context, const DLTensor *inputs, int32_t inputCount,
                       DLTensor *outputs, int32_t outputCount) {
  if (!context)
    return SINTER_INVALID_ARGUMENT;
  SinterStatus status = sinterCheckInputs(context, inputs, inputCount, true);
  if (status)
    return status;
  if (outputs && outputCount == context->model->output_count)
    forgetOwnOutputs(context, outputs);
  if ((status = sinterCheckOutputs(context, outputs, outputCount)))
    return status;

  const SinterDeviceHooks *hooks = context->device ? hooksOf(context->variant->driver) : NULL;
  context->outputs = outputs;
  context->outputsDirect = directOutputs(context, inputs, outputs);
  if (hooks && hooks->replay(context, inputs, outputs, &status))
    return status ? status : deliver(context, outputs);
  if ((status = sinterStateEnsure(context)) ||
      (hooks && (status = hooks->begin(context, inputs, outputs))))
    return status;
  describeInputs(context, inputs);
  describeState(context);
  void *memory;
  size_t bytes;
  if ((status = ensureWorkspace(context, &memory, &bytes))) {
    if (hooks)
      hooks->end(context);
    return status;
  }
  int64_t workspace[5] = {(int64_t)(uintptr_t)memory, (int64_t)(uintptr_t)memory, 0, (int64_t)bytes,
                          1};
  freeResults(context, inputs);
  atomic_store_explicit(&context->failed, false, memory_order_relaxed);

  bool finished = callModel(context, workspace);
  context->self.escape = NULL;
  if (hooks && (status = hooks->end(context)) && finished)
    return status;
  if (!finished) {
    /* What was begun still writes to the workspace. */
    if (context->allReduceEnd)
      context->allReduceEnd(context->allReduceUser, NULL);
    sinterArenaReset(context, &context->self.scratch);
    context->parallel = false;
    return context->status;
  }
  sinterScratchReserve(context);
  return deliver(context, outputs);
}
