//===- Interrupt.h - Ctrl-C at a time that suits ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_FIT_INTERRUPT_H
#define SINTER_RUNTIME_TRAINING_FIT_INTERRUPT_H

#include <csignal>

namespace sinter::training {

/// While it lives, the first SIGINT or SIGTERM is noted, and the second ends the process
/// as ever.
class Interrupt {
public:
  Interrupt();
  Interrupt(const Interrupt &) = delete;
  Interrupt &operator=(const Interrupt &) = delete;
  ~Interrupt();

  /// The signal that came; 0: none.
  int signal() const;

private:
  struct sigaction before[2];
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_FIT_INTERRUPT_H
