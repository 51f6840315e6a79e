//===- ExpectedExtents.cpp - how long dynamic loops will be ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An argument's attribute kernel.expected has the sizes that it probably has. The sizes of what is
// computed inside of the kernel follow from these.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;

static std::optional<int64_t> expectedIndex(Value value);

static std::optional<int64_t> expectedDim(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    auto kernel = dyn_cast<kernel::FuncOp>(argument.getOwner()->getParentOp());
    ArrayAttr all = kernel ? kernel.getArgAttrsAttr() : ArrayAttr();
    auto attributes =
        all ? dyn_cast<DictionaryAttr>(all[argument.getArgNumber()]) : DictionaryAttr();
    auto sizes =
        attributes ? attributes.getAs<DenseI64ArrayAttr>("kernel.expected") : DenseI64ArrayAttr();
    return sizes ? std::optional(sizes[dim]) : std::nullopt;
  }
  if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>())
    return expectedIndex(empty.getDynamicSize(dim));
  if (auto stage = tensor.getDefiningOp<DestinationStyleOpInterface>())
    return expectedDim(stage.getDpsInits()[cast<OpResult>(tensor).getResultNumber()], dim);
  return std::nullopt;
}

static std::optional<int64_t> expectedIndex(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast_if_present<tensor::DimOp>(op)) {
    auto index = dim.getConstantIndex();
    return index ? expectedDim(dim.getSource(), *index) : std::nullopt;
  }
  if (!op || op->getNumOperands() == 0)
    return std::nullopt;
  SmallVector<int64_t> operands;
  for (Value operand : op->getOperands()) {
    auto each = operand.getType().isIndex() ? expectedIndex(operand) : std::nullopt;
    if (!each)
      return std::nullopt;
    operands.push_back(*each);
  }
  // One constant for each operand: the op's folder knows the rest.
  SmallVector<Attribute> constants;
  for (int64_t operand : operands)
    constants.push_back(IntegerAttr::get(IndexType::get(value.getContext()), operand));
  SmallVector<OpFoldResult> results;
  if (failed(op->fold(constants, results)) || results.size() != 1)
    return std::nullopt;
  auto result = dyn_cast<Attribute>(results.front());
  auto integer = dyn_cast_if_present<IntegerAttr>(result);
  return integer ? std::optional(integer.getInt()) : std::nullopt;
}

SmallVector<int64_t> tile::getExpectedExtents(linalg::LinalgOp op) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (OpOperand &operand : op->getOpOperands())
    for (auto [dim, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (loop && ShapedType::isDynamic(extents[loop.getPosition()]))
        if (auto size = expectedDim(operand.get(), dim))
          extents[loop.getPosition()] = std::max<int64_t>(*size, 1);
    }
  return extents;
}

SmallVector<int64_t> tile::getLikelyExtents(int64_t expected) {
  SmallVector<int64_t> sizes;
  for (int64_t sevenths : {4, 5, 6, 8, 9, 10, 12, 14, 16}) // where 224 is expected: 128 to 512
    sizes.push_back(llvm::divideCeil(expected * sevenths, 7));
  return sizes;
}
