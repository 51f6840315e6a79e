//===- ExpandGroups.cpp - a loop over the groups of a convolution ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The channels f of the result are group · K + k. Where f is written as one loop, what is read of
// the input depends on f floordiv K; as two loops it is the same all along k, and the register tile
// of a plain convolution serves each group. The dims that go with f are split in every tensor of
// the kernel, and in its arguments and results, whose memory stays as it is.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/ExpandGroups.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;

namespace {

class GroupExpander {
public:
  explicit GroupExpander(kernel::FuncOp kernel) : kernel(kernel) {}

  void run() {
    if (findGroups() && collect())
      rewrite();
  }

private:
  bool findGroups();
  bool collect();
  bool visitLoop(linalg::GenericOp op, unsigned loop);
  bool visitDim(Value value, unsigned dim);
  void rewrite();
  void rewrite(linalg::GenericOp op);
  AffineExpr expand(AffineExpr expr, unsigned loop);

  kernel::FuncOp kernel;
  int64_t perGroup = 0, groups = 0;
  linalg::GenericOp convolution;
  llvm::MapVector<Operation *, unsigned> loops; ///< f of each op
  llvm::MapVector<Value, unsigned> dims;        ///< f of each tensor
};

} // namespace

/// The K of `(f floordiv K) * c + ...` in an expression; 0 if there is none.
static int64_t groupSize(AffineExpr expr, AffineExpr f) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return 0;
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (binary.getKind() == AffineExprKind::FloorDiv && binary.getLHS() == f && constant)
    return constant.getValue();
  if (binary.getKind() == AffineExprKind::Mul && constant)
    return groupSize(binary.getLHS(), f);
  if (binary.getKind() == AffineExprKind::Add)
    for (AffineExpr side : {binary.getLHS(), binary.getRHS()})
      if (int64_t size = groupSize(side, f))
        return size;
  return 0;
}

/// A reduction over two operands, of which the first is read at the group of the result's innermost
/// loop.
bool GroupExpander::findGroups() {
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>()) {
    if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
      continue;
    AffineMap result = op.getIndexingMapsArray().back(), image = op.getIndexingMapsArray().front();
    if (result.getNumResults() == 0 || image.getNumResults() == 0)
      continue;
    auto f = dyn_cast<AffineDimExpr>(result.getResults().back());
    if (!f)
      continue;
    int64_t extent = op.getStaticLoopRanges()[f.getPosition()];
    perGroup = groupSize(image.getResults().back(), f);
    if (perGroup < 2 || ShapedType::isDynamic(extent) || extent % perGroup != 0)
      continue;
    groups = extent / perGroup;
    convolution = op;
    return groups > 1;
  }
  return false;
}

/// Every loop and dim that goes with f; false if one of them cannot be split.
bool GroupExpander::collect() {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  for (Operation &op : kernel.getBody().front())
    if (!isa<linalg::GenericOp, linalg::FillOp, tensor::EmptyOp, tensor::DimOp, kernel::YieldOp>(
            op) &&
        (llvm::any_of(op.getOperandTypes(), isTensor) ||
         llvm::any_of(op.getResultTypes(), isTensor)))
      return false;
  AffineMap result = convolution.getIndexingMapsArray().back();
  return visitLoop(convolution, cast<AffineDimExpr>(result.getResults().back()).getPosition());
}

bool GroupExpander::visitLoop(linalg::GenericOp op, unsigned loop) {
  auto [entry, isNew] = loops.try_emplace(op, loop);
  if (!isNew)
    return entry->second == loop;
  bool indexed = false, extracts = false;
  op.getBody()->walk([&](Operation *inner) {
    indexed |= isa<linalg::IndexOp>(inner);
    extracts |= isa<tensor::ExtractOp>(inner);
  });
  if (indexed || extracts)
    return false;
  AffineExpr f = getAffineDimExpr(loop, op.getContext());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      if (expr == f) {
        if (!visitDim(operand.get(), i))
          return false;
      } else if (expr.isFunctionOfDim(loop) && op != convolution) {
        return false;
      }
    }
  }
  for (OpResult result : op->getResults())
    for (auto [i, expr] : llvm::enumerate(op.getIndexingMapMatchingResult(result).getResults()))
      if (expr == f && !visitDim(result, i))
        return false;
  return true;
}

