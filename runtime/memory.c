/*===- memory.c - allocators and arenas -----------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

/* Vectors of every target, and the alignment that Halide counts on. */
enum { arenaAlignment = 128 };

static size_t roundUp(size_t bytes) {
  return (bytes + arenaAlignment - 1) & ~(size_t)(arenaAlignment - 1);
}

void *sinterDefaultAllocate(void *user, size_t bytes, size_t alignment) {
  (void)user;
  /* Large workspaces in huge pages: far fewer TLB misses. */
  enum { hugePage = 2 << 20, adviseHugePage = 14 };
  void *memory = NULL;
  bool huge = bytes >= 2 * (size_t)hugePage;
  if (alignment < sizeof(void *))
    alignment = sizeof(void *);
  if (posix_memalign(&memory, huge ? hugePage : alignment, bytes ? bytes : 1))
    return NULL;
  if (huge)
    madvise(memory, bytes, adviseHugePage);
  return memory;
}

void sinterDefaultDeallocate(void *user, void *memory, size_t bytes) {
  (void)user;
  (void)bytes;
  free(memory);
}

void *sinterAllocate(SinterContext *context, size_t bytes, size_t alignment) {
  return context->options.allocate(context->options.allocator_user, bytes, alignment);
}

void sinterDeallocate(SinterContext *context, void *memory, size_t bytes) {
  if (memory)
    context->options.deallocate(context->options.allocator_user, memory, bytes);
}

SinterStatus sinterShareMemory(SinterContext *context, const void *memory, size_t bytes) {
  if (!context->device || !bytes || hooksOf(context->variant->driver)->add(context, memory, bytes))
    return SINTER_OK;
  return sinterError(context, SINTER_OUT_OF_MEMORY, "out of memory");
}

void *sinterAllocateShared(SinterContext *context, size_t bytes, size_t alignment) {
  void *memory = sinterAllocate(context, bytes, alignment);
  if (memory && sinterShareMemory(context, memory, bytes)) {
    sinterDeallocate(context, memory, bytes);
    return NULL;
  }
  return memory;
}

void sinterDeallocateShared(SinterContext *context, void *memory, size_t bytes) {
  if (context->device && memory)
    hooksOf(context->variant->driver)->remove(context, memory);
  sinterDeallocate(context, memory, bytes);
}

/*===- Arenas ---------------------------------------------------------------===*/

/* Stands `arenaAlignment` bytes before each allocation. */
typedef struct Header {
  struct Header *previous; /* the allocation before this one */
  ArenaBlock *block;
  size_t bytes; /* with this header */
  bool freed;
} Header;

static size_t firstOffset(void) { return roundUp(sizeof(ArenaBlock)); }

static bool grow(SinterContext *context, Arena *arena, size_t need) {
  size_t bytes = firstOffset() + need;
  if (bytes < arena->total)
    bytes = arena->total;
  if (bytes < 64 << 10)
    bytes = 64 << 10;
  ArenaBlock *block = (ArenaBlock *)sinterAllocateShared(context, bytes, arenaAlignment);
  if (!block)
    return false;
  if (!arena->blocks)
    arena->total = 0; /* it was the size to start with */
  block->previous = arena->top;
  block->bytes = bytes;
  block->used = firstOffset();
  arena->top = block;
  arena->total += bytes;
  ++arena->blocks;
  return true;
}

/* NULL when there is no memory. */
void *sinterArenaPush(SinterContext *context, Arena *arena, size_t bytes) {
  /* Vector loads may read a little beyond the end. */
  if (bytes > SIZE_MAX / 4)
    return NULL;
  size_t need = 2 * arenaAlignment + roundUp(bytes);
  ArenaBlock *block = arena->top;
  if (!block || block->bytes - block->used < need) {
    if (!grow(context, arena, need))
      return NULL;
    block = arena->top;
  }
  char *at = (char *)block + block->used;
  Header *header = (Header *)at;
  header->previous = (Header *)arena->last;
  header->block = block;
  header->bytes = need;
  header->freed = false;
  arena->last = header;
  arena->used += need;
  block->used += need;
  return at + arenaAlignment;
}

void sinterArenaPop(SinterContext *context, Arena *arena, void *memory) {
  if (!memory)
    return;
  ((Header *)((char *)memory - arenaAlignment))->freed = true;
  Header *last = (Header *)arena->last;
  while (last && last->freed) {
    /* A younger block, if there is one, holds nothing any more. */
    arena->top->used =
        last->block == arena->top ? (size_t)((char *)last - (char *)arena->top) : firstOffset();
    arena->used -= last->bytes;
    last = last->previous;
  }
  arena->last = last;
  if (!last)
    sinterArenaReset(context, arena);
}

