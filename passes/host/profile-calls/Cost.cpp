//===- Cost.cpp - operations and bytes of a kernel ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/host/profile-calls/Cost.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sinter;

namespace {

class CostBuilder {
public:
  explicit CostBuilder(MLIRContext *context) : builder(context) {
    cost.operations = cost.bytes = builder.getAffineConstantExpr(0);
  }

  void addKernel(kernel::FuncOp kernel);
  void addOperands(kernel::RuntimeCallOp call);
  Cost take() { return std::move(cost); }

private:
  void addStage(linalg::LinalgOp stage);
  void addRead(BlockArgument argument);
  AffineExpr symbol(int64_t operand, int64_t dim);
  AffineExpr elements(Value tensor);
  AffineExpr bytes(Value tensor) { return elements(tensor) * elementBytes(tensor.getType()); }
  AffineExpr iterations(linalg::LinalgOp stage);
  AffineExpr dimension(Value tensor, int64_t dim);
  AffineExpr index(OpFoldResult value);
  AffineExpr index(Value value);
  static int64_t elementBytes(Type tensor);

  Builder builder;
  ValueRange yielded;
  Cost cost;
};

} // namespace

int64_t CostBuilder::elementBytes(Type tensor) {
  Type element = getElementTypeOrSelf(tensor);
  return element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
}

AffineExpr CostBuilder::symbol(int64_t operand, int64_t dim) {
  for (auto [i, size] : llvm::enumerate(cost.sizes))
    if (size.operand == operand && size.dim == dim)
      return builder.getAffineSymbolExpr(i);
  cost.sizes.push_back({operand, dim});
  return builder.getAffineSymbolExpr(cost.sizes.size() - 1);
}

AffineExpr CostBuilder::elements(Value tensor) {
  AffineExpr count = builder.getAffineConstantExpr(1);
  auto type = cast<ShapedType>(tensor.getType());
  for (int64_t d = 0; d < type.getRank(); ++d)
    count = count * dimension(tensor, d);
  return count;
}

/// An extent of a tensor in a kernel.
AffineExpr CostBuilder::dimension(Value tensor, int64_t dim) {
  auto type = cast<ShapedType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return builder.getAffineConstantExpr(type.getDimSize(dim));
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return symbol(argument.getArgNumber(), dim);
  for (auto [i, value] : llvm::enumerate(yielded))
    if (value == tensor)
      return symbol(tensor.getParentBlock()->getNumArguments() + i, dim);
  Operation *op = tensor.getDefiningOp();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return dimension(destination.getTiedOpOperand(cast<OpResult>(tensor))->get(), dim);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return index(empty.getDynamicSize(dim));
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return dimension(cast.getSource(), dim);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
      slice && slice.getSourceType().getRank() == type.getRank())
    return index(slice.getMixedSizes()[dim]);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return index(expand.getMixedOutputShape()[dim]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    AffineExpr product = builder.getAffineConstantExpr(1);
    for (int64_t d : collapse.getReassociationIndices()[dim])
      product = product * dimension(collapse.getSrc(), d);
    return product;
  }
  return builder.getAffineConstantExpr(0);
}

AffineExpr CostBuilder::index(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return builder.getAffineConstantExpr(*constant);
  return index(cast<Value>(value));
}

/// Index arithmetic of a kernel, as far as expressions can say it.
AffineExpr CostBuilder::index(Value value) {
  if (auto constant = getConstantIntValue(value))
    return builder.getAffineConstantExpr(*constant);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return symbol(argument.getArgNumber(), -1);
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (auto constant = dim.getConstantIndex())
      return dimension(dim.getSource(), *constant);
  auto operand = [&](unsigned i) { return index(op->getOperand(i)); };
  if (isa<arith::AddIOp>(op))
    return operand(0) + operand(1);
  if (isa<arith::SubIOp>(op))
    return operand(0) - operand(1);
  if (isa<arith::MulIOp>(op))
    return operand(0) * operand(1);
  bool floor = isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op);
  if (floor || isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    if (auto divisor = getConstantIntValue(op->getOperand(1)); divisor && *divisor > 0)
      return floor ? operand(0).floorDiv(*divisor) : operand(0).ceilDiv(*divisor);
  return builder.getAffineConstantExpr(0);
}

