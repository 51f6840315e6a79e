//===- OperatorTable.cpp - which operator is imported by what -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/OperatorTable.h"
#include "compiler/import/onnx/Importer.h"
#include "llvm/ADT/STLExtras.h"
#include <tuple>

using namespace sinter::onnx_import;
using llvm::StringRef;

const OperatorTable &OperatorTable::get() {
  static const OperatorTable table = [] {
    OperatorTable table;
#define FAMILY(name) register##name##Operators(table);
#include "compiler/import/onnx/Families.def"
#undef FAMILY
    return table;
  }();
  return table;
}

std::string OperatorTable::key(StringRef domain, StringRef name) {
  return (domain == "ai.onnx" ? "" : domain.str()) + ":" + name.str();
}

void OperatorTable::add(StringRef name, int64_t since, BuildFunction build, Inputs inputs,
                        unsigned maxOutputs, StringRef domain) {
  operators[key(domain, name)].push_back({domain, name, since, build, inputs, maxOutputs});
}

const Operator *OperatorTable::lookup(StringRef domain, StringRef name, int64_t opset) const {
  auto found = operators.find(key(domain, name));
  if (found == operators.end())
    return nullptr;
  const Operator *best = nullptr;
  for (const Operator &entry : found->second)
    if (entry.since <= opset && (!best || best->since < entry.since))
      best = &entry;
  return best;
}

int64_t OperatorTable::firstVersion(StringRef domain, StringRef name) const {
  auto found = operators.find(key(domain, name));
  if (found == operators.end())
    return 0;
  int64_t first = found->second.front().since;
  for (const Operator &entry : found->second)
    first = std::min(first, entry.since);
  return first;
}

StringRef OperatorTable::nearest(StringRef domain, StringRef name) const {
  StringRef best;
  unsigned bestDistance = std::max<size_t>(1, name.size() / 4) + 1;
  forEach([&](const Operator &entry) {
    if (entry.domain != domain)
      return;
    unsigned distance =
        name.edit_distance_insensitive(entry.name, /*AllowReplacements=*/true, bestDistance);
    if (distance < bestDistance ||
        (distance == bestDistance && !best.empty() && entry.name < best)) {
      best = entry.name;
      bestDistance = distance;
    }
  });
  return best;
}

void OperatorTable::forEach(llvm::function_ref<void(const Operator &)> callback) const {
  for (const auto &entry : operators)
    for (const Operator &version : entry.second)
      callback(version);
}

std::vector<SupportedOperator> sinter::onnx_import::getSupportedOperators() {
  std::vector<SupportedOperator> result;
  OperatorTable::get().forEach([&](const Operator &entry) {
    result.push_back({entry.domain.str(), entry.name.str(), entry.since});
  });
  llvm::sort(result, [](const auto &a, const auto &b) {
    return std::tie(a.domain, a.name, a.since) < std::tie(b.domain, b.name, b.since);
  });
  return result;
}
