//===- Window.cpp - pools as ONNX -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/Padding.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

static bool areOnes(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t value) { return value == 1; });
}

// What the pools share; `attributes` are the pool's own.
template <typename Op>
static LogicalResult writePool(OpWriter &writer, Op op, StringRef type, Attributes attributes) {
  if (op.getDataLayout() != nn::DataLayout::channels_first)
    return writer.refuse("its layout is not ONNX's");
  setPadding(attributes, op);
  attributes.set("kernel_shape", op.getKernelShape()).set("strides", op.getStrides());
  return writer.yield({writer.node(type, writer.operands(), attributes)});
}

static LogicalResult writeMaxPool(OpWriter &writer, nn::MaxPoolOp op) {
  return writePool(
      writer, op, "MaxPool",
      Attributes().set("dilations", op.getDilations()).set("ceil_mode", int64_t(op.getCeilMode())));
}

static LogicalResult writeAveragePool(OpWriter &writer, nn::AveragePoolOp op) {
  if (!areOnes(op.getDilations()))
    return writer.refuse("opset 17 has no dilations of a mean");
  return writePool(writer, op, "AveragePool",
                   Attributes()
                       .set("ceil_mode", int64_t(op.getCeilMode()))
                       .set("count_include_pad", int64_t(op.getCountIncludePad())));
}

static LogicalResult writeLpPool(OpWriter &writer, nn::LpPoolOp op) {
  if (!areOnes(op.getDilations()) || op.getCeilMode())
    return writer.refuse("opset 17 has neither dilations nor ceil_mode of it");
  return writePool(writer, op, "LpPool", Attributes().set("p", op.getP()));
}

void sinter::onnx_export::registerWindowWriters(WriterTable &table) {
  table.add(writeMaxPool);
  table.add(writeAveragePool);
  table.add(writeLpPool);
}
