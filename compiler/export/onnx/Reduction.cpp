//===- Reduction.cpp - reductions as ONNX ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/OpWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

// In opset 17 the axes of a sum are an operand, and those of the others an attribute.
static Name reduce(OpWriter &writer, nn::ReduceKind kind, const Name &x, ArrayRef<int64_t> axes,
                   bool keepdims) {
  static const char *const types[] = {
      "ReduceSum", "ReduceMean", "ReduceMax",       "ReduceMin",    "ReduceProd",
      "ReduceL1",  "ReduceL2",   "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"};
  StringRef type = types[static_cast<unsigned>(kind)];
  Attributes attributes;
  attributes.set("keepdims", int64_t(keepdims));
  if (kind == nn::ReduceKind::sum)
    return writer.node(type, {x, writer.indices(axes)}, attributes);
  return writer.node(type, {x}, attributes.set("axes", axes));
}

static LogicalResult writeReduce(OpWriter &writer, nn::ReduceOp op) {
  Name x = writer.operand(op.getInput());
  // Without axes ONNX reduces over all dims.
  if (op.getAxes().empty())
    return writer.refuse("it reduces over no dims");
  return writer.yield({reduce(writer, op.getKind(), x, op.getAxes(), op.getKeepdims())});
}

static LogicalResult writeArgReduce(OpWriter &writer, nn::ArgReduceOp op) {
  return writer.yield(
      {writer.node(op.getKind() == nn::ArgKind::max ? "ArgMax" : "ArgMin", writer.operands(),
                   Attributes()
                       .set("axis", op.getAxis())
                       .set("keepdims", int64_t(op.getKeepdims()))
                       .set("select_last_index", int64_t(op.getSelectLastIndex())))});
}

static LogicalResult writeCumulative(OpWriter &writer, nn::CumulativeOp op) {
  if (op.getKind() != nn::CumulativeKind::sum)
    return writer.refuse("opset 17 has running sums only");
  return writer.yield(
      {writer.node("CumSum", {writer.operand(op.getInput()), writer.index(op.getAxis())},
                   Attributes()
                       .set("exclusive", int64_t(op.getExclusive()))
                       .set("reverse", int64_t(op.getReverse())))});
}

// ONNX's softmax has one axis; over several it is written out.
static LogicalResult writeSoftmax(OpWriter &writer, nn::SoftmaxOp op) {
  if (op.getAxes().size() == 1)
    return writer.yield({writer.node(op.getLog() ? "LogSoftmax" : "Softmax", writer.operands(),
                                     Attributes().set("axis", op.getAxes().front()))});
  Name x = writer.operand(op.getInput());
  auto over = [&](nn::ReduceKind kind, const Name &of) {
    return reduce(writer, kind, of, op.getAxes(), /*keepdims=*/true);
  };
  Name shifted = writer.node("Sub", {x, over(nn::ReduceKind::max, x)});
  Name powers = writer.node("Exp", {shifted}), sum = over(nn::ReduceKind::sum, powers);
  return writer.yield({op.getLog() ? writer.node("Sub", {shifted, writer.node("Log", {sum})})
                                   : writer.node("Div", {powers, sum})});
}

static LogicalResult writeTopK(OpWriter &writer, nn::TopKOp op) {
  Name k = writer.node("Reshape", {writer.indices(op.getK()), writer.indices({1})});
  return writer.yield(writer.nodes("TopK", {writer.operand(op.getInput()), k}, 2,
                                   Attributes()
                                       .set("axis", op.getAxis())
                                       .set("largest", int64_t(op.getLargest()))
                                       .set("sorted", int64_t(op.getSorted()))));
}

void sinter::onnx_export::registerReductionWriters(WriterTable &table) {
  table.add(writeReduce);
  table.add(writeArgReduce);
  table.add(writeCumulative);
  table.add(writeSoftmax);
  table.add(writeTopK);
  table.addPlain<nn::NonZeroOp>("NonZero");
  table.addPlain<nn::DetOp>("Det");
}
