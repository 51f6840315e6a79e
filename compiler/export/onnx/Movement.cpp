//===- Movement.cpp - ops that move or shape data as ONNX -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/OpWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

//===----------------------------------------------------------------------===//
// Same bytes, other shape
//===----------------------------------------------------------------------===//

static LogicalResult writeReshape(OpWriter &writer, nn::ReshapeOp op) {
  Attributes attributes;
  if (op.getAllowzero())
    attributes.set("allowzero", int64_t(1));
  return writer.yield({writer.node(
      "Reshape", {writer.operand(op.getInput()), writer.indices(op.getShape())}, attributes)});
}

static LogicalResult writeFlatten(OpWriter &writer, nn::FlattenOp op) {
  return writer.yield(
      {writer.node("Flatten", writer.operands(), Attributes().set("axis", op.getAxis()))});
}

template <typename Op>
static LogicalResult writeUnitDims(OpWriter &writer, Op op) {
  StringRef type = std::is_same_v<Op, nn::SqueezeOp> ? "Squeeze" : "Unsqueeze";
  return writer.yield(
      {writer.node(type, {writer.operand(op.getInput()), writer.indices(op.getAxes())})});
}

//===----------------------------------------------------------------------===//
// Index maps
//===----------------------------------------------------------------------===//

static LogicalResult writeTranspose(OpWriter &writer, nn::TransposeOp op) {
  return writer.yield({writer.transpose(writer.operand(op.getInput()), op.getPermutation())});
}

static LogicalResult writeConcat(OpWriter &writer, nn::ConcatOp op) {
  return writer.yield(
      {writer.node("Concat", writer.operands(), Attributes().set("axis", op.getAxis()))});
}

static LogicalResult writeSlice(OpWriter &writer, nn::SliceOp op) {
  return writer.yield(
      {writer.node("Slice", {writer.operand(op.getInput()), writer.indices(op.getStarts()),
                             writer.indices(op.getEnds()), writer.indices(op.getAxes()),
                             writer.indices(op.getSteps())})});
}

static LogicalResult writePad(OpWriter &writer, nn::PadOp op) {
  if (op.getMode() == nn::PadMode::wrap)
    return writer.refuse("opset 17 has no mode 'wrap'");
  return writer.yield({writer.node(
      "Pad",
      {writer.operand(op.getInput()), writer.indices(op.getPads()), writer.operand(op.getValue())},
      Attributes().set("mode", stringifyPadMode(op.getMode())))});
}

static LogicalResult writeExpand(OpWriter &writer, nn::ExpandOp op) {
  return writer.yield(
      {writer.node("Expand", {writer.operand(op.getInput()), writer.indices(op.getShape())})});
}

static LogicalResult writeTile(OpWriter &writer, nn::TileOp op) {
  return writer.yield(
      {writer.node("Tile", {writer.operand(op.getInput()), writer.indices(op.getRepeats())})});
}

template <typename Op>
static LogicalResult writeGather(OpWriter &writer, Op op) {
  StringRef type = std::is_same_v<Op, nn::GatherOp> ? "Gather" : "GatherElements";
  return writer.yield(
      {writer.node(type, writer.operands(), Attributes().set("axis", op.getAxis()))});
}

static LogicalResult writeGatherND(OpWriter &writer, nn::GatherNDOp op) {
  return writer.yield(
      {writer.node("GatherND", {writer.operand(op.getInput()), writer.indices(op.getIndices())},
                   Attributes().set("batch_dims", op.getBatchDims()))});
}

template <typename Op>
static LogicalResult writeScatter(OpWriter &writer, Op op) {
  nn::ScatterReduction reduction = op.getReduction();
  if (reduction == nn::ScatterReduction::max || reduction == nn::ScatterReduction::min)
    return writer.refuse("opset 17 scatters sums and products only");
  Attributes attributes;
  if constexpr (std::is_same_v<Op, nn::ScatterElementsOp>)
    attributes.set("axis", op.getAxis());
  attributes.set("reduction", stringifyScatterReduction(reduction));
  StringRef type = std::is_same_v<Op, nn::ScatterNDOp> ? "ScatterND" : "ScatterElements";
  return writer.yield({writer.node(type,
                                   {writer.operand(op.getInput()), writer.indices(op.getIndices()),
                                    writer.operand(op.getUpdates())},
                                   attributes)});
}

static LogicalResult writeTrilu(OpWriter &writer, nn::TriluOp op) {
  return writer.yield(
      {writer.node("Trilu", {writer.operand(op.getInput()), writer.indices(op.getK())},
                   Attributes().set("upper", int64_t(op.getUpper())))});
}

static LogicalResult writeReverseSequence(OpWriter &writer, nn::ReverseSequenceOp op) {
  return writer.yield({writer.node(
      "ReverseSequence", {writer.operand(op.getInput()), writer.indices(op.getSequenceLengths())},
      Attributes().set("time_axis", op.getTimeAxis()).set("batch_axis", op.getBatchAxis()))});
}

static LogicalResult writeDepthToSpace(OpWriter &writer, nn::DepthToSpaceOp op) {
  return writer.yield({writer.node("DepthToSpace", writer.operands(),
                                   Attributes()
                                       .set("blocksize", op.getBlocksize())
                                       .set("mode", stringifyDepthMode(op.getMode())))});
}

static LogicalResult writeSpaceToDepth(OpWriter &writer, nn::SpaceToDepthOp op) {
  return writer.yield({writer.node("SpaceToDepth", writer.operands(),
                                   Attributes().set("blocksize", op.getBlocksize()))});
}

//===----------------------------------------------------------------------===//
// Making data
//===----------------------------------------------------------------------===//

static LogicalResult writeShapeOf(OpWriter &writer, nn::ShapeOfOp op) {
  return writer.yield(
      {writer.node("Shape", writer.operands(),
                   Attributes().set("start", op.getStart()).set("end", op.getEnd()))});
}

static LogicalResult writeEye(OpWriter &writer, nn::EyeOp op) {
  return writer.yield(
      {writer.node("EyeLike", writer.operands(),
                   Attributes()
                       .set("k", op.getK())
                       .set("dtype", int64_t(nn::getElementTypeNumber(op.getTo()))))});
}

static LogicalResult writeOneHot(OpWriter &writer, nn::OneHotOp op) {
  return writer.yield(
      {writer.node("OneHot", writer.operands(), Attributes().set("axis", op.getAxis()))});
}

void sinter::onnx_export::registerMovementWriters(WriterTable &table) {
  table.add(writeReshape);
  table.add(writeFlatten);
  table.add(writeUnitDims<nn::SqueezeOp>);
  table.add(writeUnitDims<nn::UnsqueezeOp>);
  table.add(writeTranspose);
  table.add(writeConcat);
  table.add(writeSlice);
  table.add(writePad);
  table.add(writeExpand);
  table.add(writeTile);
  table.add(writeGather<nn::GatherOp>);
  table.add(writeGather<nn::GatherElementsOp>);
  table.add(writeGatherND);
  table.add(writeScatter<nn::ScatterElementsOp>);
  table.add(writeScatter<nn::ScatterNDOp>);
  table.add(writeTrilu);
  table.add(writeReverseSequence);
  table.add(writeDepthToSpace);
  table.add(writeSpaceToDepth);
  table.add(writeShapeOf);
  table.addPlain<nn::SizeOfOp>("Size");
  table.addPlain<nn::RangeOp>("Range");
  table.add(writeEye);
  table.add(writeOneHot);
}
