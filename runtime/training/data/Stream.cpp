//===- Stream.cpp - samples on the standard input -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Error.h"
#include "runtime/training/data/CsvLines.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/JsonRow.h"
#include <istream>
#include <poll.h>
#include <unistd.h>

using namespace sinter::training;

namespace {
/// The standard input, and a pipe that ends the wait for it.
class Input : public std::streambuf {
public:
  Input() {
    if (pipe(wake) != 0)
      failOnFile("open", "a pipe");
  }
  ~Input() override {
    close(wake[0]);
    close(wake[1]);
  }
  void cancel() {
    char byte = 0;
    while (write(wake[1], &byte, 1) < 0 && errno == EINTR) {
    }
  }

protected:
  int_type underflow() override {
    for (;;) {
      pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {wake[0], POLLIN, 0}};
      if (poll(waits, 2, -1) < 0) {
        if (errno == EINTR)
          continue;
        failOnFile("read", "the standard input");
      }
      if (waits[1].revents)
        return traits_type::eof();
      ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        failOnFile("read", "the standard input");
      if (got == 0)
        return traits_type::eof();
      setg(buffer, buffer, buffer + got);
      return traits_type::to_int_type(buffer[0]);
    }
  }

private:
  int wake[2];
  char buffer[1 << 16];
};

/// Lines as they come; nothing is read twice, and nothing has to end.
class StreamSource : public Source {
public:
  explicit StreamSource(Settings &settings)
      : isCsv(settings.text("format", "json") == "csv"), table("standard input", settings),
        text(&input), csv(text, "standard input") {
    settings.finish();
    text.exceptions(std::ios::badbit); // what the input throws passes through
    if (!readRow())
      throw Error("the standard input has no samples");
    table.convert(row, place(), ahead);
    columns = table.getColumns();
    classNames = table.getClassNames();
  }

  std::optional<int64_t> count() const override { return std::nullopt; }
  bool canRestart() const override { return false; }
  void cancel() override { input.cancel(); }
  std::string where(int64_t index) const override {
    return "standard input, sample " + std::to_string(index);
  }
  bool read(int64_t /*index*/, Sample &sample) override {
    if (!ahead.empty()) {
      sample.swap(ahead);
      ahead.clear();
      return true;
    }
    if (!readRow())
      return false;
    table.convert(row, place(), sample);
    return true;
  }

private:
  bool readRow() {
    if (isCsv)
      return csv.next(table, row);
    std::string object;
    do {
      if (!std::getline(text, object))
        return false;
      ++line;
    } while (object.find_first_not_of(" \t\r") == std::string::npos);
    parseJsonRow(object, place(), table, row);
    return true;
  }
  /// Of the last row.
  std::string place() const {
    return isCsv ? csv.where() : "standard input:" + std::to_string(line);
  }

  bool isCsv;
  Table table;
  Input input;
  std::istream text;
  CsvLines csv;
  int64_t line = 0;
  Row row;
  Sample ahead; ///< the first one, which told the columns
};
} // namespace

Dataset sinter::training::openStream(const std::string & /*path*/, Settings &settings) {
  Dataset data;
  data.training = std::make_unique<StreamSource>(settings);
  return data;
}
