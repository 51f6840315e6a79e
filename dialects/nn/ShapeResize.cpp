//===- ShapeResize.cpp - the shape of nn.resize ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"
#include <cmath>

using namespace mlir;
using namespace sinter::nn;

// ⌊dim · scale⌋, in float as ONNX's own shape inference does it. For a dynamic
// dim the float stands for the nearest simple fraction (0.1f is 1/10), or for
// itself, a multiple of a power of two.
static AffineExpr scaleDim(ShapeContext &context, AffineExpr dim, float scale) {
  if (auto value = asConstant(dim))
    return context.constant(static_cast<int64_t>(std::floor(static_cast<float>(*value) * scale)));
  for (int64_t denominator = 1; denominator <= 1000; ++denominator) {
    int64_t numerator = std::llround(static_cast<double>(scale) * denominator);
    if (static_cast<float>(static_cast<double>(numerator) / denominator) != scale)
      continue;
    AffineExpr scaled = dim * numerator;
    return denominator == 1 ? scaled : scaled.floorDiv(denominator);
  }
  int exponent;
  auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(scale, &exponent), 24));
  int64_t shift = 24 - exponent;
  if (shift <= 0)
    return dim * (mantissa << std::min<int64_t>(-shift, 32));
  if (shift > 62)
    return context.constant(0);
  return (dim * mantissa).floorDiv(int64_t(1) << shift);
}

// Sizes under keep_aspect_ratio_policy: one scale for all axes.
static LogicalResult keepAspectRatio(ShapeContext &context, ResizeOp::Adaptor op,
                                     const SymbolicShape &sizes, SymbolicShape &shape) {
  bool notLarger = op.getAspectRatio() == AspectRatio::not_larger;
  SymbolicShape dims;
  std::optional<double> scale;
  bool isConstant = true;
  for (auto [axis, size] : llvm::zip(op.getAxes(), sizes)) {
    dims.push_back(shape[axis]);
    auto dim = asConstant(shape[axis]), wanted = asConstant(size);
    if (!dim || !wanted || *dim == 0) {
      isConstant = false;
      continue;
    }
    double ratio = static_cast<double>(*wanted) / *dim;
    scale = !scale ? ratio : notLarger ? std::min(*scale, ratio) : std::max(*scale, ratio);
  }
  for (auto [axis, dim] : llvm::zip(op.getAxes(), dims)) {
    shape[axis] =
        isConstant
            ? context.constant(static_cast<int64_t>(std::floor(*scale * *asConstant(dim) + 0.5)))
            : context.fittedDim(dim, sizes, dims, notLarger);
    if (!shape[axis])
      return failure();
  }
  return success();
}

LogicalResult ResizeOp::inferShapes(ShapeContext &context, Adaptor op,
                                    SmallVectorImpl<SymbolicShape> &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  ArrayRef<int64_t> axes = op.getAxes();
  for (int64_t axis : axes)
    if (axis < 0 || axis >= static_cast<int64_t>(result.size()))
      return context.emitError("resize: axis " + Twine(axis) + " is out of range for rank " +
                               Twine(result.size()));

  Value steering = op.getSizes() ? op.getSizes() : op.getScales();
  if (!steering)
    return context.emitError("resize: expected operand 'scales' or operand 'sizes'");
  SymbolicShape length = context.shape(steering);
  if (length.size() != 1 || differ(length[0], axes.size()))
    return context.emitError("resize: operand '" + Twine(op.getSizes() ? "sizes" : "scales") +
                             "' (" + printShape(length) + ") should have " + Twine(axes.size()) +
                             " elements, one per axis");

  bool isKnown = false;
  if (op.getSizes()) {
    auto sizes = context.contents(op.getSizes());
    if (sizes && op.getAspectRatio() == AspectRatio::stretch) {
      isKnown = true;
      for (auto [axis, size] : llvm::zip(axes, *sizes))
        result[axis] = size;
    } else if (sizes) {
      isKnown = succeeded(keepAspectRatio(context, op, *sizes, result));
    }
  } else if (auto scales = context.constantTensor(op.getScales())) {
    isKnown = true;
    for (auto [index, axis] : llvm::enumerate(axes)) {
      double scale = scales->getDouble(index);
      if (!(scale > 0))
        return context.emitError("resize: the scale of axis " + Twine(axis) + " is not positive");
      result[axis] = scaleDim(context, result[axis], scale);
    }
  }
  if (!isKnown && op.getScales())
    for (auto [index, axis] : llvm::enumerate(axes)) {
      result[axis] = context.scaledDim(result[axis], op.getScales(), index);
      isKnown = static_cast<bool>(result[axis]);
    }
  if (!isKnown)
    for (int64_t axis : axes)
      result[axis] = context.unknownDim(0, axis);
  shapes.push_back(result);
  return success();
}
