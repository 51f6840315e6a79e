//===- X86.h - the x86-64 targets -------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TARGETS_X86_X86_H
#define SINTER_TARGETS_X86_X86_H

#include "targets/Target.h"

namespace sinter::x86 {

/// Fills `target` if `name` is "host" on an x86-64 machine, a level or a CPU.
bool lookup(const std::string &name, Target &target);

/// Appends the levels and CPUs that `lookup` knows.
void names(std::vector<std::string> &names);

} // namespace sinter::x86

#endif // SINTER_TARGETS_X86_X86_H
