//===- HostOpaque.cpp - ops that the runtime's kernels carry out ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the size of a result depends on data, a first call counts and a second
// call fills: no upper bounds are allocated.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/nn-to-kernel/HostBuilder.h"

using namespace mlir;
using namespace sinter;

// The ONNX element types of arrays: inputs, then outputs.
static SmallVector<int32_t> dtypesOf(ValueRange inputs, ValueRange results) {
  SmallVector<int32_t> dtypes;
  for (ValueRange values : {inputs, results})
    for (Value value : values)
      dtypes.push_back(nn::getElementTypeNumber(getElementTypeOrSelf(value.getType())));
  return dtypes;
}

LogicalResult HostBuilder::buildOpaque(Operation *op) {
  auto call = [&](StringRef name, ArrayRef<int64_t> params) {
    SmallVector<Value> inputs, inits;
    for (Value operand : op->getOperands())
      inputs.push_back(get(operand));
    for (Value result : op->getResults())
      inits.push_back(empty(result));
    auto results =
        runtimeCall(name, op, inputs, inits, params, dtypesOf(op->getOperands(), op->getResults()));
    for (auto [result, host] : llvm::zip(op->getResults(), results))
      set(result, host);
    return success();
  };
  if (auto scatter = dyn_cast<nn::ScatterElementsOp>(op))
    return call("scatter_elements",
                {scatter.getAxis(), static_cast<int64_t>(scatter.getReduction())});
  if (auto scatter = dyn_cast<nn::ScatterNDOp>(op))
    return call("scatter_nd", {static_cast<int64_t>(scatter.getReduction())});
  if (auto cumulative = dyn_cast<nn::CumulativeOp>(op))
    return call("cumulative", {static_cast<int64_t>(cumulative.getKind()), cumulative.getAxis(),
                               cumulative.getExclusive(), cumulative.getReverse()});
  if (isa<nn::DetOp>(op))
    return call("det", {});
  if (auto unpool = dyn_cast<nn::MaxUnpoolOp>(op)) {
    // The indices count in the shape that the pooling's attributes give.
    SmallVector<int64_t> params{static_cast<int64_t>(unpool.getKernelShape().size())};
    llvm::append_range(params, unpool.getKernelShape());
    llvm::append_range(params, unpool.getStrides());
    llvm::append_range(params, unpool.getPads());
    SmallVector<Value> inputs{get(unpool.getInput()), get(unpool.getIndices())};
    Value init = empty(unpool.getOutput());
    auto results =
        runtimeCall("max_unpool", op, inputs, {init}, params,
                    dtypesOf({unpool.getInput(), unpool.getIndices()}, op->getResults()));
    set(unpool.getOutput(), results[0]);
    return success();
  }
  if (auto top = dyn_cast<nn::TopKOp>(op)) {
    // The runtime takes k from the results' size along the axis.
    SmallVector<Value> inits{empty(top.getValues()), empty(top.getIndices())};
    auto results = runtimeCall("top_k", op, {get(top.getInput())}, inits,
                               {top.getAxis(), -1, top.getLargest(), top.getSorted()},
                               dtypesOf(top.getInput(), op->getResults()));
    set(top.getValues(), results[0]);
    set(top.getIndices(), results[1]);
    return success();
  }
  auto scalarType = RankedTensorType::get({}, builder.getI64Type());
  if (auto nonzero = dyn_cast<nn::NonZeroOp>(op)) {
    int32_t dtype = nn::getElementTypeNumber(getElementTypeOrSelf(nonzero.getInput().getType()));
    Value input = get(nonzero.getInput());
    Value count =
        runtimeCall("count_nonzero", op, {input}, {empty(scalarType, {})}, {}, {dtype, 7})[0];
    RankedTensorType type = hostType(nonzero.getType());
    SmallVector<Value> dims;
    if (type.isDynamicDim(1))
      dims.push_back(scalarIndex(count));
    set(nonzero, runtimeCall("nonzero", op, {input}, {empty(type, dims)}, {}, {dtype, 7})[0]);
    return success();
  }
  if (auto compress = dyn_cast<nn::CompressOp>(op))
    return buildCompress(compress);
  if (auto unique = dyn_cast<nn::UniqueOp>(op))
    return buildUnique(unique);
  if (auto nms = dyn_cast<nn::NonMaxSuppressionOp>(op))
    return buildNonMaxSuppression(nms);
  return op->emitOpError("has no lowering; run nn-decompose first");
}

