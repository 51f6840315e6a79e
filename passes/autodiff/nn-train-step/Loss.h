//===- Loss.h - losses of a batch -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keras' losses, each the mean over all dims but the last, which a loss sums or
// averages by itself. N… are the leading dims, C the last one.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_AUTODIFF_LOSS_H
#define SINTER_PASSES_AUTODIFF_LOSS_H

#include "dialects/nn/Term.h"
#include "passes/autodiff/nn-train-step/Settings.h"

namespace sinter {

/// What a loss is of.
struct LossInput {
  nn::Term prediction;
  mlir::Value target;
  const Settings &settings;

  double get(llvm::StringRef setting) const { return settings.lookup(setting); }
  nn::Term difference() const { return prediction - prediction.with(target); }
};

enum class TargetKind {
  values, ///< as the prediction: N… C
  classes ///< class numbers: i64, N…
};

/// An entry of the table of losses.
struct LossKind {
  llvm::StringRef name;
  TargetKind target;
  /// Whether the prediction says a class, so that accuracy can be told.
  bool isCategorical;
  /// And their defaults.
  std::vector<std::pair<llvm::StringRef, double>> settings;
  /// A scalar.
  nn::Term (*build)(const LossInput &input);
};

class Loss {
public:
  /// From "huber:delta=2"; says in `error` what is wrong with it.
  static std::optional<Loss> parse(llvm::StringRef text, std::string &error);

  const LossKind &getKind() const { return *kind; }
  /// A scalar.
  nn::Term build(nn::Term prediction, mlir::Value target) const {
    return kind->build({prediction, target, settings});
  }
  /// The share of predictions whose greatest class is the target's.
  nn::Term buildAccuracy(nn::Term prediction, mlir::Value target) const;

private:
  explicit Loss(const LossKind &kind) : kind(&kind) {}

  const LossKind *kind;
  Settings settings;
};

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_LOSS_H
