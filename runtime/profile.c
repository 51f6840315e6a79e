/*===- profile.c - totals of the kernels that are measured ----------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Host code calls these around each kernel in libraries that were compiled   *|
|* to be profiled; the linker leaves them out of all others.                  *|
\*===----------------------------------------------------------------------===*/

#include "runtime/internal.h"

enum { monotonicClock = 1 };

int64_t sinter_rt_profile_now(void) {
  struct timespec time;
  clock_gettime(monotonicClock, &time);
  return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

void sinter_rt_profile_add(SinterContext *caller, int64_t entry, int64_t nanoseconds,
                           int64_t operations, int64_t bytes) {
  SinterKernelTotals *totals = &threadOf(caller)->context->totals[entry];
  ++totals->calls;
  totals->nanoseconds += nanoseconds;
  totals->operations += operations;
  totals->bytes += bytes;
}

__attribute__((visibility("default"))) int64_t sinter_profile(const SinterContext *context,
                                                              const SinterKernelInfo **kernels,
                                                              const SinterKernelTotals **totals) {
  *kernels = context->variant->kernels;
  *totals = context->totals;
  return context->variant->kernelCount;
}
