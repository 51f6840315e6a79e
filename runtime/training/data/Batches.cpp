//===- Batches.cpp - samples as the model takes them ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Batches.h"

using namespace sinter::training;

void Batches::start(int64_t next, int64_t first) {
  epoch = next;
  position = first * options.size;
  order.start(epoch, position);
}

std::optional<int64_t> Batches::count() const {
  auto samples = order.count();
  if (!samples)
    return std::nullopt;
  bool hasPartial = options.keepPartial && *samples % options.size >= options.ranks;
  return *samples / options.size + hasPartial;
}

static void makeTensor(const Bound &bound, int64_t size, Tensor &tensor) {
  tensor.name = bound.slot.name;
  tensor.type = bound.slot.type;
  tensor.shape.assign(1, size);
  tensor.shape.insert(tensor.shape.end(), bound.slot.shape.begin(), bound.slot.shape.end());
  tensor.allocate();
}

bool Batches::next(Batch &batch) {
  Source &source = order.getSource();
  const std::vector<Column> &columns = source.getColumns();
  std::vector<std::pair<int64_t, Sample>> samples;
  while (static_cast<int64_t>(samples.size()) < options.size) {
    samples.emplace_back();
    if (!order.next(samples.back().second, samples.back().first)) {
      samples.pop_back();
      break;
    }
  }
  auto all = static_cast<int64_t>(samples.size());
  // No process can do without a sample: a mean over none is no number.
  if (all < options.ranks || (all < options.size && !options.keepPartial))
    return false;
  int64_t begin = all * options.rank / options.ranks,
          end = all * (options.rank + 1) / options.ranks;
  batch.global = all;
  batch.size = end - begin;
  batch.first = begin;
  batch.inputs.resize(binding.inputs.size());
  for (size_t i = 0; i < binding.inputs.size(); ++i)
    makeTensor(binding.inputs[i], batch.size, batch.inputs[i]);
  makeTensor(binding.target, batch.size, batch.target);
  for (int64_t row = 0; row < batch.size; ++row) {
    Sample &sample = samples[begin + row].second;
    std::string where = source.where(samples[begin + row].first);
    // By its place in the epoch, so that no process and no resumed run draws otherwise.
    augment(
        sample, columns, options.augmentation,
        Random(options.seed, Purpose::Augment,
               static_cast<uint64_t>(epoch) << 40 | static_cast<uint64_t>(position + begin + row)));
    applyScaling(sample, columns, scaling);
    auto put = [&](const Bound &bound, Tensor &tensor) {
      size_t bytes = tensor.bytes.size() / batch.size;
      convert(sample[bound.column], columns[bound.column], bound, tensor.bytes.data() + row * bytes,
              where);
    };
    for (size_t i = 0; i < binding.inputs.size(); ++i)
      put(binding.inputs[i], batch.inputs[i]);
    put(binding.target, batch.target);
  }
  position += all;
  return true;
}
