//===- Checkpoint.h - a training run at one moment --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_STATE_CHECKPOINT_H
#define SINTER_RUNTIME_TRAINING_STATE_CHECKPOINT_H

#include "runtime/training/Tensor.h"
#include <limits>

namespace sinter::training {

/// One epoch's figures, for early stopping and the report.
struct EpochRecord {
  int64_t epoch = 0;
  double seconds = 0, learningRate = 0;
  double loss = 0, validationLoss = 0; ///< validationLoss: NaN without a validation set
  std::vector<double> metrics, validationMetrics;
};

/// Where a run stands, beside the model's own state.
struct Position {
  uint64_t seed = 0;
  int64_t epoch = 0;  ///< that is under way
  int64_t batch = 0;  ///< of the epoch, that comes next
  int64_t step = 0;   ///< of the run
  double lossSum = 0; ///< of the epoch's batches, by samples
  std::vector<double> metricSums;
  int64_t samples = 0; ///< of the epoch
  double bestLoss = std::numeric_limits<double>::infinity();
  int64_t epochsSinceBest = 0;
  std::string setting;  ///< what the run was started with, for it must be the same
  std::string learning; ///< learning rate, schedule, optimizer; empty: not told
  std::vector<EpochRecord> history;
};

/// Writes the model's state and the position as safetensors, whole or not at all.
void writeCheckpoint(const std::string &path, const std::vector<TensorView> &state,
                     const Position &position);

/// Reads a checkpoint into `state`, whose tensors must be the file's by name, type and
/// shape. Throws, and has changed nothing, if they are not.
Position readCheckpoint(const std::string &path, const std::vector<TensorView> &state);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_STATE_CHECKPOINT_H
