//===- Interrupt.cpp - Ctrl-C at a time that suits ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Interrupt.h"

using namespace sinter::training;

static constexpr int Signals[] = {SIGINT, SIGTERM};
static volatile std::sig_atomic_t came = 0;

static void note(int number) { came = number; }

Interrupt::Interrupt() {
  came = 0;
  struct sigaction action = {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (int i = 0; i < 2; ++i)
    sigaction(Signals[i], &action, &before[i]);
}

Interrupt::~Interrupt() {
  for (int i = 0; i < 2; ++i)
    sigaction(Signals[i], &before[i], nullptr);
}

int Interrupt::signal() const { return came; }
