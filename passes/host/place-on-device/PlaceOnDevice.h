//===- PlaceOnDevice.h - transfers to and from a device ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands after bufferization, when it is known what shares memory with what, and before
// plan-memory, so that a buffer lives until its last transfer.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_HOST_PLACEONDEVICE_H
#define SINTER_PASSES_HOST_PLACEONDEVICE_H

#include "dialects/kernel/Kernel.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_PLACEONDEVICE
#define GEN_PASS_REGISTRATION
#include "passes/host/place-on-device/PlaceOnDevice.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_HOST_PLACEONDEVICE_H
