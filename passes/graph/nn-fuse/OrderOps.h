//===- OrderOps.h - the order of a block's kernels --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_GRAPH_NNFUSE_ORDEROPS_H
#define SINTER_PASSES_GRAPH_NNFUSE_ORDEROPS_H

#include "mlir/IR/Block.h"

namespace sinter {

/// Puts each op after what it reads, and else leaves the program's order, so that memory is free
/// again soon. What only the caller reads, such as an optimizer's update, comes as early as it
/// can; but not the wait for other processes.
void orderOps(mlir::Block &block);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_NNFUSE_ORDEROPS_H
