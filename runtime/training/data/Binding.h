//===- Binding.h - which column feeds which input ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_BINDING_H
#define SINTER_RUNTIME_TRAINING_DATA_BINDING_H

#include "runtime/training/Tensor.h"
#include "runtime/training/data/Source.h"

namespace sinter::training {

/// What the model takes for one sample.
struct Slot {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape; ///< without the batch; -1: any
  int64_t classes = 0;        ///< integers must be below this; 0: any
};

/// What a model is fed with.
struct Feeds {
  std::vector<Slot> inputs;
  Slot target;
};

/// One slot's column, and how its values are turned.
struct Bound {
  size_t column = 0;
  Slot slot;                  ///< with its dims known
  bool channelsFirst = false; ///< a picture [height, width, channels] for [channels, height, width]
  bool oneHot = false;        ///< a class number for a vector
};

struct Binding {
  std::vector<Bound> inputs;
  Bound target;
};

/// Finds the column for each input, by its name or else by its position, and the target's.
/// With `autoencode` the target is the one input's, too, and one that the data has is left out.
/// Throws if kinds, shapes, or the numbers of classes do not fit.
Binding bind(const Source &source, const Feeds &feeds, bool autoencode = false);

/// Writes one value where the model reads it; `where` is its place, for messages.
/// Throws if it is not a finite number, or not a class.
void convert(const Value &value, const Column &column, const Bound &bound, char *to,
             const std::string &where);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_BINDING_H
