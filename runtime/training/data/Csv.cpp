//===- Csv.cpp - files of comma-separated values --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/CsvLines.h"
#include "runtime/training/data/Formats.h"
#include <sstream>

using namespace sinter::training;

namespace {
/// All rows, in memory.
class CsvSource : public Source {
public:
  CsvSource(const std::string &path, Settings &settings) {
    Table table(path, settings);
    settings.finish();
    table.learnClasses();
    std::istringstream text(readBytes(path));
    CsvLines csv(text, path);
    Sample sample;
    for (Row row; csv.next(table, row);) {
      table.convert(row, csv.where(), sample);
      samples.push_back(sample);
      places.push_back(csv.where());
    }
    if (samples.empty())
      throw Error(path + " has no rows; a set needs at least one sample");
    std::vector<int64_t> numbers = table.sortClasses();
    for (Sample &each : samples)
      for (int64_t &label : each.back().integers)
        label = numbers[label];
    columns = table.getColumns();
    classNames = table.getClassNames();
  }

  std::optional<int64_t> count() const override { return samples.size(); }
  bool read(int64_t index, Sample &sample) override {
    sample = samples[index];
    return true;
  }
  std::string where(int64_t index) const override { return places[index]; }

private:
  std::vector<Sample> samples;
  std::vector<std::string> places;
};
} // namespace

Dataset sinter::training::openCsv(const std::string &path, Settings &settings) {
  Dataset data;
  data.training = std::make_unique<CsvSource>(path, settings);
  return data;
}
