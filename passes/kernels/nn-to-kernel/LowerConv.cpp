//===- LowerConv.cpp - windows of convolutions and pools; conv ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical form of a convolution, which kernel-tile recognises:
//
//   padded input       only if any pad is not 0
//   fill with zeros
//   sum                loops: dims of the result, then kernel dims, then c;
//                      body: out + input · filter
//   bias, narrowing    only if needed
//
// With channels last and `filter_block` = V the maps are
//   input   (n, y·s + k·d …, c)
//   filter  (f floordiv V, k…, c, f mod V)
//   result  (n, y…, f),
// and of 8-bit integers, with a last loop q over four channels,
//   input   (n, y·s + k·d …, c·4 + q)
//   filter  (f floordiv V, k…, c, f mod V, q).
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

AffineExpr Window::extent() const { return (output - 1) * stride + (kernel - 1) * dilation + 1; }

SmallVector<Window> sinter::getWindows(LowerContext &context, ArrayRef<int64_t> strides,
                                       ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations,
                                       nn::AutoPad autoPad, ArrayRef<AffineExpr> kernel,
                                       ArrayRef<AffineExpr> input, ArrayRef<AffineExpr> output) {
  SmallVector<Window> windows;
  unsigned rank = kernel.size();
  AffineExpr zero = context.constant(0);
  for (unsigned dim = 0; dim < rank; ++dim) {
    Window window{dim < strides.size() ? strides[dim] : 1,
                  dim < dilations.size() ? dilations[dim] : 1,
                  kernel[dim],
                  input[dim],
                  output[dim],
                  zero,
                  zero};
    bool upper = autoPad == nn::AutoPad::same_upper;
    if (autoPad == nn::AutoPad::notset && pads.size() == 2 * rank) {
      window.padBegin = context.constant(pads[dim]);
      window.padEnd = context.constant(pads[rank + dim]);
    } else if (upper || autoPad == nn::AutoPad::same_lower) {
      // The result has ⌈input / stride⌉ positions; an odd pad goes to the end
      // (upper) or the beginning (lower).
      AffineExpr positions = window.input.ceilDiv(window.stride);
      AffineExpr total =
          context.shapes.max((positions - 1) * window.stride +
                                 (window.kernel - 1) * window.dilation + 1 - window.input,
                             zero);
      AffineExpr smaller = total.floorDiv(2);
      AffineExpr larger = total - smaller;
      window.padBegin = upper ? smaller : larger;
      window.padEnd = upper ? larger : smaller;
    }
    windows.push_back(window);
  }
  return windows;
}

Operand sinter::padInput(LowerContext &context, Value input, ArrayRef<Window> windows,
                         unsigned firstSpatial, TypedAttr value) {
  nn::SymbolicShape shape = context.shape(input);
  SmallVector<bool> padded;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    auto extent = nn::asConstant(window.extent());
    auto size = nn::asConstant(window.input);
    auto begin = nn::asConstant(window.padBegin);
    // Dynamic sizes without pads are read in range; ceil_mode may exceed.
    bool fits = extent && size ? *extent <= *size : !window.isPadded();
    padded.push_back(!fits || !begin || *begin != 0);
    if (padded.back()) {
      AffineExpr full = window.input + window.padBegin + window.padEnd;
      shape[firstSpatial + dim] = context.shapes.max(full, window.extent());
    }
  }
  Operand operand = context.operand(input);
  if (llvm::none_of(padded, [](bool each) { return each; }))
    return operand;
  unsigned rank = shape.size();
  Value stage = context.map(context.empty(shape, operand.elementType), {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(rank);
    Scalar inside;
    for (auto [dim, window] : llvm::enumerate(windows)) {
      if (!padded[dim])
        continue;
      Scalar &position = positions[firstSpatial + dim];
      Scalar extent = body.size(window.input);
      position = position - body.size(window.padBegin);
      Scalar here = (position >= 0) & (position < extent);
      inside = inside ? inside & here : here;
      position = clamp(position, position.like(0), extent - 1);
    }
    return select(inside, body.read(operand, positions), body.constant(value));
  });
  return context.stage(stage, operand.isUnsigned);
}

