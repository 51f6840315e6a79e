//===- FoldsElementwise.cpp - identities of arithmetic --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Folders only find identities. Constants are combined by the evaluator, in
// nn-fold-constants, where their size can be limited.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

// True if all elements are `value`.
static bool isSplat(Attribute attribute, int64_t value) {
  auto elements = dyn_cast_if_present<DenseElementsAttr>(attribute);
  if (!elements || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble() == static_cast<double>(value);
  APInt integer = elements.getSplatValue<APInt>();
  return elements.getElementType().isUnsignedInteger() ? integer == static_cast<uint64_t>(value)
                                                       : integer.getSExtValue() == value;
}

// `operand` if it can stand for the op's result.
static OpFoldResult ifSameType(Value operand, Type type) {
  return operand.getType() == type ? OpFoldResult(operand) : OpFoldResult();
}

OpFoldResult AddOp::fold(FoldAdaptor operands) {
  // −0 + 0 is +0: the sign of a zero may be lost, its value isn't.
  if (isSplat(operands.getRhs(), 0))
    return ifSameType(getLhs(), getType());
  if (isSplat(operands.getLhs(), 0))
    return ifSameType(getRhs(), getType());
  return {};
}

OpFoldResult SubOp::fold(FoldAdaptor operands) {
  if (isSplat(operands.getRhs(), 0))
    return ifSameType(getLhs(), getType());
  return {};
}

OpFoldResult MulOp::fold(FoldAdaptor operands) {
  if (isSplat(operands.getRhs(), 1))
    return ifSameType(getLhs(), getType());
  if (isSplat(operands.getLhs(), 1))
    return ifSameType(getRhs(), getType());
  return {};
}

OpFoldResult DivOp::fold(FoldAdaptor operands) {
  if (isSplat(operands.getRhs(), 1))
    return ifSameType(getLhs(), getType());
  return {};
}

// True if every value of `from` is a value of `to`.
static bool isLossless(Type from, Type to) {
  auto fromFloat = dyn_cast<FloatType>(from), toFloat = dyn_cast<FloatType>(to);
  if (fromFloat && toFloat)
    return from == to || toFloat.getWidth() == 64 ||
           (toFloat.getWidth() == 32 && fromFloat.getWidth() == 16);
  auto fromInt = dyn_cast<IntegerType>(from), toInt = dyn_cast<IntegerType>(to);
  if (fromFloat)
    return false;
  if (from.isInteger(1))
    return true;
  unsigned bits = fromInt.getWidth() - (fromInt.isUnsigned() ? 0 : 1);
  if (toFloat)
    return bits <= toFloat.getFPMantissaWidth();
  if (fromInt.isUnsigned() == toInt.isUnsigned())
    return toInt.getWidth() >= fromInt.getWidth();
  return fromInt.isUnsigned() && toInt.getWidth() > fromInt.getWidth();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  // There and back without loss.
  if (auto inner = getInput().getDefiningOp<CastOp>())
    if (inner.getInput().getType() == getType() &&
        isLossless(getElementTypeOrSelf(getType()), inner.getTo()))
      return inner.getInput();
  return {};
}
