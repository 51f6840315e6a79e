//===- Convolution.cpp - convolutions -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Window.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

/// The spatial dims of filter `value`, checked against `kernel_shape`.
Ints getFilterKernel(Node &node, Value value, size_t spatial) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() != static_cast<int64_t>(spatial) + 2) {
    (void)node.emitError("the filter has rank " + Twine(type.getRank()) + "; expected " +
                         Twine(spatial + 2));
    return Ints(spatial, 1);
  }
  Ints kernel(type.getShape().drop_front(2));
  if (auto given = node.findInts("kernel_shape")) {
    if (given->size() != spatial) {
      (void)node.emitError("attribute 'kernel_shape' has " + Twine(given->size()) +
                           " elements; expected " + Twine(spatial));
      return kernel;
    }
    for (size_t i = 0; i < spatial; ++i) {
      if (ShapedType::isDynamic(kernel[i]))
        kernel[i] = (*given)[i];
      else if (kernel[i] != (*given)[i])
        (void)node.emitError("attribute 'kernel_shape' says " + Twine((*given)[i]) +
                             " in spatial dim " + Twine(i) + ", the filter has " +
                             Twine(kernel[i]));
    }
  }
  return kernel;
}

int64_t getGroup(Node &node) {
  int64_t group = node.getInt("group", 1);
  if (group < 1)
    (void)node.emitError("attribute 'group' is " + Twine(group) + "; expected at least 1");
  return std::max<int64_t>(group, 1);
}

LogicalResult buildConv(Node &node) {
  auto spatial = getSpatialRank(node);
  if (!spatial)
    return failure();
  Ints kernel = getFilterKernel(node, node.getInput(1), *spatial);
  Window window = getWindow(node, *spatial, kernel);
  int64_t group = getGroup(node);
  if (node.failed())
    return failure();
  return node.yield(node.create<nn::ConvOp>(node.getInput(0), node.getInput(1), node.getInput(2),
                                            window.strides, window.pads, window.dilations, group,
                                            window.autoPad));
}

/// The pads that give `outputShape`, where the input's dims are static: the
/// operator's own formula for `output_shape` and SAME_UPPER/SAME_LOWER.
bool resolveTransposePads(ArrayRef<int64_t> input, Window &window, Ints &outputPadding,
                          ArrayRef<int64_t> outputShape) {
  size_t spatial = window.kernel.size();
  if (llvm::any_of(input, ShapedType::isDynamic) ||
      llvm::any_of(window.kernel, ShapedType::isDynamic))
    return false;
  for (size_t i = 0; i < spatial; ++i) {
    int64_t wanted = outputShape.empty() ? input[i] * window.strides[i] : outputShape[i];
    int64_t total = window.strides[i] * (input[i] - 1) + outputPadding[i] +
                    (window.kernel[i] - 1) * window.dilations[i] + 1 - wanted;
    if (total < 0) { // larger than what the filter reaches: zeros at the end
      outputPadding[i] -= total;
      total = 0;
    }
    bool upper = window.autoPad == nn::AutoPad::same_upper;
    window.pads[i] = upper ? total / 2 : total - total / 2;
    window.pads[spatial + i] = total - window.pads[i];
  }
  window.autoPad = nn::AutoPad::notset;
  return true;
}

LogicalResult buildConvTranspose(Node &node) {
  auto spatial = getSpatialRank(node);
  if (!spatial)
    return failure();
  Ints kernel = getFilterKernel(node, node.getInput(1), *spatial);
  Window window = getWindow(node, *spatial, kernel);
  int64_t group = getGroup(node);
  Ints outputPadding = getSpatial(node, "output_padding", *spatial, 0, 0);
  Ints outputShape = node.getInts("output_shape");
  if (outputShape.size() == *spatial + 2) // some exporters give all dims
    outputShape.erase(outputShape.begin(), outputShape.begin() + 2);
  if (!outputShape.empty() && outputShape.size() != *spatial)
    (void)node.emitError("attribute 'output_shape' has " + Twine(outputShape.size()) +
                         " elements; expected " + Twine(*spatial));
  if (node.failed())
    return failure();
  if (window.autoPad == nn::AutoPad::valid)
    window.autoPad = nn::AutoPad::notset;
  if ((!outputShape.empty() || window.autoPad != nn::AutoPad::notset) &&
      resolveTransposePads(node.getInputType(0).getShape().drop_front(2), window, outputPadding,
                           outputShape))
    outputShape.clear();
  return node.yield(node.create<nn::ConvTransposeOp>(
      node.getInput(0), node.getInput(1), node.getInput(2), window.strides, window.pads,
      window.dilations, outputPadding, outputShape, group, window.autoPad));
}

