//===- DataDims.h - dims that follow from float data -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A few shapes need float arithmetic on run-time data, which symbolic shapes
// can't say: nn.range of floats, nn.resize by scales, nn.one_hot by a float
// depth. The host (to allocate) and the kernel (to loop) both compute them so.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KERNELS_NN_TO_KERNEL_DATADIMS_H
#define SINTER_PASSES_KERNELS_NN_TO_KERNEL_DATADIMS_H

#include "mlir/IR/Builders.h"

namespace sinter {

/// An uninitialised tensor of the shape of `result`, an op's result that is not
/// translated yet, so that `tensor.dim` of it folds to the computed size. Its
/// operands are read through `remap`. Null if the op is not one of these.
mlir::Value buildDataShape(mlir::OpBuilder &builder, mlir::OpResult result,
                           llvm::function_ref<mlir::Value(mlir::Value)> remap);

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NN_TO_KERNEL_DATADIMS_H
