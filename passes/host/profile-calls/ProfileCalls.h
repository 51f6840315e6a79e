//===- ProfileCalls.h - marks the calls that are measured -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands before the kernels are lowered, while their algorithms can be read, and after kernel-tile,
// which may change them: what is counted is what runs.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_HOST_PROFILECALLS_H
#define SINTER_PASSES_HOST_PROFILECALLS_H

#include "mlir/Pass/Pass.h"

namespace sinter {

/// Of the module and of each call that is measured.
constexpr llvm::StringLiteral profileAttribute = "sinter.profile";

#define GEN_PASS_DECL_PROFILECALLS
#define GEN_PASS_REGISTRATION
#include "passes/host/profile-calls/ProfileCalls.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_HOST_PROFILECALLS_H
