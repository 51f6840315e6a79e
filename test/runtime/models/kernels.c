/*===- kernels.c - a host program, or one of the kernels that it calls ----===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Compiled thrice: the host, and two kernels with equal internal names, as   *|
|* Halide's bitcode has them. y[n] = (x[n] + 1) * 2                           *|
\*===----------------------------------------------------------------------===*/

#include "memref.h"

void kernel_1(void *ctx, const float *x, float *y, int64_t n);
void kernel_2(void *ctx, const float *x, float *y, int64_t n);

#if defined(HOST)
void _mlir_ciface_sinter_main(Memref1 *result, void *ctx, Memref1 *workspace, Memref1 *x) {
  int64_t n = x->sizes[0];
  kernel_1(ctx, x->aligned, workspace->aligned, n);
  kernel_2(ctx, workspace->aligned, workspace->aligned, n);
  set1(result, workspace->aligned, n);
}
int64_t _mlir_ciface_sinter_workspace_size(Memref1 *x) { return 4 * x->sizes[0]; }
#else
__attribute__((noinline)) static float inner(float x) {
#if defined(FIRST)
  return x + 1;
#else
  return x * 2;
#endif
}
/* Not called by anybody: must not clash. */
int shared_metadata(void) { return 1; }
#if defined(FIRST)
void kernel_1(void *ctx, const float *x, float *y, int64_t n) {
#else
void kernel_2(void *ctx, const float *x, float *y, int64_t n) {
#endif
  for (int64_t i = 0; i < n; ++i)
    y[i] = inner(x[i]);
}
#endif
