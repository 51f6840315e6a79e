//===- Error.h - what is wrong with data, files or settings -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The training runtime throws within itself; runFit() catches, so that nothing
// leaves it but a status and a message.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_TRAINING_ERROR_H
#define SINTER_RUNTIME_TRAINING_ERROR_H

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sinter::training {

/// A fault of the user's data, files or machine. The message names the file, the
/// place in it, and what to do.
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A setting that can't be: the command line is at fault.
class UsageError : public Error {
public:
  using Error::Error;
};

/// "can't read FILE: no such file or directory", by errno.
[[noreturn]] inline void failOnFile(const char *action, const std::string &path) {
  throw Error(std::string("can't ") + action + " " + path + ": " + std::strerror(errno));
}

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_ERROR_H
