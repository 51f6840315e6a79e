//===- Spec.cpp - what --data says ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Spec.h"
#include "runtime/training/Error.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

using namespace sinter::training;

Spec sinter::training::parseSpec(const std::string &text, const std::vector<std::string> &formats) {
  Spec spec;
  size_t colon = text.find(':');
  std::string prefix = text.substr(0, colon);
  size_t start = 0;
  if (colon != std::string::npos &&
      std::find(formats.begin(), formats.end(), prefix) != formats.end()) {
    spec.format = prefix;
    start = colon + 1;
  }
  size_t question = text.find('?', start);
  spec.path = text.substr(start, question - start);
  if (question == std::string::npos)
    return spec;
  for (size_t at = question + 1; at < text.size();) {
    size_t equals = text.find('=', at);
    if (equals == std::string::npos)
      throw UsageError("--data " + text + ": '" + text.substr(at) + "' is not NAME=VALUE");
    std::string name = text.substr(at, equals - at);
    size_t end = name == "query" ? std::string::npos : text.find('&', equals);
    spec.settings[name] = text.substr(equals + 1, end - equals - 1);
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return spec;
}

std::string Settings::text(const std::string &name, const std::string &otherwise) {
  known.push_back(name);
  auto found = left.find(name);
  if (found == left.end())
    return otherwise;
  std::string value = found->second;
  left.erase(found);
  return value;
}

double Settings::number(const std::string &name, double otherwise) {
  std::string value = text(name, "");
  if (value.empty())
    return otherwise;
  char *rest = nullptr;
  double number = std::strtod(value.c_str(), &rest);
  if (*rest || !(number >= 0) || !std::isfinite(number))
    throw UsageError("--data " + spec.path + ": " + name + "=" + value +
                     " must be a number that is not negative");
  return number;
}

int64_t Settings::integer(const std::string &name, int64_t otherwise, int64_t least) {
  std::string value = text(name, std::to_string(otherwise));
  int64_t number = 0;
  const char *end = value.data() + value.size();
  auto [rest, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || rest != end || number < least)
    throw UsageError("--data " + spec.path + ": " + name + "=" + value +
                     " must be a whole number of at least " + std::to_string(least));
  return number;
}

void Settings::finish() const {
  if (left.empty())
    return;
  std::string message = "--data " + spec.path + ": there is no setting '" + left.begin()->first +
                        "' here; there " + (known.empty() ? "are none" : "are");
  for (size_t i = 0; i < known.size(); ++i)
    message += (i ? ", " : " ") + known[i];
  throw UsageError(message);
}
