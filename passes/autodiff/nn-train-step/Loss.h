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

namespace sinter {

struct Loss {
  llvm::StringRef name;
  /// Targets are class numbers (i64, N…) instead of values (N… C).
  bool takesClasses;
  /// Whether the prediction says a class, so that accuracy can be told.
  bool isCategorical;
  /// A scalar.
  nn::Term (*build)(nn::Term prediction, mlir::Value target);
};

/// Null if there is none of that name.
const Loss *lookupLoss(llvm::StringRef name);
/// All names, for messages.
std::string lossNames();

/// The share of predictions whose greatest class is the target's.
nn::Term buildAccuracy(const Loss &loss, nn::Term prediction, mlir::Value target);

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_LOSS_H