void sinterArenaReset(SinterContext *context, Arena *arena) {
  arena->last = NULL;
  arena->used = 0;
  if (arena->blocks > 1) {
    size_t total = arena->total;
    sinterArenaFree(context, arena);
    arena->total = total; /* of the one block that follows */
  } else if (arena->top) {
    arena->top->used = firstOffset();
  }
}

void sinterArenaFree(SinterContext *context, Arena *arena) {
  for (ArenaBlock *block = arena->top; block;) {
    ArenaBlock *previous = block->previous;
    sinterDeallocateShared(context, block, block->bytes);
    block = previous;
  }
  arena->top = NULL;
  arena->last = NULL;
  arena->blocks = arena->total = arena->used = 0;
}

/*===- Scratch of a context's threads ---------------------------------------===*/

static void notePeak(SinterContext *context, const SinterThread *thread) {
  ScratchPeak *peak = &context->scratchPeak;
  size_t used = thread->scratch.used;
  if (thread->slot == 0 && !context->parallel) {
    if (used > peak->around)
      peak->around = used;
    return;
  }
  if (thread->slot == 0)
    used -= peak->loop;
  size_t most = atomic_load_explicit(&peak->task, memory_order_relaxed);
  while (used > most && !atomic_compare_exchange_weak(&peak->task, &most, used)) {
  }
}

/* Without memory for it nothing is lost: runs allocate what they need themselves. */
static void reserve(SinterContext *context, Arena *arena, size_t bytes) {
  if (!bytes || (arena->blocks == 1 && arena->top->bytes >= firstOffset() + bytes))
    return;
  sinterArenaFree(context, arena);
  grow(context, arena, bytes);
}

void sinterScratchReserve(SinterContext *context) {
  ScratchPeak *peak = &context->scratchPeak;
  size_t task = atomic_load_explicit(&peak->task, memory_order_relaxed);
  reserve(context, &context->self.scratch, peak->around + task);
  for (int32_t i = 0; i < context->threads - 1; ++i)
    reserve(context, &context->thread[i].scratch, task);
}

bool sinterArenaHolds(const Arena *arena, const void *memory) {
  for (const ArenaBlock *block = arena->top; block; block = block->previous)
    if ((uintptr_t)memory - (uintptr_t)block < block->bytes)
      return true;
  return false;
}

/*===- For host code and kernels --------------------------------------------===*/

static const char outOfMemory[] = "out of memory";

void *sinter_rt_scratch_alloc(SinterContext *caller, int64_t bytes) {
  SinterThread *thread = threadOf(caller);
  void *memory = sinterArenaPush(thread->context, &thread->scratch, (size_t)bytes);
  if (!memory)
    sinter_rt_fail(caller, SINTER_OUT_OF_MEMORY, outOfMemory);
  notePeak(thread->context, thread);
  return memory;
}

void sinter_rt_scratch_free(SinterContext *caller, void *memory) {
  SinterThread *thread = threadOf(caller);
  sinterArenaPop(thread->context, &thread->scratch, memory);
}

/* Memory that lives until the next run; from the thread that runs the host
   program only. */
void *sinter_rt_alloc(SinterContext *caller, int64_t bytes) {
  SinterContext *context = threadOf(caller)->context;
  void *memory = sinterArenaPush(context, &context->results, (size_t)bytes);
  if (!memory)
    sinter_rt_fail(caller, SINTER_OUT_OF_MEMORY, outOfMemory);
  return memory;
}

/* Memory for the model's output: the caller's own where that may be written
   before the model has read all of its inputs, so that no copy is needed. It is
   aligned to the element only. */
void *sinter_rt_output(SinterContext *caller, int32_t index, int64_t bytes) {
  SinterContext *context = threadOf(caller)->context;
  if (context->preparing)
    return context->preparing->tensors[index].address;
  int32_t state = index - context->model->output_count;
  if (state >= 0) {
    const SinterInternal *internal = (const SinterInternal *)context->model->internal;
    return sinterStateMemory(context, internal->stateOutputs[state], true);
  }
  if (index < 64 && (context->outputsDirect >> index & 1)) {
    const DLTensor *output = &context->outputs[index];
    if (tensorBytes(output) == bytes)
      return context->device ? hooksOf(context->variant->driver)
                                   ->address(context, context->model->input_count + index, output)
                             : (char *)output->data + output->byte_offset;
  }
  return sinter_rt_alloc(caller, bytes);
}
