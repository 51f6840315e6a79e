//===- WordSamples.cpp - what word vectors are learned from ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/WordSamples.h"
#include "runtime/training/Error.h"
#include "runtime/training/Random.h"
#include <algorithm>
#include <cmath>
#include <unordered_map>

using namespace sinter::training;

std::vector<int64_t> sinter::training::countWords(const WordText &text) {
  std::vector<int64_t> counts(text.names.size());
  for (int64_t word : text.words)
    ++counts[word];
  return counts;
}

void sinter::training::subsample(WordText &text, double t) {
  std::vector<int64_t> counts = countWords(text);
  auto all = static_cast<double>(text.words.size());
  Random random(0, Purpose::Sample, 0);
  auto isLeftOut = [&](int64_t word) {
    return random.uniform() < 1 - std::sqrt(t * all / static_cast<double>(counts[word]));
  };
  text.words.erase(std::remove_if(text.words.begin(), text.words.end(), isLeftOut),
                   text.words.end());
}

static Column wordColumn(const std::string &name, std::vector<int64_t> shape, size_t classes) {
  Column column;
  column.name = name;
  column.shape = std::move(shape);
  column.isInteger = true;
  column.classes = static_cast<int64_t>(classes);
  return column;
}

namespace {
/// A text that has `window` words on either side of at least one.
class WordSource : public Source {
protected:
  WordSource(WordText given, int64_t window) : text(std::move(given)), window(window) {
    classNames = text.names;
    if (static_cast<int64_t>(text.words.size()) <= 2 * window)
      throw Error(text.path + " has " + std::to_string(text.words.size()) +
                  " tokens, too few for a window of " + std::to_string(window) +
                  " on either side; give more text");
  }
  /// Words that have a whole window on either side.
  int64_t middles() const { return static_cast<int64_t>(text.words.size()) - 2 * window; }

  WordText text;
  int64_t window;
};

class ContextSource : public WordSource {
public:
  ContextSource(WordText given, int64_t window) : WordSource(std::move(given), window) {
    columns = {wordColumn("context", {2 * window}, text.names.size()),
               wordColumn("word", {}, text.names.size())};
    columns[1].isTarget = true;
  }
  std::optional<int64_t> count() const override { return middles(); }
  bool read(int64_t index, Sample &sample) override {
    sample.resize(2);
    auto middle = text.words.begin() + index + window;
    sample[0].integers.assign(middle - window, middle);
    sample[0].integers.insert(sample[0].integers.end(), middle + 1, middle + 1 + window);
    sample[1].integers.assign(1, *middle);
    return true;
  }
  std::string where(int64_t index) const override {
    return text.path + ": token " + std::to_string(index + window);
  }
};

class PairSource : public WordSource {
public:
  PairSource(WordText given, int64_t window) : WordSource(std::move(given), window) {
    columns = {wordColumn("word", {}, text.names.size()),
               wordColumn("context", {}, text.names.size())};
    columns[1].isTarget = true;
  }
  std::optional<int64_t> count() const override { return middles() * 2 * window; }
  bool read(int64_t index, Sample &sample) override {
    sample.resize(2);
    int64_t middle = middleOf(index), other = index % (2 * window);
    sample[0].integers.assign(1, text.words[middle]);
    sample[1].integers.assign(1, text.words[middle - window + other + (other >= window)]);
    return true;
  }
  std::string where(int64_t index) const override {
    return text.path + ": token " + std::to_string(middleOf(index));
  }

private:
  int64_t middleOf(int64_t index) const { return index / (2 * window) + window; }
};

class CountSource : public WordSource {
public:
  CountSource(WordText given, int64_t window);
  std::optional<int64_t> count() const override { return pairs.size(); }
  bool read(int64_t index, Sample &sample) override {
    sample.resize(3);
    sample[0].integers.assign(1, pairs[index].word);
    sample[1].integers.assign(1, pairs[index].context);
    sample[2].reals.assign(1, pairs[index].count);
    return true;
  }
  std::string where(int64_t index) const override {
    return text.path + ": '" + text.names[pairs[index].word] + "' near '" +
           text.names[pairs[index].context] + "'";
  }

private:
  struct Pair {
    int64_t word, context;
    float count;
  };
  std::vector<Pair> pairs;
};
} // namespace

CountSource::CountSource(WordText given, int64_t window) : WordSource(std::move(given), window) {
  size_t size = text.names.size();
  columns = {wordColumn("word", {}, size), wordColumn("context", {}, size), Column()};
  columns[2].name = "count";
  columns[2].isTarget = true;
  std::unordered_map<uint64_t, double> counts;
  for (size_t at = 0; at < text.words.size(); ++at)
    for (size_t far = 1; far <= std::min<size_t>(window, at); ++far) {
      uint64_t one = text.words[at], other = text.words[at - far];
      for (uint64_t key : {one * size + other, other * size + one})
        counts[key] += 1 / static_cast<double>(far);
    }
  for (auto [key, sum] : counts)
    pairs.push_back({static_cast<int64_t>(key / size), static_cast<int64_t>(key % size),
                     static_cast<float>(sum)});
  // A hash table has no order of its own.
  std::sort(pairs.begin(), pairs.end(), [](const Pair &a, const Pair &b) {
    return std::pair(a.word, a.context) < std::pair(b.word, b.context);
  });
}

std::unique_ptr<Source> sinter::training::makeContexts(WordText text, int64_t window) {
  return std::make_unique<ContextSource>(std::move(text), window);
}
std::unique_ptr<Source> sinter::training::makePairs(WordText text, int64_t window) {
  return std::make_unique<PairSource>(std::move(text), window);
}
std::unique_ptr<Source> sinter::training::makeCounts(WordText text, int64_t window) {
  return std::make_unique<CountSource>(std::move(text), window);
}
