//===- HostBuilder.h - builds the host program from nn ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_KERNELS_NNTOKERNEL_HOSTBUILDER_H
#define SINTER_PASSES_KERNELS_NNTOKERNEL_HOSTBUILDER_H

#include "dialects/kernel/Kernel.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/kernels/nn-to-kernel/CollapseDims.h"
#include "llvm/ADT/StringMap.h"

namespace sinter {

/// The only op of a fused region, or the op itself; null for a region of several.
mlir::Operation *getLoneOp(mlir::Operation *op);

/// Translates one nn function, op by op, into the host program.
class HostBuilder {
public:
  HostBuilder(mlir::ModuleOp module, mlir::OpBuilder &builder)
      : module(module), builder(builder), analysis(module.getContext()) {}

  mlir::LogicalResult buildFunction(mlir::func::FuncOp function);

private:
  // One op.
  mlir::LogicalResult build(mlir::Operation *op);
  mlir::LogicalResult buildBlock(mlir::Block &block);
  /// Checks, when the model runs, what the op's shape function could not decide.
  void buildRequirements(mlir::Operation *op);
  mlir::LogicalResult buildKernel(mlir::Operation *op);
  mlir::LogicalResult buildView(mlir::Operation *op);
  /// A concat whose parts are written where they belong; false, and nothing is changed, if it has
  /// to be a kernel.
  bool buildConcat(mlir::Operation *op);
  /// The same along the outermost dim, where parts are contiguous.
  bool buildJoin(mlir::Operation *op);
  /// A slice or gather that is contiguous in its input and read there; false if it is to be a
  /// kernel.
  bool buildPart(mlir::Operation *op);
  mlir::LogicalResult buildOpaque(mlir::Operation *op);
  mlir::LogicalResult buildIf(nn::IfOp op);
  mlir::LogicalResult buildLoop(nn::LoopOp op);
  mlir::LogicalResult buildCountedLoop(nn::LoopOp op, mlir::Value tripCount);
  mlir::LogicalResult buildWhileLoop(nn::LoopOp op);

  // Values.
  mlir::Value get(mlir::Value value);
  void set(mlir::Value value, mlir::Value host) { mapping.map(value, host); }
  /// The host's type: signless elements.
  mlir::RankedTensorType hostType(mlir::Type type);
  mlir::Value cast(mlir::Value value, mlir::Type type);
  /// A dim or element expression as an index value.
  mlir::Value index(mlir::AffineExpr expr);
  /// An uninitialised tensor of a result's type, with its dims computed.
  mlir::Value empty(mlir::Value result);
  /// The sizes of a result's dynamic dims.
  llvm::SmallVector<mlir::Value> dynamicSizes(mlir::Value result);
  mlir::Value empty(mlir::RankedTensorType type, mlir::ValueRange dynamicDims);
  mlir::Value view(mlir::Value source, mlir::RankedTensorType type,
                   llvm::ArrayRef<mlir::AffineExpr> shape);
  /// A small integer tensor from its symbolic contents, or null.
  mlir::Value fromContents(mlir::Value value);
  /// The single element of a tensor.
  mlir::Value scalar(mlir::Value tensor);
  mlir::Value scalarIndex(mlir::Value tensor);
  mlir::Value scalarTensor(mlir::Value scalar, mlir::RankedTensorType type);
  mlir::Value constantIndex(int64_t value);
  /// Copies a tensor into a buffer of its own.
  mlir::Value copyInto(mlir::Value source, mlir::Value destination);

  /// Calls a function of the runtime on nn values; `results` are the types that
  /// nn gives to `inits`.
  mlir::ValueRange runtimeCall(llvm::StringRef name, mlir::ValueRange operands,
                               llvm::ArrayRef<mlir::Value> inits,
                               llvm::ArrayRef<mlir::Type> results, llvm::ArrayRef<int64_t> params);

  /// A kernel that computes what `op` does of the values that it captures; `collapsed` says which
  /// views of these, and of the results, the kernel takes.
  mlir::FlatSymbolRefAttr outline(mlir::Operation *op, llvm::SmallVectorImpl<mlir::Value> &captured,
                                  CollapsedDims &collapsed);
  /// Notes the sizes to expect of what the kernel takes, where they are not known.
  void setExpectedSizes(kernel::FuncOp function, llvm::ArrayRef<mlir::Value> captured,
                        const CollapsedDims &collapsed);
  /// Names a new kernel; erases it if there is an equal one.
  mlir::FlatSymbolRefAttr share(kernel::FuncOp function, llvm::StringRef description);
  /// The kernel that does the same, with a result of these strides.
  mlir::FlatSymbolRefAttr withStrides(mlir::FlatSymbolRefAttr callee,
                                      llvm::ArrayRef<int64_t> strides);
  /// A kernel that copies.
  mlir::FlatSymbolRefAttr copyKernel(mlir::RankedTensorType type);

  mlir::ModuleOp module;
  mlir::OpBuilder &builder;
  nn::ShapeAnalysis analysis;
  mlir::IRMapping mapping;
  mlir::Location loc = builder.getUnknownLoc();
  /// Printed kernel → its symbol, so that equal kernels become one.
  llvm::StringMap<mlir::FlatSymbolRefAttr> kernels;
  unsigned kernelCount = 0;
};

} // namespace sinter

#endif // SINTER_PASSES_KERNELS_NNTOKERNEL_HOSTBUILDER_H
