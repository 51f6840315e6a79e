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

/// The pads of a dilated window that keeps the size, which ONNX Runtime does not take by their
/// rule. Nothing if they depend on the picture's size.
static std::optional<SmallVector<int64_t>> getDilatedPads(nn::ConvOp op) {
  ArrayRef<int64_t> window = op.getFilter().getType().getShape().drop_front(2);
  if (llvm::any_of(op.getStrides(), [](int64_t stride) { return stride != 1; }) ||
      llvm::any_of(window, ShapedType::isDynamic))
    return std::nullopt;
  SmallVector<int64_t> pads(2 * window.size());
  for (auto [i, size] : llvm::enumerate(window)) {
    int64_t total = (size - 1) * op.getDilations()[i], less = total / 2;
    bool moreAtEnd = op.getAutoPad() == nn::AutoPad::same_upper;
    pads[i] = moreAtEnd ? less : total - less;
    pads[window.size() + i] = total - pads[i];
  }
  return pads;
}

static LogicalResult writeConv(OpWriter &writer, nn::ConvOp op) {
  if (op.getDataLayout() != nn::DataLayout::channels_first || op.getFilterBlock() != 0)
    return writer.refuse("its layout is not ONNX's");
  Attributes attributes;
  bool isSame =
      op.getAutoPad() == nn::AutoPad::same_upper || op.getAutoPad() == nn::AutoPad::same_lower;
  if (isSame && llvm::any_of(op.getDilations(), [](int64_t each) { return each != 1; })) {
    auto pads = getDilatedPads(op);
    if (!pads)
      return writer.refuse(
          "ONNX Runtime has no rule for the pads of a dilated window with strides");
    attributes.set("pads", *pads);
  } else {
    setPadding(attributes, op);
  }
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
