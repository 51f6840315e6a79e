//===- TableTest.cpp - CSV, SQLite and streams ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"
#include "runtime/training/data/JsonRow.h"
#include <cmath>
#include <sqlite3.h>

using namespace sinter::training;
using testing::HasSubstr;

TEST(Csv, NamesQuotesAndClasses) {
  Folder folder;
  std::string file = folder.write(
      "a.csv",
      "width,kind,\"the, height\"\r\n1,oak,2.5\r\n\r\n-3,\"ash \"\"x\"\"\",4\r\n5,oak,1e2\r\n");
  Dataset data = openDataset(file + "?target=kind");
  ASSERT_EQ(data.training->count(), 3);
  EXPECT_EQ(data.training->getClassNames(), (std::vector<std::string>{"ash \"x\"", "oak"}));
  EXPECT_EQ(data.training->getColumns()[0].shape, (std::vector<int64_t>{2}));
  EXPECT_EQ(data.training->getColumns()[1].classes, 2);
  EXPECT_EQ(data.training->where(1), file + ":4");
  Sample sample = readSample(*data.training, 0);
  EXPECT_EQ(sample[0].reals, (std::vector<float>{1, 2.5}));
  EXPECT_EQ(sample[1].integers, (std::vector<int64_t>{1}));
}

TEST(Csv, WithoutNames) {
  Folder folder;
  Dataset data = openDataset(folder.write("a.csv", "1,2,3\n4,5,6\n"));
  ASSERT_EQ(data.training->count(), 2);
  EXPECT_EQ(readSample(*data.training, 1)[1].reals, (std::vector<float>{6}));
}

TEST(Csv, Faults) {
  Folder folder;
  auto error = [&](const std::string &text, const std::string &settings = "") {
    return openError(folder.write("a.csv", text) + settings);
  };
  EXPECT_THAT(error("a,b,c\n1,2,3\n1,2\n"),
              HasSubstr("a.csv:3 has 2 columns, and there should be 3"));
  EXPECT_THAT(error("a,b,c\n1,2,3\n1,x,3\n"), HasSubstr("a.csv:3, column 'b': 'x' is no number"));
  EXPECT_THAT(error("a,b,c\n1,2,3\n1,,3\n"), HasSubstr("a.csv:3, column 'b': the field is empty"));
  EXPECT_THAT(error("a,b,c\nx,2,3\n"),
              HasSubstr("a.csv:2, column 'a': 'x' is no number; only the target"));
  EXPECT_THAT(error("a,b\n1,x\n2,3\n"), HasSubstr("a number where the first row has text"));
  EXPECT_THAT(error("a,b,c\n"), HasSubstr("has no rows"));
  EXPECT_THAT(error(""), HasSubstr("has no rows"));
  EXPECT_THAT(error("a\n1\n"), HasSubstr("has 1 column(s)"));
  EXPECT_THAT(error("a,b\n1,2\n", "?target=c"), HasSubstr("has no column 'c'; it has a, b"));
  EXPECT_THAT(error("a,b\n1,\"2\n"), HasSubstr("a.csv:2: a quoted field has no end"));
}

static std::string makeDatabase(const Folder &folder, const std::string &sql) {
  std::string path = folder / "a.db";
  sqlite3 *database = nullptr;
  sqlite3_open(path.c_str(), &database);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  return path;
}

TEST(Sqlite, StreamsAndStartsAgain) {
  Folder folder;
  std::string path = makeDatabase(folder, "create table t(a, b, y); insert into t values "
                                          "(1, 2.5, 0), (3, 4, 1), (5, 6, 0)");
  Dataset data = openDataset("sqlite:" + path + "?query=select a, b, y from t where a >= 3 & 3");
  EXPECT_FALSE(data.training->count().has_value());
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(readSample(*data.training, 0)[0].reals, (std::vector<float>{3, 4}));
    EXPECT_EQ(readSample(*data.training, 1)[0].reals, (std::vector<float>{5, 6}));
    Sample sample;
    EXPECT_FALSE(data.training->read(2, sample));
    EXPECT_FALSE(data.training->read(3, sample));
  }
}

