//===- Evaluation.h - figures over a whole set ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_EVALUATION_H
#define SINTER_RUNTIME_TRAINING_FIT_EVALUATION_H

#include "runtime/training/fit/Step.h"
#include <cmath>

namespace sinter::training {

/// Means over samples.
class Means {
public:
  void add(const StepResult &result, int64_t samples);
  double loss() const { return samples ? lossSum / static_cast<double>(samples) : NAN; }
  std::vector<double> metrics() const;

  double lossSum = 0;
  std::vector<double> metricSums;
  int64_t samples = 0;
};

/// A metric that is computed from predictions: "top5" (or any number), "exact"
/// (samples all of whose classes are right), "mae", "perplexity" (e to the loss).
class PredictionMetric {
public:
  /// Throws a UsageError if there is none of the name.
  explicit PredictionMetric(const std::string &name);
  const std::string &getName() const { return name; }
  void add(const TensorView &prediction, const Tensor &target);
  /// `loss`: the set's mean.
  double value(double loss) const;

private:
  enum class Kind { TopK, Exact, AbsoluteError, Perplexity };
  std::string name;
  Kind kind;
  int64_t k = 0;
  double sum = 0;
  int64_t count = 0;
};

struct Evaluation {
  double loss = 0;
  std::vector<double> metrics; ///< the model's own, then those asked for
  /// Samples by [class][predicted class]; empty if the model is no classifier of samples.
  std::vector<std::vector<int64_t>> confusion;
};

/// Runs the whole set that `batches` give. Throws if it is empty.
Evaluation evaluate(Step &step, Batches &batches, const std::vector<std::string> &metrics);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_EVALUATION_H
