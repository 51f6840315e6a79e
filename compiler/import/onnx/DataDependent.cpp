//===- DataDependent.cpp - results whose sizes depend on data -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

namespace {

void setOutputs(Node &node, ArrayRef<Value> results) {
  for (auto [index, result] : llvm::enumerate(results))
    if (node.hasOutput(index))
      node.setOutput(index, result);
}

/// `axis` as an optional attribute, normalized.
IntegerAttr findAxis(Node &node) {
  auto axis = node.findInt("axis");
  if (!axis)
    return {};
  return node.getBuilder().getI64IntegerAttr(node.normalizeAxis(*axis, node.getRank(0)));
}

/// k is an attribute in version 1; largest and sorted exist since 11.
LogicalResult buildTopK(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", -1), node.getRank(0));
  Value k;
  if (node.getOpset() < 10)
    k = node.indices({node.requireInt("k")});
  else if (node.hasInput(1))
    k = node.getInput(1);
  else
    (void)node.emitError("input 1 'K' is missing");
  bool largest = node.getFlag("largest", true);
  bool sorted = node.getFlag("sorted", true);
  if (node.failed())
    return failure();
  setOutputs(node, node.createAll<nn::TopKOp>(node.getInput(0), k, axis, largest, sorted));
  return node.status();
}

LogicalResult buildNonZero(Node &node) {
  return node.yield(node.create<nn::NonZeroOp>(node.getInput(0)));
}

LogicalResult buildCompress(Node &node) {
  IntegerAttr axis = findAxis(node);
  if (node.failed())
    return failure();
  Value condition = node.cast(node.getInput(1), IntegerType::get(node.getContext(), 1));
  return node.yield(node.create<nn::CompressOp>(node.getInput(0), condition, axis));
}

LogicalResult buildNonMaxSuppression(Node &node) {
  bool centerPoint = node.getFlag("center_point_box");
  for (unsigned i : {0, 1})
    if (node.getRank(i) != 3)
      return node.emitError("input " + Twine(i) + " has rank " + Twine(node.getRank(i)) +
                            "; expected 3");
  OpBuilder &builder = node.getBuilder();
  Value limit = node.hasInput(2) ? node.getInput(2) : node.scalar(builder.getI64Type(), 0);
  Value overlap = node.hasInput(3) ? node.getInput(3) : node.scalar(builder.getF32Type(), 0);
  return node.yield(node.create<nn::NonMaxSuppressionOp>(node.getInput(0), node.getInput(1), limit,
                                                         overlap, node.getInput(4), centerPoint));
}

LogicalResult buildUnique(Node &node) {
  IntegerAttr axis = findAxis(node);
  bool sorted = node.getFlag("sorted", true);
  if (node.failed())
    return failure();
  setOutputs(node, node.createAll<nn::UniqueOp>(node.getInput(0), axis, sorted));
  return node.status();
}

} // namespace

void sinter::onnx_import::registerDataDependentOperators(OperatorTable &table) {
  table.add("TopK", 1, buildTopK, {1, 2}, 2);
  table.add("NonZero", 9, buildNonZero, 1);
  table.add("Compress", 9, buildCompress, 2);
  table.add("NonMaxSuppression", 10, buildNonMaxSuppression, {2, 5});
  table.add("Unique", 11, buildUnique, 1, 4);
}
