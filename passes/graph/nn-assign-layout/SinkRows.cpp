//===- SinkRows.cpp - what follows a product of flattened rows ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product by Strassen's algorithm takes the rows of all samples as one matrix, in which strips
// and tiles need not end with a sample. The reshape that gives its result the samples back moves
// behind what joins the product's kernel.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "mlir/IR/IRMapping.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace sinter;

// Whether a value is such a product, or computed of one element by element.
static bool followsProduct(Value value) {
  llvm::SetVector<Value> sources;
  sources.insert(value);
  for (unsigned i = 0; i < sources.size(); ++i) {
    Operation *op = sources[i].getDefiningOp();
    if (auto product = dyn_cast_or_null<nn::MatMulOp>(op))
      if (product.getStrassen())
        return true;
    if (isa_and_nonnull<nn::ScalarOpInterface>(op))
      for (Value operand : op->getOperands())
        if (cast<ShapedType>(operand.getType()).getShape() ==
            cast<ShapedType>(value.getType()).getShape())
          sources.insert(operand);
  }
  return false;
}

// The reshape of one of the op's operands that gives the rows of a product their dims back.
static nn::ReshapeOp findRows(Operation *op) {
  for (Value operand : op->getOperands()) {
    auto reshape = operand.getDefiningOp<nn::ReshapeOp>();
    if (!reshape || operand.getType() == reshape.getInput().getType())
      continue;
    auto flat = cast<RankedTensorType>(reshape.getInput().getType());
    auto rows = cast<RankedTensorType>(operand.getType());
    if (flat.getRank() == 2 && rows.hasStaticShape() && flat.hasStaticShape() &&
        rows.getShape().back() == flat.getShape().back() && followsProduct(reshape.getInput()))
      return reshape;
  }
  return {};
}

namespace {

/// f(R(a), b) → R(f(a, R⁻¹(b))) for elementwise f.
struct SinkRows : RewritePattern {
  explicit SinkRows(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<nn::ScalarOpInterface>(op) || op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "not elementwise");
    nn::ReshapeOp reshape = findRows(op);
    if (!reshape)
      return rewriter.notifyMatchFailure(op, "no operand is a product of flattened rows");
    auto rows = cast<RankedTensorType>(reshape.getType());
    auto flat = cast<RankedTensorType>(reshape.getInput().getType());
    auto result = cast<RankedTensorType>(op->getResult(0).getType());
    // An operand that is repeated for each row keeps one dim.
    auto isRow = [&](RankedTensorType type) {
      return type.hasStaticShape() && type.getRank() > 0 &&
             type.getNumElements() == type.getShape().back();
    };
    for (Value operand : op->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType());
      if (type.getShape() != rows.getShape() && !isRow(type) && type.getRank() != 0)
        return rewriter.notifyMatchFailure(op, "an operand that is repeated along some rows");
    }
    if (result.getShape() != rows.getShape())
      return rewriter.notifyMatchFailure(op, "the product is repeated");
    Location loc = op->getLoc();
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType());
      if (operand == reshape.getOutput()) {
        mapping.map(operand, reshape.getInput());
      } else if (type.getRank() > 1) {
        ArrayRef<int64_t> shape = flat.getShape();
        if (type.getShape() != rows.getShape())
          shape = type.getShape().take_back();
        Value sizes = nn::createIndexConstant(rewriter, loc, shape);
        mapping.map(operand, nn::ReshapeOp::create(rewriter, loc, operand, sizes, false));
      }
    }
    Operation *moved = rewriter.clone(*op, mapping);
    moved->getResult(0).setType(flat.clone(result.getElementType()));
    Value sizes = nn::createIndexConstant(rewriter, loc, rows.getShape());
    rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, moved->getResult(0), sizes, false);
    return success();
  }
};

} // namespace

void sinter::populateSinkRowsPatterns(RewritePatternSet &patterns) {
  patterns.add<SinkRows>(patterns.getContext());
}
