//===- Pictures.h - labelled pictures in memory -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_PICTURES_H
#define SINTER_RUNTIME_TRAINING_DATA_PICTURES_H

#include "runtime/training/data/Source.h"

namespace sinter::training {

/// Pictures of one size with a label each: columns `image` [height, width,
/// channels], bytes as they are, and `label`.
class Pictures : public Source {
public:
  /// `classes`: how many there are; 0: not known.
  Pictures(int64_t height, int64_t width, int64_t channels, int64_t classes,
           std::vector<std::string> names);

  /// Adds one; `bytes` are height × width × channels, channels innermost. `file` and
  /// `row` are its place; row -1: the file is the picture.
  void add(const uint8_t *bytes, int64_t label, const std::string &file, int64_t row);

  std::optional<int64_t> count() const override { return labels.size(); }
  bool read(int64_t index, Sample &sample) override;
  std::string where(int64_t index) const override;

private:
  size_t size;                 ///< bytes of a picture
  std::vector<uint8_t> pixels; ///< of all
  std::vector<int64_t> labels, rows;
  std::vector<std::string> files;
  std::vector<int64_t> fileOf;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_PICTURES_H
