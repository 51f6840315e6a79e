//===- Source.h - where samples come from -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A source is a list of samples, or a stream of them. A sample has one value per
// column: an array of real numbers or of integers. What a format is like stays in
// its reader; shuffling, batches and element types are the same for all.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_TRAINING_DATA_SOURCE_H
#define SINTER_RUNTIME_TRAINING_DATA_SOURCE_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sinter::training {

/// What all samples have in common in one of their values.
struct Column {
  std::string name;
  std::vector<int64_t> shape; ///< of one sample; empty: a number
  bool isInteger = false;
  bool isTarget = false;
  bool isImage = false; ///< [height, width, channels], bytes as 0 … 255
  int64_t classes = 0;  ///< integers are below this; 0: not known
};

/// The value of one column. Only the vector of the column's kind is used.
struct Value {
  std::vector<float> reals;
  std::vector<int64_t> integers;
};
using Sample = std::vector<Value>;

/// Where samples come from. Errors are thrown (Error.h), with the place.
class Source {
public:
  virtual ~Source() = default;

  const std::vector<Column> &getColumns() const { return columns; }
  /// Names of the classes by number, where the data tells; else empty.
  const std::vector<std::string> &getClassNames() const { return classNames; }
  /// How often each class occurs, where a reader counts them; else empty.
  const std::vector<int64_t> &getClassCounts() const { return classCounts; }
  void setClassCounts(std::vector<int64_t> counts) { classCounts = std::move(counts); }

  /// The number of samples; none for a stream.
  virtual std::optional<int64_t> count() const = 0;

  /// Whether a stream can be read once more from its start.
  virtual bool canRestart() const { return true; }

  /// Whether each sample goes on where the one before it ends, as parts of a text do.
  virtual bool isContinuous() const { return false; }

  /// Reads sample `index`; a stream's are asked for in order, and 0 restarts it.
  /// False past the end of a stream. Called by one thread at a time.
  virtual bool read(int64_t index, Sample &sample) = 0;

  /// Makes a read that waits for data end, as at the stream's end. From any thread.
  virtual void cancel() {}

  /// "train.csv:18", for messages.
  virtual std::string where(int64_t index) const = 0;

protected:
  std::vector<Column> columns;
  std::vector<std::string> classNames;
  std::vector<int64_t> classCounts;
};

/// What `--data` names.
struct Dataset {
  std::unique_ptr<Source> training;
  std::unique_ptr<Source> validation; ///< where the data brings its own
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_SOURCE_H
