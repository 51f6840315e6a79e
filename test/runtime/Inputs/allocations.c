/*===- allocations.c - counts what a run allocates ------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*   allocations LIBRARY.so THREADS SIZE_OF_DYNAMIC_DIMS                      *|
|*                                                                            *|
|* The program's own malloc takes the place of libc's, for the library too.   *|
\*===----------------------------------------------------------------------===*/

#include "sinter/model.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static long count;

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

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  void *library = dlopen(argv[1], RTLD_NOW);
  SinterModelFunction function =
      library ? (SinterModelFunction)dlsym(library, "sinter_model") : NULL;
  if (!function) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  const SinterModel *model = function();
  SinterContextOptions options = {.struct_size = sizeof options, .threads = atoi(argv[2])};
  SinterContext *context;
  long before = count;
  if (model->context_create(model, &options, &context))
    return 2;
  if (count == before) {
    fprintf(stderr, "the library's allocations are not counted\n");
    return 2;
  }
  DLTensor inputs[8] = {0}, outputs[8] = {0};
  int64_t shapes[8][8];
  for (int32_t i = 0; i < model->input_count; ++i) {
    const SinterTensorInfo *info = &model->inputs[i];
    int64_t elements = 1;
    for (int32_t d = 0; d < info->rank; ++d)
      elements *= shapes[i][d] = info->dims[d] < 0 ? atoi(argv[3]) : info->dims[d];
    void *data = calloc((size_t)elements, info->dtype.bits / 8);
    inputs[i] = sinter_tensor(data, info->dtype, info->rank, shapes[i]);
  }
  for (int run = 0; run < 12; ++run) {
    /* The first two runs size the arenas. */
    if (run == 2)
      before = count;
    if (model->run(context, inputs, model->input_count, outputs, model->output_count)) {
      fprintf(stderr, "%s\n", model->last_error(context));
      return 2;
    }
  }
  if (count != before) {
    fprintf(stderr, "%s: %ld allocations in 10 runs\n", argv[1], count - before);
    return 1;
  }
  return 0;
}
