//===- Phases.cpp - transposed convolutions and pixel shuffles ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pixel y = s·q + r of a picture that is s times as large as another has phase r. The pixels of one
// phase of a transposed convolution with stride s are an ordinary convolution of the input with
// every s-th tap of the filter (Shi et al., "Is the deconvolution layer the same as a convolutional
// layer?", 2016). All phases in one are a convolution with Πs times as many channels, whose
// blocks are then moved side by side, as depth_to_space does.
//
// Shapes: N batch, G groups, C channels in, O channels out of a group, S stride, H input positions,
// K filter taps, J = ⌈K/S⌉ taps of a phase.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "passes/graph/nn-decompose/NNDecompose.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;

namespace {

/// Builds movements at one place.
struct Mover {
  OpBuilder &b;
  Location loc;

  /// `shape` may hold one kDynamic.
  Value reshape(Value x, SmallVector<int64_t> shape) {
    for (int64_t &dim : shape)
      dim = ShapedType::isDynamic(dim) ? -1 : dim;
    return nn::ReshapeOp::create(b, loc, x, nn::createIndexConstant(b, loc, shape),
                                 /*allowzero=*/false);
  }
  Value transpose(Value x, ArrayRef<int64_t> permutation) {
    return nn::TransposeOp::create(b, loc, x, permutation);
  }
  /// x[starts : ends : step] over the last dims.
  Value slice(Value x, ArrayRef<int64_t> starts, ArrayRef<int64_t> ends, int64_t step) {
    int64_t rank = cast<RankedTensorType>(x.getType()).getRank(), count = starts.size();
    auto constant = [&](ArrayRef<int64_t> values) {
      return nn::createIndexConstant(b, loc, values);
    };
    return nn::SliceOp::create(b, loc, x, constant(starts), constant(ends),
                               constant(SmallVector<int64_t>(count, step)),
                               llvm::to_vector(llvm::seq(rank - count, rank)));
  }
  /// N (before… S… after…) H… with `before` and `after` channels around the phases gives
  /// N (before·after) H·S….
  Value interleave(Value x, int64_t before, ArrayRef<int64_t> strides, int64_t after) {
    ArrayRef<int64_t> from = cast<RankedTensorType>(x.getType()).getShape();
    int64_t spatial = strides.size();
    SmallVector<int64_t> split{from[0], before}, merged{from[0], before * after};
    llvm::append_range(split, strides);
    split.push_back(after);
    SmallVector<int64_t> permutation{0, 1, 2 + spatial};
    for (int64_t i = 0; i < spatial; ++i) {
      split.push_back(from[2 + i]);
      permutation.append({3 + spatial + i, 2 + i});
      merged.push_back(ShapedType::isDynamic(from[2 + i]) ? from[2 + i] : from[2 + i] * strides[i]);
    }
    return reshape(transpose(dropUnits(x, split, permutation), permutation), merged);
  }

private:
  // Reshapes to `split` without its unit dims among the channels, and takes them out of
  // `permutation` too.
  Value dropUnits(Value x, SmallVector<int64_t> &split, SmallVector<int64_t> &permutation) {
    for (int64_t d = static_cast<int64_t>(split.size()) - 1; d > 0; --d) {
      if (split[d] != 1)
        continue;
      split.erase(split.begin() + d);
      llvm::erase(permutation, d);
      for (int64_t &source : permutation)
        source -= source > d;
    }
    return reshape(x, split);
  }
};

/// Whether at most one dim is unknown, so that a constant can tell its shape.
bool isTold(Value x) {
  return llvm::count_if(cast<RankedTensorType>(x.getType()).getShape(), ShapedType::isDynamic) <= 1;
}

struct LowerDepthToSpace : OpRewritePattern<nn::DepthToSpaceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::DepthToSpaceOp op, PatternRewriter &rewriter) const override {
    int64_t channels = cast<RankedTensorType>(op.getType()).getDimSize(1),
            block = op.getBlocksize();
    if (!isTold(op.getInput()) || ShapedType::isDynamic(channels))
      return rewriter.notifyMatchFailure(op, "unknown shape");
    Mover mover{rewriter, op.getLoc()};
    bool phasesFirst = op.getMode() == nn::DepthMode::DCR;
    rewriter.replaceOp(op, mover.interleave(op.getInput(), phasesFirst ? 1 : channels,
                                            {block, block}, phasesFirst ? channels : 1));
    return success();
  }
};

/// How one spatial dim of a transposed convolution becomes one of a convolution.
struct PhaseDim {
  int64_t stride, taps, dilation; // of the convolution: J and its dilation
  int64_t begin, end;             // its pads
  int64_t crop, size;             // of its interleaved result: first position and number of them
};

/// The pad before the first position. An output shape decides the total; an odd one goes to the end
/// only for same_upper (ONNX ConvTranspose).
int64_t getBeginPad(nn::ConvTransposeOp op, int64_t i, int64_t input, int64_t kernel,
                    int64_t output) {
  bool isSame =
      op.getAutoPad() == nn::AutoPad::same_upper || op.getAutoPad() == nn::AutoPad::same_lower;
  if (op.getOutputShape().empty() && !isSame)
    return op.getAutoPad() == nn::AutoPad::notset ? op.getPads()[i] : 0;
  int64_t reach = (kernel - 1) * op.getDilations()[i] + 1;
  int64_t whole = (input - 1) * op.getStrides()[i] + op.getOutputPadding()[i] + reach;
  int64_t total = std::max<int64_t>(0, whole - output);
  return op.getAutoPad() == nn::AutoPad::same_upper ? total / 2 : total - total / 2;
}

