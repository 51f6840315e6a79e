//===- Weights.cpp - a model's parameters from a checkpoint ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Weights.h"
#include "compiler/driver/ReadWeights.h"
#include "dialects/nn/HostTensor.h"
#include "passes/autodiff/nn-train-step/Parameters.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sinter;

// A few names say which model it is.
static std::string listNames(ArrayRef<std::string> names) {
  constexpr size_t Most = 4;
  std::string text = llvm::join(names.take_front(Most), ", ");
  return names.size() > Most ? text + ", …" : text;
}

static void setValue(nn::ConstantOp constant, StringRef name, const training::Tensor &tensor) {
  nn::HostTensor value(Float32Type::get(constant.getContext()), tensor.shape);
  memcpy(value.mutableBytes(), tensor.bytes.data(), tensor.bytes.size());
  constant.setValueAttr(value.toAttribute(name));
  constant->removeDiscardableAttr("nn.initializer");
  constant->setDiscardableAttr("nn.trained", UnitAttr::get(constant.getContext()));
}

bool sinter::driver::setWeights(ModuleOp module, const std::string &path) {
  std::vector<training::Tensor> tensors;
  std::string error;
  if (!readWeights(path, tensors, error)) {
    emitError(UnknownLoc::get(module.getContext()), error);
    return false;
  }
  auto model = module.lookupSymbol<func::FuncOp>("main");
  if (!model) {
    module.emitError("the module has no @main to give weights to");
    return false;
  }
  SmallVector<NamedConstant> wanted = findParameters(model);
  llvm::append_range(wanted, findStatistics(model));
  auto find = [&](StringRef name) {
    return llvm::find_if(tensors,
                         [&](const training::Tensor &tensor) { return tensor.name == name; });
  };
  for (NamedConstant &each : findNamedScalars(model))
    if (find(each.name) != tensors.end())
      wanted.push_back(each);
  std::vector<std::string> missing;
  bool fits = true;
  for (NamedConstant &each : wanted) {
    auto type = cast<RankedTensorType>(each.constant.getType());
    auto found = find(each.name);
    if (found == tensors.end()) {
      missing.push_back(each.name);
    } else if (found->type != training::ElementType::F32 ||
               ArrayRef(found->shape) != type.getShape()) {
      emitError(each.constant.getLoc())
          << "in " << path << " it is " << training::elementName(found->type)
          << training::describeShape(found->shape) << ", and in the model F32"
          << training::describeShape(type.getShape().vec());
      fits = false;
    } else {
      setValue(each.constant, each.name, *found);
    }
  }
  if (missing.size() == wanted.size()) {
    emitError(UnknownLoc::get(module.getContext()))
        << path << " has none of the model's parameters (" << listNames(missing)
        << "): it belongs to another model";
    return false;
  }
  if (!missing.empty())
    emitWarning(UnknownLoc::get(module.getContext()))
        << path << " has not " << listNames(missing) << " (" << missing.size() << " of "
        << wanted.size() << " parameters): they keep the model's own values";
  return fits;
}
