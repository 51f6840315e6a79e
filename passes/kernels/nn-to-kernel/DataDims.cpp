//===- DataDims.cpp - dims that follow from float data --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/DataDims.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/nn-to-kernel/LowerScalar.h"

using namespace mlir;
using namespace sinter;

namespace {
struct DimBuilder {
  OpBuilder &builder;
  Location loc;
  function_ref<Value(Value)> remap;

  Scalar wrap(Value value) { return Scalar(builder, loc, value); }
  Scalar dim(Value tensor, int64_t position) {
    return wrap(builder.createOrFold<tensor::DimOp>(loc, remap(tensor), position));
  }
  /// An element of a 0-D or 1-D tensor.
  Scalar element(Value tensor, int64_t position) {
    SmallVector<Value> indices;
    if (cast<RankedTensorType>(tensor.getType()).getRank() == 1)
      indices.push_back(arith::ConstantIndexOp::create(builder, loc, position));
    return wrap(tensor::ExtractOp::create(builder, loc, remap(tensor), indices));
  }
  Scalar toIndex(Scalar x) {
    if (x.isFloat())
      x = convert(x, builder.getI64Type());
    return convert(x, builder.getIndexType());
  }
};
} // namespace

// One size per dim that the data decides, null for the others.
static void buildDims(nn::RangeOp op, DimBuilder &b, MutableArrayRef<Scalar> dims) {
  Type type = b.builder.getF64Type();
  Scalar start = convert(b.element(op.getStart(), 0), type);
  Scalar limit = convert(b.element(op.getLimit(), 0), type);
  Scalar delta = convert(b.element(op.getDelta(), 0), type);
  Scalar count = ceil((limit - start) / delta);
  dims[0] = b.toIndex(max(count, count.like(0)));
}

static void buildDims(nn::OneHotOp op, DimBuilder &b, MutableArrayRef<Scalar> dims) {
  dims[op.getAxis()] = b.toIndex(b.element(op.getDepth(), 0));
}

static void buildDims(nn::ResizeOp op, DimBuilder &b, MutableArrayRef<Scalar> dims) {
  Type type = b.builder.getF32Type(), wide = b.builder.getF64Type();
  Scalar common;
  if (op.getSizes()) {
    for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
      Scalar scale =
          convert(b.element(op.getSizes(), i), wide) / convert(b.dim(op.getInput(), axis), wide);
      if (!common)
        common = scale;
      else
        common = op.getAspectRatio() == nn::AspectRatio::not_larger ? min(common, scale)
                                                                    : max(common, scale);
    }
  }
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    Scalar input = b.dim(op.getInput(), axis);
    Scalar size = common
                      ? floor(common * convert(input, wide) + 0.5)
                      : floor(convert(input, type) * convert(b.element(op.getScales(), i), type));
    dims[axis] = b.toIndex(size);
  }
}

Value sinter::buildDataShape(OpBuilder &builder, OpResult result,
                             function_ref<Value(Value)> remap) {
  Operation *op = result.getOwner();
  auto type = cast<RankedTensorType>(result.getType());
  DimBuilder b{builder, op->getLoc(), remap};
  SmallVector<Scalar> dims(type.getRank());
  if (auto range = dyn_cast<nn::RangeOp>(op))
    buildDims(range, b, dims);
  else if (auto oneHot = dyn_cast<nn::OneHotOp>(op))
    buildDims(oneHot, b, dims);
  else if (auto resize = dyn_cast<nn::ResizeOp>(op))
    buildDims(resize, b, dims);
  else
    return {};

  // Dims that the data doesn't decide are not asked for.
  SmallVector<Value> sizes;
  SmallVector<int64_t> shape(type.getShape());
  for (auto [dim, size] : llvm::zip(shape, dims)) {
    if (!ShapedType::isDynamic(dim))
      continue;
    if (size)
      sizes.push_back(size.get());
    else
      dim = 1;
  }
  return tensor::EmptyOp::create(
      builder, op->getLoc(),
      RankedTensorType::get(shape, nn::getSignlessType(type.getElementType())), sizes);
}
