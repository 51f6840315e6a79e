//===- Parameters.cpp - what a training makes state of --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-train-step/Parameters.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace sinter;

// The name that the model gave to a constant; "" if none.
static StringRef nameOf(nn::ConstantOp constant) {
  if (auto name = dyn_cast<NameLoc>(constant.getLoc()))
    return name.getName();
  return {};
}

// Float tensors of several elements are a model's parameters, as are those of one element that
// have an initialiser (the bias of one unit) or a checkpoint's value; but not the statistics that
// batch normalization has gathered.
static bool isParameter(nn::ConstantOp constant) {
  auto type = cast<RankedTensorType>(constant.getType());
  bool isScalar = type.getRank() == 0 || type.getNumElements() < 2;
  if (!type.getElementType().isF32() || constant->hasAttr("nn.buffer") ||
      constant->hasAttr("nn.carried") ||
      (isScalar && !constant->hasAttr("nn.initializer") && !constant->hasAttr("nn.trained")))
    return false;
  return llvm::none_of(constant->getUses(), [](OpOperand &use) {
    auto norm = dyn_cast<nn::BatchNormOp>(use.getOwner());
    return norm && use.getOperandNumber() >= 3;
  });
}

SmallVector<NamedConstant> sinter::findParameters(func::FuncOp model) {
  SmallVector<NamedConstant> parameters;
  llvm::StringSet<> taken;
  for (auto constant : model.getBody().front().getOps<nn::ConstantOp>()) {
    if (constant->use_empty() || !isParameter(constant))
      continue;
    std::string wanted = nameOf(constant).str();
    if (wanted.empty())
      wanted = "parameter";
    std::string name = wanted;
    for (int i = 1; !taken.insert(name).second; ++i)
      name = wanted + "_" + std::to_string(i);
    parameters.push_back({name, constant});
  }
  return parameters;
}

SmallVector<NamedConstant> sinter::findNamedScalars(func::FuncOp model) {
  SmallVector<NamedConstant> scalars;
  for (auto constant : model.getBody().front().getOps<nn::ConstantOp>()) {
    auto type = cast<RankedTensorType>(constant.getType());
    if (type.getElementType().isF32() && type.getNumElements() == 1 && !nameOf(constant).empty() &&
        !isParameter(constant))
      scalars.push_back({nameOf(constant).str(), constant});
  }
  return scalars;
}

SmallVector<NamedConstant> sinter::findStatistics(func::FuncOp model) {
  SmallVector<NamedConstant> statistics;
  for (auto norm : model.getBody().front().getOps<nn::BatchNormOp>()) {
    if (!norm->hasAttr("nn.momentum"))
      continue;
    for (Value value : {norm.getMean(), norm.getVariance()}) {
      auto constant = value.getDefiningOp<nn::ConstantOp>();
      auto isSame = [&](const NamedConstant &each) { return each.constant == constant; };
      if (constant && llvm::none_of(statistics, isSame))
        statistics.push_back({nameOf(constant).str(), constant});
    }
  }
  return statistics;
}

SmallVector<CarriedState> sinter::findCarried(func::FuncOp model) {
  SmallVector<CarriedState> states;
  for (auto constant : model.getBody().front().getOps<nn::ConstantOp>())
    if (auto result = constant->getAttrOfType<IntegerAttr>("nn.carried"); result)
      for (Operation *reader : constant->getUsers())
        states.push_back({{nameOf(constant).str(), constant}, reader->getResult(result.getInt())});
  return states;
}
