//===- Step.h - a model that is trained -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_STEP_H
#define SINTER_RUNTIME_TRAINING_FIT_STEP_H

#include "runtime/training/data/Batches.h"
#include "runtime/training/fit/Processes.h"

namespace sinter::training {

/// What a step gives: means over its batch.
struct StepResult {
  double loss = 0;
  std::vector<double> metrics;
  TensorView prediction; ///< of an evaluation; holds until the next one
};

/// What the training loop sees of a model.
class Step {
public:
  virtual ~Step() = default;

  /// What a sample must be like.
  virtual Feeds getFeeds() const = 0;
  virtual std::vector<std::string> getMetricNames() const = 0;
  /// What a validation tells beside them unless the command says otherwise, as --metrics has it.
  virtual std::vector<std::string> getPredictionMetrics() const { return {}; }
  /// Samples that a batch must have; 0: any number.
  virtual int64_t getFixedBatch() const { return 0; }
  /// What the model was compiled to start with.
  virtual double getLearningRate() const = 0;
  virtual std::string getName() const = 0;
  /// By what it learns: loss and optimizer with their settings, for comparison only.
  virtual std::string getRule() const { return ""; }

  /// Whether layers keep a state of a batch for the next one.
  virtual bool isStateful() const { return false; }

  virtual void init(uint64_t seed) = 0;
  /// Has such layers begin anew.
  virtual void resetStates() {}
  /// How often each class occurs in the data: a loss that draws classes draws by that.
  virtual void setClassCounts(const std::vector<int64_t> & /*counts*/) {}
  /// The state's tensors, which may be read and written until the next train() or evaluate().
  virtual std::vector<TensorView> getState() = 0;
  virtual StepResult train(const Batch &batch, double learningRate) = 0;
  virtual StepResult evaluate(const Batch &batch) = 0;
  /// Gradients become their mean over processes from now on.
  virtual void share(Processes &processes) = 0;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_STEP_H
