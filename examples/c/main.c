/*===- main.c - opens any compiled model, and runs it ---------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*   cc main.c -I ../../runtime/include -ldl -o run-model                     *|
|*   ./run-model model.so [batch=8 ...]                                       *|
|*                                                                            *|
|* Asks the library what it takes, gives it zeros, and prints what comes out. *|
|* Dynamic dimensions are 1, or what the command line says.                   *|
\*===----------------------------------------------------------------------===*/

#include "sinter/model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t sizeOf(const char *name, int argc, char **argv) {
  size_t length = strlen(name);
  for (int i = 2; i < argc; ++i)
    if (length && !strncmp(argv[i], name, length) && argv[i][length] == '=')
      return atoll(argv[i] + length + 1);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s MODEL.so [DIMENSION=SIZE ...]\n", argv[0]);
    return 2;
  }
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  SinterModelFunction entry = (SinterModelFunction)dlsym(library, "sinter_model");
  if (!entry || entry()->abi_version != SINTER_ABI_VERSION) {
    fprintf(stderr, "%s: not a model, or of another version\n", argv[1]);
    return 2;
  }
  const SinterModel *model = entry();
  printf("%s, compiled by %s for %s\n", model->name, model->producer, model->target);

  DLTensor *inputs = calloc((size_t)model->input_count + 1, sizeof *inputs);
  DLTensor *outputs = calloc((size_t)model->output_count + 1, sizeof *outputs);
  if (!inputs || !outputs)
    return 1;
  for (int32_t i = 0; i < model->input_count; ++i) {
    const SinterTensorInfo *info = &model->inputs[i];
    int64_t *shape = malloc(sizeof *shape * (size_t)(info->rank + 1));
    if (!shape)
      return 1;
    size_t bytes = info->dtype.bits / 8;
    printf("input  %s: [", info->name);
    for (int32_t d = 0; d < info->rank; ++d) {
      shape[d] = info->dims[d] >= 0 ? info->dims[d] : sizeOf(info->dim_names[d], argc, argv);
      bytes *= (size_t)shape[d];
      printf("%s%lld", d ? ", " : "", (long long)shape[d]);
    }
    printf("]\n");
    inputs[i] = sinter_tensor(calloc(1, bytes + 1), info->dtype, info->rank, shape);
  }

  SinterContext *context;
  SinterStatus status = model->context_create(model, NULL, &context);
  if (status) {
    fprintf(stderr, "%s\n", model->status_text(status));
    return 1;
  }
  /* Outputs without data: the library shows where its results lie. */
  status = model->run(context, inputs, model->input_count, outputs, model->output_count);
  if (status) {
    fprintf(stderr, "%s\n", model->last_error(context));
    return 1;
  }
  for (int32_t i = 0; i < model->output_count; ++i) {
    const DLTensor *output = &outputs[i];
    int64_t count = 1;
    printf("output %s: [", model->outputs[i].name);
    for (int32_t d = 0; d < output->ndim; ++d) {
      count *= output->shape[d];
      printf("%s%lld", d ? ", " : "", (long long)output->shape[d]);
    }
    printf("]");
    if (output->dtype.code == kDLFloat && output->dtype.bits == 32)
      for (int64_t j = 0; j < count && j < 8; ++j)
        printf(" %g", (double)((const float *)output->data)[j]);
    printf("\n");
  }

  model->context_destroy(context);
  for (int32_t i = 0; i < model->input_count; ++i) {
    free(inputs[i].data);
    free(inputs[i].shape);
  }
  free(inputs);
  free(outputs);
  dlclose(library);
  return 0;
}
