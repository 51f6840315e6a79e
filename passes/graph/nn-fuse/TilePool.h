//===- TilePool.h - pools of what comes in tiles ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNFUSE_TILEPOOL_H
#define SINTER_PASSES_GRAPH_NNFUSE_TILEPOOL_H

#include "dialects/nn/NN.h"

namespace sinter {

/// Whether an op is a convolution whose kernel computes whole windows of the pool at once:
/// F(m×m, 3×3) with windows that share nothing and divide its tiles of m×m results. What is
/// between the two keeps places.
bool isPooledInTiles(mlir::Operation *op, nn::MaxPoolOp pool, nn::ShapeAnalysis &analysis);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNFUSE_TILEPOOL_H
