//===- LowerElementwise.cpp - one stage for one scalar function -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

LogicalResult sinter::lowerElementwise(Operation *op, LowerContext &context) {
  Value result = op->getResult(0);
  SmallVector<Input> inputs;
  for (Value operand : op->getOperands())
    inputs.push_back(context.broadcast(operand, cast<RankedTensorType>(result.getType())));
  Value stage = context.map(context.empty(result), inputs, [&](Body &body) {
    SmallVector<Value> arguments;
    for (Scalar argument : body.in)
      arguments.push_back(argument.get());
    return body.wrap(
        cast<nn::ScalarOpInterface>(op).buildScalar(body.builder, body.loc, arguments));
  });
  context.set(result, stage);
  return success();
}
