/*===- sinter/profile.h - what a library measured of its kernels ----------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* A library that was compiled with `sinter compile --profile` exports one    *|
|* function more, `sinter_profile`. Others measure nothing and lack it.       *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_PROFILE_H
#define SINTER_PROFILE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One place in the model that calls a kernel; equal kernels are called from
   several. */
typedef struct SinterKernelInfo {
  const char *kernel; /* "conv_relu_3" */
  const char *nodes;  /* names of the ONNX nodes that it computes */
} SinterKernelInfo;

/* Since the context was created. */
typedef struct SinterKernelTotals {
  int64_t calls;
  int64_t nanoseconds;
  int64_t operations; /* scalar ones: a multiplication and an addition are two */
  int64_t bytes;      /* of operands and results, each once */
} SinterKernelTotals;

struct SinterContext;

/* The number of both arrays. `totals` holds until the context is destroyed, and
   changes with each run. */
typedef int64_t (*SinterProfileFunction)(const struct SinterContext *,
                                         const SinterKernelInfo **kernels,
                                         const SinterKernelTotals **totals);

#ifdef __cplusplus
}
#endif

#endif /* SINTER_PROFILE_H */
