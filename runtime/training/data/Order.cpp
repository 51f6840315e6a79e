//===- Order.cpp - which samples an epoch sees, and when ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Order.h"
#include "runtime/training/Error.h"
#include "runtime/training/Random.h"
#include <algorithm>
#include <cmath>

using namespace sinter::training;

Order::Order(Source &source, const OrderOptions &options) : source(source), options(options) {
  std::optional<int64_t> all = source.count();
  if (!all)
    return;
  part = permutation(*all, Random(options.seed, Purpose::Split, 0));
  auto held = static_cast<int64_t>(std::llround(options.heldOut * static_cast<double>(*all)));
  if (options.validation)
    part.resize(held);
  else
    part.erase(part.begin(), part.begin() + held);
  std::sort(part.begin(), part.end());
  if (part.empty())
    throw Error("of " + std::to_string(*all) + " samples, none is left for " +
                (options.validation ? "validation" : "training") +
                "; give more data, or another --validation");
  if (options.sequences)
    laySequences();
}

// Sample b of lane l stands at place l of batch b.
void Order::laySequences() {
  size_t sequences = options.sequences, batches = part.size() / sequences;
  std::vector<int64_t> laid(sequences * batches);
  for (size_t i = 0; i < laid.size(); ++i)
    laid[i] = part[i % sequences * batches + i / sequences];
  part = std::move(laid);
}

std::optional<int64_t> Order::count() const {
  if (source.count())
    return part.size();
  return std::nullopt;
}

void Order::start(int64_t next, int64_t skip) {
  epoch = next;
  at = 0;
  if (source.count()) {
    order = part;
    if (options.shuffle) {
      std::vector<int64_t> positions =
          permutation(part.size(), Random(options.seed, Purpose::Shuffle, epoch));
      for (size_t i = 0; i < part.size(); ++i)
        order[i] = part[positions[i]];
    }
    at = skip;
    return;
  }
  if (source.canRestart()) {
    streamAt = 0;
    pool.clear();
    Sample sample;
    int64_t index;
    for (int64_t i = 0; i < skip; ++i)
      if (!this->next(sample, index))
        throw Error(source.where(streamAt) + ": the data ends before the place where the run " +
                    "stood; it must be the data that the run began with");
    return;
  }
  // What has gone by does not come back: a resumed run goes on with what comes.
  at = skip;
}

// A stream's samples are told apart by their numbers, whose end is not known.
bool Order::isPart(int64_t index) const {
  bool isHeld = Random(options.seed, Purpose::Split, index).uniform() < options.heldOut;
  return isHeld == options.validation;
}

bool Order::readStream(Sample &sample, int64_t &index) {
  do {
    index = streamAt++;
    if (!source.read(index, sample))
      return false;
  } while (!isPart(index));
  return true;
}

// One sample out of a pool that the stream fills up.
bool Order::draw(Sample &sample, int64_t &index) {
  size_t wanted = options.shuffle ? std::max<int64_t>(options.buffer, 1) : 1;
  Sample more;
  int64_t number;
  while (pool.size() < wanted && readStream(more, number))
    pool.emplace_back(number, std::move(more));
  if (pool.empty())
    return false;
  Random random(options.seed, Purpose::Shuffle, static_cast<uint64_t>(epoch) << 32 | at);
  size_t chosen = random.below(pool.size());
  std::swap(pool[chosen], pool.back());
  index = pool.back().first;
  sample = std::move(pool.back().second);
  pool.pop_back();
  return true;
}

bool Order::next(Sample &sample, int64_t &index) {
  if (source.count()) {
    if (at >= static_cast<int64_t>(order.size()))
      return false;
    index = order[at++];
    return source.read(index, sample);
  }
  if ((options.epochSamples && at >= options.epochSamples) || !draw(sample, index))
    return false;
  ++at;
  return true;
}