struct LowerConvTranspose : OpRewritePattern<nn::ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConvTransposeOp op, PatternRewriter &rewriter) const override {
    auto input = cast<RankedTensorType>(op.getInput().getType());
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    auto output = cast<RankedTensorType>(op.getType());
    int64_t spatial = input.getRank() - 2, group = op.getGroup();
    if (!filter.hasStaticShape() ||
        llvm::any_of(input.getShape().drop_front(), ShapedType::isDynamic) ||
        llvm::any_of(output.getShape().drop_front(), ShapedType::isDynamic))
      return rewriter.notifyMatchFailure(op, "unknown shape");
    SmallVector<PhaseDim> dims;
    for (int64_t i = 0; i < spatial; ++i) {
      auto dim = describe(op, i, input.getDimSize(2 + i), filter.getDimSize(2 + i),
                          output.getDimSize(2 + i));
      if (!dim)
        return rewriter.notifyMatchFailure(op, "strided and dilated, or cropped by a whole filter");
      dims.push_back(*dim);
    }

    Mover mover{rewriter, op.getLoc()};
    SmallVector<int64_t> strides, pads, dilations, crops, ends;
    int64_t phases = 1;
    for (const PhaseDim &dim : dims) {
      strides.push_back(dim.stride);
      pads.push_back(dim.begin);
      dilations.push_back(dim.dilation);
      crops.push_back(dim.crop);
      ends.push_back(dim.crop + dim.size);
      phases *= dim.stride;
    }
    for (const PhaseDim &dim : dims)
      pads.push_back(dim.end);
    int64_t channels = filter.getDimSize(1);
    Value bias = op.getBias();
    if (bias && phases > 1) {
      bias = mover.reshape(bias, {group, 1, channels});
      bias = nn::ExpandOp::create(
          rewriter, op.getLoc(), bias,
          nn::createIndexConstant(rewriter, op.getLoc(), {group, phases, channels}));
      bias = mover.reshape(bias, {group * phases * channels});
    }
    Value result = nn::ConvOp::create(rewriter, op.getLoc(), op.getInput(),
                                      splitFilter(mover, op.getFilter(), group, dims), bias,
                                      SmallVector<int64_t>(spatial, 1), pads, dilations, group);
    if (phases > 1)
      result = mover.interleave(result, group, strides, channels);
    ArrayRef<int64_t> made = cast<RankedTensorType>(result.getType()).getShape();
    if (made.drop_front(2) != output.getShape().drop_front(2))
      result = mover.slice(result, crops, ends, 1);
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static std::optional<PhaseDim> describe(nn::ConvTransposeOp op, int64_t i, int64_t input,
                                          int64_t kernel, int64_t output) {
    int64_t stride = op.getStrides()[i], dilation = op.getDilations()[i];
    if (stride > 1 && dilation > 1)
      return std::nullopt;
    int64_t pad = getBeginPad(op, i, input, kernel, output);
    PhaseDim dim;
    dim.stride = stride;
    dim.taps = llvm::divideCeil(kernel, stride);
    dim.dilation = dilation;
    // Result position y is position y + pad of the uncropped result, of which the convolution gives
    // those from a multiple of the stride on.
    int64_t reach = (dim.taps - 1) * dilation;
    dim.begin = reach - pad / stride;
    dim.crop = pad % stride;
    dim.size = output;
    int64_t positions = llvm::divideCeil(dim.crop + output, stride);
    dim.end = std::max<int64_t>(0, positions + reach - dim.begin - input);
    if (dim.begin < 0)
      return std::nullopt;
    return dim;
  }

  // (G·C) O K… to (G·S…·O) C J…: the taps of each phase, the last one first.
  static Value splitFilter(Mover &mover, Value filter, int64_t group, ArrayRef<PhaseDim> dims) {
    auto type = cast<RankedTensorType>(filter.getType());
    int64_t spatial = dims.size(), rank = spatial + 2, channels = type.getDimSize(0) / group;
    SmallVector<int64_t> extra(2 * rank, 0), split{group, channels, type.getDimSize(1)};
    SmallVector<int64_t> permutation{0}, merged{group * type.getDimSize(1), channels};
    for (int64_t i = 0; i < spatial; ++i) {
      extra[rank + 2 + i] = dims[i].taps * dims[i].stride - type.getDimSize(2 + i);
      split.append({dims[i].taps, dims[i].stride});
      permutation.push_back(4 + 2 * i);
      merged[0] *= dims[i].stride;
      merged.push_back(dims[i].taps);
    }
    permutation.append({2, 1});
    for (int64_t i = 0; i < spatial; ++i)
      permutation.push_back(3 + 2 * i);
    if (llvm::any_of(extra, [](int64_t count) { return count != 0; })) {
      Value zero = nn::createScalar(mover.b, mover.loc, type.getElementType(), 0.0);
      filter = nn::PadOp::create(mover.b, mover.loc, filter,
                                 nn::createIndexConstant(mover.b, mover.loc, extra), zero,
                                 nn::PadMode::constant);
    }
    filter = mover.reshape(mover.transpose(mover.reshape(filter, split), permutation), merged);
    if (llvm::all_of(dims, [](const PhaseDim &dim) { return dim.taps == 1; }))
      return filter;
    return mover.slice(filter, SmallVector<int64_t>(spatial, -1),
                       SmallVector<int64_t>(spatial, std::numeric_limits<int64_t>::min() + 1), -1);
  }
};

} // namespace

void sinter::populatePhasePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDepthToSpace, LowerConvTranspose>(patterns.getContext());
}