/// Extends `block` by factors of `elements` for the remaining dims of `image`,
/// so that there are `blocks` places for it; each solution goes to `found`.
void findBlocks(ArrayRef<int64_t> image, const Window &window, int64_t elements, int64_t blocks,
                Ints &block, SmallVectorImpl<Ints> &found) {
  size_t dim = block.size(), spatial = image.size();
  if (dim == spatial) {
    if (elements == 1 && blocks == 1)
      found.push_back(block);
    return;
  }
  int64_t padded = image[dim] + window.pads[dim] + window.pads[spatial + dim];
  for (int64_t size = 1; size <= std::min(elements, padded); ++size) {
    int64_t reach = (size - 1) * window.dilations[dim] + 1;
    int64_t places = (padded - reach) / window.strides[dim] + 1;
    if (elements % size || reach > padded || blocks % places)
      continue;
    block.push_back(size);
    findBlocks(image, window, elements / size, blocks / places, block, found);
    block.pop_back();
  }
}

/// The shapes of image and block are attributes of nn's op. Where the model
/// computes them, the declared result gives the image's, and the block is
/// chosen at run time among those that fit the input.
LogicalResult buildCol2Im(Node &node) {
  Value input = node.getInput(0);
  auto inputType = node.getInputType(0);
  auto image = node.getConstantInts(node.getInput(1));
  auto block = node.getConstantInts(node.getInput(2));
  RankedTensorType declared = node.getDeclaredOutputType(0);
  if (!image && declared && declared.getRank() > 2 &&
      llvm::none_of(declared.getShape().drop_front(2), ShapedType::isDynamic))
    image = Ints(declared.getShape().drop_front(2));
  if (!image)
    return node.emitUnsupported("an 'image_shape' that is no constant, "
                                "without a declared static result");
  size_t spatial = image->size();
  Window window;
  window.strides = getSpatial(node, "strides", spatial, 1, 1);
  window.dilations = getSpatial(node, "dilations", spatial, 1, 1);
  window.pads = getSpatial(node, "pads", 2 * spatial, 0, 0);
  if (inputType.getRank() != 3)
    return node.emitError("the input has rank " + Twine(inputType.getRank()) + "; expected 3");
  if (node.failed())
    return failure();
  SmallVector<Ints> candidates;
  if (block) {
    if (block->size() != spatial)
      return node.emitError("'image_shape' has " + Twine(spatial) + " elements, 'block_shape' " +
                            Twine(block->size()));
    candidates.push_back(*block);
  } else {
    if (!declared || declared.isDynamicDim(1) || inputType.isDynamicDim(1) ||
        inputType.isDynamicDim(2) || declared.getDimSize(1) < 1)
      return node.emitUnsupported("a 'block_shape' that is no constant, "
                                  "without declared static shapes");
    Ints partial;
    findBlocks(*image, window, inputType.getDimSize(1) / declared.getDimSize(1),
               inputType.getDimSize(2), partial, candidates);
    if (candidates.empty())
      return node.emitError("no 'block_shape' gives the declared result");
  }
  Value result;
  for (const Ints &candidate : candidates) {
    Value picture = node.create<nn::Col2ImOp>(input, *image, candidate, window.strides, window.pads,
                                              window.dilations);
    if (!result) {
      result = picture;
      continue;
    }
    Value given = node.getInput(2);
    Value equal =
        node.cast(node.compare(nn::ComparePredicate::eq, given,
                               node.cast(node.indices(candidate), node.getElementType(2))),
                  IntegerType::get(node.getContext(), 64));
    Value chosen = node.cast(node.reduce(equal, nn::ReduceKind::min, {0}, false),
                             IntegerType::get(node.getContext(), 1));
    result = node.where(chosen, picture, result);
  }
  return node.yield(result);
}

//===----------------------------------------------------------------------===//
// DeformConv
//===----------------------------------------------------------------------===//

