//===- Bitcode.cpp - carries the files --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Bitcode.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

namespace {
struct Arch {
  const char *name;
  sinter::Embedded runtime, device, kernels, runner;
};
} // namespace

// The files and their table, for each of the families of targets/. Bitcode is read in words.
#include "Arches.inc"
static const char header[] = {
#embed "include/sinter/model.h"
};
static const char training[] = {
#embed "include/sinter/train.h"
};

/// Null members if there is no such processor.
static Arch find(const std::string &name) {
  for (const Arch &each : arches)
    if (name == each.name)
      return each;
  return {};
}

sinter::Embedded sinter::runtimeObject(const std::string &arch) { return find(arch).runtime; }

sinter::Embedded sinter::deviceObject(const std::string &arch) { return find(arch).device; }

sinter::Embedded sinter::kernelsBitcode(const std::string &arch) { return find(arch).kernels; }

sinter::Embedded sinter::runnerProgram(const std::string &arch) { return find(arch).runner; }

sinter::Embedded sinter::interfaceHeader() { return {header, sizeof header}; }

sinter::Embedded sinter::trainingHeader() { return {training, sizeof training}; }
