//===- FitOptions.h - what a run is asked for -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_FITOPTIONS_H
#define SINTER_RUNTIME_TRAINING_FIT_FITOPTIONS_H

#include <cstdint>
#include <string>
#include <vector>

namespace sinter::training {

struct FitOptions {
  std::string data;           ///< Formats.h
  std::string validationData; ///< empty: what the data brings, or else a part of it
  double validation = 0;      ///< that part, 0 … 1
  int64_t epochs = 10, batch = 32;
  double learningRate = 0; ///< 0: the model's own
  std::string schedule = "constant";
  int64_t warmup = 0; ///< steps
  std::string augment;
  bool shuffle = true;
  bool autoencode = false;          ///< the target is the input
  int64_t epochSamples = 0;         ///< of a stream; 0: to its end
  std::vector<std::string> metrics; ///< of validation, beside the model's own
  int64_t patience = 0;             ///< epochs without a better validation loss; 0: all epochs
  uint64_t seed = 0;
  std::string output = "fit"; ///< folder
  std::string resume;         ///< a checkpoint; empty: from the start
  double checkpointSeconds = 60;
  int64_t checkpointSteps = 0; ///< a checkpoint each so many steps too; 0: none
  std::string log;             ///< file of JSON lines; empty: none
  bool quiet = false;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_FITOPTIONS_H
