//===- Kernel.h - the kernel dialect --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One kernel.func is one kernel: the algorithm in linalg on tensors, the schedule as one op per
// Halide directive.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KERNEL_KERNEL_H
#define SINTER_DIALECTS_KERNEL_KERNEL_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include "dialects/kernel/KernelDialect.h.inc"
#include "dialects/kernel/KernelEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/kernel/KernelTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/kernel/KernelOps.h.inc"

namespace sinter::kernel {

/// The name of iteration dimension `i` of a stage, before any split: "d0", "d1", ...
std::string loopName(unsigned i);

/// The op that combines the result so far with a value that does not depend on it, where a stage's
/// body is of that form and the op is associative, with a neutral element; null otherwise. Such a
/// reduction can be factored.
mlir::Operation *getCombiner(mlir::linalg::LinalgOp stage);

/// Lets one-shot bufferization turn kernel.call, kernel.runtime_call and kernel.view into their
/// memref forms.
void registerBufferizationInterfaces(mlir::DialectRegistry &registry);

} // namespace sinter::kernel

#endif // SINTER_DIALECTS_KERNEL_KERNEL_H
