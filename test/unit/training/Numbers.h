//===- Numbers.h - a source whose samples are their numbers -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_UNIT_TRAINING_NUMBERS_H
#define SINTER_TEST_UNIT_TRAINING_NUMBERS_H

#include "runtime/training/data/Source.h"

namespace sinter::training {

/// Sample i has the real i and the target i % 3, as a list or a stream.
class Numbers : public Source {
public:
  explicit Numbers(int64_t size, bool isStream = false, bool restarts = true)
      : size(size), isStream(isStream), restarts(restarts) {
    Column x, y;
    x.name = "x";
    x.shape = {1};
    y.name = "y";
    y.isInteger = y.isTarget = true;
    y.classes = 3;
    columns = {x, y};
  }
  std::optional<int64_t> count() const override {
    return isStream ? std::nullopt : std::optional<int64_t>(size);
  }
  bool canRestart() const override { return restarts; }
  bool read(int64_t index, Sample &sample) override {
    if (index >= size)
      return false;
    sample.resize(2);
    sample[0].reals = {static_cast<float>(index)};
    sample[1].integers = {index % 3};
    return true;
  }
  std::string where(int64_t index) const override { return "number " + std::to_string(index); }

private:
  int64_t size;
  bool isStream, restarts;
};

} // namespace sinter::training

#endif // SINTER_TEST_UNIT_TRAINING_NUMBERS_H
