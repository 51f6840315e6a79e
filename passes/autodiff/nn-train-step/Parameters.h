//===- Parameters.h - what a training makes state of ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one place that names a model's parameters: a checkpoint's names are read by it
// again.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_AUTODIFF_PARAMETERS_H
#define SINTER_PASSES_AUTODIFF_PARAMETERS_H

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sinter {

struct NamedConstant {
  std::string name;
  nn::ConstantOp constant;
};

/// The float constants that a training can change, frozen or not, each with a name of its
/// own: that of its location.
llvm::SmallVector<NamedConstant> findParameters(mlir::func::FuncOp model);
/// Named float constants of one element that a training leaves alone, for they may be part of a
/// formula: a checkpoint that has their names says that they are not.
llvm::SmallVector<NamedConstant> findNamedScalars(mlir::func::FuncOp model);
/// What batch normalizations gather that say how: mean and variance.
llvm::SmallVector<NamedConstant> findStatistics(mlir::func::FuncOp model);

/// What a stateful layer begins a batch with, and what the next batch begins with.
struct CarriedState : NamedConstant {
  mlir::Value next;
};
llvm::SmallVector<CarriedState> findCarried(mlir::func::FuncOp model);

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_PARAMETERS_H
