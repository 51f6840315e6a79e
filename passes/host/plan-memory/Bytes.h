//===- Bytes.h - memory at an address, as memrefs ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_HOST_PLANMEMORY_BYTES_H
#define SINTER_PASSES_HOST_PLANMEMORY_BYTES_H

#include "dialects/kernel/Kernel.h"

namespace sinter {

/// The memref<?xi8> of `size` (i64) bytes at `address` (!llvm.ptr).
mlir::Value bytesAt(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value address,
                    mlir::Value size);

/// Replaces a part of a memref by the dense memref at its address.
void lowerPart(kernel::PartOp part);

} // namespace sinter

#endif // SINTER_PASSES_HOST_PLANMEMORY_BYTES_H
