//===- Export.cpp - sinter export -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Session.h"
#include "compiler/export/onnx/Exporter.h"
#include "mlir/Pass/PassManager.h"
#include "passes/autodiff/nn-train-step/Parameters.h"
#include "passes/graph/nn-channels-first/NNChannelsFirst.h"
#include "passes/graph/nn-fold-constants/NNFoldConstants.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

static int fail(const Twine &message, int code) {
  llvm::errs() << "error: " << message << '\n';
  return code;
}

// An .onnx file stays as it is but for its weights.
static LogicalResult exportAgain(ModuleOp module, const CompileArguments &arguments) {
  std::vector<onnx_export::Replacement> replacements;
  for (NamedConstant &each : findParameters(module.lookupSymbol<func::FuncOp>("main"))) {
    if (!each.constant->hasAttr("nn.trained"))
      continue;
    auto place = dyn_cast<NameLoc>(each.constant.getLoc());
    replacements.push_back({place ? place.getName().str() : each.name,
                            nn::HostTensor::fromAttribute(each.constant.getValue())});
  }
  return onnx_export::replaceInitializers(arguments.model, arguments.output, replacements,
                                          module.getLoc());
}

// In ONNX's layouts, and with the transformations of weights carried out; otherwise as the
// model has it, so that it can be trained further.
static LogicalResult exportGraph(ModuleOp module, const std::string &output) {
  PassManager pm(module.getContext());
  pm.addNestedPass<func::FuncOp>(createNNChannelsFirst());
  pm.addPass(createNNFoldConstants());
  return failed(pm.run(module)) ? failure() : onnx_export::exportOnnx(module, output);
}

int sinter::driver::exportModel(const CompileArguments &given) {
  CompileArguments arguments = given;
  if (arguments.output.empty())
    arguments.output = modelName(StringRef(given.model).split(':').first.str()) + ".onnx";
  if (given.output.empty() && llvm::sys::fs::equivalent(arguments.output, given.model))
    return fail("this would write over " + given.model + ": give -o FILE.onnx", WrongUsage);
  if (llvm::sys::fs::is_directory(arguments.output))
    return fail("can't write " + arguments.output + ": it is a folder", ModelFault);
  Session session;
  if (!session.load(arguments))
    return ModelFault;
  ModuleOp module = session.getModule();
  if (auto stage = getStage(module); stage && *stage != Stage::NN)
    return fail("export needs a model at stage nn, not " + stringifyStage(*stage), WrongUsage);
  bool isOnnx = StringRef(arguments.model).ends_with(".onnx");
  if (isOnnx && arguments.dims.empty())
    return succeeded(exportAgain(module, arguments)) ? Good : ModelFault;
  return succeeded(exportGraph(module, arguments.output)) ? Good : ModelFault;
}
