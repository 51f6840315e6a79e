//===- Vocabulary.cpp - text to tokens and back ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Vocabulary.h"
#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>

using namespace sinter::training;

size_t sinter::training::characterBytes(const std::string &text, size_t at) {
  auto lead = static_cast<uint8_t>(text[at]);
  size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  for (size_t i = 1; i < length; ++i)
    if (at + i >= text.size() || (static_cast<uint8_t>(text[at + i]) & 0xC0) != 0x80)
      return 1;
  return length;
}

std::vector<std::string> sinter::training::splitWords(const std::string &text) {
  std::vector<std::string> words(1);
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    if (byte > 127 || std::isalnum(byte))
      words.back() += static_cast<char>(byte > 127 ? byte : std::tolower(byte));
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty())
    words.pop_back();
  return words;
}

void Vocabulary::add(const std::string &token) {
  if (numberOf.emplace(token, tokens.size()).second)
    tokens.push_back(token);
}

Vocabulary Vocabulary::bytes() {
  Vocabulary result(Unit::Byte);
  for (int byte = 0; byte < 256; ++byte)
    result.add(std::string(1, static_cast<char>(byte)));
  return result;
}

Vocabulary Vocabulary::characters(const std::string &text) {
  std::set<std::string> seen;
  for (size_t at = 0; at < text.size();) {
    size_t length = characterBytes(text, at);
    seen.insert(text.substr(at, length));
    at += length;
  }
  Vocabulary result(Unit::Character);
  for (const std::string &each : seen) // bytes of UTF-8 are in the order of code points
    result.add(each);
  return result;
}

Vocabulary Vocabulary::words(const std::string &text, int64_t size) {
  std::map<std::string, int64_t> counts;
  for (const std::string &word : splitWords(text))
    ++counts[word];
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  Vocabulary result(Unit::Word);
  result.add("<unknown>");
  for (auto &[word, count] : sorted)
    if (result.size() < size)
      result.add(word);
  return result;
}

// GPT-2's alphabet: bytes that print stand for themselves, the others for characters
// from 256 on, and the bytes that print come first.
static std::vector<std::pair<std::string, uint8_t>> gpt2Alphabet() {
  auto prints = [](int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
  };
  auto utf8 = [](int code) {
    if (code < 0x80)
      return std::string(1, static_cast<char>(code));
    return std::string{static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  };
  std::vector<std::pair<std::string, uint8_t>> alphabet;
  for (int byte = 0; byte < 256; ++byte)
    if (prints(byte))
      alphabet.emplace_back(utf8(byte), byte);
  for (int byte = 0, next = 256; byte < 256; ++byte)
    if (!prints(byte))
      alphabet.emplace_back(utf8(next++), byte);
  return alphabet;
}

Vocabulary Vocabulary::bytePairs(const std::string &path) {
  Vocabulary result(Unit::BytePair);
  std::map<std::string, std::string> byteOf;
  for (auto &[symbol, byte] : gpt2Alphabet()) {
    byteOf[symbol] = std::string(1, static_cast<char>(byte));
    result.add(byteOf[symbol]);
  }
  std::istringstream lines(readBytes(path));
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (line.empty() || line.rfind("#version", 0) == 0)
      continue;
    std::string where = path + ":" + std::to_string(number);
    // The two tokens, as bytes.
    std::string parts[2];
    int part = 0;
    for (size_t at = 0; at < line.size();) {
      size_t length = characterBytes(line, at);
      std::string symbol = line.substr(at, length);
      at += length;
      if (symbol == " ")
        part = std::min(part + 1, 2);
      else if (part > 1 || !byteOf.count(symbol))
        throw Error(where + ": '" + line + "' is not two tokens with a space between");
      else
        parts[part] += byteOf[symbol];
    }
    auto left = result.numberOf.find(parts[0]), right = result.numberOf.find(parts[1]);
    if (left == result.numberOf.end() || right == result.numberOf.end())
      throw Error(where + ": '" + line + "' merges a token that no line before it makes");
    auto rank = static_cast<int64_t>(result.merges.size());
    result.add(parts[0] + parts[1]);
    result.merges[{left->second, right->second}] = {rank, result.numberOf[parts[0] + parts[1]]};
  }
  if (result.merges.empty())
    throw Error(path + " has no merges; give a file such as GPT-2's merges.txt");
  return result;
}

// Merges pairs, the lowest rank first, until none is left.
void Vocabulary::encodePiece(const std::string &piece, std::vector<int64_t> &numbers) const {
  std::vector<int64_t> pieces;
  for (char c : piece)
    pieces.push_back(numberOf.at(std::string(1, c)));
  for (;;) {
    std::pair<int64_t, int64_t> best(INT64_MAX, 0);
    for (size_t i = 0; i + 1 < pieces.size(); ++i)
      if (auto found = merges.find({pieces[i], pieces[i + 1]}); found != merges.end())
        best = std::min(best, found->second);
    if (best.first == INT64_MAX)
      break;
    std::vector<int64_t> merged;
    for (size_t i = 0; i < pieces.size(); ++i) {
      auto found = i + 1 < pieces.size() ? merges.find({pieces[i], pieces[i + 1]}) : merges.end();
      bool merge = found != merges.end() && found->second == best;
      merged.push_back(merge ? best.second : pieces[i]);
      i += merge;
    }
    pieces = std::move(merged);
  }
  numbers.insert(numbers.end(), pieces.begin(), pieces.end());
}

std::vector<int64_t> Vocabulary::encode(const std::string &text, const std::string &where) const {
  std::vector<int64_t> numbers;
  if (unit == Unit::Word) {
    for (const std::string &word : splitWords(text)) {
      auto found = numberOf.find(word);
      numbers.push_back(found == numberOf.end() ? 0 : found->second);
    }
    return numbers;
  }
  if (unit == Unit::BytePair) {
    // As GPT-2 does, no merge crosses from one word into the space before the next.
    for (size_t at = 0; at < text.size();) {
      size_t end = at + 1;
      while (end < text.size() && !std::isspace(static_cast<uint8_t>(text[end])))
        ++end;
      encodePiece(text.substr(at, end - at), numbers);
      at = end;
    }
    return numbers;
  }
  for (size_t at = 0; at < text.size();) {
    size_t length = unit == Unit::Byte ? 1 : characterBytes(text, at);
    std::string token = text.substr(at, length);
    auto found = numberOf.find(token);
    if (found == numberOf.end())
      throw Error(where + ": the vocabulary has no '" + token + "' (byte " + std::to_string(at) +
                  "); use unit=byte, or take that character out");
    numbers.push_back(found->second);
    at += length;
  }
  return numbers;
}
