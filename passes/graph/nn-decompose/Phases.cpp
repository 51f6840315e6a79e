//===- Phases.cpp - transposed convolutions and pixel shuffles ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pixel y = s·q + r of a picture that is s times as large as another has phase r. The pixels of one
// phase of a transposed convolution with stride s are an ordinary convolution of the input with
// every s-th tap of the filter (Shi et al., "Is the deconvolution layer the same as a convolutional
// layer?", 2016). All phases in one are a convolution with Πs times as many channels, whose
// blocks are then moved side by side, as depth_to_space does. That takes more multiplications where
// taps do not divide by the stride or the result is cropped within a phase: then each phase with
// enough channels is a convolution of its own, which writes its part of the result.
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

/// How one spatial dim of a transposed convolution becomes one of a convolution: of all phases
/// together, or of one, whose stride is 1.
struct PhaseDim {
  int64_t stride = 1, taps = 0, dilation = 1; // of the convolution: J and its dilation
  int64_t begin = 0, end = 0;                 // its pads
  int64_t crop = 0, rest = 0; // positions of its interleaved result that are too many
  int64_t first = 0;          // the first tap of a phase by itself

  /// Multiplications along this dim for `input` positions; of an unknown number, each counts once.
  double products(int64_t input) const {
    double positions =
        ShapedType::isDynamic(input) ? 1 : input + begin + end - (taps - 1) * dilation;
    return taps * stride * positions;
  }
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
    if (!filter.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "unknown filter");
    SmallVector<PhaseDim> dims;
    for (int64_t i = 0; i < filter.getRank() - 2; ++i) {
      auto dim = describe(op, i, filter.getDimSize(2 + i));
      if (!dim)
        return rewriter.notifyMatchFailure(op, "strided and dilated, or cropped by a whole filter");
      dims.push_back(*dim);
    }
    Term input(rewriter, op.getLoc(), op.getInput());
    auto apart = describeApart(op, dims);
    rewriter.replaceOp(op, apart ? buildApart(op, input, *apart) : buildTogether(op, input, dims));
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

  // One phase by itself.
  static std::optional<PhaseDim> describePhase(nn::ConvTransposeOp op, int64_t i, int64_t kernel,
                                               int64_t phase) {
    int64_t stride = op.getStrides()[i];
    auto [pad, beyond] = *getReach(op, i, kernel);
    PhaseDim dim;
    dim.first = llvm::mod(phase + pad, stride);
    if (beyond % stride != 0 || dim.first >= kernel)
      return std::nullopt;
    dim.taps = llvm::divideCeil(kernel - dim.first, stride);
    dim.begin = dim.taps - 1 - llvm::divideFloorSigned(phase + pad, stride);
    dim.end = beyond / stride - 1 + dim.taps - 1 - dim.begin;
    if (dim.begin < 0 || dim.end < 0)
      return std::nullopt;
    return dim;
  }

  // All phases of each dim by themselves, where that takes clearly fewer multiplications than
  // `together`.
  static std::optional<SmallVector<SmallVector<PhaseDim>>>
  describeApart(nn::ConvTransposeOp op, ArrayRef<PhaseDim> together) {
    constexpr double clearly = 0.9;
    constexpr int64_t leastChannels = 16; // fewer leave most of a vector idle in each phase
    constexpr size_t most = 8;            // each phase is a kernel
    auto input = cast<RankedTensorType>(op.getInput().getType());
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    if (!nn::getConstant(op.getFilter()) || filter.getDimSize(1) < leastChannels)
      return std::nullopt;
    SmallVector<SmallVector<PhaseDim>> apart;
    double before = 1, after = 1;
    size_t count = 1;
    for (auto [i, dim] : llvm::enumerate(together)) {
      int64_t size = input.getDimSize(2 + i);
      SmallVector<PhaseDim> phases;
      double products = 0;
      for (int64_t phase = 0; phase < dim.stride; ++phase) {
        auto described =
            dim.stride == 1 ? dim : describePhase(op, i, filter.getDimSize(2 + i), phase);
        if (!described)
          return std::nullopt;
        products += described->products(size);
        phases.push_back(*described);
      }
      before *= dim.products(size);
      after *= products;
      count *= phases.size();
      apart.push_back(phases);
    }
    if (after > before * clearly || count > most)
      return std::nullopt;
    return apart;
  }

