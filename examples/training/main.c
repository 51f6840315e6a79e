/* Trains a small network to tell two spirals apart, with nothing but its library.
   SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

#include "spirals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { points = 256, steps = 600 };

static float xy[points][2];
static int64_t spiral[points];

/* Points i and i + 1 lie on either spiral, at the same angle from each one's start. */
static void makePoints(void) {
  for (int i = 0; i < points; ++i) {
    double way = 0.2 + 0.8 * (i / 2) / (points / 2), angle = 9 * way + (i % 2) * 3.14159265;
    xy[i][0] = (float)(way * cos(angle));
    xy[i][1] = (float)(way * sin(angle));
    spiral[i] = i % 2;
  }
}

static void expect(SinterStatus status, const SinterModel *model, const SinterContext *context) {
  if (status == SINTER_OK)
    return;
  fprintf(stderr, "%s\n", context ? model->last_error(context) : model->status_text(status));
  exit(1);
}

int main(int argc, char **argv) {
  const SinterTraining *training = spirals_training();
  const SinterModel *train = training->train_step, *eval = training->eval_step;
  SinterContext *trainer = NULL, *judge = NULL;
  expect(spirals_create(0, &trainer), train, trainer);
  expect(spirals_eval_create(trainer, 0, &judge), eval, judge);
  expect(spirals_init(trainer, argc > 1 ? strtoull(argv[1], NULL, 10) : 1), train, trainer);

  makePoints();
  float rate = 0.01f, loss, accuracy;
  static float probability[points][2];
  for (int step = 0; step <= steps; ++step) {
    if (step % 100 == 0) {
      expect(spirals_eval_step(judge, xy[0], points, spiral, &loss, &accuracy, probability[0]),
             eval, judge);
      printf("step %3d: loss %.4f, accuracy %.3f\n", step, loss, accuracy);
    }
    expect(spirals_train_step(trainer, xy[0], points, spiral, &rate, &loss, &accuracy), train,
           trainer);
  }

  /* Any tensor of the state, by its number or its name. */
  for (int32_t i = 0; i < training->state_count; ++i) {
    const SinterStateInfo *info = &training->states[i];
    DLTensor tensor;
    expect(training->state(trainer, i, &tensor), train, trainer);
    if (info->kind == SINTER_PARAMETER)
      printf("%s[0] = %g\n", info->tensor.name, ((const float *)tensor.data)[0]);
  }
  spirals_destroy(judge);
  spirals_destroy(trainer);
  return 0;
}
