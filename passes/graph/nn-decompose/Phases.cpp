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

#include "dialects/nn/Term.h"
#include "passes/graph/nn-decompose/NNDecompose.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

/// N (before S… after) H… with `before` and `after` channels around the phases gives
/// N (before·after) H·S…. Channels are moved last for it, as they lie in a convolution's result.
Term interleave(Term x, int64_t before, ArrayRef<int64_t> strides, int64_t after) {
  int64_t spatial = strides.size(), rank = spatial + 2;
  // N H… before S… after, without the parts of 1, and N H S … before after.
  SmallVector<Dim> split{dimOf(x, 0)}, merged{dimOf(x, 0)};
  SmallVector<int64_t> permutation{0}, last{0}, first{0, rank - 1};
  for (int64_t i = 0; i < spatial; ++i) {
    split.push_back(dimOf(x, 2 + i));
    merged.push_back(mulDims(x, dimOf(x, 2 + i), strides[i]));
    last.push_back(2 + i);
    first.push_back(1 + i);
  }
  last.push_back(1);
  merged.push_back(before * after);
  int64_t next = 1 + spatial, beforeAt = before == 1 ? -1 : next++;
  if (before > 1)
    split.push_back(before);
  for (int64_t i = 0; i < spatial; ++i) {
    permutation.push_back(1 + i);
    if (strides[i] == 1)
      continue;
    split.push_back(strides[i]);
    permutation.push_back(next++);
  }
  if (before > 1)
    permutation.push_back(beforeAt);
  if (after > 1 || before == 1) {
    split.push_back(after);
    permutation.push_back(next);
  }
  return x.transpose(last)
      .reshape(shapeTensor(x, split))
      .transpose(permutation)
      .reshape(shapeTensor(x, merged))
      .transpose(first);
}

struct LowerDepthToSpace : OpRewritePattern<nn::DepthToSpaceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::DepthToSpaceOp op, PatternRewriter &rewriter) const override {
    int64_t channels = cast<RankedTensorType>(op.getType()).getDimSize(1),
            block = op.getBlocksize();
    if (ShapedType::isDynamic(channels))
      return rewriter.notifyMatchFailure(op, "unknown number of channels");
    bool phasesFirst = op.getMode() == nn::DepthMode::DCR;
    rewriter.replaceOp(op, interleave(Term(rewriter, op.getLoc(), op.getInput()),
                                      phasesFirst ? 1 : channels, {block, block},
                                      phasesFirst ? channels : 1)
                               .get());
    return success();
  }
};

/// How one spatial dim of a transposed convolution becomes one of a convolution.
struct PhaseDim {
  int64_t stride, taps, dilation; // of the convolution: J and its dilation
  int64_t begin, end;             // its pads
  int64_t crop, rest;             // positions of its interleaved result that are too many
};

/// The pad before the first position and what the result has beyond (H − 1)·S positions. An output
/// shape decides the total of the pads; an odd one goes to the end only for same_upper (ONNX
/// ConvTranspose). Nothing where the input's size would have to be known.
std::optional<std::pair<int64_t, int64_t>> getReach(nn::ConvTransposeOp op, int64_t i,
                                                    int64_t kernel) {
  int64_t stride = op.getStrides()[i];
  int64_t full = (kernel - 1) * op.getDilations()[i] + 1 + op.getOutputPadding()[i];
  int64_t beyond;
  if (!op.getOutputShape().empty()) {
    int64_t input = cast<RankedTensorType>(op.getInput().getType()).getDimSize(2 + i);
    if (ShapedType::isDynamic(input))
      return std::nullopt;
    beyond = op.getOutputShape()[i] - (input - 1) * stride;
  } else if (op.getAutoPad() == nn::AutoPad::same_upper ||
             op.getAutoPad() == nn::AutoPad::same_lower) {
    beyond = stride;
  } else if (op.getAutoPad() == nn::AutoPad::notset) {
    int64_t begin = op.getPads()[i], end = op.getPads()[op.getStrides().size() + i];
    return std::pair(begin, full - begin - end);
  } else {
    return std::pair(int64_t(0), full);
  }
  int64_t total = std::max<int64_t>(0, full - beyond);
  return std::pair(op.getAutoPad() == nn::AutoPad::same_upper ? total / 2 : total - total / 2,
                   beyond);
}

struct LowerConvTranspose : OpRewritePattern<nn::ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConvTransposeOp op, PatternRewriter &rewriter) const override {
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    int64_t spatial = filter.getRank() - 2, group = op.getGroup();
    if (!filter.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "unknown filter");
    SmallVector<PhaseDim> dims;
    for (int64_t i = 0; i < spatial; ++i) {
      auto dim = describe(op, i, filter.getDimSize(2 + i));
      if (!dim)
        return rewriter.notifyMatchFailure(op, "strided and dilated, or cropped by a whole filter");
      dims.push_back(*dim);
    }

