//===- OutputFile.cpp - files that are whole or not there -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/native/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"

static bool fail(llvm::StringRef path, std::error_code code, std::string &error) {
  error = ("can't write " + path + ": " + code.message()).str();
  return false;
}

bool sinter::closeOutput(llvm::raw_fd_ostream &os, llvm::StringRef path, std::string &error) {
  os.close();
  if (!os.has_error())
    return true;
  std::error_code code = os.error();
  os.clear_error(); // else its destructor ends the program
  return fail(path, code, error);
}

bool sinter::writeOutputFile(llvm::StringRef path,
                             llvm::function_ref<void(llvm::raw_ostream &)> write,
                             std::string &error) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_None);
  if (code)
    return fail(path, code, error);
  write(file.os());
  if (path == "-") {
    // The standard output stays open.
    file.os().flush();
    if (!file.os().has_error())
      return true;
    code = file.os().error();
    file.os().clear_error();
    return fail("the standard output", code, error);
  }
  if (!closeOutput(file.os(), path, error))
    return false;
  file.keep();
  return true;
}
