//===- VerifyControl.cpp - verifiers of regions and of nn.resize ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

// Reports where the types that `what` gives don't fit the expected ones.
static LogicalResult expectTypes(Operation *op, const Twine &what, TypeRange given,
                                 TypeRange expected) {
  if (given.size() != expected.size())
    return op->emitOpError() << what << " gives " << given.size() << " values, expected "
                             << expected.size();
  for (auto [index, type, wanted] : llvm::enumerate(given, expected))
    if (!areCompatibleTypes(type, wanted))
      return op->emitOpError() << what << " gives " << type << " as value " << index
                               << ", expected " << wanted;
  return success();
}

LogicalResult IfOp::verify() {
  auto condition = cast<RankedTensorType>(getCondition().getType());
  if (condition.hasStaticShape() && condition.getNumElements() != 1)
    return emitOpError() << "condition should have one element, but is " << condition;
  auto check = [&](Region &region, StringRef name) {
    auto yield = cast<YieldOp>(region.front().getTerminator());
    return expectTypes(*this, name, yield->getOperandTypes(), getResultTypes());
  };
  if (failed(check(getThenRegion(), "the first region")))
    return failure();
  return check(getElseRegion(), "the second region");
}

LogicalResult LoopOp::verify() {
  Block &body = getBody().front();
  size_t carried = getInits().size();
  if (body.getNumArguments() != carried + 2)
    return emitOpError() << "body has " << body.getNumArguments() << " arguments, expected "
                         << carried + 2 << ": iteration, condition, then the carried values";
  auto iteration = RankedTensorType::get({}, IntegerType::get(getContext(), 64));
  auto isOne = [](Type type, unsigned width) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getElementType().isSignlessInteger(width) &&
           (!tensor.hasStaticShape() || tensor.getNumElements() == 1);
  };
  if (!isOne(body.getArgument(0).getType(), 64))
    return emitOpError() << "body argument 0 (the iteration) should be " << iteration;
  if (!isOne(body.getArgument(1).getType(), 1))
    return emitOpError() << "body argument 1 (the condition) should be tensor<i1>";
  TypeRange arguments = TypeRange(body.getArgumentTypes()).drop_front(2);
  if (failed(expectTypes(*this, "the operand list", getInits().getTypes(), arguments)))
    return failure();

  auto yield = cast<YieldOp>(body.getTerminator());
  if (yield.getNumOperands() != getNumResults() + 1)
    return emitOpError() << "body yields " << yield.getNumOperands() << " values, expected "
                         << getNumResults() + 1 << ": the condition, the carried values, the scans";
  if (getNumResults() < carried)
    return emitOpError() << "has " << getNumResults() << " results for " << carried
                         << " carried values";
  if (!isOne(yield.getOperand(0).getType(), 1))
    return emitOpError() << "body should yield a condition tensor<i1> first";
  TypeRange yielded = TypeRange(yield->getOperandTypes()).drop_front(1);
  if (failed(expectTypes(*this, "the body", yielded.take_front(carried), arguments)) ||
      failed(expectTypes(*this, "the body", yielded.take_front(carried),
                         TypeRange(getResultTypes()).take_front(carried))))
    return failure();

  // Scans are stacked along a new dim 0.
  for (size_t i = carried; i < getNumResults(); ++i) {
    auto element = cast<RankedTensorType>(yielded[i]);
    SmallVector<int64_t> shape{ShapedType::kDynamic};
    llvm::append_range(shape, element.getShape());
    if (failed(expectTypes(*this, "stacking scan " + Twine(i - carried),
                           RankedTensorType::get(shape, element.getElementType()),
                           getResultTypes()[i])))
      return failure();
  }
  return success();
}

LogicalResult FusedOp::verify() {
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  return expectTypes(*this, "the region", yield->getOperandTypes(), getResultTypes());
}

LogicalResult ResizeOp::verify() {
  if (!getScales() == !getSizes())
    return emitOpError("expects exactly one of 'scales' and 'sizes'");
  if (getCoordinateMode() == CoordinateMode::tf_crop_and_resize) {
    if (!getRoi())
      return emitOpError("tf_crop_and_resize needs operand 'roi'");
    auto roi = cast<RankedTensorType>(getRoi().getType());
    if (roi.hasStaticShape() && roi.getNumElements() != static_cast<int64_t>(2 * getAxes().size()))
      return emitOpError() << "operand 'roi' has " << roi.getNumElements() << " elements, expected "
                           << 2 * getAxes().size();
  }
  return success();
}

LogicalResult GradientOp::verify() {
  if (getOutputs().empty())
    return emitOpError("has no outputs to differentiate");
  if (!getCotangents().empty() &&
      failed(expectTypes(*this, "the list of cotangents", getCotangents().getTypes(),
                         getOutputs().getTypes())))
    return failure();
  return expectTypes(*this, "the list of results", getResultTypes(), getInputs().getTypes());
}
