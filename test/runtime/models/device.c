/*===- device.c - a host program with kernels for a device ----------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* As the compiler makes them: y[n] = (x[n] + 1) * w[n mod 4], with w among   *|
|* the weights, the sum in the workspace and the product between launches. If *|
|* y[0] is negative, the host doubles it, and the columns of y[0..3] as 2 x 2  *|
|* change places on the device.                                               *|
\*===----------------------------------------------------------------------===*/

#include "memref.h"

#include <stddef.h>

typedef struct {
  int32_t min, extent, stride;
  uint32_t flags;
} Dimension;

typedef struct {
  uint64_t device;
  const void *interface;
  void *host;
  uint64_t flags;
  uint8_t code, bits;
  uint16_t lanes;
  int32_t dimensions;
  Dimension *dim;
  void *padding;
} Buffer;

#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define HALIDE(driver, name) JOIN(halide_, driver, name)
int HALIDE(DRIVER, _initialize_kernels)(void *, void **, const char *, int);
int HALIDE(DRIVER, _run)(void *, void *, const char *, int, int, int, int, int, int, int, size_t *,
                         void **, int8_t *);
const void *HALIDE(DRIVER, _device_interface)(void);
int halide_device_malloc(void *, Buffer *, const void *);
int halide_device_free(void *, Buffer *);
void sinter_rt_to_host(void *, void *, int64_t);
void sinter_rt_to_device(void *, void *, int64_t);
void sinter_rt_input_to_device(void *, int64_t, void *, int64_t);
void sinter_rt_result_to_host(void *, int64_t, void *, int64_t);
void sinter_rt_device_copy(void *, void *, const void *, int64_t);
void sinter_rt_device_copy_strided(void *, void *, const void *, int64_t, int64_t, const int64_t *,
                                   const int64_t *, const int64_t *);
extern const float sinter_weights[4];

static void *state;
static const char source[] = "kernel void add(int n, global const float *x, global float *y, "
                             "local char *shared) {\n"
                             "  int i = get_global_id(0);\n"
                             "  if (i < n)\n"
                             "    y[i] = x[i] + 1;\n"
                             "}\n"
                             "kernel void scale(int n, global const float *x, "
                             "global const float *w, global float *y, local float *shared) {\n"
                             "  int i = get_global_id(0);\n"
                             "  shared[get_local_id(0)] = w[i % 4];\n"
                             "  barrier(CLK_LOCAL_MEM_FENCE);\n"
                             "  if (i < n)\n"
                             "    y[i] = x[i] * shared[get_local_id(0)];\n"
                             "}\n";

enum { threads = 16 };

static Buffer buffer(Dimension *dimension, const void *data, int n) {
  *dimension = (Dimension){0, n, 1, 0};
  return (Buffer){(uint64_t)data, NULL, (void *)data, 2, 2, 32, 1, 1, dimension, NULL};
}

static void add(void *ctx, const float *x, float *y, int n) {
  Dimension dimensions[2];
  Buffer from = buffer(dimensions, x, n), to = buffer(dimensions + 1, y, n);
  size_t sizes[] = {4, 8, 8, 0};
  void *arguments[] = {&n, &from, &to, NULL};
  int8_t isBuffer[] = {0, 1, 1, 0};
  HALIDE(DRIVER, _initialize_kernels)(ctx, &state, source, sizeof source);
  HALIDE(DRIVER, _run)
  (ctx, state, "add", (n + threads - 1) / threads, 1, 1, threads, 1, 1, 0, sizes, arguments,
   isBuffer);
}

static void scale(void *ctx, const float *x, float *y, int n) {
  Dimension dimensions[4];
  Buffer from = buffer(dimensions, x, n), to = buffer(dimensions + 1, y, n),
         weights = buffer(dimensions + 2, sinter_weights, 4),
         between = buffer(dimensions + 3, 0, n);
  size_t sizes[] = {4, 8, 8, 8, 0};
  void *arguments[] = {&n, &from, &weights, &between, NULL};
  int8_t isBuffer[] = {0, 1, 1, 1, 0};
  HALIDE(DRIVER, _initialize_kernels)(ctx, &state, source, sizeof source);
  halide_device_malloc(ctx, &between, HALIDE(DRIVER, _device_interface)());
  HALIDE(DRIVER, _run)
  (ctx, state, "scale", (n + threads - 1) / threads, 1, 1, threads, 1, 1, SHARED, sizes, arguments,
   isBuffer);
  sinter_rt_device_copy(ctx, y, (void *)between.device, 4 * (int64_t)n);
  halide_device_free(ctx, &between);
  (void)to;
}

void _mlir_ciface_sinter_main(Memref1 *result, void *ctx, Memref1 *workspace, Memref1 *x) {
  int64_t n = x->sizes[0];
  float *sum = workspace->aligned, *y = sinter_rt_output(ctx, 0, 4 * n);
  sinter_rt_input_to_device(ctx, 0, x->aligned, 4 * n);
  add(ctx, x->aligned, sum, (int)n);
  scale(ctx, sum, y, (int)n);
  if (n >= 4)
    sinter_rt_to_host(ctx, y, 4);
  if (n >= 4 && y[0] < 0) {
    y[0] *= 2;
    sinter_rt_to_device(ctx, y, 4);
    /* The columns of the first four numbers as 2 x 2 change places. */
    const int64_t sizes[] = {2, 1}, strides[] = {2, 1};
    sinter_rt_device_copy_strided(ctx, sum, y, 4, 2, sizes, strides, strides);
    sinter_rt_device_copy_strided(ctx, y, y + 1, 4, 2, sizes, strides, strides);
    sinter_rt_device_copy_strided(ctx, y + 1, sum, 4, 2, sizes, strides, strides);
  }
  sinter_rt_result_to_host(ctx, 0, y, 4 * n);
  set1(result, y, n);
}

int64_t _mlir_ciface_sinter_workspace_size(Memref1 *x) { return 4 * x->sizes[0]; }
