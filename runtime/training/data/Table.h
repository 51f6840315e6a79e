//===- Table.h - samples out of rows with named fields ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What CSV, SQL and lines of JSON have in common. The numbers of a row, but its
// target, are one column `features` in the order of the fields; a field that is an
// array is a column of its own.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_TRAINING_DATA_TABLE_H
#define SINTER_RUNTIME_TRAINING_DATA_TABLE_H

#include "runtime/training/data/Source.h"
#include "runtime/training/data/Spec.h"
#include <functional>
#include <map>

namespace sinter::training {

/// One field of a row: text, or numbers of a shape.
struct Field {
  bool isText = false;
  std::string text;
  std::vector<float> numbers = {};
  std::vector<int64_t> shape = {}; ///< empty: one number
};
using Row = std::vector<Field>;

/// Turns rows into samples. The first row settles the columns.
class Table {
public:
  /// `target` and `classes` (names of a target that is text, by comma) are asked of the
  /// settings.
  Table(std::string name, Settings &settings);

  void setNames(std::vector<std::string> fieldNames);
  const std::vector<std::string> &getNames() const { return names; }
  /// Whether a new text in the target is a new class, or a fault.
  void learnClasses() { learns = true; }
  /// Classes in the order of their names; gives the new number of each.
  std::vector<int64_t> sortClasses();

  /// Converts one row; `where` is its place, for messages.
  void convert(const Row &row, const std::string &where, Sample &sample);

  const std::vector<Column> &getColumns() const { return columns; }
  const std::vector<std::string> &getClassNames() const { return classNames; }

private:
  void settle(const Row &row, const std::string &where);
  void check(const Row &row, const std::string &where) const;
  int64_t classOf(const std::string &text, const std::string &where);
  void updateClasses();

  std::string name; ///< of the file
  std::string target;
  std::vector<std::string> names, classNames;
  std::map<std::string, int64_t> classes;
  bool learns = false;
  size_t targetField = 0;
  Row first;
  std::vector<size_t> columnOf; ///< of each field
  std::vector<Column> columns;
};

/// A number, all of `text` but spaces; false if it is none. "nan" and "inf" are numbers.
bool parseNumber(const std::string &text, float &number);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_TABLE_H
