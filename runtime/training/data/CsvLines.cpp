//===- CsvLines.cpp - records of comma-separated values -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/CsvLines.h"
#include "runtime/training/Error.h"
#include <algorithm>

using namespace sinter::training;

bool CsvLines::nextRecord(std::vector<std::string> &fields) {
  fields.clear();
  std::string text;
  do {
    if (!std::getline(input, text))
      return false;
    ++line;
    if (!text.empty() && text.back() == '\r')
      text.pop_back();
  } while (text.empty());
  start = line;
  std::string field;
  bool quoted = false;
  for (size_t i = 0;; ++i) {
    if (i == text.size()) {
      if (!quoted)
        break;
      // A quoted field goes on in the next line.
      if (!std::getline(input, text))
        throw Error(where() + ": a quoted field has no end; close it with \"");
      ++line;
      field += '\n';
      i = SIZE_MAX;
    } else if (quoted && text[i] == '"') {
      if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        quoted = false;
    } else if (!quoted && text[i] == '"') {
      quoted = true;
    } else if (!quoted && text[i] == ',') {
      fields.push_back(std::move(field));
      field.clear();
    } else {
      field += text[i];
    }
  }
  fields.push_back(std::move(field));
  return true;
}

bool CsvLines::next(Table &table, Row &row) {
  std::vector<std::string> fields;
  if (!nextRecord(fields))
    return false;
  float number;
  if (table.getNames().empty()) {
    bool hasNames = std::none_of(fields.begin(), fields.end(), [&](const std::string &field) {
      return parseNumber(field, number);
    });
    if (hasNames) {
      table.setNames(fields);
      if (!nextRecord(fields))
        return false;
    } else {
      std::vector<std::string> names;
      for (size_t i = 0; i < fields.size(); ++i)
        names.push_back(std::to_string(i));
      table.setNames(names);
    }
  }
  row.clear();
  for (std::string &field : fields) {
    Field value;
    if (parseNumber(field, number))
      value.numbers = {number};
    else
      value.isText = true;
    value.text = std::move(field);
    row.push_back(std::move(value));
  }
  return true;
}
