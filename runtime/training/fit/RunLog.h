//===- RunLog.h - a run as lines of JSON ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_RUNLOG_H
#define SINTER_RUNTIME_TRAINING_FIT_RUNLOG_H

#include "runtime/training/state/Checkpoint.h"
#include <cstdio>
#include <memory>

namespace sinter::training {

/// `--log FILE`: a line for each step and each epoch.
class RunLog {
public:
  /// An empty path writes nothing. A run that goes on, from `from`, keeps the lines of what
  /// lies before; null begins a new file.
  RunLog(const std::string &path, const Position *from);

  void step(int64_t step, int64_t epoch, double learningRate, double loss,
            const std::vector<std::string> &names, const std::vector<double> &metrics);
  void epoch(const EpochRecord &record, int64_t step, const std::vector<std::string> &names,
             const std::vector<std::string> &validationNames);

private:
  void line(const std::string &text);

  std::string path;
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file{nullptr, std::fclose};
};

/// Writes the classes' names (or the tokens) as a JSON array, by number.
void writeNames(const std::string &path, const std::vector<std::string> &names);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_RUNLOG_H
