//===- Buffers.h - the memory of a kernel's tensors -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_KERNEL_BUFFERS_H
#define SINTER_DIALECTS_KERNEL_BUFFERS_H

#include "dialects/kernel/Kernel.h"
#include "mlir/IR/BuiltinTypes.h"

namespace sinter::kernel {

/// The strides of a result that is part of a larger tensor, in elements, one a dimension; empty for
/// one that is dense. Attribute `kernel.strides` of the result.
llvm::ArrayRef<int64_t> getResultStrides(FuncOp kernel, unsigned result);
void setResultStrides(FuncOp kernel, unsigned result, llvm::ArrayRef<int64_t> strides);

/// What a kernel's arguments and then its results are after bufferization: dense memrefs, strided
/// ones at any offset where the result says so, scalars as they are.
llvm::SmallVector<mlir::Type> getBufferTypes(FuncOp kernel);

} // namespace sinter::kernel

#endif // SINTER_DIALECTS_KERNEL_BUFFERS_H
