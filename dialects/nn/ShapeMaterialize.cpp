//===- ShapeMaterialize.cpp - symbolic dims as index arithmetic -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter::nn;

// An empty tensor's dims may divide by 0, which traps: the quotient doesn't matter then.
static Value guardDivisor(OpBuilder &builder, Location loc, AffineExpr expr, Value divisor) {
  if (asConstant(expr))
    return divisor;
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  return arith::MaxSIOp::create(builder, loc, divisor, one);
}

// One element of a tensor of rank 0, or of rank 1 at `position`.
static Value extractElement(OpBuilder &builder, Location loc, Value tensor, int64_t position) {
  SmallVector<Value> indices;
  if (cast<ShapedType>(tensor.getType()).getRank() == 1)
    indices.push_back(arith::ConstantIndexOp::create(builder, loc, position));
  return tensor::ExtractOp::create(builder, loc, tensor, indices);
}

Value ShapeAnalysis::materializeFloat(OpBuilder &builder, Location loc, const Symbol &symbol,
                                      function_ref<Value(Value)> remap) {
  Type wide = builder.getF64Type(), i64 = builder.getI64Type();
  auto element = [&](Value value, int64_t position) -> Value {
    Value result = extractElement(builder, loc, remap(value), position);
    if (isa<IntegerType>(result.getType()))
      return arith::SIToFPOp::create(builder, loc, wide, result);
    if (result.getType() != wide)
      result = arith::ExtFOp::create(builder, loc, wide, result);
    return result;
  };
  auto wideSize = [&](AffineExpr expr) -> Value {
    Value dim = materialize(builder, loc, expr, remap);
    dim = arith::IndexCastOp::create(builder, loc, i64, dim);
    return arith::SIToFPOp::create(builder, loc, wide, dim);
  };
  Value size;
  if (symbol.kind == Symbol::Scaled) {
    Value scaled = arith::MulFOp::create(builder, loc, wideSize(symbol.lhs),
                                         element(symbol.value, symbol.position));
    size = math::FloorOp::create(builder, loc, scaled);
  } else if (symbol.kind == Symbol::Fitted) {
    Value scale;
    for (auto [wanted, dim] : llvm::zip(symbol.sizes, symbol.dims)) {
      // An empty dim stays empty whatever the scale.
      Value divisor = wideSize(max(dim, constant(1)));
      Value ratio = arith::DivFOp::create(builder, loc, wideSize(wanted), divisor);
      if (!scale)
        scale = ratio;
      else if (symbol.function == Function::Min)
        scale = arith::MinimumFOp::create(builder, loc, scale, ratio);
      else
        scale = arith::MaximumFOp::create(builder, loc, scale, ratio);
    }
    Value half = arith::ConstantOp::create(builder, loc, builder.getF64FloatAttr(0.5));
    Value scaled = arith::MulFOp::create(builder, loc, scale, wideSize(symbol.lhs));
    size = math::FloorOp::create(builder, loc, arith::AddFOp::create(builder, loc, scaled, half));
  } else {
    Value start = element(symbol.value, 0);
    Value distance = arith::SubFOp::create(builder, loc, element(symbol.limit, 0), start);
    size = math::CeilOp::create(
        builder, loc, arith::DivFOp::create(builder, loc, distance, element(symbol.delta, 0)));
  }
  size = arith::FPToSIOp::create(builder, loc, i64, size);
  size = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), size);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  return arith::MaxSIOp::create(builder, loc, size, zero);
}