/// "Deformable ConvNets v2", 3: each filter tap reads the picture, bilinearly,
/// at its own offset; gathered columns, then a matrix product per group.
/// Columns are N × G × (C/G) × (K·L), G offset groups, K taps, L positions.
LogicalResult buildDeformConv(Node &node) {
  Value input = node.getInput(0), filter = node.getInput(1);
  Value offset = node.getInput(2), bias = node.getInput(3);
  Value mask = node.getInput(4);
  auto inputType = node.getInputType(0), filterType = node.getInputType(1);
  auto offsetType = node.getInputType(2);
  if (inputType.getRank() != 4)
    return node.emitUnsupported("an input of rank other than 4");
  if (!inputType.hasStaticShape() || !filterType.hasStaticShape() || !offsetType.hasStaticShape())
    return node.emitUnsupported("a dynamic shape");
  Window window = getWindow(node, 2, getFilterKernel(node, filter, 2));
  int64_t group = getGroup(node);
  int64_t offsetGroups = node.getInt("offset_group", 1);
  if (node.failed())
    return failure();
  auto in = inputType.getShape();
  int64_t batch = in[0], channels = in[1], height = in[2], width = in[3];
  int64_t out = filterType.getShape()[0];
  int64_t outHeight = offsetType.getShape()[2];
  int64_t outWidth = offsetType.getShape()[3];
  int64_t kernelWidth = window.kernel[1];
  int64_t taps = window.kernel[0] * kernelWidth;
  int64_t positions = outHeight * outWidth;
  if (offsetGroups < 1 || channels % offsetGroups || channels % group || out % group ||
      offsetType.getShape()[1] != offsetGroups * taps * 2)
    return node.emitError("the channels, 'group', 'offset_group' and the "
                          "offsets' shape don't fit together");
  Type elementType = inputType.getElementType();
  Type f32 = Float32Type::get(node.getContext());
  Type i64 = IntegerType::get(node.getContext(), 64);

  // Undisturbed coordinates of tap k at position l: 1 × 1 × K × L.
  auto baseType = RankedTensorType::get({1, 1, taps, positions}, f32);
  SmallVector<float> baseY, baseX;
  for (int64_t k = 0; k < taps; ++k)
    for (int64_t l = 0; l < positions; ++l) {
      baseY.push_back(l / outWidth * window.strides[0] - window.pads[0] +
                      k / kernelWidth * window.dilations[0]);
      baseX.push_back(l % outWidth * window.strides[1] - window.pads[1] +
                      k % kernelWidth * window.dilations[1]);
    }
  Value offsets = node.cast(node.reshape(offset, {batch, offsetGroups, taps, 2, positions}), f32);
  auto coordinate = [&](ArrayRef<float> base, int64_t which) {
    Value moved = node.squeeze(node.slice(offsets, 3, which, which + 1), {3});
    return node.add(moved, node.constant(DenseElementsAttr::get(baseType, base)));
  };
  Value y = coordinate(baseY, 0), x = coordinate(baseX, 1);
  Value yFloor = node.create<nn::FloorOp>(y);
  Value xFloor = node.create<nn::FloorOp>(x);
  Value one = node.scalar(f32, 1), zero = node.scalar(f32, 0);

  // The four neighbours, each with its weight (zero outside the picture).
  Value picture =
      node.reshape(input, {batch, offsetGroups, channels / offsetGroups, height * width});
  Ints gathered = {batch, offsetGroups, channels / offsetGroups, taps * positions};
  Ints perColumn = {batch, offsetGroups, 1, taps * positions};
  Value columns;
  for (int64_t corner = 0; corner < 4; ++corner) {
    Value cy = corner / 2 ? node.add(yFloor, one) : yFloor;
    Value cx = corner % 2 ? node.add(xFloor, one) : xFloor;
    auto weightOf = [&](Value at, Value neighbour, int64_t size) {
      Value distance = node.create<nn::AbsOp>(node.sub(at, neighbour));
      Value last = node.scalar(f32, static_cast<double>(size - 1));
      Value inside =
          node.create<nn::AndOp>(node.compare(nn::ComparePredicate::ge, neighbour, zero),
                                 node.compare(nn::ComparePredicate::le, neighbour, last));
      return node.where(inside, node.sub(one, distance), zero);
    };
    auto clamp = [&](Value neighbour, int64_t size) {
      Value last = node.scalar(f32, static_cast<double>(size - 1));
      return node.cast(node.min(node.max(neighbour, zero), last), i64);
    };
    Value weight = node.mul(weightOf(y, cy, height), weightOf(x, cx, width));
    Value index =
        node.add(node.mul(clamp(cy, height), node.scalar(i64, static_cast<double>(width))),
                 clamp(cx, width));
    Value indices = node.broadcastTo(node.reshape(index, perColumn), node.indices(gathered));
    Value values = node.create<nn::GatherElementsOp>(picture, indices, 3);
    Value part = node.mul(values, node.cast(node.reshape(weight, perColumn), elementType));
    columns = columns ? node.add(columns, part) : part;
  }
  if (mask)
    columns = node.mul(columns, node.reshape(mask, perColumn));

  columns = node.reshape(columns, {batch, group, channels / group * taps, positions});
  Value weights = node.reshape(filter, {group, out / group, channels / group * taps});
  Value result = node.create<nn::MatMulOp>(weights, columns);
  result = node.reshape(result, {batch, out, outHeight, outWidth});
  if (bias)
    result = node.add(result, node.reshape(bias, {1, out, 1, 1}));
  return node.yield(result);
}

} // namespace

void sinter::onnx_import::registerConvolutionOperators(OperatorTable &table) {
  table.add("Conv", 1, buildConv, {2, 3});
  table.add("ConvTranspose", 1, buildConvTranspose, {2, 3});
  table.add("DeformConv", 19, buildDeformConv, {3, 5});
  table.add("Col2Im", 18, buildCol2Im, 3);
}
