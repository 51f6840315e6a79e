/*===- halide.c - what Halide's kernels call ------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Kernels are compiled with user_context and without Halide's own runtime,   *|
|* whose weak global symbols would clash between two models in one process.   *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

void *halide_malloc(void *caller, size_t bytes) {
  return sinter_rt_scratch_alloc((SinterContext *)caller, (int64_t)bytes);
}

void halide_free(void *caller, void *memory) {
  sinter_rt_scratch_free((SinterContext *)caller, memory);
}

typedef int (*HalideTask)(void *caller, int index, uint8_t *closure);

typedef struct HalideLoop {
  HalideTask task;
  uint8_t *closure;
  int first;
} HalideLoop;

static void runTask(SinterContext *caller, int64_t index, void *closure) {
  const HalideLoop *loop = (const HalideLoop *)closure;
  if (loop->task(caller, loop->first + (int)index, loop->closure))
    sinter_rt_fail(caller, SINTER_INTERNAL, "a kernel failed");
}

int halide_do_par_for(void *caller, HalideTask task, int first, int count, uint8_t *closure) {
  HalideLoop loop = {task, closure, first};
  sinterParallelFor(threadOf((SinterContext *)caller), runTask, &loop, count);
  return 0;
}

void halide_error(void *caller, const char *message) {
  sinter_rt_fail((SinterContext *)caller, SINTER_INTERNAL, message);
}

int halide_error_out_of_memory(void *caller) {
  sinter_rt_fail((SinterContext *)caller, SINTER_OUT_OF_MEMORY, "out of memory in a kernel");
}

/* Sizes that come from the caller's shapes are checked by no one else. */
int halide_error_buffer_allocation_too_large(void *caller, const char *name, uint64_t bytes,
                                             uint64_t limit) {
  (void)name, (void)bytes, (void)limit;
  sinter_rt_fail((SinterContext *)caller, SINTER_MODEL_ERROR,
                 "a tensor is larger than a kernel can address");
}

int halide_error_buffer_extents_too_large(void *caller, const char *name, int64_t elements,
                                          int64_t limit) {
  (void)name, (void)elements, (void)limit;
  sinter_rt_fail((SinterContext *)caller, SINTER_MODEL_ERROR,
                 "a tensor is larger than a kernel can address");
}
