/*===- prepared.c - what a model makes of its weights ---------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Transformed filters and the like are larger than what they are made of, so *|
|* the library holds only room for them, which costs nothing before it is     *|
|* written. The first context of the process fills it; the others share it.   *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

enum { nothing, underWay, done };
static _Atomic uint32_t progress = nothing;

/* Calls of kernels that are measured are those of runs. */
static void forgetMeasured(SinterContext *context) {
  memset(context->totals, 0, (size_t)context->variant->kernelCount * sizeof *context->totals);
}

/* Few pages, where there is a lot to write. */
static void adviseHugePages(const SinterPrepared *prepared) {
  enum { hugePage = 2 << 20, adviseHugePage = 14 };
  const SinterPreparedTensor *last = &prepared->tensors[prepared->count - 1];
  uintptr_t begin = (uintptr_t)prepared->tensors[0].address;
  uintptr_t end = (uintptr_t)last->address + (uintptr_t)last->bytes;
  begin = (begin + hugePage - 1) & ~(uintptr_t)(hugePage - 1);
  end &= ~(uintptr_t)(hugePage - 1);
  if (begin < end)
    madvise((void *)begin, end - begin, adviseHugePage);
}

/* True if all was computed. Apart from the rest, so that no variable lives across the jump. */
__attribute__((noinline)) static bool compute(SinterContext *context, void *results,
                                              int64_t *workspace) {
  JumpBuffer escape;
  context->self.escape = &escape;
  if (_setjmp(&escape))
    return false;
  context->preparing->entry(results, context, workspace);
  return true;
}

/* A result that is not where it belongs, as one that is a view of a weight. */
static void place(const SinterPrepared *prepared, const int64_t *descriptor) {
  for (int64_t i = 0; i < prepared->count; ++i) {
    const SinterPreparedTensor *tensor = &prepared->tensors[i];
    const void *data = (const void *)(uintptr_t)descriptor[1];
    if (data != tensor->address)
      memmove(tensor->address, data, (size_t)tensor->bytes);
    descriptor += 3 + 2 * tensor->rank;
  }
}

static SinterStatus prepare(SinterContext *context, const SinterPrepared *prepared) {
  int64_t need = prepared->workspace ? prepared->workspace(NULL) : 0;
  size_t words = 0, bytes = need > 0 ? (size_t)need : 0;
  for (int64_t i = 0; i < prepared->count; ++i)
    words += 3 + 2 * (size_t)prepared->tensors[i].rank;
  size_t resultAt = (bytes + 63) & ~(size_t)63, all = resultAt + words * sizeof(int64_t);
  char *memory = (char *)sinterAllocate(context, all, 64);
  if (!memory)
    return SINTER_OUT_OF_MEMORY;
  adviseHugePages(prepared);
  int64_t address = (int64_t)(uintptr_t)memory;
  int64_t workspace[5] = {address, address, 0, (int64_t)bytes, 1};
  int64_t *results = (int64_t *)(memory + resultAt);
  context->preparing = prepared;
  bool finished = compute(context, results, workspace);
  context->self.escape = NULL;
  context->preparing = NULL;
  if (finished)
    place(prepared, results);
  sinterDeallocate(context, memory, all);
  sinterArenaFree(context, &context->results);
  forgetMeasured(context);
  return finished ? SINTER_OK : context->status;
}

SinterStatus sinterPreparedEnsure(SinterContext *context) {
  const SinterPrepared *prepared = context->variant->prepared;
  if (!prepared)
    return SINTER_OK;
  for (;;) {
    uint32_t seen = nothing;
    if (atomic_compare_exchange_strong(&progress, &seen, underWay))
      break;
    if (seen == done)
      return SINTER_OK;
    sinterFutexWait(&progress, underWay);
  }
  SinterStatus status = prepare(context, prepared);
  atomic_store(&progress, status ? nothing : done);
  sinterFutexWake(&progress, INT32_MAX);
  return status;
}