    SmallVector<int64_t> strides, pads, dilations;
    int64_t phases = 1;
    for (const PhaseDim &dim : dims) {
      strides.push_back(dim.stride);
      pads.push_back(dim.begin);
      dilations.push_back(dim.dilation);
      phases *= dim.stride;
    }
    for (const PhaseDim &dim : dims)
      pads.push_back(dim.end);
    Term input(rewriter, op.getLoc(), op.getInput());
    int64_t channels = filter.getDimSize(1);
    Value bias = op.getBias();
    if (bias && phases > 1)
      bias = input.with(bias)
                 .reshape(shapeTensor(input, {group, 1, channels}))
                 .apply<nn::ExpandOp>(shapeTensor(input, {group, phases, channels}))
                 .reshape(shapeTensor(input, {group * phases * channels}));
    Term result = input.with(nn::ConvOp::create(
        rewriter, op.getLoc(), input, splitFilter(input.with(op.getFilter()), group, dims), bias,
        SmallVector<int64_t>(spatial, 1), pads, dilations, group));
    if (phases > 1)
      result = interleave(result, group, strides, channels);
    for (auto [i, dim] : llvm::enumerate(dims))
      if (dim.crop > 0 || dim.rest > 0)
        result = slice(result, 2 + i, dim.crop,
                       dim.rest > 0 ? -dim.rest : std::numeric_limits<int64_t>::max());
    rewriter.replaceOp(op, result.get());
    return success();
  }

private:
  static std::optional<PhaseDim> describe(nn::ConvTransposeOp op, int64_t i, int64_t kernel) {
    PhaseDim dim;
    dim.stride = op.getStrides()[i];
    dim.dilation = op.getDilations()[i];
    auto reach = getReach(op, i, kernel);
    if (!reach || (dim.stride > 1 && dim.dilation > 1))
      return std::nullopt;
    auto [pad, beyond] = *reach;
    // Result position y is position y + pad of the uncropped result, of which the convolution gives
    // those from a multiple of the stride on: H − 1 + `blocks` of its own.
    dim.taps = llvm::divideCeil(kernel, dim.stride);
    dim.crop = llvm::mod(pad, dim.stride);
    int64_t blocks = llvm::divideCeilSigned(dim.crop + beyond, dim.stride);
    dim.begin = (dim.taps - 1) * dim.dilation - llvm::divideFloorSigned(pad, dim.stride);
    dim.end = blocks - 1 + (dim.taps - 1) * dim.dilation - dim.begin;
    dim.rest = blocks * dim.stride - dim.crop - beyond;
    if (dim.begin < 0 || dim.end < 0)
      return std::nullopt;
    return dim;
  }

  // (G·C) O K… to (G·S…·O) C J…: the taps of each phase, the last one first.
  static Term splitFilter(Term filter, int64_t group, ArrayRef<PhaseDim> dims) {
    int64_t spatial = dims.size(), rank = spatial + 2;
    int64_t channels = filter.getType().getDimSize(0) / group;
    int64_t filters = filter.getType().getDimSize(1);
    SmallVector<int64_t> extra(2 * rank, 0), permutation{0};
    SmallVector<Dim> split{group, channels, filters}, merged{group * filters, channels};
    bool isFlipped = false;
    for (int64_t i = 0; i < spatial; ++i) {
      int64_t taps = dims[i].taps, stride = dims[i].stride;
      extra[rank + 2 + i] = taps * stride - filter.getType().getDimSize(2 + i);
      split.append({Dim(taps), Dim(stride)});
      permutation.push_back(4 + 2 * i);
      merged[0].size *= stride;
      merged.push_back(taps);
      isFlipped |= taps > 1;
    }
    permutation.append({2, 1});
    for (int64_t i = 0; i < spatial; ++i)
      permutation.push_back(3 + 2 * i);
    if (llvm::any_of(extra, [](int64_t count) { return count != 0; }))
      filter = filter.apply<nn::PadOp>(
          nn::createIndexConstant(filter.getBuilder(), filter.getLoc(), extra), filter.number(0),
          nn::PadMode::constant);
    filter = filter.reshape(shapeTensor(filter, split))
                 .transpose(permutation)
                 .reshape(shapeTensor(filter, merged));
    return isFlipped ? flip(filter, axesRange(2, rank)) : filter;
  }
};

} // namespace

void sinter::populatePhasePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDepthToSpace, LowerConvTranspose>(patterns.getContext());
}
