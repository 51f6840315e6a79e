//===- OutputFile.h - files that are whole or not there ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TARGETS_NATIVE_OUTPUTFILE_H
#define SINTER_TARGETS_NATIVE_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace sinter {

/// Writes a file; `-` is the standard output. On failure false and `error`, and no file is left.
bool writeOutputFile(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> write,
                     std::string &error);

/// Ends what was written to the file at `path`. A full disk shows here: false and `error`.
bool closeOutput(llvm::raw_fd_ostream &os, llvm::StringRef path, std::string &error);

} // namespace sinter

#endif // SINTER_TARGETS_NATIVE_OUTPUTFILE_H
