//===- PackWeights.cpp - constant weights as kernels read them ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The packing is written as nn ops on the constants; nn-simplify folds them.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;

// Zeros at the end of dim 0 up to a multiple of `block`.
static Value padRows(PatternRewriter &rewriter, Location loc, Value value, int64_t dim,
                     int64_t block) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t size = type.getDimSize(dim);
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

// A constant, or one group's part of it.
static bool isConstantSlice(Value value) {
  if (auto slice = value.getDefiningOp<nn::SliceOp>())
    value = slice.getInput();
  return static_cast<bool>(nn::getConstant(value));
}

// Two vectors of channels, or one where there are few.
static int64_t chooseBlock(int64_t channels, int64_t vector) {
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

namespace {

struct PackFilter : OpRewritePattern<nn::ConvOp> {
  PackFilter(MLIRContext *context, int64_t vector) : OpRewritePattern(context), vector(vector) {}

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    if (op.getFilterBlock() != 0 || op.getDataLayout() != nn::DataLayout::channels_last ||
        !isConstantSlice(op.getFilter()))
      return rewriter.notifyMatchFailure(op, "not a constant plain filter");
    Location loc = op.getLoc();
    Value filter = op.getFilter(); // O (C/group) X…
    auto type = cast<RankedTensorType>(filter.getType());
    int64_t outputs = type.getDimSize(0), inputs = type.getDimSize(1);
    int64_t group = op.getGroup(), spatial = type.getRank() - 2;
    int64_t block;
    if (group == outputs && inputs == 1) {
      // Depthwise: X… O.
      SmallVector<int64_t> permutation;
      for (int64_t d = 0; d < spatial; ++d)
        permutation.push_back(1 + d);
      permutation.push_back(0);
      filter = nn::SqueezeOp::create(rewriter, loc, filter, ArrayRef<int64_t>{1});
      filter = nn::TransposeOp::create(rewriter, loc, filter, permutation);
      block = -1;
    } else {
      int64_t perGroup = outputs / group;
      block = chooseBlock(perGroup, vector);
      if (group > 1) {
        // A block must not straddle groups.
        while (block > 1 && perGroup % block != 0)
          block /= 2;
      }
      filter = padRows(rewriter, loc, filter, 0, block);
      SmallVector<int64_t> shape{cast<ShapedType>(filter.getType()).getDimSize(0) / block, block,
                                 inputs};
      llvm::append_range(shape, type.getShape().drop_front(2));
      filter = reshape(rewriter, loc, filter, shape);
      SmallVector<int64_t> permutation{0};
      for (int64_t d = 0; d < spatial; ++d)
        permutation.push_back(3 + d);
      permutation.push_back(2);
      permutation.push_back(1);
      filter = nn::TransposeOp::create(rewriter, loc, filter, permutation);
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.getFilterMutable().assign(filter);
      op.setFilterBlock(block);
      op.setOutChannels(outputs);
    });
    return success();
  }
  int64_t vector;
};

/// A convolution of a few groups as one convolution for each: the register tile
/// of a plain convolution then serves each group.
struct SplitGroups : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    constexpr int64_t most = 16;
    auto filterType = cast<RankedTensorType>(op.getFilter().getType());
    auto inputType = cast<RankedTensorType>(op.getInput().getType());
    int64_t group = op.getGroup();
    if (op.getFilterBlock() != 0 || group == 1 || group > most ||
        op.getDataLayout() != nn::DataLayout::channels_last || !nn::getConstant(op.getFilter()) ||
        filterType.getDimSize(1) == 1)
      return rewriter.notifyMatchFailure(op, "not a few groups of channels");
    Location loc = op.getLoc();
    int64_t outputs = filterType.getDimSize(0) / group;
    int64_t inputs = filterType.getDimSize(1), channel = inputType.getRank() - 1;
    auto slice = [&](Value value, int64_t axis, int64_t g, int64_t size) -> Value {
      auto index = [&](int64_t i) { return nn::createIndexConstant(rewriter, loc, {i}); };
      return nn::SliceOp::create(rewriter, loc, value, index(g * size), index((g + 1) * size),
                                 index(1), ArrayRef<int64_t>{axis});
    };
    SmallVector<Value> parts;
    for (int64_t g = 0; g < group; ++g) {
      Value bias = op.getBias() ? slice(op.getBias(), 0, g, outputs) : Value();
      parts.push_back(nn::ConvOp::create(
          rewriter, loc, slice(op.getInput(), channel, g, inputs),
          slice(op.getFilter(), 0, g, outputs), bias, op.getStridesAttr(), op.getPadsAttr(),
          op.getDilationsAttr(), rewriter.getI64IntegerAttr(1), op.getAutoPadAttr(),
          op.getDataLayoutAttr(), rewriter.getI64IntegerAttr(0), rewriter.getI64IntegerAttr(0)));
    }
    rewriter.replaceOpWithNewOp<nn::ConcatOp>(op, parts, channel);
    return success();
  }
};

