/*===- context.c - contexts and the public functions ----------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

enum { maxThreads = 1024 };

static size_t align64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static int64_t totalRank(const SinterTensorInfo *infos, int32_t count) {
  int64_t rank = 0;
  for (int32_t i = 0; i < count; ++i)
    rank += infos[i].rank;
  return rank;
}

/* Of the state that a training's model takes, or gives. */
static int64_t stateRank(const SinterInternal *internal, const int32_t *states, int32_t count) {
  int64_t rank = 0;
  for (int32_t i = 0; i < count; ++i)
    rank += internal->training->states[states[i]].tensor.rank;
  return rank;
}

/* Gives each distinct name of a dynamic dimension a number. */
static void numberSymbols(SinterContext *context) {
  const SinterModel *model = context->model;
  int64_t at = 0;
  for (int32_t t = 0; t < model->input_count + model->output_count; ++t) {
    const SinterTensorInfo *info =
        t < model->input_count ? &model->inputs[t] : &model->outputs[t - model->input_count];
    for (int32_t d = 0; d < info->rank; ++d, ++at) {
      context->symbol[at] = -1;
      if (info->dims[d] >= 0 || !info->dim_names[d][0])
        continue;
      int64_t before = 0;
      for (int32_t u = 0; u <= t && context->symbol[at] < 0; ++u) {
        const SinterTensorInfo *other =
            u < model->input_count ? &model->inputs[u] : &model->outputs[u - model->input_count];
        for (int32_t e = 0; e < other->rank; ++e, ++before)
          if (before < at && context->symbol[before] >= 0 &&
              !strcmp(other->dim_names[e], info->dim_names[d])) {
            context->symbol[at] = context->symbol[before];
            break;
          }
        if (context->symbol[at] >= 0)
          break;
      }
      if (context->symbol[at] < 0)
        context->symbol[at] = context->symbols++;
    }
  }
}

static void contextDestroy(SinterContext *context) {
  if (!context)
    return;
  sinterPoolStop(context);
  sinterDeallocateShared(context, context->ownWorkspace, context->ownWorkspaceBytes);
  sinterStateFree(context);
  sinterArenaFree(context, &context->results);
  sinterArenaFree(context, &context->earlierResults);
  sinterArenaFree(context, &context->self.scratch);
  for (int32_t i = 0; i < context->threads - 1; ++i)
    sinterArenaFree(context, &context->thread[i].scratch);
  if (context->device)
    hooksOf(context->variant->driver)->close(context);
  SinterContextOptions options = context->options;
  options.deallocate(options.allocator_user, context, context->bytes);
}

