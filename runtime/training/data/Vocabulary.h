//===- Vocabulary.h - text to tokens and back -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_VOCABULARY_H
#define SINTER_RUNTIME_TRAINING_DATA_VOCABULARY_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sinter::training {

/// Tokens by number. A text is tokens laid end to end.
class Vocabulary {
public:
  /// The 256 bytes.
  static Vocabulary bytes();
  /// The characters (of UTF-8) of a text, by code point.
  static Vocabulary characters(const std::string &text);
  /// The words of a text, the most frequent first; number 0 stands for all that are not
  /// among the first size-1.
  static Vocabulary words(const std::string &text, int64_t size);
  /// Byte pair encoding: `path` has a merge a line, two tokens with a space between, in
  /// the alphabet of GPT-2's merges.txt. The numbers are GPT-2's.
  static Vocabulary bytePairs(const std::string &path);

  int64_t size() const { return tokens.size(); }
  const std::vector<std::string> &getTokens() const { return tokens; }
  /// The numbers of a text; `where` is for messages.
  std::vector<int64_t> encode(const std::string &text, const std::string &where) const;

private:
  enum class Unit { Byte, Character, Word, BytePair };

  explicit Vocabulary(Unit unit) : unit(unit) {}
  void add(const std::string &token);
  void encodePiece(const std::string &piece, std::vector<int64_t> &numbers) const;

  Unit unit;
  std::vector<std::string> tokens;
  std::map<std::string, int64_t> numberOf;
  std::map<std::pair<int64_t, int64_t>, std::pair<int64_t, int64_t>> merges; ///< to (rank, token)
};

/// The bytes of the character (of UTF-8) at `at`; broken ones are single bytes.
size_t characterBytes(const std::string &text, size_t at);

/// Words: runs of letters, digits and bytes above 127, in lower case; the rest parts them.
std::vector<std::string> splitWords(const std::string &text);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_VOCABULARY_H
