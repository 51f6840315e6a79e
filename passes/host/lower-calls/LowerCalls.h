//===- LowerCalls.h - kernel calls in terms of func and LLVM ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after plan-memory, which gives the host function its context argument.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_HOST_LOWERCALLS_H
#define SINTER_PASSES_HOST_LOWERCALLS_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_LOWERCALLS
#define GEN_PASS_REGISTRATION
#include "passes/host/lower-calls/LowerCalls.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_HOST_LOWERCALLS_H
