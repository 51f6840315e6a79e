//===- Report.h - a run as a page -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_REPORT_H
#define SINTER_RUNTIME_TRAINING_FIT_REPORT_H

#include "runtime/training/fit/Evaluation.h"
#include "runtime/training/state/Checkpoint.h"

namespace sinter::training {

struct ReportContent {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts; ///< name and value
  std::vector<EpochRecord> history;
  std::vector<std::string> metricNames, validationNames;
  std::vector<std::vector<int64_t>> confusion;
  std::vector<std::string> classNames; ///< may be empty
};

/// Writes one page that needs nothing else: curves as SVG, and the confusion matrix.
void writeReport(const std::string &path, const ReportContent &content);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_REPORT_H
