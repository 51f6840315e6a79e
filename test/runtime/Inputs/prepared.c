/*===- prepared.c - contexts that are created at once ---------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*   prepared LIBRARY.so                                                      *|
|*                                                                            *|
|* A context that gets no memory fails, others then do not: several threads   *|
|* create one each at once, run the model and must all get the same.          *|
\*===----------------------------------------------------------------------===*/

#include "sinter/model.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { threads = 4 };

static const SinterModel *model;
static pthread_barrier_t start;
static float *input;
static int64_t inputCount, outputCount;

static void *allocateOnce(void *user, size_t bytes, size_t alignment) {
  int *left = user;
  return (*left)-- > 0 ? aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                       : NULL;
}

static void deallocate(void *user, void *memory, size_t bytes) {
  (void)user;
  (void)bytes;
  free(memory);
}

static int64_t elements(const SinterTensorInfo *info) {
  int64_t count = 1;
  for (int32_t d = 0; d < info->rank; ++d)
    count *= info->dims[d];
  return count;
}

/* What one thread gets; NULL after an error. */
static void *runOnce(void *unused) {
  (void)unused;
  pthread_barrier_wait(&start);
  SinterContextOptions options = {.struct_size = sizeof options, .threads = 2};
  SinterContext *context;
  if (model->context_create(model, &options, &context))
    return NULL;
  const SinterTensorInfo *in = &model->inputs[0], *out = &model->outputs[0];
  float *result = malloc((size_t)outputCount * sizeof *result);
  DLTensor x = sinter_tensor(input, in->dtype, in->rank, (int64_t *)in->dims);
  DLTensor y = sinter_tensor(result, out->dtype, out->rank, (int64_t *)out->dims);
  if (model->run(context, &x, 1, &y, 1)) {
    fprintf(stderr, "%s\n", model->last_error(context));
    return NULL;
  }
  model->context_destroy(context);
  return result;
}

int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  SinterModelFunction function =
      library ? (SinterModelFunction)dlsym(library, "sinter_model") : NULL;
  if (!function)
    return 2;
  model = function();
  inputCount = elements(&model->inputs[0]);
  outputCount = elements(&model->outputs[0]);
  input = malloc((size_t)inputCount * sizeof *input);
  for (int64_t i = 0; i < inputCount; ++i)
    input[i] = (float)(i * 7919 % 1000) / 1000 - 0.5f;

  int left = 1;
  SinterContextOptions poor = {.struct_size = sizeof poor,
                               .threads = 1,
                               .allocate = allocateOnce,
                               .deallocate = deallocate,
                               .allocator_user = &left};
  SinterContext *context;
  if (model->context_create(model, &poor, &context) != SINTER_OUT_OF_MEMORY || context)
    return 1;

  pthread_barrier_init(&start, NULL, threads);
  pthread_t handles[threads];
  float *results[threads];
  for (int i = 0; i < threads; ++i)
    pthread_create(&handles[i], NULL, runOnce, NULL);
  for (int i = 0; i < threads; ++i)
    pthread_join(handles[i], (void **)&results[i]);
  float largest = 0;
  for (int i = 0; i < threads; ++i)
    if (!results[i] || memcmp(results[0], results[i], (size_t)outputCount * sizeof(float)))
      return 1;
  for (int64_t i = 0; i < outputCount; ++i)
    largest = results[0][i] > largest ? results[0][i] : largest;
  return largest > 1 ? 0 : 1;
}
