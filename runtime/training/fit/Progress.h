//===- Progress.h - what a run says while it goes ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_PROGRESS_H
#define SINTER_RUNTIME_TRAINING_FIT_PROGRESS_H

#include "runtime/training/state/Checkpoint.h"
#include <chrono>
#include <cstdio>
#include <optional>

namespace sinter::training {

/// A bar on a terminal, and a line for each epoch anywhere.
class Progress {
public:
  /// `out`: where to; `isTerminal`: whether a line can be written over.
  Progress(std::FILE *out, bool isTerminal, int64_t epochs, std::vector<std::string> metricNames);

  void startEpoch(int64_t epoch, std::optional<int64_t> batches);
  /// After `batch` batches of the epoch, `samples` of them in this process's time.
  void update(int64_t batch, int64_t samples, double loss, const std::vector<double> &metrics);
  void endEpoch(const EpochRecord &record, const std::vector<std::string> &validationNames);
  /// A line for itself.
  void say(const std::string &text);

private:
  void clear();
  double secondsSince(std::chrono::steady_clock::time_point time) const;

  std::FILE *out;
  bool isTerminal, shown = false;
  int64_t epochs, epoch = 0, firstBatch = -1, samplesDone = 0;
  std::optional<int64_t> batches;
  std::vector<std::string> names;
  std::chrono::steady_clock::time_point started, updated;
};

/// "1:02:03", "2:03", of seconds.
std::string formatDuration(double seconds);
/// Four figures: "0.1234", "1234", "1.2e-05".
std::string formatNumber(double value);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_PROGRESS_H
