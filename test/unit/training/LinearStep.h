//===- LinearStep.h - a small model in plain C++ ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_UNIT_TRAINING_LINEARSTEP_H
#define SINTER_TEST_UNIT_TRAINING_LINEARSTEP_H

#include "runtime/training/fit/Step.h"
#include <algorithm>
#include <cmath>
#include <functional>

namespace sinter::training {

/// Softmax regression by gradient descent: what a compiled training library does, without
/// a compiler.
class LinearStep : public Step {
public:
  LinearStep(int64_t features, int64_t classes)
      : weights(features * classes), features(features), classes(classes) {}

  Feeds getFeeds() const override {
    Slot x, target;
    x.name = "x";
    x.shape = {features};
    target.name = "target";
    target.type = ElementType::I64;
    target.classes = classes;
    return {{x}, target};
  }
  std::vector<std::string> getMetricNames() const override { return {"accuracy"}; }
  double getLearningRate() const override { return 0.1; }
  std::string getName() const override { return "linear"; }
  void init(uint64_t seed) override {
    for (size_t i = 0; i < weights.size(); ++i)
      weights[i] = static_cast<float>(std::sin(static_cast<double>(seed + i)));
  }
  std::vector<TensorView> getState() override {
    return {{"weights", ElementType::F32, {features, classes}, weights.data()}};
  }
  StepResult train(const Batch &batch, double learningRate) override {
    StepResult result = evaluate(batch);
    std::vector<float> gradient(weights.size());
    for (int64_t i = 0; i < batch.size; ++i)
      for (int64_t c = 0; c < classes; ++c)
        for (int64_t f = 0; f < features; ++f)
          gradient[f * classes + c] +=
              (predictions[i * classes + c] - (batch.target.as<int64_t>()[i] == c)) *
              batch.inputs[0].as<float>()[i * features + f];
    auto share = static_cast<float>(learningRate / static_cast<double>(batch.global));
    processes->sum(gradient.data(), gradient.size());
    for (size_t i = 0; i < weights.size(); ++i)
      weights[i] -= share * gradient[i];
    if (afterStep)
      afterStep(++steps);
    return result;
  }
  StepResult evaluate(const Batch &batch) override {
    predictions.assign(batch.size * classes, 0);
    StepResult result;
    result.metrics = {0};
    for (int64_t i = 0; i < batch.size; ++i) {
      float *row = &predictions[i * classes], sum = 0;
      for (int64_t c = 0; c < classes; ++c) {
        for (int64_t f = 0; f < features; ++f)
          row[c] += batch.inputs[0].as<float>()[i * features + f] * weights[f * classes + c];
        row[c] = std::exp(row[c]);
        sum += row[c];
      }
      for (int64_t c = 0; c < classes; ++c)
        row[c] /= sum;
      int64_t label = batch.target.as<int64_t>()[i];
      auto size = static_cast<double>(batch.size);
      result.loss -= std::log(row[label]) / size;
      result.metrics[0] += (std::max_element(row, row + classes) - row == label) / size;
    }
    result.prediction = {"y", ElementType::F32, {batch.size, classes}, predictions.data()};
    return result;
  }
  void share(Processes &others) override { processes = &others; }

  std::vector<float> weights;
  std::function<void(int)> afterStep; ///< called with the number of steps done

private:
  int64_t features, classes;
  std::vector<float> predictions;
  int steps = 0;
  Processes alone, *processes = &alone;
};

} // namespace sinter::training

#endif // SINTER_TEST_UNIT_TRAINING_LINEARSTEP_H
