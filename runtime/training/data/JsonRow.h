//===- JsonRow.h - a row out of a JSON object -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_JSONROW_H
#define SINTER_RUNTIME_TRAINING_DATA_JSONROW_H

#include "runtime/training/data/Table.h"

namespace sinter::training {

/// Reads `{"x": [[1, 2], [3, 4]], "label": 1}`: the fields by the table's names, which
/// the first object settles.
void parseJsonRow(const std::string &text, const std::string &where, Table &table, Row &row);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_JSONROW_H
