/* The typed functions of a generated header; the library is linked. */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "mlp.h"

#include <stdio.h>

int main(void) {
  float x[4] = {0}, y[6], z[6];
  SinterContext *context;
  if (mlp_create(/*threads=*/1, &context))
    return 1;
  if (mlp_run(context, x, 1, y, z)) {
    puts(mlp_model()->last_error(context));
    return 1;
  }
  for (int i = 0; i < 6; ++i)
    printf("%g ", z[i]);
  mlp_destroy(context);
  return 0;
}
