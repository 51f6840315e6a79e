//===- DeviceSupport.cpp - which kernels a device runs ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Device.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;

/// Why a device cannot compute with values of a type; empty if it can.
static std::string refuseType(Type type, const Device &device) {
  Type element = getElementTypeOrSelf(type);
  if (element.isIndex() || element.isF32() || element.isBF16())
    return {};
  if (element.isF64() && !device.float64)
    return "the device need not have float64";
  if (element.isF16() && !device.float16)
    return "the device need not have float16";
  if (auto integer = dyn_cast<IntegerType>(element))
    return llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth())
               ? std::string()
               : "integers of " + std::to_string(integer.getWidth()) + " bits";
  return isa<Float64Type, Float16Type>(element) ? std::string()
                                                : std::string("elements of a rare type");
}

/// Sizes and positions, a handful of integers: computed where the host program needs them.
static bool isShapeArithmetic(kernel::FuncOp kernel) {
  constexpr int64_t most = 16;
  return llvm::all_of(kernel.getResultTypes(), [](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return tensor.getElementType().isIntOrIndex() && tensor.getRank() <= 1 &&
           tensor.hasStaticShape() && tensor.getNumElements() <= most;
  });
}

/// The host asks for the sizes of what is computed on the way to the results; it has none of the
/// tensors that a device works on.
static bool readsInnerSizes(kernel::FuncOp kernel) {
  return llvm::any_of(kernel.getStages(), [&](linalg::LinalgOp stage) {
    if (llvm::any_of(stage->getUsers(), llvm::IsaPred<kernel::YieldOp>))
      return false;
    SetVector<Operation *> sources;
    BackwardSliceOptions options;
    options.omitBlockArguments = true;
    for (Value init : stage.getDpsInits())
      if (auto empty = init.getDefiningOp<tensor::EmptyOp>())
        (void)getBackwardSlice(empty.getOperation(), &sources, options);
    return llvm::any_of(sources, llvm::IsaPred<tensor::ExtractOp>);
  });
}

std::string tile::refuseDevice(kernel::FuncOp kernel, const Device &device) {
  if (isShapeArithmetic(kernel))
    return "a few integers are computed by the host";
  if (readsInnerSizes(kernel))
    return "sizes of what it computes on the way are elements of a tensor";
  std::string reason;
  kernel.getBody().walk([&](Operation *op) {
    for (TypeRange types : {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
      for (Type type : types)
        if (reason.empty())
          reason = refuseType(type, device);
  });
  return reason;
}