bool GroupExpander::visitDim(Value value, unsigned dim) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getDimSize(dim) == 1)
    return true; // the same for all
  // The host counts dynamic dims of the tensor as it was.
  if (type.getDimSize(dim) != groups * perGroup ||
      llvm::any_of(type.getShape().drop_front(dim), ShapedType::isDynamic))
    return false;
  auto [entry, isNew] = dims.try_emplace(value, dim);
  if (!isNew)
    return entry->second == dim;
  auto visitOperand = [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto fill = dyn_cast<linalg::FillOp>(user))
      return visitDim(fill.getResult(0), dim);
    if (isa<kernel::YieldOp>(user))
      return true;
    if (auto size = dyn_cast<tensor::DimOp>(user))
      return size.getConstantIndex() && *size.getConstantIndex() < dim;
    auto op = dyn_cast<linalg::GenericOp>(user);
    if (!op)
      return false;
    auto loop = dyn_cast<AffineDimExpr>(op.getMatchingIndexingMap(&use).getResult(dim));
    return loop && visitLoop(op, loop.getPosition());
  };
  for (OpOperand &use : value.getUses())
    if (!visitOperand(use))
      return false;
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return visitDim(fill.getDpsInits()[0], dim);
  if (auto op = value.getDefiningOp<linalg::GenericOp>()) {
    auto loop = dyn_cast<AffineDimExpr>(
        op.getIndexingMapMatchingResult(cast<OpResult>(value)).getResult(dim));
    return loop && visitLoop(op, loop.getPosition());
  }
  return true;
}

/// The expression over loops in which `loop` has become the two loops `loop` and `loop` + 1.
AffineExpr GroupExpander::expand(AffineExpr expr, unsigned loop) {
  MLIRContext *context = expr.getContext();
  auto d = [&](unsigned i) { return getAffineDimExpr(i, context); };
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    unsigned i = dim.getPosition();
    return i < loop ? d(i) : i > loop ? d(i + 1) : d(loop) * perGroup + d(loop + 1);
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr;
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (binary.getLHS() == d(loop) && constant && constant.getValue() == perGroup) {
    if (binary.getKind() == AffineExprKind::FloorDiv)
      return d(loop);
    if (binary.getKind() == AffineExprKind::Mod)
      return d(loop + 1);
  }
  return getAffineBinaryOpExpr(binary.getKind(), expand(binary.getLHS(), loop),
                               expand(binary.getRHS(), loop));
}

void GroupExpander::rewrite(linalg::GenericOp op) {
  unsigned loop = loops.lookup(op);
  MLIRContext *context = op.getContext();
  Builder builder(context);
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto split = dims.find(operand.get());
    SmallVector<AffineExpr> results;
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      if (split != dims.end() && split->second == i)
        llvm::append_values(results, getAffineDimExpr(loop, context),
                            getAffineDimExpr(loop + 1, context));
      else if (isa<AffineDimExpr>(expr) && expr == getAffineDimExpr(loop, context))
        results.push_back(builder.getAffineConstantExpr(0)); // of size 1
      else
        results.push_back(expand(expr, loop));
    }
    maps.push_back(AffineMap::get(map.getNumDims() + 1, 0, results, context));
  }
  SmallVector<Attribute> iterators(op.getIteratorTypes().getValue());
  iterators.insert(iterators.begin() + loop, iterators[loop]);
  op.setIndexingMapsAttr(builder.getAffineMapArrayAttr(maps));
  op.setIteratorTypesAttr(builder.getArrayAttr(iterators));
}

void GroupExpander::rewrite() {
  for (auto &[op, loop] : loops)
    rewrite(cast<linalg::GenericOp>(op));
  for (auto &[value, dim] : dims) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[dim] = groups;
    shape.insert(shape.begin() + dim + 1, perGroup);
    value.setType(RankedTensorType::get(shape, type.getElementType()));
  }
  kernel.setFunctionType(
      FunctionType::get(kernel.getContext(), kernel.getBody().getArgumentTypes(),
                        kernel.getBody().front().getTerminator()->getOperandTypes()));
}

void sinter::expandGroups(kernel::FuncOp kernel) { GroupExpander(kernel).run(); }
