//===- Data.cpp - shapes, and data made from nothing ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

static LogicalResult buildShape(Node &node) {
  int64_t rank = node.getRank(0);
  auto clamp = [&](int64_t position) {
    position = position < 0 ? position + rank : position;
    return std::min(std::max<int64_t>(position, 0), rank);
  };
  int64_t start = clamp(node.getInt("start", 0));
  int64_t end = std::max(start, clamp(node.getInt("end", rank)));
  return node.yield(node.create<nn::ShapeOfOp>(node.getInput(0), start, end));
}

static LogicalResult buildSize(Node &node) {
  return node.yield(node.create<nn::SizeOfOp>(node.getInput(0)));
}

static LogicalResult buildRange(Node &node) {
  for (unsigned i = 1; i < 3; ++i)
    if (node.getElementType(i) != node.getElementType(0))
      return node.emitError("start, limit and delta have different element "
                            "types");
  return node.yield(node.create<nn::RangeOp>(node.asScalar(node.getInput(0)),
                                             node.asScalar(node.getInput(1)),
                                             node.asScalar(node.getInput(2))));
}

static LogicalResult buildConstantOfShape(Node &node) {
  ElementsAttr attribute = node.findTensor("value");
  Value value;
  if (attribute && attribute.getShapedType().getNumElements() != 1)
    return node.emitError("the attribute 'value' must have one element");
  if (attribute)
    value = node.asScalar(node.constant(attribute));
  else
    value = node.scalar(node.getBuilder().getF32Type(), 0);
  Value shape = node.shapeOperand(0);
  if (node.failed())
    return failure();
  auto dims = node.getConstantInts(shape);
  if (!dims)
    return node.yield(node.broadcastTo(value, shape));
  for (int64_t dim : *dims)
    if (dim < 0)
      return node.emitError("the shape has a negative dim: " + Twine(dim));
  if (dims->empty())
    return node.yield(value);
  // A splat takes no memory, however large it is.
  auto known = node.getConstant(value);
  if (!known)
    return node.yield(node.broadcastTo(value, shape));
  auto type = RankedTensorType::get(*dims, known->getElementType());
  unsigned width = known->getElementBytes();
  DenseElementsAttr splat =
      type.getElementType().isInteger(1)
          ? DenseElementsAttr::get(type, known->getInt(0) != 0)
          : DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(known->bytes(), width));
  return node.yield(node.constant(splat));
}

static LogicalResult buildEyeLike(Node &node) {
  Type type = node.getElementType(0);
  if (auto dtype = node.findInt("dtype"))
    type = node.getOnnxType(*dtype);
  return node.yield(node.create<nn::EyeOp>(node.getInput(0), node.getInt("k", 0), type));
}

static LogicalResult buildConstant(Node &node) {
  OpBuilder &b = node.getBuilder();
  auto list = [](int64_t size, Type type) { return RankedTensorType::get({size}, type); };
  auto scalar = [](Type type) { return RankedTensorType::get({}, type); };
  DenseElementsAttr value;
  if (node.hasAttribute("value")) {
    ElementsAttr tensor = node.findTensor("value");
    if (!tensor)
      return failure();
    return node.yield(node.constant(tensor));
  }
  if (auto x = node.findFloat("value_float")) {
    value = DenseElementsAttr::get(scalar(b.getF32Type()), float(*x));
  } else if (auto x = node.findInt("value_int")) {
    value = DenseElementsAttr::get(scalar(b.getI64Type()), *x);
  } else if (auto x = node.findFloats("value_floats")) {
    SmallVector<float> floats(x->begin(), x->end());
    value = DenseElementsAttr::get(list(x->size(), b.getF32Type()), ArrayRef<float>(floats));
  } else if (auto x = node.findInts("value_ints")) {
    value = DenseElementsAttr::get(list(x->size(), b.getI64Type()), ArrayRef<int64_t>(*x));
  } else if (node.failed()) {
    return failure();
  } else if (node.hasAttribute("sparse_value")) {
    return node.emitUnsupported("a sparse tensor");
  } else if (node.hasAttribute("value_string") || node.hasAttribute("value_strings")) {
    return node.emitUnsupported("the element type string");
  } else {
    return node.emitError("has no value");
  }
  return node.yield(node.constant(value));
}

void sinter::onnx_import::registerDataOperators(OperatorTable &table) {
  table.add("Shape", 1, buildShape, 1);
  table.add("Size", 1, buildSize, 1);
  table.add("Range", 11, buildRange, 3);
  table.add("ConstantOfShape", 9, buildConstantOfShape, 1);
  table.add("EyeLike", 9, buildEyeLike, 1);
  table.add("Constant", 1, buildConstant, 0);
}
