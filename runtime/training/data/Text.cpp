//===- Text.cpp - windows of tokens, and pairs of texts -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/Vocabulary.h"
#include "runtime/training/data/WordSamples.h"
#include <algorithm>
#include <sstream>

using namespace sinter::training;

static Column tokenColumn(const std::string &name, int64_t length, int64_t classes) {
  Column column;
  column.name = name;
  column.shape = {length};
  column.isInteger = true;
  column.classes = classes;
  return column;
}

namespace {
/// Windows of `length` tokens, one after the other; the target is a token later.
class TextSource : public Source {
public:
  TextSource(const std::string &path, const Vocabulary &vocabulary, std::vector<int64_t> tokens,
             int64_t length)
      : path(path), tokens(std::move(tokens)), length(length) {
    columns = {tokenColumn("tokens", length, vocabulary.size()),
               tokenColumn("next", length, vocabulary.size())};
    columns[1].isTarget = true;
    classNames = vocabulary.getTokens();
    if (static_cast<int64_t>(this->tokens.size()) <= length)
      throw Error(path + " has " + std::to_string(this->tokens.size()) +
                  " tokens, too few for one window of " + std::to_string(length) +
                  "; give more text or a smaller length=");
  }
  std::optional<int64_t> count() const override { return (tokens.size() - 1) / length; }
  bool isContinuous() const override { return true; }
  bool read(int64_t index, Sample &sample) override {
    sample.resize(2);
    auto start = tokens.begin() + index * length;
    sample[0].integers.assign(start, start + length);
    sample[1].integers.assign(start + 1, start + 1 + length);
    return true;
  }
  std::string where(int64_t index) const override {
    return path + ": token " + std::to_string(index * length);
  }

private:
  std::string path;
  std::vector<int64_t> tokens;
  int64_t length;
};

/// Two texts each, as characters: `source`, then `shifted`, which begins with the token
/// 1, if `hasShifted`, and the target, which ends with 2. Token 0 fills up.
class PairsSource : public Source {
public:
  PairsSource(const std::string &path, bool hasShifted);
  std::optional<int64_t> count() const override { return pairs.size(); }
  bool read(int64_t index, Sample &sample) override;
  std::string where(int64_t index) const override {
    return path + ":" + std::to_string(lines[index]);
  }

private:
  std::string path;
  std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>> pairs;
  std::vector<int64_t> lines;
};
} // namespace

static constexpr int64_t StartToken = 1, EndToken = 2, SpecialTokens = 3;

PairsSource::PairsSource(const std::string &path, bool hasShifted) : path(path) {
  std::string text = readBytes(path);
  std::string letters = text;
  letters.erase(std::remove_if(letters.begin(), letters.end(),
                               [](char c) { return c == '\n' || c == '\t' || c == '\r'; }),
                letters.end());
  Vocabulary vocabulary = Vocabulary::characters(letters);
  std::istringstream input(text);
  int64_t number = 0;
  size_t longest[2] = {0, 0};
  for (std::string line; std::getline(input, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (line.empty())
      continue;
    std::string place = path + ":" + std::to_string(number);
    size_t tab = line.find('\t');
    if (tab == std::string::npos || line.find('\t', tab + 1) != std::string::npos)
      throw Error(place + " must be two texts with one tab between");
    pairs.emplace_back(vocabulary.encode(line.substr(0, tab), place),
                       vocabulary.encode(line.substr(tab + 1), place));
    lines.push_back(number);
    longest[0] = std::max(longest[0], pairs.back().first.size());
    longest[1] = std::max(longest[1], pairs.back().second.size());
  }
  if (pairs.empty())
    throw Error(path + " has no pairs; a set needs at least one sample");
  int64_t size = vocabulary.size() + SpecialTokens;
  columns = {tokenColumn("source", longest[0], size)};
  if (hasShifted)
    columns.push_back(tokenColumn("shifted", longest[1] + 1, size));
  columns.push_back(tokenColumn("target", longest[1] + 1, size));
  columns.back().isTarget = true;
  classNames = {"", "<start>", "<end>"};
  classNames.insert(classNames.end(), vocabulary.getTokens().begin(), vocabulary.getTokens().end());
}

bool PairsSource::read(int64_t index, Sample &sample) {
  sample.resize(columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    std::vector<int64_t> &tokens = sample[c].integers;
    bool isSource = c == 0, isTarget = columns[c].isTarget;
    tokens.clear();
    if (!isSource && !isTarget)
      tokens.push_back(StartToken);
    for (int64_t each : isSource ? pairs[index].first : pairs[index].second)
      tokens.push_back(each + SpecialTokens);
    if (isTarget)
      tokens.push_back(EndToken);
    tokens.resize(columns[c].shape[0], 0);
  }
  return true;
}

// Samples of word vectors.
static Dataset openWords(WordText text, int64_t window, Settings &settings) {
  std::string kind = settings.text("samples", "contexts");
  double threshold = settings.number("subsample", 0);
  settings.finish();
  static const std::pair<const char *, std::unique_ptr<Source> (*)(WordText, int64_t)> kinds[] = {
      {"contexts", makeContexts}, {"pairs", makePairs}, {"counts", makeCounts}};
  const auto *found = std::find_if(std::begin(kinds), std::end(kinds),
                                   [&](auto &each) { return kind == each.first; });
  if (found == std::end(kinds))
    throw UsageError("--data " + text.path + ": there are no samples=" + kind +
                     "; there are contexts, pairs and counts");
  std::vector<int64_t> counts = countWords(text);
  if (threshold > 0)
    subsample(text, threshold);
  Dataset data;
  data.training = found->second(std::move(text), window);
  data.training->setClassCounts(std::move(counts));
  return data;
}

Dataset sinter::training::openText(const std::string &path, Settings &settings) {
  std::string unit = settings.text("unit", "char"), file = settings.text("vocabulary", "");
  int64_t length = settings.integer("length", 64);
  std::string text = readBytes(path);
  if (text.empty())
    throw Error(path + " is empty; give a text");
  auto make = [&] {
    if (unit == "byte")
      return Vocabulary::bytes();
    if (unit == "char")
      return Vocabulary::characters(text);
    if (unit == "word")
      return Vocabulary::words(text, settings.integer("words", 10000, 2));
    if (unit != "bpe")
      throw UsageError("--data " + path + ": there is no unit=" + unit +
                       "; there are byte, char, word and bpe");
    if (file.empty())
      throw UsageError("--data " + path + ": unit=bpe needs vocabulary=FILE, the merges");
    return Vocabulary::bytePairs(file);
  };
  Vocabulary vocabulary = make();
  if (int64_t window = settings.integer("window", 0, 0))
    return openWords({path, vocabulary.getTokens(), vocabulary.encode(text, path)}, window,
                     settings);
  settings.finish();
  Dataset data;
  data.training =
      std::make_unique<TextSource>(path, vocabulary, vocabulary.encode(text, path), length);
  return data;
}

Dataset sinter::training::openPairs(const std::string &path, Settings &settings) {
  std::string shifted = settings.text("shifted", "yes");
  settings.finish();
  if (shifted != "yes" && shifted != "no")
    throw UsageError("--data " + path + ": shifted must be yes or no");
  Dataset data;
  data.training = std::make_unique<PairsSource>(path, shifted == "yes");
  return data;
}
