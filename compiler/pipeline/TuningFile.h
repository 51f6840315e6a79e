//===- TuningFile.h - choices of schedules, kept as text --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   cpu znver4
//   kernel 6f1e...09 conv_relu_3
//     register_tile 32x7x1
//
// Lines that begin with # are for people. A kernel is found by its fingerprint; its name is for
// people too. What the file does not name, the cost model decides.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_PIPELINE_TUNINGFILE_H
#define SINTER_COMPILER_PIPELINE_TUNINGFILE_H

#include "passes/kernels/kernel-tile/Choices.h"
#include "llvm/ADT/StringMap.h"

namespace sinter {

/// `cpu` is the one that was measured. On failure false, and `error` says where.
bool readTuning(llvm::StringRef path, std::string &cpu, Tuning &tuning, std::string &error);

/// `names`: of kernels, by their fingerprints.
bool writeTuning(llvm::StringRef path, llvm::StringRef cpu, const Tuning &tuning,
                 const llvm::StringMap<std::string> &names, std::string &error);

} // namespace sinter

#endif // SINTER_COMPILER_PIPELINE_TUNINGFILE_H
