//===- Prefetch.h - batches made while the model computes -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_PREFETCH_H
#define SINTER_RUNTIME_TRAINING_DATA_PREFETCH_H

#include "runtime/training/data/Batches.h"
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace sinter::training {

/// One epoch's batches, made by a thread that is up to `depth` of them ahead.
class Prefetch {
public:
  Prefetch(Batches &batches, int64_t epoch, int64_t first, size_t depth = 2);
  Prefetch(const Prefetch &) = delete;
  Prefetch &operator=(const Prefetch &) = delete;
  ~Prefetch();

  /// False at the epoch's end, and, where nothing comes, once `stops` says so. Throws what the
  /// thread met, in its turn.
  bool next(Batch &batch, const std::function<bool()> &stops = {});

private:
  void work();

  Batches &batches;
  int64_t epoch, first;
  size_t depth;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Batch> ready;
  std::vector<Batch> used; ///< their memory serves again
  std::exception_ptr fault;
  bool ended = false, stopped = false;
  std::thread thread;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_PREFETCH_H
