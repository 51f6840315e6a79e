//===- PlanMemory.h - one workspace for all intermediates -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after bufferization, which says what is allocated, and before the
// lowering to LLVM, which must not meet an allocation.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_HOST_PLANMEMORY_H
#define SINTER_PASSES_HOST_PLANMEMORY_H

#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_PLANMEMORY
#define GEN_PASS_REGISTRATION
#include "passes/host/plan-memory/PlanMemory.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_HOST_PLANMEMORY_H