//===----------------------------------------------------------------------===//
// conv
//===----------------------------------------------------------------------===//

static LogicalResult lowerConv(nn::ConvOp op, LowerContext &context) {
  nn::SymbolicShape inputShape = context.shape(op.getInput());
  nn::SymbolicShape filterShape = context.shape(op.getFilter());
  nn::SymbolicShape resultShape = context.shape(op.getOutput());
  unsigned rank = inputShape.size(), spatial = rank - 2;
  bool last = op.getDataLayout() == nn::DataLayout::channels_last;
  unsigned firstSpatial = last ? 1 : 2, channel = last ? rank - 1 : 1;
  int64_t block = op.getFilterBlock(), group = op.getGroup();
  bool depthwise = block < 0; // X… × O

  // Where the kernel's spatial dims stand in the filter.
  unsigned firstKernel = depthwise ? 0 : block > 0 ? 1 : 2;
  auto spatialDims = [&](const nn::SymbolicShape &shape, unsigned first) {
    return ArrayRef<AffineExpr>(shape).slice(first, spatial);
  };
  nn::SymbolicShape kernel(spatialDims(filterShape, firstKernel));
  if (op.getWinograd())
    kernel.assign(spatial, context.constant(3));
  SmallVector<Window> windows =
      getWindows(context, op.getStrides(), op.getPads(), op.getDilations(), op.getAutoPad(), kernel,
                 spatialDims(inputShape, firstSpatial), spatialDims(resultShape, firstSpatial));
  if (op.getWinograd())
    return lowerWinograd(op, context, windows);
  Type inputType = nn::getSignlessType(op.getInput().getType().getElementType());
  Operand input = padInput(context, op.getInput(), windows, firstSpatial,
                           cast<TypedAttr>(context.builder.getZeroAttr(inputType)));
  int64_t beside = block > 0 ? nn::getDotSteps(inputType) : 1;

  // Channels of one group: a dim of the filter.
  AffineExpr depth = depthwise ? context.constant(1) : filterShape[block > 0 ? 1 + spatial : 1];
  AffineExpr groupChannels = depth * beside;
  auto knownChannels = nn::asConstant(groupChannels);
  bool perChannel = depthwise || (group > 1 && knownChannels && *knownChannels == 1);
  AffineExpr f = context.loop(channel);
  AffineExpr inputChannel;
  AffineExpr c = context.loop(rank + spatial), q = context.loop(rank + spatial + 1);
  if (beside != 1)
    c = c * beside + q;
  if (depthwise) {
    inputChannel = f;
  } else if (group == 1) {
    inputChannel = c;
  } else {
    auto filters = nn::asConstant(resultShape[channel]);
    if (!filters || !knownChannels)
      return context.fail("with groups needs known numbers of channels");
    inputChannel = f.floorDiv(*filters / group) * *knownChannels;
    if (!perChannel)
      inputChannel = inputChannel + c;
  }

  SmallVector<Size> reductions;
  Input image{input, {context.loop(0)}}, filter{context.operand(op.getFilter()), {}};
  if (!last)
    image.indices.push_back(inputChannel);
  SmallVector<AffineExpr, 4> taps;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    AffineExpr tap = context.loop(rank + dim);
    taps.push_back(tap);
    image.indices.push_back(context.loop(firstSpatial + dim) * window.stride +
                            tap * window.dilation);
    reductions.push_back(window.kernel);
  }
  if (last)
    image.indices.push_back(inputChannel);
  if (!perChannel)
    reductions.push_back(depth);
  if (beside != 1)
    reductions.push_back(context.constant(beside));

  AffineExpr filterChannel = perChannel ? context.zero() : c;
  if (depthwise) {
    llvm::append_range(filter.indices, taps);
    filter.indices.push_back(f);
  } else if (block > 0) {
    filter.indices.push_back(f.floorDiv(block));
    llvm::append_range(filter.indices, taps);
    if (beside != 1)
      llvm::append_values(filter.indices, context.loop(rank + spatial), f % block, q);
    else
      llvm::append_values(filter.indices, filterChannel, f % block);
  } else {
    llvm::append_values(filter.indices, f, filterChannel);
    llvm::append_range(filter.indices, taps);
  }

  Type elementType = nn::getSignlessType(op.getOutput().getType().getElementType());
  Type type = getAccumulatorType(elementType);
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, reductions, {image, filter}, [&](Body &body) {
    return body.out[0] + convert(body.in[0], type, image.operand.isUnsigned) *
                             convert(body.in[1], type, filter.operand.isUnsigned);
  });
  if (op.getBias())
    sum = context.map(
        context.empty(op.getOutput()),
        {Input{context.stage(sum), context.loops(0, rank)},
         Input{context.operand(op.getBias()), {f}}},
        [&](Body &body) { return convert(body.in[0] + convert(body.in[1], type), elementType); });
  context.set(op.getOutput(), context.narrow(sum, elementType));
  return success();
}

