//===- LowerToLinalg.cpp - walks a kernel's body --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerToLinalg.h"
#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

const LoweringTable &LoweringTable::get() {
  static const LoweringTable table = [] {
    LoweringTable result;
    addViewLowerings(result);
    addSliceLowerings(result);
    addMovementLowerings(result);
    addGatherLowerings(result);
    addResizeLowerings(result);
    addSampleLowerings(result);
    addReduceLowerings(result);
    addNormalizationLowerings(result);
    addMatMulLowerings(result);
    addConvLowerings(result);
    addConvTransposeLowerings(result);
    addPoolLowerings(result);
    return result;
  }();
  return table;
}

LowerFunction LoweringTable::lookup(Operation *op) const {
  auto found = functions.find(op->getName().getStringRef());
  if (found != functions.end())
    return found->second;
  return isa<nn::ScalarOpInterface>(op) ? &lowerElementwise : nullptr;
}

bool sinter::hasLinalgLowering(Operation *op) {
  return isa<nn::ConstantOp>(op) || LoweringTable::get().lookup(op);
}

LogicalResult sinter::lowerToLinalg(Region &body) {
  Block &block = body.front();
  LowerContext context(body.getContext());

  // Unsigned arguments get a signless twin while the nn ops still need their
  // types.
  SmallVector<unsigned> replaced;
  for (unsigned i = 0; i < block.getNumArguments(); ++i) {
    BlockArgument argument = block.getArgument(i);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || !isUnsigned(type)) {
      context.set(argument, argument);
      continue;
    }
    auto signless =
        RankedTensorType::get(type.getShape(), nn::getSignlessType(type.getElementType()));
    Value twin = block.insertArgument(i + 1, signless, argument.getLoc());
    context.set(argument, twin);
    replaced.push_back(i++);
  }

  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    if (isa_and_nonnull<nn::NNDialect>(op.getDialect()))
      ops.push_back(&op);
  for (Operation *op : ops) {
    if (isa<nn::ConstantOp>(op))
      continue;
    LowerFunction lower = LoweringTable::get().lookup(op);
    if (!lower)
      return op->emitOpError("has no lowering to linalg");
    context.op = op;
    context.builder.setInsertionPoint(op);
    if (failed(lower(op, context)))
      return failure();
  }

  Operation *terminator = block.getTerminator();
  context.op = terminator;
  context.builder.setInsertionPoint(terminator);
  for (OpOperand &operand : terminator->getOpOperands())
    operand.set(context.tensor(operand.get()));
  for (Operation *op : llvm::reverse(ops))
    op->erase();
  for (unsigned index : llvm::reverse(replaced))
    block.eraseArgument(index);
  return success();
}
