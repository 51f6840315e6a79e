/*===- threads.c - parallel loops over a context's threads ----------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* The tasks of a loop are cut into one contiguous range per thread; who is   *|
|* done with its own helps the others. The caller opens a job, works, closes  *|
|* it, and waits only for workers that are inside: one that is still waking   *|
|* up finds the job closed and costs nothing. Workers look for the next job   *|
|* for some microseconds before they sleep.                                   *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

#include "processor.h" /* of the family's folder in targets/ */

enum {
  spinNanoseconds = 30000, /* about what a sleep and a wake-up cost */
  jobOpen = 1 << 30,       /* bit of Pool.state; below it the workers inside */
};

/*===- Linux ----------------------------------------------------------------===*/

enum { futexWaitPrivate = 128, futexWakePrivate = 129 };

void sinterFutexWait(_Atomic uint32_t *word, uint32_t value) {
  syscall(futexCall, word, futexWaitPrivate, value, NULL, NULL, 0);
}

void sinterFutexWake(_Atomic uint32_t *word, uint32_t count) {
  syscall(futexCall, word, futexWakePrivate, count, NULL, NULL, 0);
}

static int64_t now(void) {
  enum { monotonic = 1 };
  struct timespec time;
  clock_gettime(monotonic, &time);
  return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* True once *word differs from `value`; false after the time to spin. */
static bool spinWhile(_Atomic uint32_t *word, uint32_t value) {
  int64_t end = now() + spinNanoseconds;
  do {
    for (int i = 0; i < 32; ++i) {
      if (atomic_load_explicit(word, memory_order_acquire) != value)
        return true;
      pause();
    }
  } while (now() < end);
  return false;
}

int32_t sinterCores(void) {
  unsigned long mask[128]; /* 8192 CPUs */
  memset(mask, 0, sizeof mask);
  int32_t cores = 0;
  if (sched_getaffinity(0, sizeof mask, mask) == 0)
    for (size_t i = 0; i < sizeof mask / sizeof mask[0]; ++i)
      cores += __builtin_popcountl(mask[i]);
  return cores ? cores : 1;
}

/*===- One job --------------------------------------------------------------===*/

/* Works on the context's job until no task is left or one has failed. */
static void participate(SinterContext *context, SinterThread *thread) {
  JumpBuffer escape;
  JumpBuffer *outer = thread->escape;
  thread->escape = &escape;
  if (_setjmp(&escape) == 0) {
    const Job *job = &context->job;
    for (int32_t k = 0; k < job->ranges; ++k) {
      TaskRange *range = &context->ranges[(thread->slot + k) % job->ranges];
      while (atomic_load_explicit(&range->next, memory_order_relaxed) < range->end) {
        int64_t index = atomic_fetch_add_explicit(&range->next, job->block, memory_order_relaxed);
        int64_t end = index + job->block < range->end ? index + job->block : range->end;
        if (index >= end || atomic_load_explicit(&context->failed, memory_order_relaxed))
          break;
        for (; index < end; ++index)
          job->function((SinterContext *)thread, index, job->closure);
      }
    }
  } else {
    sinterArenaReset(context, &thread->scratch);
  }
  thread->escape = outer;
}

/*===- Workers --------------------------------------------------------------===*/

static void *work(void *argument) {
  SinterThread *thread = (SinterThread *)argument;
  SinterContext *context = thread->context;
  Pool *pool = &context->pool;
  uint32_t seen = 0;
  for (;;) {
    if (!spinWhile(&pool->generation, seen)) {
      atomic_fetch_add(&pool->sleepers, 1);
      while (atomic_load(&pool->generation) == seen)
        sinterFutexWait(&pool->generation, seen);
      atomic_fetch_sub(&pool->sleepers, 1);
    }
    seen = atomic_load(&pool->generation);
    if (pool->stop)
      return NULL;
    uint32_t state = atomic_load(&pool->state);
    while ((state & jobOpen) && !atomic_compare_exchange_weak(&pool->state, &state, state + 1)) {
    }
    if (!(state & jobOpen))
      continue; /* it was over before we were awake */
    participate(context, thread);
    if (atomic_fetch_sub(&pool->state, 1) == 1 && atomic_load(&pool->waiting))
      sinterFutexWake(&pool->state, 1);
  }
}

static void poolStart(SinterContext *context) {
  Pool *pool = &context->pool;
  pool->started = true;
  /* Signals are for the program's own threads. */
  enum { setMask = 2 };
  unsigned char all[128], old[128];
  memset(all, 0xff, sizeof all);
  pthread_sigmask(setMask, all, old);
  for (int32_t i = 0; i < context->threads - 1; ++i) {
    if (pthread_create(&context->handles[i], NULL, work, &context->thread[i]))
      break; /* fewer threads do it too */
    ++pool->workers;
  }
  pthread_sigmask(setMask, old, NULL);
}

void sinterPoolStop(SinterContext *context) {
  Pool *pool = &context->pool;
  pool->stop = true;
  atomic_fetch_add(&pool->generation, 1);
  sinterFutexWake(&pool->generation, INT32_MAX);
  for (int32_t i = 0; i < pool->workers; ++i)
    pthread_join(context->handles[i], NULL);
  pool->workers = 0;
}

static void runOnPool(SinterContext *context, int32_t ranges) {
  Pool *pool = &context->pool;
  if (!pool->started)
    poolStart(context);
  atomic_store_explicit(&pool->waiting, false, memory_order_relaxed);
  atomic_store(&pool->state, jobOpen);
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleepers))
    sinterFutexWake(&pool->generation, (uint32_t)(ranges - 1));

  participate(context, &context->self);

  /* No task is left: let nobody in any more, and wait for who is inside. */
  uint32_t inside = atomic_fetch_and(&pool->state, ~(uint32_t)jobOpen) - jobOpen;
  while (inside) {
    if (!spinWhile(&pool->state, inside)) {
      atomic_store(&pool->waiting, true);
      if (atomic_load(&pool->state) == inside)
        sinterFutexWait(&pool->state, inside);
    }
    inside = atomic_load(&pool->state);
  }
}