// Loops: the filter's dims as the result has them, then batch and positions.
static LogicalResult lowerConvFilterGrad(nn::ConvFilterGradOp op, LowerContext &context) {
  nn::SymbolicShape inputShape = context.shape(op.getInput());
  nn::SymbolicShape cotangentShape = context.shape(op.getCotangent());
  unsigned rank = inputShape.size(), spatial = rank - 2;
  bool last = op.getDataLayout() == nn::DataLayout::channels_last;
  unsigned firstSpatial = last ? 1 : 2, channel = last ? rank - 1 : 1;
  SmallVector<AffineExpr> kernel;
  for (int64_t size : op.getKernelShape())
    kernel.push_back(context.constant(size));
  SmallVector<Window> windows =
      getWindows(context, op.getStrides(), op.getPads(), op.getDilations(), op.getAutoPad(), kernel,
                 ArrayRef<AffineExpr>(inputShape).slice(firstSpatial, spatial),
                 ArrayRef<AffineExpr>(cotangentShape).slice(firstSpatial, spatial));
  Type elementType = op.getInput().getType().getElementType();
  Operand input = padInput(context, op.getInput(), windows, firstSpatial,
                           cast<TypedAttr>(context.builder.getZeroAttr(elementType)));

  AffineExpr o = context.loop(last ? rank - 1 : 0), c = context.loop(last ? rank - 2 : 1);
  unsigned firstTap = last ? 0 : 2;
  AffineExpr inputChannel = c;
  if (op.getGroup() > 1) {
    auto inputs = nn::asConstant(inputShape[channel]),
         outputs = nn::asConstant(cotangentShape[channel]);
    if (!inputs || !outputs)
      return context.fail("with groups needs known numbers of channels");
    inputChannel =
        o.floorDiv(*outputs / op.getGroup()) * (*inputs / static_cast<int64_t>(op.getGroup())) + c;
  }
  SmallVector<Size> reductions{cotangentShape[0]};
  AffineExpr n = context.loop(rank);
  Input image{input, {n}}, cotangent{context.operand(op.getCotangent()), {n}};
  if (!last) {
    image.indices.push_back(inputChannel);
    cotangent.indices.push_back(o);
  }
  for (auto [dim, window] : llvm::enumerate(windows)) {
    AffineExpr position = context.loop(rank + 1 + dim);
    reductions.push_back(cotangentShape[firstSpatial + dim]);
    cotangent.indices.push_back(position);
    image.indices.push_back(position * window.stride +
                            context.loop(firstTap + dim) * window.dilation);
  }
  if (last) {
    image.indices.push_back(inputChannel);
    cotangent.indices.push_back(o);
  }
  Type type = getAccumulatorType(elementType);
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, reductions, {image, cotangent}, [&](Body &body) {
    return body.out[0] + convert(body.in[0], type) * convert(body.in[1], type);
  });
  context.set(op.getOutput(), context.narrow(sum, elementType));
  return success();
}

void sinter::addConvLowerings(LoweringTable &table) {
  table.add<nn::ConvOp, lowerConv>();
  table.add<nn::ConvFilterGradOp, lowerConvFilterGrad>();
}
