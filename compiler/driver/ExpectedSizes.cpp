//===- ExpectedSizes.cpp - --expect ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Session.h"

#include "dialects/nn/ShapeExpect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

/// The name of a dim in --expect: its own, or INPUT:POSITION.
static std::string nameOf(func::FuncOp main, unsigned argument, int64_t dim) {
  if (auto names = main.getArgAttrOfType<ArrayAttr>(argument, "nn.dims"))
    if (StringRef name = cast<StringAttr>(names[dim]).getValue(); !name.empty())
      return name.str();
  auto input = main.getArgAttrOfType<StringAttr>(argument, "nn.name");
  return (input ? input.str() : std::to_string(argument)) + ":" + std::to_string(dim);
}

bool Session::expectSizes(const CompileArguments &arguments) {
  auto main = module->lookupSymbol<func::FuncOp>("main");
  auto stage = getStage(*module);
  bool isModel = main && stage && *stage <= Stage::NNOpt;
  if (arguments.expect.empty() && (arguments.expectedBatch == 0 || !isModel))
    return true;
  auto fail = [&](const Twine &message) {
    emitError(UnknownLoc::get(&context), message);
    return false;
  };
  if (!isModel)
    return fail("--expect is for models, not for IR behind nn-opt");
  llvm::StringMap<int64_t> wanted;
  for (auto &[name, size] : arguments.expect)
    wanted[name] = size;
  llvm::StringMap<bool> used;
  std::string known;
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto type = dyn_cast<RankedTensorType>(main.getArgumentTypes()[i]);
    if (!type || type.hasStaticShape())
      continue;
    SmallVector<int64_t> sizes(type.getShape());
    bool any = false;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim))
        continue;
      std::string name = nameOf(main, i, dim);
      if (known.find("'" + name + "'") == std::string::npos)
        known += (known.empty() ? "'" : ", '") + name + "'";
      auto found = wanted.find(name);
      bool isBatch = dim == 0 && arguments.expectedBatch > 0;
      if (found != wanted.end()) {
        sizes[dim] = found->second;
        used[name] = true;
      } else {
        // What the others of this input will be is the compiler's guess: a batch of 1.
        sizes[dim] = isBatch ? arguments.expectedBatch : nn::expectInputDim(type.getRank(), dim);
      }
      any |= found != wanted.end() || isBatch;
    }
    if (any)
      main.setArgAttr(i, "nn.expected", DenseI64ArrayAttr::get(&context, sizes));
  }
  for (auto &[name, size] : arguments.expect)
    if (!used.contains(name))
      return fail("--expect " + name + "=" + Twine(size) + " fits no dynamic dim of an input; " +
                  (known.empty() ? std::string("all sizes of this model are fixed")
                                 : "there are " + known));
  return true;
}
