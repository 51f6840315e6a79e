//===- Algorithm.h - linalg on tensors as Halide functions ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seen only by the files of this folder that are compiled with RTTI and exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_ALGORITHM_H
#define SINTER_TARGETS_HALIDE_ALGORITHM_H

#include "dialects/kernel/Kernel.h"
#include "targets/halide/DeviceMath.h"
#include "targets/halide/ScalarOps.h"

#include "llvm/ADT/DenseMap.h"

#include <map>

namespace sinter::halide {

/// Halide counts dimensions from the innermost: dimension i of a tensor of rank r is dimension
/// r - 1 - i of its buffer.
template <typename T>
std::vector<T> reversed(const std::vector<T> &list) {
  return std::vector<T>(list.rbegin(), list.rend());
}

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

/// A linalg op as a Halide function. A parallel dimension is a Var, a reduction dimension an RVar.
struct Stage {
  Halide::Func func;
  bool hasUpdate = false;
  /// Where the results of an op with several are in the function's tuple.
  std::vector<unsigned> tupleIndex;
  /// The loops by name: of the pure definition, and of the update.
  std::map<std::string, Halide::VarOrRVar> loops[2];
  /// Extents of the iteration dimensions by name.
  std::map<std::string, Halide::Expr> extents;
};

/// The algorithm of one kernel. Throws Refusal or Halide::Error.
class Algorithm {
public:
  Algorithm(kernel::FuncOp kernel, Backend backend);

  std::vector<Stage> stages;
  /// The partial results that kernel.rfactor ops of the schedule made.
  std::map<mlir::Operation *, Stage> partials;
  std::vector<Halide::Argument> arguments;
  std::vector<Halide::Func> outputs;
  /// Some tensor is so large that 32-bit offsets do not reach its end.
  bool largeBuffers = false;

private:
  using Expr = Halide::Expr;
  using Scope = llvm::DenseMap<mlir::Value, Expr>;
  /// The position of each iteration dimension.
  struct Loops {
    std::vector<Expr> dims;
  };

  void addArgument(mlir::BlockArgument argument);
  void addStage(mlir::linalg::LinalgOp op, kernel::RFactorOp factor);
  void defineFactored(mlir::linalg::LinalgOp op, Stage &stage, kernel::RFactorOp factor,
                      Loops loops, llvm::ArrayRef<Halide::Var> place, Expr initial);
  std::vector<Expr> body(mlir::linalg::LinalgOp op, const Loops &loops,
                         std::vector<Expr> accumulators);
  void addOutputs();

  /// The value of a scalar, inside a body (`scope` knows its block arguments, `loops` its position)
  /// or outside.
  Expr scalar(mlir::Value value, Scope &scope, const Loops &loops);
  /// One element of a tensor.
  Expr element(mlir::Value tensor, std::vector<Expr> indices, Scope &scope, const Loops &loops);
  Expr extent(mlir::Value tensor, unsigned dim);
  Expr affine(mlir::AffineExpr expr, mlir::AffineMap map, const std::vector<Expr> &operands);
  template <typename Buffer>
  void describe(Buffer buffer, mlir::RankedTensorType type, llvm::ArrayRef<int64_t> strides,
                Buffer bounds);

  kernel::FuncOp kernel;
  Backend backend;
  llvm::DenseMap<mlir::Value, unsigned> stageOf; // of a linalg op's results
  llvm::DenseMap<mlir::Value, Halide::ImageParam> images;
  llvm::DenseMap<mlir::Value, Expr> params;
  Scope outer;
};

/// Applies the kernel's schedule ops. Throws Refusal or Halide::Error.
void applySchedule(kernel::FuncOp kernel, Algorithm &algorithm);

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_ALGORITHM_H
