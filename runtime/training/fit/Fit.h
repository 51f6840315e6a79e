//===- Fit.h - the training loop --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_FIT_H
#define SINTER_RUNTIME_TRAINING_FIT_FIT_H

#include "runtime/training/fit/FitOptions.h"
#include "runtime/training/fit/Step.h"
#include <cstdio>

namespace sinter::training {

enum class FitStatus { Done, Fault, WrongUsage, Interrupted };

/// Trains, and says on `out` how it goes. The folder gets last.safetensors (whenever a
/// checkpoint is due), best.safetensors (the least validation loss), and report.html at
/// the end. On Fault and WrongUsage, `error` says what and where.
FitStatus fit(const FitOptions &options, Step &step, Processes &processes, std::FILE *out,
              std::string &error);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_FIT_H
