//===- PackWeights.cpp - weights as kernels read them ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The packing is written as nn ops. Those on constants nn-simplify folds. In a training weights
// are no constants: what a recurrent layer multiplies by in each of its steps is packed once,
// before the loop, and what a product reads across its rows is turned on the way.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;

// Zeros at the end of a dim of `size` up to a multiple of `block`.
static Value padEnd(PatternRewriter &rewriter, Location loc, Value value, int64_t dim, int64_t size,
                    int64_t block) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t missing = llvm::alignTo(size, block) - size;
  if (missing == 0)
    return value;
  SmallVector<int64_t> pads(2 * type.getRank(), 0);
  pads[type.getRank() + dim] = missing;
  return nn::PadOp::create(rewriter, loc, value, nn::createIndexConstant(rewriter, loc, pads),
                           Value(), nn::PadMode::constant);
}

static Value reshape(PatternRewriter &rewriter, Location loc, Value value,
                     ArrayRef<int64_t> shape) {
  return nn::ReshapeOp::create(rewriter, loc, value, nn::createIndexConstant(rewriter, loc, shape),
                               /*allowzero=*/false);
}

// Two vectors of channels, or one where there are few. With `halves` of vectors, channels that do
// not fill whole ones take an odd number of these.
static int64_t chooseBlock(int64_t channels, int64_t vector, bool halves) {
  if (halves && channels % vector != 0)
    for (int64_t count : {3, 5, 7})
      if (channels % (count * vector / 2) == 0)
        return count * vector / 2;
  return channels > vector ? 2 * vector : vector;
}

// The width of a matrix's panels in columns: three vectors stand for 8 rows of accumulators and
// leave registers for the operands; few rows want more vectors, to have enough sums under way. A
// width that wastes columns of the last panel loses to one that does not.
static int64_t choosePanel(int64_t columns, int64_t rows, int64_t vector) {
  constexpr int64_t fewRows = 6;
  static const int64_t many[] = {3, 4, 2}, few[] = {4, 3, 2};
  if (columns <= vector)
    return vector;
  bool isFew = !ShapedType::isDynamic(rows) && rows <= fewRows;
  int64_t best = 0;
  for (int64_t vectors : isFew ? few : many) {
    int64_t panel = vectors * vector;
    if (best == 0 || llvm::alignTo(columns, panel) < llvm::alignTo(columns, best))
      best = panel;
  }
  return best;
}

// How many rows a product's left side has in all; kDynamic if unknown.
static int64_t countRows(nn::MatMulOp op) {
  auto type = cast<RankedTensorType>(op.getLhs().getType());
  int64_t depth = type.getDimSize(type.getRank() - (op.getTransposeLhs() ? 2 : 1));
  return type.hasStaticShape() && depth != 0 ? type.getNumElements() / depth : ShapedType::kDynamic;
}

// The loop around `op` for which `value` is computed once, before it; null if there is none.
static Operation *findLoop(Operation *op, Value value) {
  Region *home = value.getParentRegion();
  Operation *ancestor = home->findAncestorOpInRegion(*op);
  return ancestor != op && isa_and_nonnull<nn::LoopOp>(ancestor) ? ancestor : nullptr;
}

// Whether packing pays for one product: many rows share what was packed, or not so many, but the
// kernel would read the columns of a panel one by one.
static bool paysOnce(nn::MatMulOp op) {
  constexpr int64_t manyRows = 64, veryManyRows = 1024;
  int64_t rows = countRows(op);
  if (op.getTransposeRhs())
    return ShapedType::isDynamic(rows) || rows >= manyRows;
  return !op.getTransposeLhs() && rows >= veryManyRows;
}

