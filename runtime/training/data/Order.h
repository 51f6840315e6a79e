//===- Order.h - which samples an epoch sees, and when ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_ORDER_H
#define SINTER_RUNTIME_TRAINING_DATA_ORDER_H

#include "runtime/training/data/Source.h"

namespace sinter::training {

struct OrderOptions {
  uint64_t seed = 0;
  bool shuffle = true;
  double heldOut = 0;       ///< the part of the samples that validation gets
  bool validation = false;  ///< this is the order of that part
  int64_t buffer = 4096;    ///< samples of a stream among which the next one is drawn
  int64_t epochSamples = 0; ///< of a stream that does not end by itself; 0: to its end
  /// Without shuffling, of a list that is continuous: so many samples follow each other at one
  /// place of each batch of that size. What does not fill all places is left out.
  int64_t sequences = 0;
};

/// The samples of one epoch after the other. What an epoch sees is a function of the
/// seed and the epoch's number, so that a run can go on within one.
class Order {
public:
  /// Throws if nothing is left of the source.
  Order(Source &source, const OrderOptions &options);

  Source &getSource() const { return source; }
  /// Samples of an epoch; none for a stream.
  std::optional<int64_t> count() const;

  /// Begins an epoch and leaves out its first `skip` samples.
  void start(int64_t epoch, int64_t skip);
  /// The next sample, and its number in the source; false at the epoch's end.
  bool next(Sample &sample, int64_t &index);

private:
  void laySequences();
  bool isPart(int64_t index) const;
  bool readStream(Sample &sample, int64_t &index);
  bool draw(Sample &sample, int64_t &index);

  Source &source;
  OrderOptions options;
  std::vector<int64_t> part;  ///< of a list: the numbers of this part
  std::vector<int64_t> order; ///< of a list: this epoch's
  int64_t epoch = 0, at = 0;
  int64_t streamAt = 0; ///< the number of the stream's next sample
  std::vector<std::pair<int64_t, Sample>> pool;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_ORDER_H
