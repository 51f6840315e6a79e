/*===- typed.c - a user of two models' generated headers ------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Compiled as C99 and as C++11; exits with 0 if all is well.                 *|
\*===----------------------------------------------------------------------===*/

#include "model_one.h"
#include "two.h"

int main(void) {
  const float x[3] = {1, 0, 3};
  float y[3];
  SinterContext *one, *two;
  if (model_one_create(1, &one) || two_create(0, &two))
    return 1;
  if (model_one_run(one, x, 3, y) || y[2] != 4)
    return 2;

  DLTensor indices;
  indices.data = NULL;
  indices.shape = NULL;
  if (two_run(two, x, 3, &indices) || indices.shape[1] != 2 || ((int64_t *)indices.data)[1] != 2)
    return 3;
  if (model_one_run(one, NULL, 3, y) != SINTER_NULL_DATA)
    return 4;
  model_one_destroy(one);
  two_destroy(two);
  return 0;
}
