//===- Attention.cpp - attention as exporters write it --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MatMul, a division or product with the scale (or none: Q and K may be scaled instead), the sum
// with a mask or a selection by it, Softmax, MatMul; and transposes that split the heads before,
// and join them behind. One kernel of it all keeps the scores of a few rows in the caches, where
// one kernel an op writes and reads all of them five times.
//
//===----------------------------------------------------------------------===//

#include "passes/graph/nn-fuse/Attention.h"

using namespace mlir;
using namespace sinter;

namespace {
class AttentionFinder {
public:
  explicit AttentionFinder(nn::ShapeAnalysis &analysis) : analysis(analysis) {}

  SmallVector<Operation *> find(nn::SoftmaxOp softmax) {
    auto type = softmax.getInput().getType();
    int64_t rank = type.getRank();
    if (softmax.getLog() || rank < 3 || !type.getElementType().isF32() ||
        softmax.getAxes() != ArrayRef<int64_t>{rank - 1})
      return {};
    members.push_back(softmax);
    if (!findScores(softmax.getInput()) || !findValues(softmax.getOutput()) || !isSuitable())
      return {};
    for (OpOperand *operand :
         {&scores.getLhsMutable(), &scores.getRhsMutable(), &values.getRhsMutable()})
      addTranspose(operand->get().getDefiningOp());
    Value result = values.getOutput();
    if (result.hasOneUse() && keepsRows(*result.user_begin()))
      members.push_back(*result.user_begin());
    return members;
  }

private:
  static bool isElementwise(Operation *op) {
    auto fusible = dyn_cast_or_null<nn::FusibleOpInterface>(op);
    return fusible && fusible.getFusionClass() == nn::FusionClass::elementwise &&
           op->getNumResults() == 1;
  }

  /// From the softmax back to the first product, along values of the scores' shape that nobody else
  /// reads.
  bool findScores(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse())
      return false;
    if ((scores = dyn_cast<nn::MatMulOp>(op))) {
      members.push_back(op);
      return true;
    }
    if (!isElementwise(op))
      return false;
    for (Value operand : op->getOperands())
      if (analysis.shape(operand) == analysis.shape(value) && findScores(operand)) {
        members.push_back(op);
        return true;
      }
    return false;
  }

  /// From the softmax on to the second product.
  bool findValues(Value value) {
    while (value.hasOneUse()) {
      Operation *user = *value.user_begin();
      members.push_back(user);
      if ((values = dyn_cast<nn::MatMulOp>(user)))
        return values.getLhs() == value;
      if (!isElementwise(user) || analysis.shape(user->getResult(0)) != analysis.shape(value))
        return false;
      value = user->getResult(0);
    }
    return false;
  }

  /// The same batch everywhere, heads of a size that makes vectors, and rows to share what is read.
  bool isSuitable() {
    constexpr int64_t headMultiple = 8;
    nn::SymbolicShape q = analysis.shape(scores.getLhs()), k = analysis.shape(scores.getRhs()),
                      v = analysis.shape(values.getRhs());
    auto batchOf = [](const nn::SymbolicShape &shape) { return ArrayRef(shape).drop_back(2); };
    auto depth = nn::asConstant(q.back()), width = nn::asConstant(v.back());
    return scores.getRhsBlock() == 0 && values.getRhsBlock() == 0 && !scores.getTransposeLhs() &&
           !values.getTransposeLhs() && !values.getTransposeRhs() && q.size() >= 3 &&
           q.size() == k.size() && q.size() == v.size() && batchOf(q) == batchOf(k) &&
           batchOf(q) == batchOf(v) && depth && *depth % headMultiple == 0 && width &&
           *width % headMultiple == 0 && nn::asConstant(q[q.size() - 2]) != 1;
  }

  /// Whether an op permutes dims but leaves the innermost one, so that rows stay whole.
  static bool keepsRows(Operation *op) {
    auto transpose = dyn_cast_or_null<nn::TransposeOp>(op);
    if (!transpose)
      return false;
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    return permutation.back() == static_cast<int64_t>(permutation.size()) - 1;
  }

  /// A transpose is read in place. K's may exchange the last two dims: it is transposed anyway.
  void addTranspose(Operation *op) {
    auto transpose = dyn_cast_or_null<nn::TransposeOp>(op);
    bool isKey = op && op == scores.getRhs().getDefiningOp();
    if (transpose && op->hasOneUse() && (isKey || keepsRows(op)) &&
        !llvm::is_contained(members, op))
      members.push_back(op);
  }

  nn::ShapeAnalysis &analysis;
  SmallVector<Operation *> members;
  nn::MatMulOp scores, values;
};
} // namespace

SmallVector<Operation *> sinter::findAttention(nn::SoftmaxOp softmax, nn::ShapeAnalysis &analysis) {
  return AttentionFinder(analysis).find(softmax);
}