static SinterStatus allocateContext(const SinterModel *model, SinterContextOptions options,
                                    SinterContext **result) {
  if (!options.allocate != !options.deallocate || options.threads < 0)
    return SINTER_INVALID_ARGUMENT;
  if (!options.allocate) {
    options.allocate = sinterDefaultAllocate;
    options.deallocate = sinterDefaultDeallocate;
  }
  const SinterInternal *internal = (const SinterInternal *)model->internal;
  const SinterVariant *variant;
  SinterStatus status = sinterChooseVariant(internal, &options, &variant);
  if (status)
    return status;
  int32_t threads = options.threads ? options.threads : sinterCores();
  if (threads > maxThreads)
    threads = maxThreads;

  /* One allocation holds all that depends on the model only. */
  int64_t inputRank = totalRank(model->inputs, model->input_count);
  int64_t outputRank = totalRank(model->outputs, model->output_count);
  size_t inputs = (size_t)model->input_count + (size_t)internal->stateInputCount;
  size_t results = (size_t)model->output_count + (size_t)internal->stateOutputCount;
  size_t inputWords =
      3 * inputs + 2 * (size_t)(inputRank + stateRank(internal, internal->stateInputs,
                                                      internal->stateInputCount));
  size_t resultWords =
      3 * results + 2 * (size_t)(outputRank + stateRank(internal, internal->stateOutputs,
                                                        internal->stateOutputCount));
  size_t ranks = (size_t)(inputRank + outputRank);
  size_t at = align64(sizeof(SinterContext));
  size_t threadAt = at;
  at = align64(at + (size_t)(threads - 1) * sizeof(SinterThread));
  size_t handleAt = at;
  at = align64(at + (size_t)(threads - 1) * sizeof(pthread_t));
  size_t rangeAt = at;
  at = align64(at + (size_t)threads * sizeof(TaskRange));
  size_t symbolAt = at;
  at = align64(at + ranks * sizeof(int32_t));
  size_t valueAt = at;
  at = align64(at + ranks * sizeof(int64_t));
  size_t valueInputAt = at;
  at = align64(at + ranks * sizeof(int32_t));
  size_t descriptorAt = at;
  at = align64(at + inputWords * sizeof(int64_t));
  size_t descriptorOfAt = at;
  at = align64(at + inputs * sizeof(void *));
  size_t resultAt = at;
  at = align64(at + resultWords * sizeof(int64_t));
  size_t shapeAt = at;
  at = align64(at + 2 * (size_t)outputRank * sizeof(int64_t));

  size_t totalAt = at;
  at = align64(at + (size_t)variant->kernelCount * sizeof(SinterKernelTotals));

  char *memory = (char *)options.allocate(options.allocator_user, at, 64);
  if (!memory)
    return SINTER_OUT_OF_MEMORY;
  memset(memory, 0, at);
  SinterContext *context = (SinterContext *)memory;
  context->self.context = context;
  context->model = model;
  context->variant = variant;
  context->options = options;
  context->bytes = at;
  context->threads = threads;
  context->owner = context;
  context->thread = (SinterThread *)(memory + threadAt);
  for (int32_t i = 0; i < threads - 1; ++i) {
    context->thread[i].context = context;
    context->thread[i].slot = i + 1;
  }
  context->handles = (pthread_t *)(memory + handleAt);
  context->ranges = (TaskRange *)(memory + rangeAt);
  context->symbol = (int32_t *)(memory + symbolAt);
  context->value = (int64_t *)(memory + valueAt);
  context->valueInput = (int32_t *)(memory + valueInputAt);
  context->descriptors = (int64_t *)(memory + descriptorAt);
  context->descriptorOf = (void **)(memory + descriptorOfAt);
  context->resultDescriptors = (int64_t *)(memory + resultAt);
  context->shapes = (int64_t *)(memory + shapeAt);
  context->totals = (SinterKernelTotals *)(memory + totalAt);
  int64_t *descriptor = context->descriptors;
  for (int32_t i = 0; i < (int32_t)inputs; ++i) {
    context->descriptorOf[i] = descriptor;
    int32_t state = i - model->input_count;
    descriptor +=
        3 + 2 * (state < 0 ? model->inputs[i].rank
                           : internal->training->states[internal->stateInputs[state]].tensor.rank);
  }
  numberSymbols(context);
  if (variant->driver && (status = hooksOf(variant->driver)->open(context))) {
    options.deallocate(options.allocator_user, context, context->bytes);
    return status;
  }
  status = sinterPreparedEnsure(context);
  if (status) {
    sinterCreateError(&options, context->error);
    contextDestroy(context);
    return status;
  }
  context->options.error = NULL; /* the caller's for this call only */
  *result = context;
  return status;
}

static SinterStatus setWorkspace(SinterContext *context, void *memory, size_t bytes) {
  if (!context)
    return SINTER_INVALID_ARGUMENT;
  if ((uintptr_t)memory % 64)
    return sinterError(context, SINTER_MISALIGNED,
                       "workspace: expected a 64-byte aligned address, given %p", memory);
  if (context->device && context->workspace)
    hooksOf(context->variant->driver)->remove(context, context->workspace);
  context->workspace = memory;
  context->workspaceBytes = memory ? bytes : 0;
  return sinterShareMemory(context, memory, context->workspaceBytes);
}

