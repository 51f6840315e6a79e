//===- Sqlite.cpp - what a query gives ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/Table.h"
#include <cstring>
#include <sqlite3.h>

using namespace sinter::training;

namespace {
/// A row is read when it is asked for, and none is kept.
class SqliteSource : public Source {
public:
  SqliteSource(const std::string &path, Settings &settings)
      : path(path), query(settings.text("query", "")), table(path, settings) {
    settings.finish();
    if (query.empty())
      throw UsageError("--data sqlite:" + path + " needs ?query=SELECT …");
    if (!isFile(path))
      throw Error("can't read " + path + ": there is no such file");
    sqlite3 *opened = nullptr;
    int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
    database.reset(opened);
    if (code != SQLITE_OK)
      fail("can't open it");
    sqlite3_stmt *prepared = nullptr;
    code = sqlite3_prepare_v2(opened, query.c_str(), -1, &prepared, nullptr);
    statement.reset(prepared);
    if (code != SQLITE_OK)
      fail("the query '" + query + "' is wrong");
    if (!statement)
      throw UsageError("--data sqlite:" + path + ": the query is empty");
    if (sqlite3_column_count(statement.get()) == 0)
      throw UsageError("--data sqlite:" + path + ": the query '" + query +
                       "' gives no columns; give a SELECT");
    std::vector<std::string> names;
    for (int c = 0; c < sqlite3_column_count(statement.get()); ++c)
      names.emplace_back(sqlite3_column_name(statement.get(), c));
    table.setNames(names);
    // The first row tells the columns.
    Sample sample;
    if (!read(0, sample))
      throw Error(path + ": the query '" + query + "' gives no rows");
    columns = table.getColumns();
    classNames = table.getClassNames();
  }

  std::optional<int64_t> count() const override { return std::nullopt; }
  bool read(int64_t index, Sample &sample) override;
  std::string where(int64_t index) const override {
    return path + ": row " + std::to_string(index) + " of the query";
  }

private:
  [[noreturn]] void fail(const std::string &what) const {
    throw Error(path + ": " + what + ": " + sqlite3_errmsg(database.get()));
  }
  Field readField(int column) const;

  std::string path, query;
  Table table;
  std::unique_ptr<sqlite3, int (*)(sqlite3 *)> database{nullptr, sqlite3_close};
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt *)> statement{nullptr, sqlite3_finalize};
  bool ended = false; ///< a step more would begin the query again
};
} // namespace

// NULL is an empty text; a blob is an array of float32.
Field SqliteSource::readField(int column) const {
  Field field;
  switch (sqlite3_column_type(statement.get(), column)) {
  case SQLITE_INTEGER:
  case SQLITE_FLOAT:
    field.numbers = {static_cast<float>(sqlite3_column_double(statement.get(), column))};
    break;
  case SQLITE_BLOB: {
    size_t bytes = sqlite3_column_bytes(statement.get(), column);
    field.numbers.resize(bytes / sizeof(float));
    if (!field.numbers.empty())
      std::memcpy(field.numbers.data(), sqlite3_column_blob(statement.get(), column),
                  field.numbers.size() * sizeof(float));
    field.shape = {static_cast<int64_t>(field.numbers.size())};
    break;
  }
  case SQLITE_TEXT:
    field.text = reinterpret_cast<const char *>(sqlite3_column_text(statement.get(), column));
    field.isText = true;
    break;
  default:
    field.isText = true;
  }
  return field;
}

bool SqliteSource::read(int64_t index, Sample &sample) {
  if (index == 0) {
    sqlite3_reset(statement.get());
    ended = false;
  }
  if (ended)
    return false;
  int code = sqlite3_step(statement.get());
  if (code == SQLITE_DONE) {
    ended = true;
    return false;
  }
  if (code != SQLITE_ROW)
    fail("row " + std::to_string(index) + " can't be read");
  Row row;
  for (int c = 0; c < sqlite3_column_count(statement.get()); ++c)
    row.push_back(readField(c));
  table.convert(row, where(index), sample);
  return true;
}

Dataset sinter::training::openSqlite(const std::string &path, Settings &settings) {
  Dataset data;
  data.training = std::make_unique<SqliteSource>(path, settings);
  return data;
}
