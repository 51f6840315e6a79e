//===- Bitcode.cpp - carries the files --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Bitcode.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// Bitcode is read in words.
alignas(64) static const char runtimeX86[] = {
#embed "runtime_x86_64.o"
};
alignas(64) static const char runtimeAArch64[] = {
#embed "runtime_aarch64.o"
};
alignas(64) static const char kernelsX86[] = {
#embed "kernels_x86_64.bc"
};
alignas(64) static const char kernelsAArch64[] = {
#embed "kernels_aarch64.bc"
};
static const char header[] = {
#embed "include/sinter/model.h"
};

sinter::Embedded sinter::runtimeObject(const std::string &arch) {
  if (arch == "x86_64")
    return {runtimeX86, sizeof runtimeX86};
  if (arch == "aarch64")
    return {runtimeAArch64, sizeof runtimeAArch64};
  return {};
}

sinter::Embedded sinter::kernelsBitcode(const std::string &arch) {
  if (arch == "x86_64")
    return {kernelsX86, sizeof kernelsX86};
  if (arch == "aarch64")
    return {kernelsAArch64, sizeof kernelsAArch64};
  return {};
}

sinter::Embedded sinter::interfaceHeader() { return {header, sizeof header}; }