static const char *lastError(const SinterContext *context) {
  return context ? context->error : "no context";
}

static const char *statusText(SinterStatus status) {
  static const char *const texts[] = {
      "ok",
      "invalid argument",
      "wrong number of inputs or outputs",
      "wrong element type",
      "wrong shape",
      "not dense and row-major",
      "wrong device",
      "null data",
      "misaligned address",
      "workspace too small",
      "out of memory",
      "the model failed",
      "internal error",
      "this CPU lacks instructions that the model was compiled for",
      "no device that the model was compiled for: for a GPU of NVIDIA its driver (libcuda.so.1) is "
      "needed, for OpenCL libOpenCL.so.1 and a driver with shared virtual memory (OpenCL 2.0), "
      "such "
      "as pocl-opencl-icd, which runs on the CPU",
      "the device or its driver failed",
  };
  if (status < 0 || status >= (int32_t)(sizeof texts / sizeof texts[0]))
    return "unknown status";
  return texts[status];
}

static SinterStatus contextCreate(const SinterModel *model, const SinterContextOptions *given,
                                  SinterContext **result) {
  if (!result)
    return SINTER_INVALID_ARGUMENT;
  *result = NULL;
  if (!model || !model->internal)
    return SINTER_INVALID_ARGUMENT;
  SinterContextOptions options;
  memset(&options, 0, sizeof options);
  if (given) {
    if (given->struct_size < offsetof(SinterContextOptions, allocate))
      return SINTER_INVALID_ARGUMENT;
    memcpy(&options, given,
           given->struct_size < sizeof options ? given->struct_size : sizeof options);
  }
  char *error = options.error && options.error_bytes ? options.error : NULL;
  if (error)
    *error = 0;
  SinterStatus status = allocateContext(model, options, result);
  if (error && !status)
    *error = 0; /* one version of several was found */
  else if (error && !*error)
    sinterCreateError(&options, statusText(status));
  return status;
}

/* The compiler generates the constant table `sinter_rt_model` that points to
   these functions, in the order of SinterModel. */
__attribute__((visibility("hidden"))) extern const SinterModel sinter_rt_model;

#define TABLE_ENTRY __attribute__((visibility("hidden")))

TABLE_ENTRY SinterStatus sinter_rt_context_create(const SinterModel *model,
                                                  const SinterContextOptions *options,
                                                  SinterContext **context) {
  return contextCreate(model, options, context);
}

TABLE_ENTRY void sinter_rt_context_destroy(SinterContext *context) { contextDestroy(context); }

TABLE_ENTRY SinterStatus sinter_rt_workspace_size(SinterContext *context, const DLTensor *inputs,
                                                  int32_t count, size_t *bytes) {
  return sinterWorkspaceSize(context, inputs, count, bytes);
}

TABLE_ENTRY SinterStatus sinter_rt_set_workspace(SinterContext *context, void *memory,
                                                 size_t bytes) {
  return setWorkspace(context, memory, bytes);
}

TABLE_ENTRY SinterStatus sinter_rt_prepare(SinterContext *context, const DLTensor *inputs,
                                           int32_t count) {
  return sinterPrepare(context, inputs, count);
}

TABLE_ENTRY SinterStatus sinter_rt_run(SinterContext *context, const DLTensor *inputs,
                                       int32_t input_count, DLTensor *outputs,
                                       int32_t output_count) {
  return sinterRun(context, inputs, input_count, outputs, output_count);
}

TABLE_ENTRY const char *sinter_rt_last_error(const SinterContext *context) {
  return lastError(context);
}

TABLE_ENTRY const char *sinter_rt_status_text(SinterStatus status) { return statusText(status); }

TABLE_ENTRY const char *sinter_rt_device_name(const SinterContext *context) {
  return context && context->device ? hooksOf(context->variant->driver)->name(context) : "";
}

__attribute__((used, visibility("default"))) const SinterModel *sinter_model(void) {
  return &sinter_rt_model;
}
