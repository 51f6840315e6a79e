//===- Normalization.cpp - normalizations as ONNX -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/OpWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

static Attributes epsilonOf(const APFloat &epsilon) {
  return Attributes().setFloat("epsilon", epsilon.convertToDouble());
}

static LogicalResult writeBatchNorm(OpWriter &writer, nn::BatchNormOp op) {
  if (op.getDataLayout() != nn::DataLayout::channels_first)
    return writer.refuse("its layout is not ONNX's");
  return writer.yield(
      {writer.node("BatchNormalization", writer.operands(), epsilonOf(op.getEpsilon()))});
}

static LogicalResult writeInstanceNorm(OpWriter &writer, nn::InstanceNormOp op) {
  return writer.yield(
      {writer.node("InstanceNormalization", writer.operands(), epsilonOf(op.getEpsilon()))});
}

static LogicalResult writeLayerNorm(OpWriter &writer, nn::LayerNormOp op) {
  return writer.yield({writer.node("LayerNormalization", writer.operands(),
                                   epsilonOf(op.getEpsilon()).set("axis", op.getAxis()))});
}

static LogicalResult writeLRN(OpWriter &writer, nn::LRNOp op) {
  if (op.getDataLayout() != nn::DataLayout::channels_first)
    return writer.refuse("its layout is not ONNX's");
  return writer.yield({writer.node("LRN", writer.operands(),
                                   Attributes()
                                       .setFloat("alpha", op.getAlpha().convertToDouble())
                                       .setFloat("beta", op.getBeta().convertToDouble())
                                       .setFloat("bias", op.getBias().convertToDouble())
                                       .set("size", op.getSize()))});
}

void sinter::onnx_export::registerNormalizationWriters(WriterTable &table) {
  table.add(writeBatchNorm);
  table.add(writeInstanceNorm);
  table.add(writeLayerNorm);
  table.add(writeLRN);
}
