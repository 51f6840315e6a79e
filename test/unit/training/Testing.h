//===- Testing.h - files for the training runtime's tests -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_UNIT_TRAINING_TESTING_H
#define SINTER_TEST_UNIT_TRAINING_TESTING_H

#include "runtime/training/Error.h"
#include "runtime/training/data/Formats.h"
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sinter::training {

/// A folder that goes with the test.
class Folder {
public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sinter-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  std::string operator/(const std::string &name) const { return path + "/" + name; }
  /// Writes a file, with the folders above it, and gives its path.
  std::string write(const std::string &name, const std::string &bytes) const {
    std::filesystem::path file = path + "/" + name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file.string();
  }

  std::string path;
};

/// The message of the Error that `run` throws; "" if it throws none.
template <typename Run>
std::string errorOf(Run run) {
  try {
    run();
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}
inline std::string openError(const std::string &data) {
  return errorOf([&] { openDataset(data); });
}

/// Sample `index` of a source.
inline Sample readSample(Source &source, int64_t index) {
  Sample sample;
  EXPECT_TRUE(source.read(index, sample));
  return sample;
}

} // namespace sinter::training

#endif // SINTER_TEST_UNIT_TRAINING_TESTING_H
