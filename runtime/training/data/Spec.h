//===- Spec.h - what --data says --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_SPEC_H
#define SINTER_RUNTIME_TRAINING_DATA_SPEC_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sinter::training {

/// `FORMAT:PATH?key=value&key=value`; the format and the settings may be left out.
struct Spec {
  std::string format; ///< empty: by the path
  std::string path;
  std::map<std::string, std::string> settings;
};

/// `formats`: the names that may stand before the colon. The value of a setting
/// named `query` goes to the end of the text: SQL has `=` and `&`.
Spec parseSpec(const std::string &text, const std::vector<std::string> &formats);

/// The settings of a Spec, as a reader asks for them. A setting that no reader asked
/// for is a mistake, told by finish().
class Settings {
public:
  explicit Settings(const Spec &spec) : spec(spec), left(spec.settings) {}

  std::string text(const std::string &name, const std::string &otherwise);
  /// Not negative.
  double number(const std::string &name, double otherwise);
  int64_t integer(const std::string &name, int64_t otherwise, int64_t least = 1);
  /// Throws if a setting is left.
  void finish() const;

private:
  const Spec &spec;
  std::map<std::string, std::string> left;
  std::vector<std::string> known;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_SPEC_H
