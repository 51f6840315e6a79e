/*===- memref.h - what the host programs of these tests share -------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include <stdint.h>

typedef struct {
  void *allocated, *aligned;
  int64_t offset, sizes[1], strides[1];
} Memref1;

typedef struct {
  void *allocated, *aligned;
  int64_t offset, sizes[2], strides[2];
} Memref2;

static inline void set1(Memref1 *memref, void *data, int64_t size) {
  memref->allocated = memref->aligned = data;
  memref->offset = 0;
  memref->sizes[0] = size;
  memref->strides[0] = 1;
}

void *sinter_rt_alloc(void *ctx, int64_t bytes);
void *sinter_rt_output(void *ctx, int32_t index, int64_t bytes);
void sinter_rt_fail(void *ctx, int32_t code, const char *message) __attribute__((noreturn));
