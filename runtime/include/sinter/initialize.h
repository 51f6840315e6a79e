/*===- sinter/initialize.h - first values, for compiler and runtime -------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef SINTER_INITIALIZE_H
#define SINTER_INITIALIZE_H

#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fills a dense float tensor. Orthogonal: the last dim gives the columns, all
   others together the rows. */
void sinter_rt_initialize(const SinterInitializer *initializer, int32_t rank, const int64_t *dims,
                          uint64_t seed, float *values);

#ifdef __cplusplus
}
#endif

#endif /* SINTER_INITIALIZE_H */
