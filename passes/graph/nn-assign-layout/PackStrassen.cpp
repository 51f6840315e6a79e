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

  double strassen() const {
    double products = direct() * nn::strassenProducts / 8;
    // The sums go through the caches, at about four cycles for a vector that is stored and read
    // again; the products stay in the second one.
    constexpr double sum = 4, product = 2.5, places = nn::strassenProducts / 4.0;
    double beside = vectors(places * rows * (depth * sum + columns * product));
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
    if (op.getRhsBlock() != 0 || op.getTransposeLhs() || !nn::getConstant(op.getRhs()) ||
        rhs.getRank() != 2 || lhs.getRank() < 2 || !rhs.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "no product with a constant matrix");
    if (op->getParentOfType<ModuleOp>()->hasAttr("nn.training"))
      return rewriter.notifyMatchFailure(op, "a training's library stores all its constants");
    bool transposed = op.getTransposeRhs();
    int64_t columns = rhs.getDimSize(transposed ? 0 : 1);
    int64_t depth = rhs.getDimSize(transposed ? 1 : 0);
    int64_t panel = choosePanel(columns);
    if (panel == 0 || depth % (2 * options.vector) != 0)
      return rewriter.notifyMatchFailure(op, "sizes that do not halve");
    nn::ShapeAnalysis analysis(getContext());
    nn::SymbolicShape shape = analysis.shape(op.getLhs());
    double allRows = 1;
    for (AffineExpr dim : ArrayRef(shape).drop_back())
      allRows *= double(std::max<int64_t>(analysis.expect(dim), 1));
    constexpr double clearly = 0.96;
    Account account{options, allRows, double(depth), double(columns)};
    if (account.strassen() > account.direct() * clearly)
      return rewriter.notifyMatchFailure(op, "the direct product is as good");

    Value sums = combine(rewriter, op, panel, depth, columns);
    rewriter.modifyOpInPlace(op, [&] {
      op.getRhsMutable().assign(sums);
      op.setTransposeRhs(false);
      op.setRhsBlock(panel);
      op.setColumns(columns);
      op.setStrassen(true);
    });
    return success();
  }

  /// The width of panels of which there are pairs; 0 if there is none.
  int64_t choosePanel(int64_t columns) const {
    for (int64_t vectors : {3, 4, 2})
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
