//===- NNTrainStep.cpp - from a model to a training step ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-train-step/NNTrainStep.h"
#include "passes/autodiff/nn-train-step/TrainStep.h"
#include "llvm/Support/Error.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNTRAINSTEP
#include "passes/autodiff/nn-train-step/NNTrainStep.h.inc"
} // namespace sinter

static StringRef nameOf(TargetKind kind) {
  switch (kind) {
  case TargetKind::values:
    return "values";
  case TargetKind::classes:
    return "classes";
  case TargetKind::labels:
    return "labels";
  }
  llvm_unreachable("unknown kind of target");
}

namespace {
struct NNTrainStepPass : sinter::impl::NNTrainStepBase<NNTrainStepPass> {
  using NNTrainStepBase::NNTrainStepBase;

  LogicalResult run() {
    ModuleOp module = getOperation();
    std::string error;
    auto chosen = Loss::parse(loss.getValue(), error);
    if (!chosen)
      return module.emitError(error);
    auto parsed = Optimizer::parse(optimizer.getValue(), error);
    if (!parsed)
      return module.emitError(error);
    SmallVector<llvm::GlobPattern> frozen;
    for (const std::string &text : freeze) {
      auto pattern = llvm::GlobPattern::create(text);
      if (!pattern)
        return module.emitError("'")
               << text << "' is no pattern of names: " << llvm::toString(pattern.takeError());
      frozen.push_back(*pattern);
    }
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main)
      return module.emitError("there is no function @main");
    auto train = [&](func::FuncOp function) {
      return TrainStep(function, *chosen, *parsed, frozen, dataParallel);
    };
    TrainStep step = train(main);
    if (failed(step.analyze()))
      return failure();
    for (auto [name, build] : {std::pair{"eval_step", &TrainStep::buildEvalStep},
                               std::pair{"forward", &TrainStep::buildForward}}) {
      func::FuncOp clone = main.clone();
      clone.setName(name);
      module.push_back(clone);
      TrainStep other = train(clone);
      if (failed(other.analyze()))
        return failure();
      (other.*build)();
    }
    step.buildTrainStep();
    describe(module, *chosen, *parsed);
    return success();
  }

  // What a program that trains has to know.
  void describe(ModuleOp module, const Loss &chosen, const Optimizer &parsed) {
    Builder b(&getContext());
    SmallVector<NamedAttribute> settings = {
        b.getNamedAttr("learning_rate", b.getF64FloatAttr(parsed.getLearningRate())),
        b.getNamedAttr("loss", b.getStringAttr(loss.getValue())),
        b.getNamedAttr("optimizer", b.getStringAttr(optimizer.getValue())),
        b.getNamedAttr("target", b.getStringAttr(nameOf(chosen.getKind().target)))};
    if (!metrics.empty())
      settings.push_back(b.getNamedAttr("prediction_metrics", b.getStringAttr(metrics.getValue())));
    if (chosen.getKind().cumulative)
      settings.push_back(b.getNamedAttr("noise_power", b.getF64FloatAttr(chosen.getNoisePower())));
    if (dataParallel)
      settings.push_back(b.getNamedAttr("data_parallel", b.getBoolAttr(true)));
    module->setAttr("nn.training", b.getDictionaryAttr(settings));
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }
};
} // namespace