/*===- Loops ----------------------------------------------------------------===*/

/* A task of the caller's parallel_for: one range. */
static void foreignTask(void *closure, int64_t index) {
  SinterContext *context = (SinterContext *)closure;
  SinterThread *thread = index ? &context->thread[index - 1] : &context->self;
  participate(context, thread);
}

void sinterParallelFor(SinterThread *thread, TaskFunction function, void *closure, int64_t count) {
  SinterContext *context = thread->context;
  if (count <= 1 || context->threads == 1 || thread->slot != 0 || context->parallel) {
    for (int64_t i = 0; i < count; ++i)
      function((SinterContext *)thread, i, closure);
    return;
  }
  int32_t ranges = count < context->threads ? (int32_t)count : context->threads;
  for (int32_t i = 0; i < ranges; ++i) {
    int64_t per = count / ranges, more = count % ranges;
    int64_t begin = i * per + (i < more ? i : more);
    atomic_store_explicit(&context->ranges[i].next, begin, memory_order_relaxed);
    context->ranges[i].end = begin + per + (i < more);
  }
  context->job.function = function;
  context->job.closure = closure;
  context->job.ranges = ranges;
  /* Many small tasks are taken several at a time. */
  enum { blocksPerThread = 16 };
  int64_t block = count / (ranges * blocksPerThread);
  context->job.block = block ? block : 1;
  context->scratchPeak.loop = thread->scratch.used;
  context->parallel = true;
  if (context->options.parallel_for)
    context->options.parallel_for(context->options.parallel_user, foreignTask, context, ranges);
  else
    runOnPool(context, ranges);
  context->parallel = false;
  if (atomic_load_explicit(&context->failed, memory_order_relaxed))
    longjmp(thread->escape, 1);
}

void sinter_rt_parallel_for(SinterContext *caller, TaskFunction function, void *closure,
                            int64_t count) {
  sinterParallelFor(threadOf(caller), function, closure, count);
}
