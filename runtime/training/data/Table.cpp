//===- Table.cpp - samples out of rows with named fields ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Table.h"
#include "runtime/training/Error.h"
#include "runtime/training/Tensor.h"
#include <algorithm>
#include <cstdlib>
#include <sstream>

using namespace sinter::training;

Table::Table(std::string name, Settings &settings)
    : name(std::move(name)), target(settings.text("target", "")) {
  std::istringstream texts(settings.text("classes", ""));
  for (std::string text; std::getline(texts, text, ',');)
    if (classes.emplace(text, classNames.size()).second)
      classNames.push_back(text);
}

void Table::setNames(std::vector<std::string> fieldNames) {
  names = std::move(fieldNames);
  if (names.size() < 2)
    throw Error(name + " has " + std::to_string(names.size()) +
                " column(s); a sample needs at least one feature and a target");
  targetField = names.size() - 1;
  if (target.empty())
    return;
  auto found = std::find(names.begin(), names.end(), target);
  if (found == names.end()) {
    std::string all;
    for (const std::string &each : names)
      all += (all.empty() ? "" : ", ") + each;
    throw Error(name + " has no column '" + target + "'; it has " + all +
                ": name one with ?target=NAME");
  }
  targetField = found - names.begin();
}

void Table::settle(const Row &row, const std::string &where) {
  first = row;
  Column features;
  features.name = "features";
  int64_t numbers = 0;
  for (size_t f = 0; f < row.size(); ++f)
    numbers += f != targetField && !row[f].isText && row[f].shape.empty();
  if (numbers) {
    features.shape = {numbers};
    columns.push_back(features);
  }
  for (size_t f = 0; f < row.size(); ++f) {
    if (f == targetField) {
      columnOf.push_back(SIZE_MAX);
      continue;
    }
    if (row[f].isText)
      throw Error(where + ", column '" + names[f] + "': '" + row[f].text +
                  "' is no number; only the target may be text");
    columnOf.push_back(row[f].shape.empty() ? 0 : columns.size());
    if (row[f].shape.empty())
      continue;
    Column column;
    column.name = names[f];
    column.shape = row[f].shape;
    columns.push_back(column);
  }
  Column last;
  last.name = names[targetField];
  last.shape = row[targetField].shape;
  last.isTarget = true;
  last.isInteger = row[targetField].isText;
  columnOf[targetField] = columns.size();
  columns.push_back(last);
  updateClasses();
}

void Table::updateClasses() {
  if (!columns.empty() && columns.back().isInteger)
    columns.back().classes = classNames.size();
}

void Table::check(const Row &row, const std::string &where) const {
  if (row.size() != names.size())
    throw Error(where + " has " + std::to_string(row.size()) + " columns, and there should be " +
                std::to_string(names.size()) + ": repair the row or leave it out");
  for (size_t f = 0; f < row.size(); ++f) {
    std::string place = where + ", column '" + names[f] + "': ";
    if (row[f].isText != first[f].isText)
      throw Error(place +
                  (row[f].text.empty() ? "the field is empty or missing"
                   : row[f].isText     ? "'" + row[f].text + "' is no number"
                                       : "a number where the first row has text") +
                  "; repair the row or leave it out");
    if (row[f].shape != first[f].shape)
      throw Error(place + "an array of shape " + describeShape(row[f].shape) +
                  ", and the first row's is " + describeShape(first[f].shape) +
                  "; all must have one shape");
  }
}

int64_t Table::classOf(const std::string &text, const std::string &where) {
  auto found = classes.find(text);
  if (found != classes.end())
    return found->second;
  if (!learns)
    throw Error(where + ": the target '" + text + "' is none of the known classes; " +
                "list them with ?classes=A,B,…");
  int64_t number = classNames.size();
  classes.emplace(text, number);
  classNames.push_back(text);
  updateClasses();
  return number;
}

std::vector<int64_t> Table::sortClasses() {
  std::vector<std::string> before = classNames;
  std::sort(classNames.begin(), classNames.end());
  for (size_t i = 0; i < classNames.size(); ++i)
    classes[classNames[i]] = i;
  std::vector<int64_t> numbers;
  for (const std::string &each : before)
    numbers.push_back(classes[each]);
  return numbers;
}

void Table::convert(const Row &row, const std::string &where, Sample &sample) {
  if (columns.empty()) {
    if (row.size() == names.size())
      settle(row, where);
    else
      first = row;
  }
  check(row, where);
  sample.resize(columns.size());
  for (Value &value : sample) {
    value.reals.clear();
    value.integers.clear();
  }
  for (size_t f = 0; f < row.size(); ++f) {
    Value &value = sample[columnOf[f]];
    if (row[f].isText)
      value.integers.push_back(classOf(row[f].text, where));
    else
      value.reals.insert(value.reals.end(), row[f].numbers.begin(), row[f].numbers.end());
  }
}

bool sinter::training::parseNumber(const std::string &text, float &number) {
  char *end = nullptr;
  number = std::strtof(text.c_str(), &end);
  if (end == text.c_str())
    return false;
  return text.find_first_not_of(" \t\r", end - text.c_str()) == std::string::npos;
}
