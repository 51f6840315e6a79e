/*===- nonzero.c - a result whose size depends on data --------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "memref.h"

typedef struct {
  void *data;
  int32_t dtype, rank;
  const int64_t *dims;
} SinterArray;

int32_t sinter_k_count_nonzero(void *, const SinterArray *, int32_t, int32_t, const int64_t *,
                               int32_t);
int32_t sinter_k_nonzero(void *, const SinterArray *, int32_t, int32_t, const int64_t *, int32_t);

void _mlir_ciface_sinter_main(Memref2 *result, void *ctx, Memref1 *workspace, Memref1 *x) {
  int64_t count;
  SinterArray arrays[2] = {{x->aligned, 1, 1, x->sizes}, {&count, 7, 0, 0}};
  if (sinter_k_count_nonzero(ctx, arrays, 1, 1, 0, 0))
    sinter_rt_fail(ctx, 12, "count_nonzero");
  int64_t dims[2] = {1, count};
  SinterArray indices = {sinter_rt_alloc(ctx, 8 * count), 7, 2, dims};
  arrays[1] = indices;
  if (sinter_k_nonzero(ctx, arrays, 1, 1, 0, 0))
    sinter_rt_fail(ctx, 12, "nonzero");
  result->allocated = result->aligned = indices.data;
  result->offset = 0;
  result->sizes[0] = 1;
  result->sizes[1] = count;
  result->strides[0] = count;
  result->strides[1] = 1;
}
