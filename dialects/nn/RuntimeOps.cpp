//===- RuntimeOps.cpp - ops that the runtime's C functions carry out ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function's comment in runtime/kernels says what its parameters mean.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

using Params = SmallVector<int64_t>;

StringRef ScatterElementsOp::getRuntimeKernel() { return "scatter_elements"; }
Params ScatterElementsOp::getRuntimeParams() {
  return {static_cast<int64_t>(getAxis()), static_cast<int64_t>(getReduction())};
}

StringRef ScatterNDOp::getRuntimeKernel() { return "scatter_nd"; }
Params ScatterNDOp::getRuntimeParams() { return {static_cast<int64_t>(getReduction())}; }

StringRef CumulativeOp::getRuntimeKernel() { return "cumulative"; }
Params CumulativeOp::getRuntimeParams() {
  return {static_cast<int64_t>(getKind()), static_cast<int64_t>(getAxis()), getExclusive(),
          getReverse()};
}

StringRef AllReduceOp::getRuntimeKernel() { return "all_reduce"; }
StringRef AllReduceBeginOp::getRuntimeKernel() { return "all_reduce_begin"; }
StringRef AllReduceEndOp::getRuntimeKernel() { return "all_reduce_end"; }

StringRef DetOp::getRuntimeKernel() { return "det"; }

// The indices count in the shape that the pooling's attributes give.
StringRef MaxUnpoolOp::getRuntimeKernel() { return "max_unpool"; }
SmallVector<Value> MaxUnpoolOp::getRuntimeInputs() { return {getInput(), getIndices()}; }
Params MaxUnpoolOp::getRuntimeParams() {
  Params params{static_cast<int64_t>(getKernelShape().size())};
  llvm::append_range(params, getKernelShape());
  llvm::append_range(params, getStrides());
  llvm::append_range(params, getPads());
  return params;
}

// The runtime takes k from the results' size along the axis.
StringRef TopKOp::getRuntimeKernel() { return "top_k"; }
SmallVector<Value> TopKOp::getRuntimeInputs() { return {getInput()}; }
Params TopKOp::getRuntimeParams() {
  return {static_cast<int64_t>(getAxis()), -1, getLargest(), getSorted()};
}

StringRef NonZeroOp::getRuntimeKernel() { return "nonzero"; }
StringRef NonZeroOp::getCountKernel() { return "count_nonzero"; }

StringRef CompressOp::getRuntimeKernel() { return "compress"; }
Params CompressOp::getRuntimeParams() {
  return {getAxis().has_value(), static_cast<int64_t>(getAxis().value_or(0))};
}
StringRef CompressOp::getCountKernel() { return "count_true"; }
SmallVector<Value> CompressOp::getCountInputs() { return {getCondition()}; }
Params CompressOp::getCountParams() { return {}; }

StringRef UniqueOp::getRuntimeKernel() { return "unique"; }
Params UniqueOp::getRuntimeParams() {
  return {getAxis().has_value(), static_cast<int64_t>(getAxis().value_or(0)), getSorted()};
}
StringRef UniqueOp::getCountKernel() { return "unique_count"; }

StringRef NonMaxSuppressionOp::getRuntimeKernel() { return "nms"; }
Params NonMaxSuppressionOp::getRuntimeParams() {
  return {getCenterPointBox(), static_cast<bool>(getScoreThreshold())};
}
StringRef NonMaxSuppressionOp::getCountKernel() { return "nms_count"; }
