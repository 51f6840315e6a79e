//===- Loop.h - nn.loop from a function that builds its body ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_ONNX_LOOP_H
#define SINTER_COMPILER_IMPORT_ONNX_LOOP_H

#include "compiler/import/onnx/Node.h"

namespace sinter::onnx_import {

/// What a loop's body gives.
struct LoopBody {
  mlir::Value condition; ///< null: goes on
  Node::Values carried, scans;
};
using LoopBodyFunction = llvm::function_ref<mlir::LogicalResult(
    mlir::Value iteration, mlir::Value condition, mlir::ValueRange carried, LoopBody &body)>;

/// Builds an nn.loop; its results are [carried…, stacked scans…]. `tripCount`
/// and `condition` are scalars and may be null. `buildBody` may be called more
/// than once.
mlir::LogicalResult buildLoopOp(Node &node, mlir::Value tripCount, mlir::Value condition,
                                llvm::ArrayRef<mlir::Value> inits, LoopBodyFunction buildBody,
                                llvm::SmallVectorImpl<mlir::Value> &results);

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_LOOP_H
