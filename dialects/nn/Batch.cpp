//===- Batch.cpp - ops that act on each element of a batch ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The elements of a batch are those of dim 0.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;
using llvm::SmallBitVector;

bool nn::broadcastsBatch(Operation *op, const SmallBitVector &batched) {
  int64_t rank = cast<RankedTensorType>(op->getResult(0).getType()).getRank();
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    auto type = cast<RankedTensorType>(operand.get().getType());
    bool sameRank = type.getRank() == rank;
    return batched.test(operand.getOperandNumber()) ? sameRank
                                                    : !sameRank || type.getDimSize(0) == 1;
  });
}

// Windows over a batch of pictures; filter and bias are the same for all.
static bool isOnlyInput(const SmallBitVector &batched) {
  return batched.test(0) && batched.count() == 1;
}

bool ConvOp::actsOnEach(const SmallBitVector &batched) { return isOnlyInput(batched); }
bool MaxPoolOp::actsOnEach(const SmallBitVector &batched) { return isOnlyInput(batched); }
bool AveragePoolOp::actsOnEach(const SmallBitVector &batched) { return isOnlyInput(batched); }
bool LpPoolOp::actsOnEach(const SmallBitVector &batched) { return isOnlyInput(batched); }
bool LRNOp::actsOnEach(const SmallBitVector &batched) { return isOnlyInput(batched); }

bool ReduceOp::actsOnEach(const SmallBitVector &) {
  return !getAxes().empty() && getAxes().front() > 0;
}
bool TransposeOp::actsOnEach(const SmallBitVector &) { return getPermutation().front() == 0; }
bool ConcatOp::actsOnEach(const SmallBitVector &batched) { return getAxis() != 0 && batched.all(); }
