//===- NN.h - the nn dialect -----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_NN_H
#define SINTER_DIALECTS_NN_NN_H

#include "dialects/nn/HostTensor.h"
#include "dialects/nn/Shape.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SmallBitVector.h"

namespace sinter::nn {

/// How an op may share a kernel with its neighbours.
enum class FusionClass {
  elementwise, ///< one result element from one element of each operand
  movement,    ///< result elements are operand elements at computed places
  view,        ///< same bytes, other shape
  reduction,
  contraction, ///< products summed: matmul, convolution
  window,      ///< sliding windows: pooling, LRN
  opaque,      ///< a kernel of the runtime, or host code
};

} // namespace sinter::nn

#include "dialects/nn/NNDialect.h.inc"
#include "dialects/nn/NNEnums.h.inc"
#include "dialects/nn/NNInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/nn/NNAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/nn/NNOps.h.inc"

namespace sinter::nn {

/// A constant of i64 elements, 1-D, or a scalar.
mlir::Value createIndexConstant(mlir::OpBuilder &builder, mlir::Location loc,
                                llvm::ArrayRef<int64_t> values);
mlir::Value createIndexScalar(mlir::OpBuilder &builder, mlir::Location loc, int64_t value);
/// A scalar (rank 0) constant of any element type, converted from `value`.
mlir::Value createScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type elementType,
                         double value);
/// A splat constant of a tensor type.
mlir::Value createSplat(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                        double value);
/// The attribute if `value` is an nn.constant, else null.
mlir::ElementsAttr getConstant(mlir::Value value);
/// Builds the cotangents of `inputs` from those of `outputs` at `builder`'s place,
/// through the DifferentiableOpInterface of the ops of `block` between them.
/// Null cotangents in, and null gradients out, are zeros. Fails with an error at
/// an op on the way that has no derivative.
llvm::FailureOr<llvm::SmallVector<mlir::Value>>
buildGradients(mlir::OpBuilder &builder, mlir::Block &block, mlir::ValueRange outputs,
               mlir::ValueRange cotangents, mlir::ValueRange inputs);
/// uiN as iN; others unchanged. What kernels and the host program use.
mlir::Type getSignlessType(mlir::Type elementType);
/// ONNX's number (TensorProto.DataType) of an element type.
int32_t getElementTypeNumber(mlir::Type elementType);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_NN_H
