//===- Schedule.h - the learning rate of each step --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_SCHEDULE_H
#define SINTER_RUNTIME_TRAINING_FIT_SCHEDULE_H

#include <cstdint>
#include <string>

namespace sinter::training {

/// The learning rate as a function of the step's number alone.
class Schedule {
public:
  /// `text`: "constant"; "step:every=EPOCHS,factor=F" multiplies by F; "cosine" or
  /// "cosine:final=F" goes down to rate × F (I. Loshchilov and F. Hutter, SGDR, ICLR
  /// 2017, without restarts). `warmup`: steps in which the rate rises from 0. Throws a
  /// UsageError.
  Schedule(const std::string &text, double rate, int64_t warmup);

  /// `step` of `total`, or of -1 where the end is not known; `perEpoch` steps an epoch.
  double rate(int64_t step, int64_t total, int64_t perEpoch) const;
  /// Whether rate() must know `total`.
  bool needsEnd() const { return kind == Kind::Cosine; }

private:
  enum class Kind { Constant, Step, Cosine };
  Kind kind = Kind::Constant;
  double base, factor = 0.1, final = 0;
  int64_t warmup, every = 10;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_SCHEDULE_H