/// f(concat(conv, conv, …), x, …) → concat(f(conv, slice(x), …), …) for elementwise f: what follows
/// a convolution in groups is then done as each group's result is stored.
struct SplitElementwise : RewritePattern {
  SplitElementwise(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<nn::ScalarOpInterface>(op) || op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "not elementwise");
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    nn::ConcatOp concat;
    for (Value operand : op->getOperands())
      if (auto found = operand.getDefiningOp<nn::ConcatOp>();
          found && found.getType() == type && isOfConvolutions(found))
        concat = found;
    if (!concat)
      return rewriter.notifyMatchFailure(op, "no concat of convolutions");
    int64_t axis = concat.getAxis();
    SmallVector<Value> parts;
    int64_t begin = 0;
    for (Value part : concat.getInputs()) {
      auto partType = cast<RankedTensorType>(part.getType());
      int64_t end = begin + partType.getDimSize(axis);
      SmallVector<Value> operands;
      for (Value operand : op->getOperands())
        operands.push_back(
            operand == concat.getResult()
                ? part
                : slice(rewriter, op->getLoc(), operand, type.getRank() - axis, begin, end));
      Operation *made = rewriter.clone(*op);
      made->setOperands(operands);
      made->getResult(0).setType(partType);
      parts.push_back(made->getResult(0));
      begin = end;
    }
    rewriter.replaceOpWithNewOp<nn::ConcatOp>(op, parts, axis);
    return success();
  }

private:
  /// A convolution, or what such a rewrite has put behind one.
  static bool endsConvolution(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse())
      return false;
    return isa<nn::ConvOp>(op) ||
           (isa<nn::ScalarOpInterface>(op) && llvm::any_of(op->getOperands(), endsConvolution));
  }

  static bool isOfConvolutions(nn::ConcatOp concat) {
    return concat->hasOneUse() && concat.getType().hasStaticShape() &&
           llvm::all_of(concat.getInputs(), endsConvolution);
  }

  /// [begin, end) of the dim that is `fromEnd` dims from the end, unless the value broadcasts
  /// there.
  static Value slice(PatternRewriter &rewriter, Location loc, Value value, int64_t fromEnd,
                     int64_t begin, int64_t end) {
    auto type = cast<RankedTensorType>(value.getType());
    int64_t axis = type.getRank() - fromEnd;
    if (axis < 0 || type.getDimSize(axis) == 1)
      return value;
    auto index = [&](int64_t i) { return nn::createIndexConstant(rewriter, loc, {i}); };
    return nn::SliceOp::create(rewriter, loc, value, index(begin), index(end), index(1),
                               ArrayRef<int64_t>{axis});
  }
};

struct PackRhs : OpRewritePattern<nn::MatMulOp> {
  PackRhs(MLIRContext *context, int64_t vector) : OpRewritePattern(context), vector(vector) {}

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getRhs().getType());
    if (op.getRhsBlock() != 0 || type.getRank() != 2 || !nn::getConstant(op.getRhs()) ||
        !type.getElementType().isF32() || cast<ShapedType>(op.getLhs().getType()).getRank() < 2)
      return rewriter.notifyMatchFailure(op, "not a constant plain matrix");
    Location loc = op.getLoc();
    Value rhs = op.getRhs();
    bool transposed = op.getTransposeRhs();
    int64_t columns = type.getDimSize(transposed ? 0 : 1);
    int64_t depth = type.getDimSize(transposed ? 1 : 0);
    if (columns < vector)
      return rewriter.notifyMatchFailure(op, "narrower than a vector");
    int64_t block = choosePanel(columns, countRows(op), vector);
    rhs = padRows(rewriter, loc, rhs, transposed ? 0 : 1, block);
    int64_t blocks = llvm::divideCeil(columns, block);
    if (transposed) {
      rhs = reshape(rewriter, loc, rhs, {blocks, block, depth});
      rhs = nn::TransposeOp::create(rewriter, loc, rhs, ArrayRef<int64_t>{0, 2, 1});
    } else {
      rhs = reshape(rewriter, loc, rhs, {depth, blocks, block});
      rhs = nn::TransposeOp::create(rewriter, loc, rhs, ArrayRef<int64_t>{1, 0, 2});
    }
    rewriter.modifyOpInPlace(op, [&] {
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

void sinter::populatePackWeightsPatterns(RewritePatternSet &patterns, int64_t vector) {
  patterns.add<SplitGroups>(patterns.getContext(), /*benefit=*/2);
  patterns.add<SplitElementwise>(patterns.getContext());
  patterns.add<PackFilter, PackRhs>(patterns.getContext(), vector);
}
