/*===- parallel.c - a parallel loop as Halide's kernels have it -----------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* y[n] = 2 x[n], one task per element, through scratch memory; a negative x  *|
|* fails.                                                                     *|
\*===----------------------------------------------------------------------===*/

#include "memref.h"

#include <stddef.h>

void *halide_malloc(void *ctx, size_t bytes);
void halide_free(void *ctx, void *memory);
int halide_do_par_for(void *ctx, int (*task)(void *, int, uint8_t *), int first, int count,
                      uint8_t *closure);

typedef struct {
  const float *x;
  float *y;
} Closure;

static int task(void *ctx, int i, uint8_t *closure) {
  const Closure *c = (const Closure *)closure;
  volatile float *scratch = halide_malloc(ctx, 100000);
  volatile float *more = halide_malloc(ctx, 300000);
  if (c->x[i] < 0)
    sinter_rt_fail(ctx, 11, "x is negative");
  scratch[0] = c->x[i];
  more[70000] = scratch[0];
  c->y[i] = scratch[0] + more[70000];
  halide_free(ctx, (void *)scratch);
  halide_free(ctx, (void *)more);
  return 0;
}

void _mlir_ciface_sinter_main(Memref1 *result, void *ctx, Memref1 *workspace, Memref1 *x) {
  Closure closure = {x->aligned, workspace->aligned};
  halide_do_par_for(ctx, task, 0, (int)x->sizes[0], (uint8_t *)&closure);
  set1(result, workspace->aligned, x->sizes[0]);
}

int64_t _mlir_ciface_sinter_workspace_size(Memref1 *x) { return 4 * x->sizes[0]; }