LogicalResult HostBuilder::buildCompress(nn::CompressOp op) {
  auto scalarType = RankedTensorType::get({}, builder.getI64Type());
  Value input = get(op.getInput()), condition = get(op.getCondition());
  Value count = runtimeCall("count_true", op, {condition}, {empty(scalarType, {})}, {}, {9, 7})[0];
  RankedTensorType type = hostType(op.getType());
  int64_t axis = op.getAxis().value_or(0);
  nn::SymbolicShape shape = analysis.shape(op.getInput());
  SmallVector<Value> dims;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (type.isDynamicDim(d))
      dims.push_back(d == axis ? scalarIndex(count) : index(shape[d]));
  set(op, runtimeCall("compress", op, {input, condition}, {empty(type, dims)},
                      {op.getAxis().has_value(), axis},
                      dtypesOf({op.getInput(), op.getCondition()}, op->getResults()))[0]);
  return success();
}

LogicalResult HostBuilder::buildUnique(nn::UniqueOp op) {
  auto scalarType = RankedTensorType::get({}, builder.getI64Type());
  Value input = get(op.getInput());
  int32_t dtype = nn::getElementTypeNumber(getElementTypeOrSelf(op.getInput().getType()));
  SmallVector<int64_t> params{op.getAxis().has_value(), op.getAxis().value_or(0), op.getSorted()};
  Value count =
      runtimeCall("unique_count", op, {input}, {empty(scalarType, {})}, params, {dtype, 7})[0];
  Value size = scalarIndex(count);
  int64_t axis = op.getAxis().value_or(0);
  nn::SymbolicShape shape = analysis.shape(op.getInput());
  auto init = [&](Value result, bool inverse) {
    RankedTensorType type = hostType(result.getType());
    SmallVector<Value> dims;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d)) {
        if (inverse)
          dims.push_back(index(op.getAxis() ? shape[axis] : analysis.product(shape)));
        else if (type.getRank() == 1 || d == axis)
          dims.push_back(size);
        else
          dims.push_back(index(shape[d]));
      }
    return empty(type, dims);
  };
  SmallVector<Value> inits{init(op.getOutput(), false), init(op.getIndices(), false),
                           init(op.getInverseIndices(), true), init(op.getCounts(), false)};
  auto results =
      runtimeCall("unique", op, {input}, inits, params, dtypesOf(op.getInput(), op->getResults()));
  for (auto [result, host] : llvm::zip(op->getResults(), results))
    set(result, host);
  return success();
}

LogicalResult HostBuilder::buildNonMaxSuppression(nn::NonMaxSuppressionOp op) {
  auto scalarType = RankedTensorType::get({}, builder.getI64Type());
  auto f32Type = RankedTensorType::get({}, builder.getF32Type());
  auto constant = [&](RankedTensorType type, Attribute value) -> Value {
    return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, value));
  };
  // ONNX's defaults: no boxes, threshold 0, no score threshold.
  Value maxBoxes = op.getMaxOutputBoxesPerClass()
                       ? get(op.getMaxOutputBoxesPerClass())
                       : constant(scalarType, builder.getI64IntegerAttr(0));
  Value iou = op.getIouThreshold() ? get(op.getIouThreshold())
                                   : constant(f32Type, builder.getF32FloatAttr(0));
  Value score = op.getScoreThreshold() ? get(op.getScoreThreshold())
                                       : constant(f32Type, builder.getF32FloatAttr(0));
  SmallVector<Value> inputs{get(op.getBoxes()), get(op.getScores()), maxBoxes, iou, score};
  SmallVector<int32_t> dtypes{1, 1, 7, 1, 1, 7};
  SmallVector<int64_t> params{op.getCenterPointBox(), static_cast<bool>(op.getScoreThreshold())};
  Value count = runtimeCall("nms_count", op, inputs, {empty(scalarType, {})}, params, dtypes)[0];
  RankedTensorType type = hostType(op.getType());
  SmallVector<Value> dims;
  if (type.isDynamicDim(0))
    dims.push_back(scalarIndex(count));
  set(op, runtimeCall("nms", op, inputs, {empty(type, dims)}, params, dtypes)[0]);
  return success();
}
