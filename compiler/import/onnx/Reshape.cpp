//===- Reshape.cpp - reshape, flatten, squeeze, unsqueeze -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/AxesMask.h"
#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

static LogicalResult buildReshape(Node &node) {
  Value shape;
  if (node.getOpset() < 5)
    shape = node.indices(node.requireInts("shape"));
  else if (node.hasInput(1))
    shape = node.shapeOperand(1);
  else
    return node.emitError("input 1 'shape' is missing");
  if (node.failed())
    return failure();
  return node.yield(node.create<nn::ReshapeOp>(node.getInput(0), shape, node.getFlag("allowzero")));
}

static LogicalResult buildFlatten(Node &node) {
  int64_t rank = node.getRank(0), axis = node.getInt("axis", 1);
  // The axis may also stand behind the last dim.
  if (axis != rank)
    axis = node.normalizeAxis(axis, std::max<int64_t>(rank, 1));
  return node.yield(node.create<nn::FlattenOp>(node.getInput(0), axis));
}

static LogicalResult buildSqueeze(Node &node) {
  Value x = node.getInput(0);
  int64_t rank = node.getRank(0);
  std::optional<Node::Ints> axes;
  if (node.getOpset() < 13) {
    axes = node.findInts("axes");
  } else if (node.hasInput(1)) {
    axes = node.getConstantInts(node.getInput(1));
    if (!axes) {
      std::optional<AxesMask> mask = AxesMask::create(node, 1, rank);
      if (!mask)
        return failure();
      return node.yield(node.create<nn::ReshapeOp>(x, mask->dropMarked(node, node.shapeOf(x))));
    }
  }
  if (!axes) {
    // All dims of size 1. A dynamic dim may be 1 at run time, but the rank of
    // the result can't wait for that: it stays, unless the model's own
    // declaration speaks against it.
    axes.emplace();
    for (auto [index, dim] : llvm::enumerate(node.getInputType(0).getShape()))
      if (dim == 1)
        axes->push_back(index);
    auto declared = node.getDeclaredOutputType(0);
    if (declared && !node.getInputType(0).hasStaticShape() &&
        declared.getRank() != rank - int64_t(axes->size()))
      return node.emitUnsupported("a Squeeze without axes of a tensor whose dynamic dims may be 1");
  }
  return node.yield(node.squeeze(x, node.normalizeAxes(*axes, rank)));
}

static LogicalResult buildUnsqueeze(Node &node) {
  Value x = node.getInput(0);
  int64_t rank = node.getRank(0);
  Node::Ints axes;
  if (node.getOpset() < 13) {
    axes = node.requireInts("axes");
  } else {
    if (!node.hasInput(1))
      return node.emitError("input 1 'axes' is missing");
    auto known = node.getConstantInts(node.getInput(1));
    if (!known) {
      auto type = node.getInputType(1);
      int64_t count = type.getRank() ? type.getDimSize(0) : 1;
      if (ShapedType::isDynamic(count))
        return node.emitUnsupported("an unknown number of new dims");
      std::optional<AxesMask> mask = AxesMask::create(node, 1, rank + count);
      if (!mask)
        return failure();
      return node.yield(
          node.create<nn::ReshapeOp>(x, mask->insertOnes(node, node.shapeOf(x), rank)));
    }
    axes = *known;
  }
  axes = node.normalizeAxes(axes, rank + axes.size());
  if (node.failed())
    return failure();
  return node.yield(node.unsqueeze(x, axes));
}

void sinter::onnx_import::registerReshapeOperators(OperatorTable &table) {
  table.add("Reshape", 1, buildReshape, {1, 2});
  table.add("Flatten", 1, buildFlatten, 1);
  table.add("Squeeze", 1, buildSqueeze, {1, 2});
  table.add("Unsqueeze", 1, buildUnsqueeze, {1, 2});
}
