/*===- allocations.c - counts what a run allocates ------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*   allocations LIBRARY.so THREADS SIZE...                                   *|
|*                                                                            *|
|* Each size is that of all dynamic dims, one after the other. The threads    *|
|* are the context's own, and then the program's, where one takes all tasks.  *|
|* The program's own malloc takes the place of libc's, for the library too.   *|
\*===----------------------------------------------------------------------===*/

#include "sinter/model.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static long count;
static char zeros[16 << 20]; /* all inputs */

void *malloc(size_t bytes) {
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return __libc_calloc(number, bytes);
}

void *realloc(void *memory, size_t bytes) {
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return __libc_realloc(memory, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}

/* One thread takes all tasks that are left: the first slot's in the first runs and the last slot's
   in those that are counted, or the other way round. */
typedef struct Order {
  bool used, lastFirst;
} Order;

static void takeInOrder(void *user, void (*task)(void *, int64_t), void *closure, int64_t tasks) {
  const Order *order = user;
  for (int64_t i = 0; i < tasks; ++i)
    task(closure, order->lastFirst ? tasks - 1 - i : i);
}

static bool run(SinterContext *context, const SinterModel *model, int64_t size) {
  DLTensor inputs[8] = {0}, outputs[8] = {0};
  int64_t shapes[8][8];
  for (int32_t i = 0; i < model->input_count; ++i) {
    const SinterTensorInfo *info = &model->inputs[i];
    for (int32_t d = 0; d < info->rank; ++d)
      shapes[i][d] = info->dims[d] < 0 ? size : info->dims[d];
    inputs[i] = sinter_tensor(zeros, info->dtype, info->rank, shapes[i]);
  }
  if (!model->run(context, inputs, model->input_count, outputs, model->output_count))
    return true;
  fprintf(stderr, "%s\n", model->last_error(context));
  return false;
}

/* Runs with all sizes in turn. The first two rounds size the arenas. */
static int look(const SinterModel *model, int threads, Order order, char **sizes, int number) {
  SinterContextOptions options = {.struct_size = sizeof options, .threads = threads};
  if (order.used) {
    options.parallel_for = takeInOrder;
    options.parallel_user = &order;
  }
  SinterContext *context;
  long before = count;
  if (model->context_create(model, &options, &context))
    return 2;
  if (count == before) {
    fprintf(stderr, "the library's allocations are not counted\n");
    return 2;
  }
  for (int round = 0; round < 12; ++round) {
    if (round == 2) {
      before = count;
      order.lastFirst = !order.lastFirst;
    }
    for (int i = 0; i < number; ++i)
      if (!run(context, model, atoi(sizes[i])))
        return 2;
  }
  long allocations = count - before;
  model->context_destroy(context);
  if (allocations)
    fprintf(stderr, "%ld allocations in 10 runs of each size\n", allocations);
  return allocations != 0;
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  void *library = dlopen(argv[1], RTLD_NOW);
  SinterModelFunction function =
      library ? (SinterModelFunction)dlsym(library, "sinter_model") : NULL;
  if (!function) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  const Order orders[] = {{false, false}, {true, false}, {true, true}};
  int worst = 0;
  for (int i = 0; i < 3; ++i) {
    int result = look(function(), atoi(argv[2]), orders[i], argv + 3, argc - 3);
    worst = result > worst ? result : worst;
  }
  return worst;
}
