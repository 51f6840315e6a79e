//===- Augment.h - variations of samples ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_AUGMENT_H
#define SINTER_RUNTIME_TRAINING_DATA_AUGMENT_H

#include "runtime/training/Random.h"
#include "runtime/training/data/Source.h"

namespace sinter::training {

/// What `--augment` asks for.
struct Augmentation {
  bool flip = false;      ///< left and right, by half of the samples
  int64_t crop = 0;       ///< moved by up to so many pixels; what comes in is 0
  bool normalize = false; ///< to mean 0 and deviation 1, each channel or feature
};

/// Reads "flip,crop=4,normalize". Throws a UsageError if it is none.
Augmentation parseAugmentation(const std::string &text);

/// Scale and shift of one column's last dim: value × scale + shift.
struct Scaling {
  std::vector<float> scale, shift; ///< one, or one for each channel
};

/// Pictures go from 0 … 255 to 0 … 1; with `normalize`, real columns that are inputs
/// have mean 0 and deviation 1 over the first `limit` samples.
std::vector<Scaling> measureScaling(Source &source, bool normalize, int64_t limit = 10000);

/// Scales the sample's inputs.
void applyScaling(Sample &sample, const std::vector<Column> &columns,
                  const std::vector<Scaling> &scaling);

/// Flips and moves the sample's pictures.
void augment(Sample &sample, const std::vector<Column> &columns, const Augmentation &augmentation,
             Random random);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_AUGMENT_H
