//===- Optimizer.h - update rules of parameters -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keras' optimizers. A variable is a tensor of the parameter's shape that the
// optimizer keeps from step to step.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_AUTODIFF_OPTIMIZER_H
#define SINTER_PASSES_AUTODIFF_OPTIMIZER_H

#include "dialects/nn/Term.h"
#include "passes/autodiff/nn-train-step/Settings.h"

namespace sinter {

/// What all parameters of a step share; scalars.
struct StepValues {
  nn::Term learningRate;
  nn::Term step; // 1 in the first step; f64, in which 1 − βᵗ has enough digits
};

class Optimizer {
public:
  /// From "adam:beta_1=0.8,clipnorm=1"; says in `error` what is wrong with it.
  static std::optional<Optimizer> parse(llvm::StringRef text, std::string &error);

  /// What it keeps for each parameter, and the first value of it.
  struct Variable {
    llvm::StringRef name;
    double initial;
  };
  llvm::ArrayRef<Variable> getVariables() const { return variables; }
  /// What a program gives each step unless it knows better.
  double getLearningRate() const { return get("learning_rate"); }

  /// Clips all gradients of a step.
  void clip(llvm::MutableArrayRef<mlir::Value> gradients, mlir::OpBuilder &builder,
            mlir::Location loc) const;
  /// Gives the parameter's next value; `variables` become the next ones.
  nn::Term update(const StepValues &values, nn::Term parameter, nn::Term gradient,
                  llvm::MutableArrayRef<mlir::Value> variables) const;

private:
  double get(llvm::StringRef setting) const { return settings.lookup(setting); }

  enum class Rule { sgd, rmsprop, adagrad, adam };
  Rule rule = Rule::sgd;
  Settings settings;
  llvm::SmallVector<Variable, 2> variables;
};

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_OPTIMIZER_H
