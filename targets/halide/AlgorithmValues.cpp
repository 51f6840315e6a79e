//===- AlgorithmValues.cpp - scalars and elements of tensors in Halide ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/Algorithm.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace sinter;
using namespace sinter::halide;
using Halide::Expr;
namespace H = Halide;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Expr Algorithm::affine(mlir::AffineExpr expr, mlir::AffineMap map,
                       const std::vector<Expr> &operands) {
  using Kind = mlir::AffineExprKind;
  switch (expr.getKind()) {
  case Kind::Constant:
    return int32_t(mlir::cast<mlir::AffineConstantExpr>(expr).getValue());
  case Kind::DimId:
    return operands[mlir::cast<mlir::AffineDimExpr>(expr).getPosition()];
  case Kind::SymbolId:
    return operands[map.getNumDims() + mlir::cast<mlir::AffineSymbolExpr>(expr).getPosition()];
  default:
    break;
  }
  auto binary = mlir::cast<mlir::AffineBinaryOpExpr>(expr);
  Expr a = affine(binary.getLHS(), map, operands), b = affine(binary.getRHS(), map, operands);
  switch (expr.getKind()) {
  case Kind::Add:
    return a + b;
  case Kind::Mul:
    return a * b;
  case Kind::Mod: // Halide floors, as affine expressions do.
    return a % b;
  case Kind::FloorDiv:
    return a / b;
  default:
    return (a + b - 1) / b;
  }
}

/// Whether a condition depends on nothing but the position.
static bool isPositional(mlir::Value value) {
  if (!value.getType().isIndex() && !value.getType().isInteger(1))
    return false;
  mlir::Operation *op = value.getDefiningOp();
  if (!op || mlir::isa<mlir::tensor::ExtractOp>(op))
    return false;
  if (mlir::isa<mlir::linalg::IndexOp, mlir::tensor::DimOp>(op))
    return true;
  return llvm::all_of(op->getOperands(), isPositional);
}

