//===- Prefetch.cpp - batches made while the model computes ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Prefetch.h"
#include <chrono>

using namespace sinter::training;

Prefetch::Prefetch(Batches &batches, int64_t epoch, int64_t first, size_t depth)
    : batches(batches), epoch(epoch), first(first), depth(depth) {
  thread = std::thread([this] { work(); });
}

Prefetch::~Prefetch() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopped = true;
    if (!ended)
      batches.cancel();
  }
  changed.notify_all();
  thread.join();
}

void Prefetch::work() {
  std::exception_ptr met;
  try {
    batches.start(epoch, first);
    for (;;) {
      Batch batch;
      {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return stopped || ready.size() < depth; });
        if (stopped)
          return;
        if (!used.empty()) {
          batch = std::move(used.back());
          used.pop_back();
        }
      }
      if (!batches.next(batch))
        break;
      std::lock_guard<std::mutex> lock(mutex);
      ready.push_back(std::move(batch));
      changed.notify_all();
    }
  } catch (...) {
    met = std::current_exception();
  }
  std::lock_guard<std::mutex> lock(mutex);
  fault = met;
  ended = true;
  changed.notify_all();
}

bool Prefetch::next(Batch &batch, const std::function<bool()> &stops) {
  // A signal's handler can't wake anyone: it is asked for this often.
  constexpr std::chrono::milliseconds Pause(50);
  std::unique_lock<std::mutex> lock(mutex);
  if (!batch.inputs.empty())
    used.push_back(std::move(batch));
  batch = Batch();
  while (!changed.wait_for(lock, Pause, [&] { return ended || !ready.empty(); }))
    if (stops && stops())
      return false;
  if (!ready.empty()) {
    batch = std::move(ready.front());
    ready.pop_front();
    changed.notify_all();
    return true;
  }
  if (fault)
    std::rethrow_exception(fault);
  return false;
}
