//===- AtomicFile.cpp - files that are whole or as they were --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/state/AtomicFile.h"
#include "runtime/training/Error.h"
#include <fcntl.h>
#include <unistd.h>

using namespace sinter::training;

// One name for all processes: what a killed one left is written over, not kept for ever.
AtomicFile::AtomicFile(std::string path) : path(std::move(path)), temporary(this->path + ".part") {
  descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0)
    failOnFile("write", temporary);
}

AtomicFile::~AtomicFile() {
  if (descriptor < 0)
    return;
  close(descriptor);
  unlink(temporary.c_str());
}

void AtomicFile::write(const void *data, size_t bytes) {
  const char *next = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t done = ::write(descriptor, next, bytes);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      failOnFile("write", temporary);
    next += done;
    bytes -= done;
  }
}

void AtomicFile::commit() {
  // The bytes first, the name second, the folder's entry third.
  if (fsync(descriptor) != 0 || rename(temporary.c_str(), path.c_str()) != 0)
    failOnFile("write", path);
  close(descriptor);
  descriptor = -1;
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  int directory = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    failOnFile("open", folder);
  // Some file systems know no fsync of a folder; the rename is atomic all the same.
  fsync(directory);
  close(directory);
}
