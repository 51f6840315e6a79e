//===- JsonRow.cpp - a row out of a JSON object ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/JsonRow.h"
#include "runtime/training/Error.h"
#include <nlohmann/json.hpp>

using namespace sinter::training;
using Json = nlohmann::ordered_json; // fields in the order in which they stand

// Adds an array's numbers; its shape is that of its first elements, which all must have.
static void addArray(const Json &array, Field &field, size_t depth, const std::string &place) {
  if (!array.is_array()) {
    if (!array.is_number() || depth != field.shape.size())
      throw Error(place + "an array must hold numbers alone, in rows of one length");
    field.numbers.push_back(array.get<float>());
    return;
  }
  auto size = static_cast<int64_t>(array.size());
  if (field.numbers.empty() && depth == field.shape.size())
    field.shape.push_back(size);
  if (depth >= field.shape.size() || field.shape[depth] != size)
    throw Error(place + "an array must hold numbers alone, in rows of one length");
  for (const Json &element : array)
    addArray(element, field, depth + 1, place);
}

// Whether brackets stand within brackets more often than a row has use for: parsing takes a piece
// of the stack for each.
static bool isNestedDeeply(const std::string &text) {
  constexpr int MostDims = 8;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"')
      quoted = !quoted;
    else if (quoted)
      i += c == '\\';
    else if (c == '[' || c == '{')
      ++depth;
    else if (c == ']' || c == '}')
      --depth;
    if (depth > MostDims + 1)
      return true;
  }
  return false;
}

void sinter::training::parseJsonRow(const std::string &text, const std::string &where, Table &table,
                                    Row &row) {
  if (isNestedDeeply(text))
    throw Error(where + " has arrays of more than 8 dims");
  Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object())
    throw Error(where + " is no JSON object; each line must be one, as {\"x\": [1, 2], \"y\": 0}");
  if (table.getNames().empty()) {
    std::vector<std::string> names;
    for (auto &item : object.items())
      names.push_back(item.key());
    table.setNames(names);
  }
  row.clear();
  for (const std::string &name : table.getNames()) {
    std::string place = where + ", field '" + name + "': ";
    auto found = object.find(name);
    if (found == object.end())
      throw Error(place + "it is missing; all objects need the fields of the first");
    Field field;
    if (found->is_number()) {
      field.numbers = {found->get<float>()};
    } else if (found->is_string()) {
      field.isText = true;
      field.text = found->get<std::string>();
    } else if (found->is_array()) {
      addArray(*found, field, 0, place);
    } else {
      throw Error(place + "it is neither a number, an array nor text");
    }
    row.push_back(std::move(field));
  }
  if (object.size() != table.getNames().size())
    throw Error(where + " has other fields than the first object");
}