Expr Algorithm::scalar(mlir::Value value, Scope &scope, const Loops &loops) {
  if (auto known = scope.find(value); known != scope.end())
    return known->second;
  if (auto param = params.find(value); param != params.end())
    return param->second;
  mlir::Operation *op = value.getDefiningOp();
  if (!op)
    throw Refusal{"a block argument that is no scalar"};
  Expr result;
  if (auto constant = mlir::dyn_cast<mlir::arith::ConstantOp>(op)) {
    result = constantOf(value.getType(), constant.getValue());
  } else if (auto index = mlir::dyn_cast<mlir::linalg::IndexOp>(op)) {
    result = loops.dims.at(index.getDim());
  } else if (auto dim = mlir::dyn_cast<mlir::tensor::DimOp>(op)) {
    auto number = dim.getConstantIndex();
    if (!number)
      throw Refusal{"tensor.dim of a dimension that is no constant"};
    result = extent(dim.getSource(), *number);
  } else if (auto extract = mlir::dyn_cast<mlir::tensor::ExtractOp>(op)) {
    std::vector<Expr> indices;
    for (auto [i, index] : llvm::enumerate(extract.getIndices())) {
      // The algorithm promises indices in range; Halide needs to hear it where it cannot see it.
      Expr at = coordinate(scalar(index, scope, loops));
      if (!H::Internal::is_const(at))
        at = H::Internal::Call::make(H::Int(32), H::Internal::Call::unsafe_promise_clamped,
                                     {at, Expr(0), extent(extract.getTensor(), i) - 1},
                                     H::Internal::Call::PureIntrinsic);
      indices.push_back(at);
    }
    result = element(extract.getTensor(), indices, scope, loops);
  } else if (auto apply = mlir::dyn_cast<mlir::affine::AffineApplyOp>(op)) {
    std::vector<Expr> operands;
    for (mlir::Value operand : apply.getMapOperands())
      operands.push_back(coordinate(scalar(operand, scope, loops)));
    mlir::AffineMap map = apply.getAffineMap();
    result = affine(map.getResult(0), map, operands);
  } else {
    if (op->getNumRegions() != 0)
      throw Refusal{op->getName().getStringRef().str() + " in a body"};
    std::vector<Expr> operands;
    for (mlir::Value operand : op->getOperands())
      operands.push_back(scalar(operand, scope, loops));
    // Padding: the loops are cut where the condition changes, and inside there is no test.
    if (mlir::isa<mlir::arith::SelectOp>(op) && isPositional(op->getOperand(0)))
      for (unsigned i : {1, 2})
        if (op->getOperand(i).getDefiningOp<mlir::tensor::ExtractOp>()) {
          operands[i] = H::likely(operands[i]);
          break;
        }
    if (backend != Backend::CPU)
      result = deviceOp(op, operands, backend);
    if (!result.defined())
      result = scalarOp(op, operands);
    if (!result.defined())
      throw Refusal{op->getName().getStringRef().str() + " in a body"};
  }
  scope[value] = result;
  return result;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Expr Algorithm::extent(mlir::Value tensor, unsigned dim) {
  mlir::RankedTensorType type = tensorType(tensor);
  if (!type.isDynamicDim(dim))
    return int32_t(type.getDimSize(dim));
  if (auto image = images.find(tensor); image != images.end())
    return image->second.dim(type.getRank() - 1 - dim).extent();
  mlir::Operation *op = tensor.getDefiningOp();
  if (auto empty = mlir::dyn_cast_or_null<mlir::tensor::EmptyOp>(op))
    return coordinate(scalar(empty.getDynamicSize(dim), outer, Loops{}));
  if (auto structured = mlir::dyn_cast_or_null<mlir::linalg::LinalgOp>(op))
    return extent(structured.getDpsInits()[mlir::cast<mlir::OpResult>(tensor).getResultNumber()],
                  dim);
  if (auto tensorCast = mlir::dyn_cast_or_null<mlir::tensor::CastOp>(op))
    return extent(tensorCast.getSource(), dim);
  if (auto expand = mlir::dyn_cast_or_null<mlir::tensor::ExpandShapeOp>(op)) {
    unsigned dynamic = 0;
    for (unsigned i = 0; i < dim; ++i)
      dynamic += type.isDynamicDim(i);
    return coordinate(scalar(expand.getOutputShape()[dynamic], outer, Loops{}));
  }
  if (auto collapse = mlir::dyn_cast_or_null<mlir::tensor::CollapseShapeOp>(op)) {
    Expr size = 1;
    for (int64_t i : collapse.getReassociationIndices()[dim])
      size = size * extent(collapse.getSrc(), i);
    return size;
  }
  throw Refusal{"a dynamic size that follows from nothing known"};
}

Expr Algorithm::element(mlir::Value tensor, std::vector<Expr> indices, Scope &scope,
                        const Loops &loops) {
  if (auto image = images.find(tensor); image != images.end())
    return image->second(reversed(indices));
  if (auto stage = stageOf.find(tensor); stage != stageOf.end()) {
    H::Func func = stages[stage->second].func;
    H::FuncRef call = func(reversed(indices));
    if (func.outputs() == 1)
      return call;
    return call[stages[stage->second]
                    .tupleIndex[mlir::cast<mlir::OpResult>(tensor).getResultNumber()]];
  }
  mlir::Operation *op = tensor.getDefiningOp();
  if (!op)
    throw Refusal{"a tensor that is no argument of the kernel"};
  if (auto fill = mlir::dyn_cast<mlir::linalg::FillOp>(op))
    return scalar(fill.getInputs()[0], outer, Loops{});
  mlir::Type elementType = tensorType(tensor).getElementType();
  if (mlir::isa<mlir::tensor::EmptyOp>(op))
    return H::Internal::make_zero(typeOf(elementType));
  if (auto constant = mlir::dyn_cast<mlir::arith::ConstantOp>(op)) {
    auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(constant.getValue());
    if (dense && dense.isSplat())
      return constantOf(elementType, dense.getSplatValue<mlir::Attribute>());
    // A handful of values become a chain of selects; longer tables are arguments.
    if (!dense || dense.getNumElements() > 64)
      throw Refusal{"a constant tensor of many different elements"};
    Expr position = 0;
    for (auto [i, index] : llvm::enumerate(indices))
      position = position * int32_t(tensorType(tensor).getDimSize(i)) + index;
    Expr result;
    int32_t number = 0;
    for (mlir::Attribute value : dense.getValues<mlir::Attribute>()) {
      Expr each = constantOf(elementType, value);
      result = result.defined() ? H::select(position == number, each, result) : each;
      ++number;
    }
    return result;
  }
  if (auto tensorCast = mlir::dyn_cast<mlir::tensor::CastOp>(op))
    return element(tensorCast.getSource(), indices, scope, loops);
  if (auto collapse = mlir::dyn_cast<mlir::tensor::CollapseShapeOp>(op)) {
    std::vector<Expr> inner;
    for (auto [group, index] : llvm::zip(collapse.getReassociationIndices(), indices)) {
      std::vector<Expr> digits;
      Expr rest = index;
      for (int64_t i : llvm::reverse(group)) {
        Expr size = extent(collapse.getSrc(), i);
        digits.push_back(i == group.front() ? rest : rest % size);
        rest = rest / size;
      }
      for (const Expr &digit : llvm::reverse(digits))
        inner.push_back(digit);
    }
    return element(collapse.getSrc(), inner, scope, loops);
  }
  if (auto expand = mlir::dyn_cast<mlir::tensor::ExpandShapeOp>(op)) {
    std::vector<Expr> inner;
    for (const auto &group : expand.getReassociationIndices()) {
      Expr index = 0;
      for (int64_t i : group)
        index = index * extent(tensor, i) + indices[i];
      inner.push_back(index);
    }
    return element(expand.getSrc(), inner, scope, loops);
  }
  if (auto slice = mlir::dyn_cast<mlir::tensor::ExtractSliceOp>(op)) {
    std::vector<Expr> inner;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    auto offsets = slice.getMixedOffsets(), strides = slice.getMixedStrides();
    auto expr = [&](mlir::OpFoldResult value) -> Expr {
      if (auto attribute = llvm::dyn_cast_if_present<mlir::Attribute>(value))
        return int32_t(mlir::cast<mlir::IntegerAttr>(attribute).getInt());
      return coordinate(scalar(llvm::cast<mlir::Value>(value), outer, Loops{}));
    };
    unsigned next = 0;
    for (unsigned i = 0; i < offsets.size(); ++i)
      inner.push_back(dropped[i] ? expr(offsets[i])
                                 : expr(offsets[i]) + indices[next++] * expr(strides[i]));
    return element(slice.getSource(), inner, scope, loops);
  }
  throw Refusal{op->getName().getStringRef().str()};
}
