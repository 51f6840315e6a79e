//===- ShapeContext.cpp - what shape functions may ask and make -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

std::optional<HostTensor> ShapeContext::constantTensor(Value value) {
  if (ElementsAttr attribute = getConstant(value))
    return HostTensor::fromAttribute(attribute);
  return std::nullopt;
}

std::optional<SmallVector<int64_t>> ShapeContext::constantContents(Value value) {
  auto elements = contents(value);
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> constants;
  for (AffineExpr element : *elements) {
    auto constant = asConstant(element);
    if (!constant)
      return std::nullopt;
    constants.push_back(*constant);
  }
  return constants;
}

FailureOr<SymbolicShape> ShapeContext::broadcast(const SymbolicShape &lhs,
                                                 const SymbolicShape &rhs) {
  const SymbolicShape &longer = lhs.size() >= rhs.size() ? lhs : rhs;
  const SymbolicShape &shorter = lhs.size() >= rhs.size() ? rhs : lhs;
  SymbolicShape result(longer);
  size_t offset = longer.size() - shorter.size();
  for (auto [index, b] : llvm::enumerate(shorter)) {
    AffineExpr &a = result[offset + index];
    auto constantA = asConstant(a), constantB = asConstant(b);
    if (a == b || (constantB && *constantB == 1))
      continue;
    if (constantA && *constantA == 1)
      a = b;
    else if (constantA && constantB)
      return emitError("dims " + Twine(*constantA) + " and " + Twine(*constantB) +
                       " can't be broadcast together");
    else {
      require(Need::Broadcast, a, b, "dims that are broadcast together");
      if (constantB)
        a = b;
      else if (!constantA)
        a = apply(Function::Broadcast, a, b);
    }
  }
  return result;
}

AffineExpr ShapeContext::product(ArrayRef<AffineExpr> dims) const {
  AffineExpr result = constant(1);
  for (AffineExpr dim : dims)
    result = result * dim;
  return result;
}

// Splits a product into its constant and its other factors.
static void collectFactors(AffineExpr expr, int64_t &constant,
                           SmallVectorImpl<AffineExpr> &factors) {
  if (auto value = asConstant(expr)) {
    constant *= *value;
    return;
  }
  if (expr.getKind() == AffineExprKind::Mul) {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    collectFactors(binary.getLHS(), constant, factors);
    collectFactors(binary.getRHS(), constant, factors);
    return;
  }
  factors.push_back(expr);
}

AffineExpr ShapeContext::quotient(ArrayRef<AffineExpr> total, ArrayRef<AffineExpr> part) const {
  int64_t numerator = 1, denominator = 1;
  SmallVector<AffineExpr> above, below, rest;
  for (AffineExpr dim : total)
    collectFactors(dim, numerator, above);
  for (AffineExpr dim : part)
    collectFactors(dim, denominator, below);
  for (AffineExpr factor : below) {
    auto *it = llvm::find(above, factor);
    if (it != above.end())
      above.erase(it);
    else
      rest.push_back(factor);
  }
  AffineExpr result = product(above);
  if (denominator != 0 && numerator % denominator == 0) {
    result = result * (numerator / denominator);
    denominator = 1;
  } else {
    result = result * numerator;
  }
  AffineExpr divisor = product(rest) * denominator;
  auto constant = asConstant(divisor);
  if (constant && *constant == 0)
    return this->constant(0);
  if (constant && *constant == 1)
    return result;
  return result.floorDiv(divisor);
}

LogicalResult ShapeContext::emitError(const Twine &message) const {
  if (location)
    return mlir::emitError(*location, message);
  return failure();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type sinter::nn::getProductType(Type factor) {
  return factor.isInteger(8) ? IntegerType::get(factor.getContext(), 32) : factor;
}

int64_t sinter::nn::getDotSteps(Type factor) { return factor.isInteger(8) ? 4 : 1; }

bool sinter::nn::areCompatibleTypes(TypeRange lhs, TypeRange rhs) {
  if (lhs.size() != rhs.size())
    return false;
  for (auto [a, b] : llvm::zip(lhs, rhs)) {
    auto left = dyn_cast<RankedTensorType>(a);
    auto right = dyn_cast<RankedTensorType>(b);
    if (!left || !right || left.getElementType() != right.getElementType() ||
        failed(verifyCompatibleShape(left, right)))
      return false;
  }
  return true;
}

RankedTensorType sinter::nn::getTensorType(ArrayRef<AffineExpr> shape, Type elementType) {
  SmallVector<int64_t> dims;
  for (AffineExpr dim : shape)
    dims.push_back(asConstant(dim).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(dims, elementType);
}

LogicalResult sinter::nn::inferElementwiseShapes(ShapeContext &context, ValueRange operands,
                                                 SmallVectorImpl<SymbolicShape> &shapes) {
  SymbolicShape shape;
  for (Value operand : operands) {
    auto joined = context.broadcast(shape, context.shape(operand));
    if (failed(joined))
      return failure();
    shape = *joined;
  }
  shapes.push_back(shape);
  return success();
}
