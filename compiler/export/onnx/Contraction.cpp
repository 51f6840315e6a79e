//===- Contraction.cpp - products and convolutions as ONNX ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/Padding.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

static Name swapLast(OpWriter &writer, Value value) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (rank > 1)
    std::swap(permutation[rank - 1], permutation[rank - 2]);
  return writer.transpose(writer.operand(value), permutation);
}

static LogicalResult writeMatMul(OpWriter &writer, nn::MatMulOp op) {
  if (op.getRhsBlock() != 0)
    return writer.refuse("its right-hand side is packed");
  Name lhs = op.getTransposeLhs() ? swapLast(writer, op.getLhs()) : writer.operand(op.getLhs());
  Name rhs = op.getTransposeRhs() ? swapLast(writer, op.getRhs()) : writer.operand(op.getRhs());
  return writer.yield({writer.node("MatMul", {lhs, rhs})});
}

static LogicalResult writeEinsum(OpWriter &writer, nn::EinsumOp op) {
  return writer.yield(
      {writer.node("Einsum", writer.operands(), Attributes().set("equation", op.getEquation()))});
}

static LogicalResult writeConv(OpWriter &writer, nn::ConvOp op) {
  if (op.getDataLayout() != nn::DataLayout::channels_first || op.getFilterBlock() != 0)
    return writer.refuse("its layout is not ONNX's");
  Attributes attributes;
  setPadding(attributes, op);
  attributes.set("strides", op.getStrides()).set("dilations", op.getDilations());
  return writer.yield(
      {writer.node("Conv", writer.operands(), attributes.set("group", op.getGroup()))});
}

static LogicalResult writeConvTranspose(OpWriter &writer, nn::ConvTransposeOp op) {
  Attributes attributes;
  setPadding(attributes, op);
  attributes.set("strides", op.getStrides()).set("dilations", op.getDilations());
  if (!op.getOutputPadding().empty())
    attributes.set("output_padding", op.getOutputPadding());
  if (!op.getOutputShape().empty())
    attributes.set("output_shape", op.getOutputShape());
  return writer.yield(
      {writer.node("ConvTranspose", writer.operands(), attributes.set("group", op.getGroup()))});
}

void sinter::onnx_export::registerContractionWriters(WriterTable &table) {
  table.add(writeMatMul);
  table.add(writeEinsum);
  table.add(writeConv);
  table.add(writeConvTranspose);
}
