//===- ShapeExpect.cpp - sizes to expect ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeExpect.h"

#include "dialects/nn/NN.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::nn;

/// For what only data decides: how many boxes are left, how often a loop runs.
static constexpr int64_t expectedCount = 32;

int64_t sinter::nn::expectInputDim(int64_t rank, int64_t dim) {
  if (dim == 0 && rank > 1)
    return 1;
  return rank == 4 ? 224 : 128;
}

static int64_t expectDim(Value value, int64_t dim) {
  auto argument = dyn_cast_if_present<BlockArgument>(value);
  auto function = argument ? dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp())
                           : FunctionOpInterface();
  if (!function)
    return expectedCount;
  auto toldOf = [&](unsigned i) {
    return function.getArgAttrOfType<DenseI64ArrayAttr>(i, "nn.expected");
  };
  if (auto told = toldOf(argument.getArgNumber()))
    return told[dim];
  // Dims of one name have one size, as a training's target has its batch from an input.
  auto namesOf = [&](unsigned i) { return function.getArgAttrOfType<ArrayAttr>(i, "nn.dims"); };
  auto names = namesOf(argument.getArgNumber());
  auto name = names ? cast<StringAttr>(names[dim]) : StringAttr();
  for (unsigned i = 0; name && !name.empty() && i < function.getNumArguments(); ++i)
    if (auto told = toldOf(i); told && namesOf(i))
      for (auto [size, other] : llvm::zip(told.asArrayRef(), namesOf(i)))
        if (other == name)
          return size;
  return expectInputDim(cast<ShapedType>(value.getType()).getRank(), dim);
}

static int64_t applyTo(ShapeContext::Function function, int64_t lhs, int64_t rhs) {
  switch (function) {
  case ShapeContext::Function::Min:
    return std::min(lhs, rhs);
  case ShapeContext::Function::Max:
    return std::max(lhs, rhs);
  case ShapeContext::Function::WrapNegative:
    return lhs < 0 ? lhs + rhs : lhs;
  case ShapeContext::Function::Broadcast:
    return lhs == 1 ? rhs : lhs;
  case ShapeContext::Function::IfZero:
    return lhs == 0 ? rhs : lhs;
  case ShapeContext::Function::IfNegative:
    return lhs < 0 ? rhs : lhs;
  }
  llvm_unreachable("unknown shape function");
}

int64_t ShapeAnalysis::expect(AffineExpr expr) const {
  if (auto value = asConstant(expr))
    return *value;
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
    int64_t lhs = expect(binary.getLHS()), rhs = expect(binary.getRHS());
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return lhs + rhs;
    case AffineExprKind::Mul:
      return lhs * rhs;
    default:
      break;
    }
    if (rhs <= 0)
      return expectedCount;
    if (expr.getKind() == AffineExprKind::Mod)
      return llvm::mod(lhs, rhs);
    return expr.getKind() == AffineExprKind::FloorDiv ? llvm::divideFloorSigned(lhs, rhs)
                                                      : llvm::divideCeilSigned(lhs, rhs);
  }
  const Symbol &symbol = symbols[cast<AffineSymbolExpr>(expr).getPosition()];
  switch (symbol.kind) {
  case Symbol::Dim:
    return expectDim(symbol.value, symbol.position);
  case Symbol::Derived:
    return applyTo(symbol.function, expect(symbol.lhs), expect(symbol.rhs));
  case Symbol::Scaled:
  case Symbol::Fitted:
    return expect(symbol.lhs);
  case Symbol::Element:
  case Symbol::Steps:
    return expectedCount;
  }
  llvm_unreachable("unknown kind of symbol");
}
