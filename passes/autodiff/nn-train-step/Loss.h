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

/// What a loss that draws classes needs: the key of an nn.random_uniform, a number that no other
/// one has, and the cumulative distribution of the classes, f32 C.
struct Noise {
  mlir::Value key;
  int64_t layer = 0;
  mlir::Value cumulative;
};

/// What a loss is of.
struct LossInput {
  nn::Term prediction;
  mlir::Value target;
  const Settings &settings;
  Noise noise;

  double get(llvm::StringRef setting) const { return settings.lookup(setting); }
  nn::Term difference() const { return prediction - prediction.with(target); }
};

/// What a target is; the names are those that a training's description has.
enum class TargetKind {
  values,  ///< as the prediction: N… C
  classes, ///< class numbers: i64, N…
  labels   ///< a sequence of class numbers for each sample: i64, N S
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
  /// Tells what is wrong with prediction or settings; null: nothing can be.
  mlir::LogicalResult (*check)(nn::Term prediction, const Settings &settings) = nullptr;
  /// Of a loss that draws classes: Noise::cumulative as long as nobody knows better; null: it draws
  /// none.
  std::vector<float> (*cumulative)(nn::Term prediction, const Settings &settings) = nullptr;
};

class Loss {
public:
  /// From "huber:delta=2"; says in `error` what is wrong with it.
  static std::optional<Loss> parse(llvm::StringRef text, std::string &error);

  const LossKind &getKind() const { return *kind; }
  mlir::LogicalResult check(nn::Term prediction) const {
    return kind->check ? kind->check(prediction, settings) : mlir::success();
  }
  mlir::RankedTensorType getTargetType(mlir::RankedTensorType prediction) const;
  /// A scalar.
  nn::Term build(nn::Term prediction, mlir::Value target, const Noise &noise) const {
    return kind->build({prediction, target, settings, noise});
  }
  std::vector<float> getCumulative(nn::Term prediction) const {
    return kind->cumulative(prediction, settings);
  }
  /// Of a loss that draws classes: noise follows how often they occur to this power.
  double getNoisePower() const { return settings.lookup("power"); }
  /// The share of predictions whose greatest class is the target's.
  nn::Term buildAccuracy(nn::Term prediction, mlir::Value target) const;

private:
  explicit Loss(const LossKind &kind) : kind(&kind) {}

  const LossKind *kind;
  Settings settings;
};

//===----------------------------------------------------------------------===//
// Families with files of their own, and what they share
//===----------------------------------------------------------------------===//

nn::Term buildCtc(const LossInput &in);
mlir::LogicalResult checkCtc(nn::Term prediction, const Settings &settings);
nn::Term buildNegativeSampling(const LossInput &in);
std::vector<float> sharesByRank(nn::Term prediction, const Settings &settings);
mlir::LogicalResult checkNegativeSampling(nn::Term prediction, const Settings &settings);
nn::Term buildGlove(const LossInput &in);

/// The mean over all dims, a scalar.
nn::Term meanOfAll(nn::Term x);
/// 1 at the target's class: N… → N… C.
nn::Term oneHot(nn::Term prediction, mlir::Value classes);
/// log p of a prediction that is a softmax or its logarithm, and of what else would go into one.
nn::Term classLogs(nn::Term prediction);

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_LOSS_H
