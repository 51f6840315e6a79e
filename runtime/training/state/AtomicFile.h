//===- AtomicFile.h - files that are whole or as they were ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_STATE_ATOMICFILE_H
#define SINTER_RUNTIME_TRAINING_STATE_ATOMICFILE_H

#include <cstddef>
#include <string>

namespace sinter::training {

/// A file under a name of its own, which commit() gives the right one. Whenever the
/// process or the machine ends, `path` is the old file or the new one.
class AtomicFile {
public:
  explicit AtomicFile(std::string path);
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;
  /// Takes back what was not committed.
  ~AtomicFile();

  void write(const void *data, size_t bytes);
  void write(const std::string &text) { write(text.data(), text.size()); }
  /// Puts the file on the disk and in its place.
  void commit();

private:
  std::string path, temporary;
  int descriptor;
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_STATE_ATOMICFILE_H