Value ShapeAnalysis::materialize(OpBuilder &builder, Location loc, AffineExpr expr,
                                 function_ref<Value(Value)> remap) {
  if (auto value = asConstant(expr))
    return arith::ConstantIndexOp::create(builder, loc, *value);

  if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
    Value lhs = materialize(builder, loc, binary.getLHS(), remap);
    Value rhs = materialize(builder, loc, binary.getRHS(), remap);
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs);
    case AffineExprKind::Mul:
      return builder.createOrFold<arith::MulIOp>(loc, lhs, rhs);
    case AffineExprKind::Mod: {
      rhs = guardDivisor(builder, loc, binary.getRHS(), rhs);
      // Sizes are not negative, so the remainder is the modulus.
      return builder.createOrFold<arith::RemSIOp>(loc, lhs, rhs);
    }
    case AffineExprKind::FloorDiv:
      rhs = guardDivisor(builder, loc, binary.getRHS(), rhs);
      return builder.createOrFold<arith::FloorDivSIOp>(loc, lhs, rhs);
    case AffineExprKind::CeilDiv:
      rhs = guardDivisor(builder, loc, binary.getRHS(), rhs);
      return builder.createOrFold<arith::CeilDivSIOp>(loc, lhs, rhs);
    default:
      llvm_unreachable("not a binary affine expression");
    }
  }

  const Symbol &symbol = symbols[cast<AffineSymbolExpr>(expr).getPosition()];
  switch (symbol.kind) {
  case Symbol::Dim:
    return builder.createOrFold<tensor::DimOp>(loc, remap(symbol.value), symbol.position);
  case Symbol::Element: {
    Value element = extractElement(builder, loc, remap(symbol.value), symbol.position);
    if (isa<FloatType>(element.getType()))
      element = arith::FPToSIOp::create(builder, loc, builder.getI64Type(), element);
    if (getElementTypeOrSelf(symbol.value.getType()).isUnsignedInteger())
      return arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(), element);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), element);
  }
  case Symbol::Scaled:
  case Symbol::Fitted:
  case Symbol::Steps:
    // A copy: materializing may add symbols.
    return materializeFloat(builder, loc, Symbol(symbol), remap);
  case Symbol::Derived:
    break;
  }
  Function function = symbol.function;
  AffineExpr lhsExpr = symbol.lhs, rhsExpr = symbol.rhs;
  Value lhs = materialize(builder, loc, lhsExpr, remap);
  Value rhs = materialize(builder, loc, rhsExpr, remap);
  switch (function) {
  case Function::Min:
    return builder.createOrFold<arith::MinSIOp>(loc, lhs, rhs);
  case Function::Max:
    return builder.createOrFold<arith::MaxSIOp>(loc, lhs, rhs);
  case Function::WrapNegative: {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value negative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, lhs, zero);
    Value wrapped = arith::AddIOp::create(builder, loc, lhs, rhs);
    return arith::SelectOp::create(builder, loc, negative, wrapped, lhs);
  }
  case Function::Broadcast: {
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value isOne = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, lhs, one);
    return arith::SelectOp::create(builder, loc, isOne, rhs, lhs);
  }
  case Function::IfZero:
  case Function::IfNegative: {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value replaced = arith::CmpIOp::create(builder, loc,
                                           function == Function::IfZero ? arith::CmpIPredicate::eq
                                                                        : arith::CmpIPredicate::slt,
                                           lhs, zero);
    return arith::SelectOp::create(builder, loc, replaced, rhs, lhs);
  }
  }
  llvm_unreachable("unknown shape function");
}

OpFoldResult ShapeAnalysis::materializeFolded(OpBuilder &builder, Location loc, AffineExpr expr,
                                              function_ref<Value(Value)> remap) {
  if (auto value = asConstant(expr))
    return builder.getIndexAttr(*value);
  return getAsOpFoldResult(materialize(builder, loc, expr, remap));
}

LogicalResult sinter::nn::reifyShapes(Operation *op, OpBuilder &builder,
                                      ReifiedRankedShapedTypeDims &reified) {
  ShapeAnalysis analysis(op->getContext(), ShapeAnalysis::Scope::Local);
  SmallVector<SymbolicShape> shapes;
  if (failed(analysis.inferOp(op, shapes)))
    return failure();
  for (const SymbolicShape &shape : shapes) {
    auto &dims = reified.emplace_back();
    for (AffineExpr dim : shape)
      dims.push_back(
          analysis.materializeFolded(builder, op->getLoc(), dim, [](Value v) { return v; }));
  }
  return success();
}