TEST(Sqlite, BlobsAreArrays) {
  Folder folder;
  std::string path =
      makeDatabase(folder, "create table t(x, y); insert into t values (x'0000803F00000040', 'b')");
  Dataset data = openDataset("sqlite:" + path + "?classes=a,b&query=select * from t");
  Sample sample = readSample(*data.training, 0);
  EXPECT_EQ(sample[0].reals, (std::vector<float>{1, 2}));
  EXPECT_EQ(sample[1].integers, (std::vector<int64_t>{1}));
}

TEST(Sqlite, Faults) {
  Folder folder;
  std::string path = "sqlite:" + makeDatabase(folder, "create table t(x, y); insert into t values "
                                                      "(1, 2), (3, null), ('a', 4)");
  EXPECT_THAT(openError(path), HasSubstr("needs ?query="));
  EXPECT_THAT(openError(path + "?query=select z from t"), HasSubstr("no such column: z"));
  EXPECT_THAT(openError(path + "?query=select * from t where x < 0"), HasSubstr("gives no rows"));
  EXPECT_THAT(openError(path + "?query=delete from t"),
              HasSubstr("the query 'delete from t' gives no columns; give a SELECT"));
  EXPECT_THAT(openError("sqlite:" + folder.path + "/b.db?query=select 1, 2"),
              HasSubstr("no such file"));
  EXPECT_THAT(openError("sqlite:" + folder.write("c.db", std::string(2000, 'x')) +
                        "?query=select 1, 2 from t"),
              HasSubstr("not a database"));
  Dataset data = openDataset(path + "?query=select * from t");
  Sample sample;
  data.training->read(0, sample);
  EXPECT_THAT(errorOf([&] { data.training->read(1, sample); }),
              HasSubstr("row 1 of the query, column 'y': the field is empty"));
  EXPECT_THAT(errorOf([&] { data.training->read(2, sample); }),
              HasSubstr("row 2 of the query, column 'x': 'a' is no number"));
}

namespace {
/// A table as the standard input has it.
class JsonTest : public testing::Test {
protected:
  Spec spec;
  Settings settings{spec};
  Table table{"in", settings};
  Sample convert(const std::string &text) {
    Row row;
    parseJsonRow(text, "in:1", table, row);
    Sample sample;
    table.convert(row, "in:1", sample);
    return sample;
  }
  std::string error(const std::string &text) {
    return errorOf([&] { convert(text); });
  }
};
} // namespace

TEST_F(JsonTest, NumbersAndArrays) {
  Sample sample = convert(R"({"a": 1, "m": [[1, 2, 3], [4, 5, 6]], "b": -2.5, "y": 7})");
  EXPECT_EQ(sample[0].reals, (std::vector<float>{1, -2.5}));
  EXPECT_EQ(sample[1].reals, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(sample[2].reals, (std::vector<float>{7}));
  EXPECT_EQ(table.getColumns()[1].shape, (std::vector<int64_t>{2, 3}));
  // In another order.
  EXPECT_EQ(convert(R"({"y": 1, "b": 2, "m": [[0,0,0],[0,0,0]], "a": 3})")[0].reals,
            (std::vector<float>{3, 2}));
}

TEST_F(JsonTest, Faults) {
  EXPECT_THAT(error("[1]"), HasSubstr("in:1 is no JSON object"));
  EXPECT_THAT(error(R"({"a": NaN, "y": 1})"), HasSubstr("is no JSON object"));
  EXPECT_EQ(error(R"({"a": [1, 2], "y": 1})"), "");
  EXPECT_THAT(error(R"({"a": [1, 2]})"), HasSubstr("field 'y': it is missing"));
  EXPECT_THAT(error(R"({"a": [1, 2], "y": 1, "z": 1})"), HasSubstr("other fields"));
  EXPECT_THAT(error(R"({"a": [1, 2, 3], "y": 1})"),
              HasSubstr("shape [3], and the first row's is [2]"));
  EXPECT_THAT(error(R"({"a": [[1, 2], [3]], "y": 1})"), HasSubstr("rows of one length"));
  EXPECT_THAT(
      error("{\"a\": " + std::string(100000, '[') + std::string(100000, ']') + ", \"y\": 1}"),
      HasSubstr("arrays of more than 8 dims"));
  EXPECT_THAT(error(R"({"a": [1, "b"], "y": 1})"), HasSubstr("numbers alone"));
  EXPECT_THAT(error(R"({"a": [1, 2], "y": null})"), HasSubstr("neither a number"));
}
