/*===- half.c - float16 arithmetic on a CPU that has none -----------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* y[n]: bits of x[n] as float16, and its value again as z[n]; b[n]: bfloat16.*|
\*===----------------------------------------------------------------------===*/

#include "memref.h"

void _mlir_ciface_sinter_main(Memref1 *results, void *ctx, Memref1 *workspace, Memref1 *x) {
  int64_t n = x->sizes[0];
  const float *from = x->aligned;
  _Float16 *y = sinter_rt_alloc(ctx, 2 * n);
  float *z = sinter_rt_alloc(ctx, 4 * n);
  __bf16 *b = sinter_rt_alloc(ctx, 2 * n);
  for (int64_t i = 0; i < n; ++i) {
    y[i] = (_Float16)from[i];
    z[i] = (float)y[i];
    b[i] = (__bf16)from[i];
  }
  set1(&results[0], y, n);
  set1(&results[1], z, n);
  set1(&results[2], b, n);
}