  // The convolution that `dims` describe.
  static Term convolve(Term input, Term filter, Value bias, ArrayRef<PhaseDim> dims,
                       int64_t group) {
    SmallVector<int64_t> strides(dims.size(), 1), pads, dilations;
    for (const PhaseDim &dim : dims) {
      pads.push_back(dim.begin);
      dilations.push_back(dim.dilation);
    }
    for (const PhaseDim &dim : dims)
      pads.push_back(dim.end);
    return input.with(nn::ConvOp::create(input.getBuilder(), input.getLoc(), input,
                                         splitFilter(filter, group, dims), bias, strides, pads,
                                         dilations, group));
  }

  static Value buildTogether(nn::ConvTransposeOp op, Term input, ArrayRef<PhaseDim> dims) {
    SmallVector<int64_t> strides;
    int64_t phases = 1, group = op.getGroup();
    for (const PhaseDim &dim : dims) {
      strides.push_back(dim.stride);
      phases *= dim.stride;
    }
    Term filter = input.with(op.getFilter());
    int64_t channels = filter.getType().getDimSize(1);
    Value bias = op.getBias();
    if (bias && phases > 1)
      bias = input.with(bias)
                 .reshape(shapeTensor(input, {group, 1, channels}))
                 .apply<nn::ExpandOp>(shapeTensor(input, {group, phases, channels}))
                 .reshape(shapeTensor(input, {group * phases * channels}));
    Term result = convolve(input, filter, bias, dims, group);
    if (phases > 1)
      result = interleave(result, group, strides, channels);
    for (auto [i, dim] : llvm::enumerate(dims))
      if (dim.crop > 0 || dim.rest > 0)
        result = slice(result, 2 + i, dim.crop,
                       dim.rest > 0 ? -dim.rest : std::numeric_limits<int64_t>::max());
    return result;
  }

  // One phase of each dim, with the channels last, as they lie in a convolution's result.
  static Term buildPhase(nn::ConvTransposeOp op, Term input, ArrayRef<PhaseDim> phase) {
    Term filter = input.with(op.getFilter());
    SmallVector<int64_t> begin, axes, last{0};
    for (auto [i, dim] : llvm::enumerate(phase)) {
      begin.push_back(dim.first);
      axes.push_back(2 + i);
      last.push_back(2 + i);
    }
    last.push_back(1);
    auto constant = [&](ArrayRef<int64_t> values) {
      return nn::createIndexConstant(input.getBuilder(), input.getLoc(), values);
    };
    SmallVector<int64_t> end(phase.size(), std::numeric_limits<int64_t>::max());
    filter =
        filter.apply<nn::SliceOp>(constant(begin), constant(end), constant(op.getStrides()), axes);
    return convolve(input, filter, op.getBias(), phase, op.getGroup()).transpose(last);
  }

  // The phases of `chosen` in the first dims and all in the others, side by side.
  static Term buildPhases(nn::ConvTransposeOp op, Term input, ArrayRef<SmallVector<PhaseDim>> apart,
                          SmallVector<PhaseDim> &chosen) {
    int64_t axis = chosen.size();
    if (chosen.size() == apart.size())
      return buildPhase(op, input, chosen);
    SmallVector<Value> parts;
    for (const PhaseDim &phase : apart[axis]) {
      chosen.push_back(phase);
      parts.push_back(buildPhases(op, input, apart, chosen));
      chosen.pop_back();
    }
    if (parts.size() == 1)
      return input.with(parts.front());
    // N … Q S … O to N … Q·S … O
    SmallVector<Dim> merged;
    Term part = input.with(parts.front());
    for (int64_t d = 0; d < part.getRank(); ++d)
      merged.push_back(d == 1 + axis ? mulDims(part, dimOf(part, d), parts.size())
                                     : dimOf(part, d));
    Value shape = shapeTensor(part, merged);
    for (Value &each : parts)
      each = input.with(each).unsqueeze({2 + axis});
    return input.with(nn::ConcatOp::create(input.getBuilder(), input.getLoc(), parts, 2 + axis))
        .reshape(shape);
  }

  static Value buildApart(nn::ConvTransposeOp op, Term input,
                          ArrayRef<SmallVector<PhaseDim>> apart) {
    SmallVector<PhaseDim> chosen;
    Term result = buildPhases(op, input, apart, chosen);
    SmallVector<int64_t> first{0, result.getRank() - 1};
    for (int64_t d = 1; d + 1 < result.getRank(); ++d)
      first.push_back(d);
    return result.transpose(first);
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
