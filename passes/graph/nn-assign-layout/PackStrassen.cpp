//===- PackStrassen.cpp - products by Strassen's algorithm ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "dialects/nn/Strassen.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"

using namespace mlir;
using namespace sinter;

namespace {

/// Accounts of one product, in cycles of a core.
struct Account {
  const AlgorithmOptions &options;
  double rows, depth, columns;

  double direct() const { return vectors(rows * depth * columns) / options.fmaPerCycle / 0.95; }

  double strassen(bool isConstant) const {
    double products = direct() * nn::strassenProducts / 8;
    // The sums go through the caches, at about four cycles for a vector that is stored and read
    // again; the products stay in the second one.
    constexpr double sum = 4, product = 2.5, places = nn::strassenProducts / 4.0;
    double beside = vectors(places * rows * (depth * sum + columns * product));
    // What the right side's sums are made of comes from behind the second cache.
    constexpr double farSum = 10;
    if (!isConstant)
      return products + beside + vectors(places * depth * columns * farSum);
    // Half of the time that more weights take to come from memory goes by beside the arithmetic.
    double weights = (places - 1) * depth * columns * 4 / options.memoryBandwidth / 2;
    return products + beside + weights;
  }

  double vectors(double values) const { return values / options.vector; }
};

struct PackStrassen : OpRewritePattern<nn::MatMulOp> {
  PackStrassen(MLIRContext *context, const AlgorithmOptions &options)
      : OpRewritePattern(context, /*benefit=*/2), options(options) {}

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    bool isConstant = bool(nn::getConstant(op.getRhs()));
    if (op.getRhsBlock() != 0 || rhs.getRank() < 2 || lhs.getRank() < 2 ||
        !rhs.getElementType().isF32() || !(isConstant ? isPlain(op) : isFixed(op)))
      return rewriter.notifyMatchFailure(op,
                                         "no product with a constant matrix, nor of known size");
    if (isConstant && op->getParentOfType<ModuleOp>()->hasAttr("nn.training"))
      return rewriter.notifyMatchFailure(op, "a training's library stores all its constants");
    bool transposed = op.getTransposeRhs();
    int64_t columns = rhs.getShape().end()[transposed ? -2 : -1];
    int64_t depth = rhs.getShape().end()[transposed ? -1 : -2];
    int64_t panel = choosePanel(columns, isConstant);
    if (panel == 0 || depth % (2 * options.vector) != 0)
      return rewriter.notifyMatchFailure(op, "sizes that do not halve");
    nn::ShapeAnalysis analysis(getContext());
    nn::SymbolicShape shape = analysis.shape(op.getOutput());
    double allRows = 1;
    for (AffineExpr dim : ArrayRef(shape).drop_back())
      allRows *= double(std::max<int64_t>(analysis.expect(dim), 1));
    double matrices = 1; // on the right side
    for (int64_t size : rhs.getShape().drop_back(2))
      matrices *= double(size);
    constexpr double clearly = 0.96;
    Account account{options, allRows / matrices, double(depth), double(columns)};
    if (account.strassen(isConstant) > account.direct() * clearly)
      return rewriter.notifyMatchFailure(op, "the direct product is as good");

    Value sums = isConstant ? combine(rewriter, op, panel, depth, columns) : turn(rewriter, op);
    rewriter.modifyOpInPlace(op, [&] {
      op.getRhsMutable().assign(sums);
      op.setTransposeRhs(false);
      op.setRhsBlock(panel);
      op.setColumns(isConstant ? columns : 0);
      op.setStrassen(true);
    });
    if (rhs.getRank() == 2)
      flatten(rewriter, op);
    return success();
  }

  /// Whether a constant matrix is on the right side of any number of rows.
  static bool isPlain(nn::MatMulOp op) {
    return !op.getTransposeLhs() && cast<ShapedType>(op.getRhs().getType()).getRank() == 2;
  }

  /// Whether sums can be made as the kernel runs: sizes are known, and it is no loop's, where it is
  /// better to pack the right side once. Along the rows of a transposed left side run vectors.
  bool isFixed(nn::MatMulOp op) const {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    if (!lhs.hasStaticShape() || !rhs.hasStaticShape() || op->getParentOfType<nn::LoopOp>())
      return false;
    if (op.getTransposeLhs() && lhs.getShape().back() % (2 * options.vector) != 0)
      return false;
    return (rhs.getRank() == 2 && !op.getTransposeLhs()) ||
           lhs.getShape().drop_back(2) == rhs.getShape().drop_back(2);
  }

