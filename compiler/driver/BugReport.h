//===- BugReport.h - when the compiler is at fault --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A crash, or a failure that isn't the model's, ends with exit status 3, a message
// and a reproducer: the module as it was before the phase that failed. A process
// that has crashed can't be trusted to print it, so a second one compiles the
// model again up to that stage.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_BUGREPORT_H
#define SINTER_COMPILER_DRIVER_BUGREPORT_H

#include "compiler/driver/Session.h"
#include <string>
#include <vector>

namespace sinter::driver {

/// One a process.
class BugReport {
public:
  explicit BugReport(const CompileArguments &arguments);

  /// Handles crashes from now on. The reproducer is written beside `output`.
  void install(llvm::StringRef output);

  /// Says which phase begins.
  void enter(llvm::StringRef phase);

  /// The exit status of a compilation that failed: the model's fault, or a bug,
  /// which is then reported.
  int status(Session &session);

private:
  static void handleCrash(void *self);
  bool isBug(Session &session) const;
  /// Prints what happened and writes the reproducer. Safe in a signal handler.
  void report(const char *what);
  bool writeReproducer();

  const CompileArguments &arguments;
  bool installed = false;
  std::string phase;
  /// Stage of the module when the phase began; null while it is imported.
  const char *volatile reached = nullptr;
  std::string file;
  /// Of the second process; `--emit` is filled in when it starts.
  std::vector<std::string> words;
  std::vector<char *> command;
  size_t emitAt = 0;
};

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_BUGREPORT_H
