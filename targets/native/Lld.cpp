//===- Lld.cpp - the linker, as a library -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/native/Internal.h"

#include "lld/Common/Driver.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

bool sinter::native::runLinker(llvm::ArrayRef<std::string> arguments, std::string &error) {
  // lld keeps its state in one global variable.
  static std::mutex mutex;
  static bool broken = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (broken) {
    error = "the linker crashed earlier in this process";
    return false;
  }
  std::vector<const char *> pointers = {"ld.lld"};
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string out, err;
  llvm::raw_string_ostream outStream(out), errStream(err);
  lld::Result result = lld::lldMain(pointers, outStream, errStream, {{lld::Gnu, &lld::elf::link}});
  broken = !result.canRunAgain;
  if (result.retCode == 0)
    return true;
  error = "linking failed: " + (err.empty() ? out : err);
  return false;
}