namespace {

struct PackFilter : OpRewritePattern<nn::ConvOp> {
  PackFilter(MLIRContext *context, const PackOptions &options)
      : OpRewritePattern(context), options(options) {}

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    if (op.getFilterBlock() != 0 || op.getDataLayout() != nn::DataLayout::channels_last)
      return rewriter.notifyMatchFailure(op, "not a plain filter");
    Location loc = op.getLoc();
    Value input = op.getInput(), filter = op.getFilter(); // O (C/group) X…
    auto type = cast<RankedTensorType>(filter.getType());
    int64_t outputs = type.getDimSize(0), inputs = type.getDimSize(1);
    int64_t group = op.getGroup(), spatial = type.getRank() - 2;
    // A depthwise filter is so small that turning it in each step is nothing.
    bool isDepthwise = op.isDepthwise();
    if (!isDepthwise && !nn::getConstant(filter))
      return rewriter.notifyMatchFailure(op, "not a constant");
    int64_t block;
    if (isDepthwise) {
      // X… O.
      SmallVector<int64_t> permutation;
      for (int64_t d = 0; d < spatial; ++d)
        permutation.push_back(1 + d);
      permutation.push_back(0);
      filter = nn::SqueezeOp::create(rewriter, loc, filter, ArrayRef<int64_t>{1});
      filter = nn::TransposeOp::create(rewriter, loc, filter, permutation);
      block = -1;
    } else {
      int64_t perGroup = outputs / group, beside = nn::getDotSteps(type.getElementType());
      // Panels do not straddle groups; groups are few channels, and make one panel.
      block = group > 1 ? perGroup
                        : chooseBlock(perGroup, options.vector, options.halves && beside == 1);
      filter = padEnd(rewriter, loc, filter, 0, outputs, block);
      filter = padEnd(rewriter, loc, filter, 1, inputs, beside);
      input = padEnd(rewriter, loc, input, type.getRank() - 1, inputs, beside);
      ArrayRef<int64_t> padded = cast<ShapedType>(filter.getType()).getShape();
      SmallVector<int64_t> shape{padded[0] / block, block, padded[1] / beside};
      if (beside != 1)
        shape.push_back(beside);
      int64_t firstTap = shape.size();
      llvm::append_range(shape, padded.drop_front(2));
      filter = reshape(rewriter, loc, filter, shape);
      SmallVector<int64_t> permutation{0};
      for (int64_t d = 0; d < spatial; ++d)
        permutation.push_back(firstTap + d);
      llvm::append_values(permutation, 2, 1);
      if (beside != 1)
        permutation.push_back(3);
      filter = nn::TransposeOp::create(rewriter, loc, filter, permutation);
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(input);
      op.getFilterMutable().assign(filter);
      op.setFilterBlock(block);
      op.setOutChannels(outputs);
    });
    return success();
  }
  PackOptions options;
};

struct PackRhs : OpRewritePattern<nn::MatMulOp> {
  PackRhs(MLIRContext *context, int64_t vector) : OpRewritePattern(context), vector(vector) {}

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getRhs().getType());
    int64_t beside = nn::getDotSteps(type.getElementType());
    if (op.getRhsBlock() != 0 || type.getRank() != 2 || !type.hasStaticShape() ||
        (!type.getElementType().isF32() && beside == 1) ||
        cast<ShapedType>(op.getLhs().getType()).getRank() < 2)
      return rewriter.notifyMatchFailure(op, "not a plain matrix");
    Operation *loop = findLoop(op, op.getRhs());
    if (!nn::getConstant(op.getRhs()) && !loop && !paysOnce(op))
      return rewriter.notifyMatchFailure(op, "not a constant, nor multiplied by often");
    Location loc = op.getLoc();
    Value lhs = op.getLhs(), rhs = op.getRhs();
    bool transposed = op.getTransposeRhs();
    int64_t columns = type.getDimSize(transposed ? 0 : 1);
    int64_t depth = type.getDimSize(transposed ? 1 : 0);
    if (columns < vector && beside == 1)
      return rewriter.notifyMatchFailure(op, "narrower than a vector");
    int64_t block = choosePanel(columns, countRows(op), vector);
    lhs = padEnd(rewriter, loc, lhs, cast<ShapedType>(lhs.getType()).getRank() - 1, depth, beside);
    OpBuilder::InsertionGuard guard(rewriter);
    if (loop)
      rewriter.setInsertionPoint(loop);
    rhs = padEnd(rewriter, loc, rhs, transposed ? 0 : 1, columns, block);
    rhs = padEnd(rewriter, loc, rhs, transposed ? 1 : 0, depth, beside);
    int64_t blocks = llvm::divideCeil(columns, block), steps = llvm::divideCeil(depth, beside);
    // Steps that one dot product takes come last.
    SmallVector<int64_t> shape, permutation;
    if (transposed && beside == 1) {
      shape = {blocks, block, steps};
      permutation = {0, 2, 1};
    } else if (transposed) {
      shape = {blocks, block, steps, beside};
      permutation = {0, 2, 1, 3};
    } else if (beside == 1) {
      shape = {steps, blocks, block};
      permutation = {1, 0, 2};
    } else {
      shape = {steps, beside, blocks, block};
      permutation = {2, 0, 3, 1};
    }
    rhs = reshape(rewriter, loc, rhs, shape);
    rhs = nn::TransposeOp::create(rewriter, loc, rhs, permutation);
    rewriter.modifyOpInPlace(op, [&] {
      op.getLhsMutable().assign(lhs);
      op.getRhsMutable().assign(rhs);
      op.setTransposeRhs(false);
      op.setRhsBlock(block);
      op.setColumns(columns);
    });
    return success();
  }
  int64_t vector;
};

} // namespace

void sinter::populatePackWeightsPatterns(RewritePatternSet &patterns, const PackOptions &options) {
  patterns.add<PackFilter>(patterns.getContext(), options);
  patterns.add<PackRhs>(patterns.getContext(), options.vector);
}
