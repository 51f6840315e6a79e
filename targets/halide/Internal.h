//===- Internal.h - the steps around the translation to Halide ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TARGETS_HALIDE_INTERNAL_H
#define SINTER_TARGETS_HALIDE_INTERNAL_H

#include "dialects/kernel/Kernel.h"

#include <string>

namespace sinter::halide {

/// Replaces exp, log, tanh, erf and their like on float32 by polynomials, which Halide vectorises.
void expandMath(kernel::FuncOp kernel);

/// Functions of this name and a number of bits return -0: `x + -0` is x, and marks a product x that
/// is rounded before anything is added to it.
inline constexpr const char *minusZeroPrefix = "sinter_minus_zero_f";

/// Halide's bitcode with multiplication and addition free to contract but where it is marked, and
/// nothing in it but the kernel. Empty, with `error` set, if it cannot be read.
std::string finishBitcode(llvm::StringRef bitcode, llvm::StringRef symbol, std::string &error);

/// Puts the function that calls Halide's in the place of the kernel.
void replaceByWrapper(kernel::FuncOp kernel, llvm::StringRef symbol);

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_INTERNAL_H
