//===- Cost.h - operations and bytes of a kernel ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a roofline needs of a kernel. Operations are scalar ones: a multiplication and an addition
// are two, an exponential as many as its polynomial has; conversions, comparisons and index
// arithmetic are none. Bytes are those that have to cross the kernel's border once, however often
// the kernel reads them.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_HOST_PROFILECALLS_COST_H
#define SINTER_PASSES_HOST_PROFILECALLS_COST_H

#include "dialects/kernel/Kernel.h"

namespace sinter {

/// A size that is known at run time only: dimension `dim` of the call's operand `operand`, or, with
/// -1, the operand itself.
struct RuntimeSize {
  int64_t operand, dim;
};

/// Expressions of constants and of symbols; symbol i is sizes[i].
struct Cost {
  mlir::AffineExpr operations, bytes;
  /// Of a tensor that is read at computed positions: its bytes, and those of all reads.
  llvm::SmallVector<std::pair<mlir::AffineExpr, mlir::AffineExpr>> leastBytes;
  llvm::SmallVector<RuntimeSize> sizes;
};

/// Operands of a call are the kernel's arguments and then its results. An extent that no operand
/// tells counts as nothing.
Cost costOf(kernel::FuncOp kernel);

/// Only the bytes of its operands are known.
Cost costOf(kernel::RuntimeCallOp call);

} // namespace sinter

#endif // SINTER_PASSES_HOST_PROFILECALLS_COST_H
