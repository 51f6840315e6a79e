//===- QuantizedFactor.cpp - numbers of 8 bits without their zero point ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/QuantizedFactor.h"
#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter;

static bool isZero(Value value) {
  auto constant = dyn_cast_if_present<DenseElementsAttr>(nn::getConstant(value));
  return constant && constant.isSplat() && constant.getSplatValue<APInt>().isZero();
}

bool nn::QuantizedFactor::hasSingleZero() const {
  if (!zero)
    return true;
  auto type = cast<RankedTensorType>(zero.getType());
  return type.hasStaticShape() && type.getNumElements() == 1;
}

std::optional<nn::QuantizedFactor> nn::QuantizedFactor::match(Value value) {
  QuantizedFactor factor;
  Type type = value.getType();
  if (!getElementTypeOrSelf(type).isSignlessInteger(32))
    return std::nullopt;
  if (auto difference = value.getDefiningOp<nn::SubOp>()) {
    value = difference.getLhs();
    if (!isZero(difference.getRhs()))
      factor.zero = difference.getRhs();
  }
  auto wide = value.getDefiningOp<nn::CastOp>();
  if (!wide || wide.getType() != type || !getElementTypeOrSelf(wide.getInput()).isInteger(8))
    return std::nullopt;
  factor.integer = wide.getInput();
  return factor;
}
