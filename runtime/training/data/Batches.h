//===- Batches.h - samples as the model takes them --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_BATCHES_H
#define SINTER_RUNTIME_TRAINING_DATA_BATCHES_H

#include "runtime/training/data/Augment.h"
#include "runtime/training/data/Binding.h"
#include "runtime/training/data/Order.h"

namespace sinter::training {

/// One step's tensors.
struct Batch {
  std::vector<Tensor> inputs;
  Tensor target;
  int64_t size = 0;   ///< samples in it
  int64_t first = 0;  ///< the number of the first one among the step's
  int64_t global = 0; ///< samples of this step in all processes
};

struct BatchOptions {
  int64_t size = 32;       ///< samples of all processes' batches together
  bool keepPartial = true; ///< the last, smaller one of an epoch, if each process gets a sample
  uint64_t seed = 0;
  Augmentation augmentation;
  int32_t rank = 0, ranks = 1; ///< this process takes the rank-th part of each batch
};

/// Makes batches out of an order of samples.
class Batches {
public:
  /// `scaling`: one for each column (measureScaling).
  Batches(Order &order, Binding binding, std::vector<Scaling> scaling, const BatchOptions &options)
      : order(order), binding(std::move(binding)), scaling(std::move(scaling)), options(options) {}

  /// Begins an epoch with its batch `first`.
  void start(int64_t epoch, int64_t first);
  /// False at the epoch's end.
  bool next(Batch &batch);
  /// Ends a next() that waits for a stream's data.
  void cancel() { order.getSource().cancel(); }
  /// Batches of an epoch; none for a stream.
  std::optional<int64_t> count() const;

private:
  Order &order;
  Binding binding;
  std::vector<Scaling> scaling;
  BatchOptions options;
  int64_t epoch = 0, position = 0;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_BATCHES_H
