//===- PackWinograd.cpp - filters for F(m×m, 3×3), where that is faster ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "dialects/nn/Winograd.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;

namespace {

/// The sizes of a convolution, as far as known, else as expected.
struct Sizes {
  double batch, height, width; ///< of the result
  double channels, filters;
};

/// Accounts of one convolution, in cycles of a core.
struct Account {
  const AlgorithmOptions &options;
  Sizes sizes;

  double vectorWork(double multiplyAdds) const {
    return multiplyAdds / (options.vector * options.fmaPerCycle);
  }
  /// Filters come from memory: by the time of the next inference, the caches hold something else.
  /// Half of that time goes by beside the arithmetic.
  double filterTraffic(double taps) const {
    return taps * sizes.channels * sizes.filters * 4 / options.memoryBandwidth / 2;
  }

  double direct() const {
    double positions = sizes.batch * sizes.height * sizes.width;
    return vectorWork(positions * 9 * sizes.channels * sizes.filters) / 0.95 + filterTraffic(9);
  }

  double winograd(const nn::Winograd &transform) const {
    double m = transform.tile, points = transform.points();
    double tiles = sizes.batch * std::ceil(sizes.height / m) * std::ceil(sizes.width / m);
    double products = vectorWork(tiles * points * points * sizes.channels * sizes.filters) / 0.9;
    // Vectors of the transforms: each value is stored twice on its way in and on its way out, at
    // about two cycles for the store and the arithmetic that it hides.
    double transforms =
        tiles * points * points * 2 * 2 * (sizes.channels + sizes.filters) / options.vector;
    return products + transforms + filterTraffic(points * points);
  }
};

struct PackWinograd : OpRewritePattern<nn::ConvOp> {
  PackWinograd(MLIRContext *context, const AlgorithmOptions &options)
      : OpRewritePattern(context, /*benefit=*/2), options(options) {}

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    auto isOne = [](int64_t value) { return value == 1; };
    if (op.getFilterBlock() != 0 || op.getDataLayout() != nn::DataLayout::channels_last ||
        !nn::getConstant(op.getFilter()) || filter.getRank() != 4 || op.getGroup() != 1 ||
        filter.getDimSize(2) != 3 || filter.getDimSize(3) != 3 ||
        !filter.getElementType().isF32() || !llvm::all_of(op.getStrides(), isOne) ||
        !llvm::all_of(op.getDilations(), isOne))
      return rewriter.notifyMatchFailure(op, "not a plain 3×3 convolution of stride 1");
    int64_t filters = filter.getDimSize(0), channels = filter.getDimSize(1);
    if (filters % options.vector != 0 || channels % options.vector != 0)
      return rewriter.notifyMatchFailure(op, "channels that do not fill vectors");

    nn::ShapeAnalysis analysis(getContext());
    nn::SymbolicShape shape = analysis.shape(op.getOutput());
    auto size = [&](unsigned dim) {
      return double(std::max<int64_t>(analysis.expect(shape[dim]), 1));
    };
    Account account{options, {size(0), size(1), size(2), double(channels), double(filters)}};
    int64_t tile = choose(account);
    if (tile == 0)
      return rewriter.notifyMatchFailure(op, "the direct convolution is as good");

    int64_t block = filters % (2 * options.vector) == 0 ? 2 * options.vector : options.vector;
    Value transformed = transform(rewriter, op, tile, block);
    rewriter.modifyOpInPlace(op, [&] {
      op.getFilterMutable().assign(transformed);
      op.setFilterBlock(block);
      op.setOutChannels(filters);
      op.setWinograd(tile);
    });
    return success();
  }

  /// G f Gᵀ of each filter f, packed: a product of G ⊗ G and the nine taps, which come as whole
  /// rows.
  static Value transform(PatternRewriter &rewriter, nn::ConvOp op, int64_t tile, int64_t block) {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getFilter().getType());
    int64_t blocks = type.getDimSize(0) / block, channels = type.getDimSize(1), taps = 9;
    auto reshape = [&](Value value, ArrayRef<int64_t> shape) -> Value {
      return nn::ReshapeOp::create(rewriter, loc, value,
                                   nn::createIndexConstant(rewriter, loc, shape),
                                   /*allowzero=*/false);
    };
    Value filter = reshape(op.getFilter(), {blocks, block, channels, taps});
    filter = nn::TransposeOp::create(rewriter, loc, filter, ArrayRef<int64_t>{0, 3, 2, 1});
    const nn::Winograd &winograd = *nn::getWinograd(tile);
    int64_t points = winograd.points();
    SmallVector<float> weights;
    for (int64_t point = 0; point < points * points; ++point)
      for (int64_t tap = 0; tap < taps; ++tap)
        weights.push_back(winograd.filter[point / points * 3 + tap / 3] *
                          winograd.filter[point % points * 3 + tap % 3]);
    auto matrixType = RankedTensorType::get({points * points, taps}, rewriter.getF32Type());
    Value matrix = nn::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(matrixType, ArrayRef<float>(weights)));
    Value transformed =
        nn::EinsumOp::create(rewriter, loc, ValueRange{matrix, filter}, "pt,btcv->bpcv");
    return reshape(transformed, {blocks, points, points, channels, block});
  }

  /// The tile whose account is clearly the best; 0 for none. A small tile has smaller filters and
  /// is more accurate.
  static int64_t choose(const Account &account) {
    constexpr double clearly = 0.85;
    double best = account.direct();
    int64_t tile = 0;
    for (int64_t each : {2, 4})
      if (double cycles = account.winograd(*nn::getWinograd(each)); cycles < best * clearly) {
        best = cycles;
        tile = each;
      }
    return tile;
  }

  AlgorithmOptions options;
};

} // namespace

void sinter::populatePackWinogradPatterns(RewritePatternSet &patterns,
                                          const AlgorithmOptions &options) {
  patterns.add<PackWinograd>(patterns.getContext(), options);
}
