//===- Attention.h - attention as exporters write it ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNFUSE_ATTENTION_H
#define SINTER_PASSES_GRAPH_NNFUSE_ATTENTION_H

#include "dialects/nn/NN.h"

namespace sinter {

/// The ops of softmax(f(Q Kᵀ)) V around a softmax: the two products, the elementwise ops between
/// them, and the transposes of Q, K, V and of the result that serve nothing else. Empty if these
/// are not for one kernel.
llvm::SmallVector<mlir::Operation *> findAttention(nn::SoftmaxOp softmax,
                                                   nn::ShapeAnalysis &analysis);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNFUSE_ATTENTION_H
