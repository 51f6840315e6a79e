//===- CompiledStep.h - a training library, opened --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_COMPILEDSTEP_H
#define SINTER_RUNTIME_TRAINING_FIT_COMPILEDSTEP_H

#include "runtime/include/sinter/model.h"
#include "runtime/include/sinter/train.h"
#include "runtime/training/fit/Step.h"

namespace sinter::training {

/// What `sinter compile --train` made.
class CompiledStep : public Step {
public:
  /// Opens the library; `threads` as in SinterContextOptions. Throws.
  CompiledStep(const std::string &path, int32_t threads);
  CompiledStep(const CompiledStep &) = delete;
  CompiledStep &operator=(const CompiledStep &) = delete;
  ~CompiledStep() override;

  Feeds getFeeds() const override;
  std::vector<std::string> getMetricNames() const override;
  std::vector<std::string> getPredictionMetrics() const override { return predictionMetrics; }
  int64_t getFixedBatch() const override;
  double getLearningRate() const override { return learningRate; }
  std::string getRule() const override { return rule; }
  std::string getName() const override { return training->train_step->name; }

  bool isStateful() const override;

  void init(uint64_t seed) override;
  void resetStates() override;
  void setClassCounts(const std::vector<int64_t> &counts) override;
  std::vector<TensorView> getState() override;
  StepResult train(const Batch &batch, double learningRate) override;
  StepResult evaluate(const Batch &batch) override;
  void share(Processes &processes) override;

private:
  SinterContext *createContext(const SinterModel *model) const;
  static void check(const SinterModel *model, SinterContext *context, SinterStatus status);
  void *getStateMemory(int32_t index);
  static int32_t beginAllReduce(void *self, float *numbers, int64_t count);
  static int32_t endAllReduce(void *self, float *numbers);
  StepResult run(const SinterModel *model, SinterContext *context, const Batch &batch,
                 const float *rate, std::vector<DLTensor> &outputs);

  std::string path;
  int32_t threads;
  const SinterTraining *training = nullptr;
  SinterContext *trainContext = nullptr, *evalContext = nullptr;
  std::vector<DLTensor> trainOutputs, evalOutputs;
  double learningRate = 0, noisePower = 1;
  std::vector<std::string> predictionMetrics;
  std::string rule;
  bool isDataParallel = false;
  Processes *processes = nullptr; ///< null: this one alone
  float part = 1;                 ///< of the step's samples that are this process's
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_COMPILEDSTEP_H
