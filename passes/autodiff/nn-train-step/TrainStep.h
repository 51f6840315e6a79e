//===- TrainStep.h - one function of a training -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_AUTODIFF_TRAINSTEP_H
#define SINTER_PASSES_AUTODIFF_TRAINSTEP_H

#include "passes/autodiff/nn-train-step/Loss.h"
#include "passes/autodiff/nn-train-step/Optimizer.h"
#include "passes/autodiff/nn-train-step/Parameters.h"
#include "llvm/Support/GlobPattern.h"

namespace sinter {

/// Turns one model's function into one of a training's.
class TrainStep {
public:
  TrainStep(mlir::func::FuncOp main, const Loss &loss, const Optimizer &optimizer,
            llvm::ArrayRef<llvm::GlobPattern> frozen, bool dataParallel)
      : main(main), body(main.getBody().front()), loss(loss), optimizer(optimizer), frozen(frozen),
        dataParallel(dataParallel), builder(main.getContext()), loc(main.getLoc()) {}

  /// Finds the parameters, and checks that the model can be trained.
  mlir::LogicalResult analyze();
  void buildTrainStep();
  void buildEvalStep();
  void buildForward();

private:
  struct Parameter {
    std::string name;
    nn::ConstantOp constant;
    mlir::Value argument;
    llvm::SmallVector<mlir::Value> variables;
  };

  /// What a batch normalization gathers: its mean, or its variance.
  struct Statistic {
    std::string name;
    nn::ConstantOp constant;
    mlir::Value argument, next;
  };

  mlir::LogicalResult findState();
  mlir::Value addArgument(mlir::Type type, llvm::StringRef name, llvm::StringRef state = {},
                          mlir::Attribute initial = {}, mlir::Attribute dims = {});
  void addResult(mlir::Value value, llvm::StringRef name, llvm::StringRef state = {});
  mlir::Value addTarget();
  void addParameters();
  void addNoise();
  void addStatistics();
  void addCarried();
  void addNextCarried();
  void dropTrainingOnly();
  void drawNumbers(mlir::Value steps);
  void useBatchStatistics();
  void addLoss(mlir::Value target);
  void addOutputs();
  /// Makes the results those of the function; the parameters' constants are gone then.
  void finish();

  mlir::func::FuncOp main;
  mlir::Block &body;
  const Loss &loss;
  const Optimizer &optimizer;
  llvm::ArrayRef<llvm::GlobPattern> frozen;
  bool dataParallel;
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::Value prediction;
  Noise noise;
  llvm::SmallVector<Parameter> parameters;
  llvm::SmallVector<Statistic> statistics;
  llvm::SmallVector<CarriedState> carried;
  llvm::SmallVector<mlir::DictionaryAttr> resultAttributes;
  llvm::SmallVector<mlir::Value> results;
};

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_TRAINSTEP_H