  /// The right side with its columns innermost.
  static Value turn(PatternRewriter &rewriter, nn::MatMulOp op) {
    if (!op.getTransposeRhs())
      return op.getRhs();
    int64_t rank = cast<ShapedType>(op.getRhs().getType()).getRank();
    auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(permutation[rank - 2], permutation[rank - 1]);
    return nn::TransposeOp::create(rewriter, op.getLoc(), op.getRhs(), permutation);
  }

  /// All rows as one matrix.
  static void flatten(PatternRewriter &rewriter, nn::MatMulOp op) {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto result = cast<RankedTensorType>(op.getOutput().getType());
    if (!lhs.hasStaticShape())
      return;
    int64_t depth = lhs.getShape().back(), columns = result.getShape().back();
    int64_t rows = lhs.getNumElements() / depth;
    if (rows == lhs.getShape().end()[-2])
      return;
    auto reshape = [&](Value value, ArrayRef<int64_t> shape) -> Value {
      return nn::ReshapeOp::create(rewriter, op.getLoc(), value,
                                   nn::createIndexConstant(rewriter, op.getLoc(), shape),
                                   /*allowzero=*/false);
    };
    Value all = reshape(op.getLhs(), {rows, depth});
    rewriter.setInsertionPointAfter(op);
    Value split = reshape(op.getOutput(), result.getShape());
    rewriter.modifyOpInPlace(op, [&] {
      op.getLhsMutable().assign(all);
      op.getOutput().setType(result.clone(ArrayRef<int64_t>{rows, columns}));
    });
    rewriter.replaceAllUsesExcept(op.getOutput(), split, split.getDefiningOp());
  }

  /// The width of panels of which there are pairs; 0 if there is none. Two vectors of registers are
  /// left to a tile of four by six, none to one of three by nine, as many rows take.
  int64_t choosePanel(int64_t columns, bool fewRows) const {
    for (int64_t vectors : {fewRows ? 3 : 4, fewRows ? 4 : 3, 2})
      if (columns % (2 * vectors * options.vector) == 0)
        return vectors * options.vector;
    return 0;
  }

  /// The sums of the right side's quarters, packed. They are made of the panels of the direct
  /// product, which nn-version-products counts on.
  static Value combine(PatternRewriter &rewriter, nn::MatMulOp op, int64_t panel, int64_t depth,
                       int64_t columns) {
    Location loc = op.getLoc();
    int64_t pairs = columns / (2 * panel);
    auto reshape = [&](Value value, ArrayRef<int64_t> shape) -> Value {
      return nn::ReshapeOp::create(rewriter, loc, value,
                                   nn::createIndexConstant(rewriter, loc, shape),
                                   /*allowzero=*/false);
    };
    // To pair of panels, panel, half of the terms, term, column.
    Value rhs;
    if (op.getTransposeRhs()) {
      rhs = reshape(op.getRhs(), {pairs, 2, panel, 2, depth / 2});
      rhs = nn::TransposeOp::create(rewriter, loc, rhs, ArrayRef<int64_t>{0, 1, 3, 4, 2});
    } else {
      rhs = reshape(op.getRhs(), {2, depth / 2, pairs, 2, panel});
      rhs = nn::TransposeOp::create(rewriter, loc, rhs, ArrayRef<int64_t>{2, 3, 0, 1, 4});
    }
    SmallVector<float> weights;
    for (const auto &product : nn::strassenRhs)
      weights.append(std::begin(product), std::end(product));
    auto type = RankedTensorType::get({nn::strassenProducts, 2, 2}, rewriter.getF32Type());
    Value matrix = nn::ConstantOp::create(rewriter, loc,
                                          DenseElementsAttr::get(type, ArrayRef<float>(weights)));
    return nn::EinsumOp::create(rewriter, loc, ValueRange{matrix, rhs}, "pij,bjikv->pbkv");
  }

  AlgorithmOptions options;
};

} // namespace

void sinter::populatePackStrassenPatterns(RewritePatternSet &patterns,
                                          const AlgorithmOptions &options) {
  patterns.add<PackStrassen>(patterns.getContext(), options);
}
