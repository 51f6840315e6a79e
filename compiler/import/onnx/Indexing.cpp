//===- Indexing.cpp - gather, scatter, one-hot ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

static int64_t getAxis(Node &node) {
  return node.normalizeAxis(node.getInt("axis", 0), node.getRank(0));
}

static LogicalResult buildGather(Node &node) {
  int64_t axis = getAxis(node);
  return node.yield(node.create<nn::GatherOp>(node.getInput(0), node.getInput(1), axis));
}

static LogicalResult buildGatherElements(Node &node) {
  int64_t axis = getAxis(node);
  return node.yield(node.create<nn::GatherElementsOp>(node.getInput(0), node.getInput(1), axis));
}

static LogicalResult buildGatherND(Node &node) {
  return node.yield(node.create<nn::GatherNDOp>(node.getInput(0), node.getInput(1),
                                                node.getInt("batch_dims", 0)));
}

static nn::ScatterReduction getReduction(Node &node) {
  return node.getEnum<nn::ScatterReduction>("reduction", "none",
                                            {{"none", nn::ScatterReduction::none},
                                             {"add", nn::ScatterReduction::add},
                                             {"mul", nn::ScatterReduction::mul},
                                             {"max", nn::ScatterReduction::max},
                                             {"min", nn::ScatterReduction::min}});
}

static LogicalResult checkUpdates(Node &node) {
  if (node.getElementType(0) != node.getElementType(2))
    return node.emitError("data and updates have different element types");
  return success();
}

static LogicalResult buildScatterElements(Node &node) {
  if (failed(checkUpdates(node)))
    return failure();
  int64_t axis = getAxis(node);
  return node.yield(node.create<nn::ScatterElementsOp>(node.getInput(0), node.getInput(1),
                                                       node.getInput(2), axis, getReduction(node)));
}

static LogicalResult buildScatterND(Node &node) {
  if (failed(checkUpdates(node)))
    return failure();
  return node.yield(node.create<nn::ScatterNDOp>(node.getInput(0), node.getInput(1),
                                                 node.getInput(2), getReduction(node)));
}

static LogicalResult buildOneHot(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", -1), node.getRank(0) + 1);
  return node.yield(node.create<nn::OneHotOp>(node.getInput(0), node.asScalar(node.getInput(1)),
                                              node.getInput(2), axis));
}

// TensorScatter (opset 24): writes `update` into a key or value cache from
// position write_indices[batch] along `axis`; circular mode wraps around.
static LogicalResult buildTensorScatter(Node &node) {
  if (node.getElementType(0) != node.getElementType(1))
    return node.emitError("past_cache and update have different element types");
  Value cache = node.getInput(0), update = node.getInput(1);
  int64_t rank = node.getRank(0);
  int64_t axis = node.normalizeAxis(node.getInt("axis", -2), rank);
  bool circular = node.getEnum<bool>("mode", "linear", {{"linear", false}, {"circular", true}});
  if (node.failed())
    return failure();
  Type i64 = node.getBuilder().getI64Type();
  // Positions 0 … length−1 along the axis, shifted per batch (dim 0).
  Value length = node.asScalar(node.dimOf(update, axis));
  Value position = node.create<nn::RangeOp>(node.scalar(i64, 0), length, node.scalar(i64, 1));
  Node::Ints others;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      others.push_back(i);
  position = node.unsqueeze(position, others);
  if (node.hasInput(2)) {
    Node::Ints behind = llvm::to_vector(llvm::seq<int64_t>(1, rank));
    position = node.add(position, node.unsqueeze(node.cast(node.getInput(2), i64), behind));
  }
  if (circular)
    position =
        node.create<nn::ModOp>(position, node.asScalar(node.dimOf(cache, axis)), /*fmod=*/false);
  Value indices = node.broadcastTo(position, node.shapeOf(update));
  return node.yield(
      node.create<nn::ScatterElementsOp>(cache, indices, update, axis, nn::ScatterReduction::none));
}

void sinter::onnx_import::registerIndexingOperators(OperatorTable &table) {
  table.add("Gather", 1, buildGather, 2);
  table.add("GatherElements", 11, buildGatherElements, 2);
  table.add("GatherND", 11, buildGatherND, 2);
  table.add("Scatter", 9, buildScatterElements, 3);
  table.add("ScatterElements", 11, buildScatterElements, 3);
  table.add("ScatterND", 11, buildScatterND, 3);
  table.add("OneHot", 9, buildOneHot, 3);
  table.add("TensorScatter", 24, buildTensorScatter, {2, 3});
}
