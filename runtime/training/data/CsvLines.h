//===- CsvLines.h - records of comma-separated values -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_CSVLINES_H
#define SINTER_RUNTIME_TRAINING_DATA_CSVLINES_H

#include "runtime/training/data/Table.h"
#include <istream>

namespace sinter::training {

/// Reads RFC 4180 from a stream: fields by comma, with quotes where they need them.
/// A first line without any number has the names.
class CsvLines {
public:
  CsvLines(std::istream &input, std::string name) : input(input), name(std::move(name)) {}

  /// The next record as a row of `table`, whose names the first one settles. False at the end.
  bool next(Table &table, Row &row);
  /// "FILE:LINE" of the last record.
  std::string where() const { return name + ":" + std::to_string(start); }

private:
  bool nextRecord(std::vector<std::string> &fields);

  std::istream &input;
  std::string name;
  int64_t line = 0, start = 0;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_CSVLINES_H