AffineExpr CostBuilder::iterations(linalg::LinalgOp stage) {
  AffineExpr count = builder.getAffineConstantExpr(1);
  for (auto [loop, extent] : llvm::enumerate(stage.getStaticLoopRanges())) {
    AffineExpr range = builder.getAffineConstantExpr(ShapedType::isDynamic(extent) ? 0 : extent);
    // A dimension of an operand that just this loop walks.
    for (OpOperand &operand : stage->getOpOperands()) {
      if (!ShapedType::isDynamic(extent) || !isa<ShapedType>(operand.get().getType()))
        break;
      AffineMap map = stage.getMatchingIndexingMap(&operand);
      auto position = map.getResultPosition(builder.getAffineDimExpr(loop));
      if (position)
        range = dimension(operand.get(), *position);
      if (range != builder.getAffineConstantExpr(0))
        break;
    }
    count = count * range;
  }
  return count;
}

/// Of functions, the operations of the polynomials that kernels compute them by: those of
/// targets/halide/ExpandExp.cpp and ExpandErf.cpp, and upstream's approximations.
static int64_t operationsOf(Operation *op) {
  if (isa<math::ExpOp, math::TanhOp>(op))
    return 21;
  if (isa<math::ErfOp>(op))
    return 23;
  if (isa<math::LogOp, math::Log2Op>(op))
    return 30;
  return 1;
}

/// Operations on the elements of one iteration.
static int64_t operationsIn(Block &body) {
  int64_t count = 0;
  body.walk([&](Operation *op) {
    if (op->getNumResults() != 1 || op->getResult(0).getType().isIndex() ||
        isa<arith::ConstantOp, arith::SelectOp, arith::CmpFOp, arith::CmpIOp, CastOpInterface>(op))
      return;
    StringRef dialect = op->getName().getDialectNamespace();
    count += dialect == "arith" || dialect == "math" ? operationsOf(op) : 0;
  });
  return count;
}

void CostBuilder::addStage(linalg::LinalgOp stage) {
  cost.operations = cost.operations + iterations(stage) * operationsIn(*stage.getBlock());
}

/// What a kernel reads of one of its arguments.
void CostBuilder::addRead(BlockArgument argument) {
  AffineExpr whole = bytes(argument), reads = builder.getAffineConstantExpr(0);
  for (OpOperand &use : argument.getUses()) {
    Operation *user = use.getOwner();
    if (isa<tensor::DimOp>(user))
      continue;
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(user)) {
      reads = reads + bytes(slice.getResult());
      continue;
    }
    auto stage = user->getParentOfType<linalg::LinalgOp>();
    if (!isa<tensor::ExtractOp>(user) || !stage) {
      cost.bytes = cost.bytes + whole;
      return;
    }
    reads = reads + iterations(stage) * elementBytes(argument.getType());
  }
  cost.leastBytes.emplace_back(whole, reads);
}

void CostBuilder::addKernel(kernel::FuncOp kernel) {
  yielded = kernel.getYielded();
  for (linalg::LinalgOp stage : kernel.getStages())
    addStage(stage);
  for (BlockArgument argument : kernel.getBody().getArguments())
    if (isa<ShapedType>(argument.getType()))
      addRead(argument);
  for (Value value : yielded)
    cost.bytes = cost.bytes + bytes(value);
}

void CostBuilder::addOperands(kernel::RuntimeCallOp call) {
  for (auto [i, operand] : llvm::enumerate(call->getOperands())) {
    auto type = cast<ShapedType>(operand.getType());
    AffineExpr size = builder.getAffineConstantExpr(elementBytes(type));
    for (int64_t d = 0; d < type.getRank(); ++d)
      size = size * (type.isDynamicDim(d) ? symbol(i, d)
                                          : builder.getAffineConstantExpr(type.getDimSize(d)));
    cost.bytes = cost.bytes + size;
  }
}

Cost sinter::costOf(kernel::FuncOp kernel) {
  CostBuilder builder(kernel.getContext());
  builder.addKernel(kernel);
  return builder.take();
}

Cost sinter::costOf(kernel::RuntimeCallOp call) {
  CostBuilder builder(call.getContext());
  builder.addOperands(call);
  return builder.take();
}
