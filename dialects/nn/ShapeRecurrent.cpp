//===- ShapeRecurrent.cpp - shapes of recurrent layers ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

// `gates` is how many gates the weights hold, `states` how many states are carried.
template <typename Adaptor>
static LogicalResult inferRecurrent(ShapeContext &context, StringRef name, Adaptor op,
                                    int64_t gates, int64_t states, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), weights = context.shape(op.getWeights()),
                recurrence = context.shape(op.getRecurrence());
  if (failed(expectRank(context, name, "input", input, 3)) ||
      failed(expectRank(context, name, "weights", weights, 3)) ||
      failed(expectRank(context, name, "recurrence", recurrence, 3)))
    return failure();
  int64_t directions = op.getDirection() == Direction::bidirectional ? 2 : 1;
  int64_t hidden = op.getHiddenSize();
  auto check = [&](StringRef operand, const SymbolicShape &shape,
                   ArrayRef<AffineExpr> expected) -> LogicalResult {
    bool fits = shape.size() == expected.size();
    if (fits)
      for (auto [dim, wanted] : llvm::zip(shape, expected))
        fits &= !differ(dim, wanted);
    if (fits)
      return success();
    return context.emitError(name + ": operand '" + operand + "' (" + printShape(shape) +
                             ") should be " + printShape(expected));
  };
  AffineExpr d = context.constant(directions), h = context.constant(hidden),
             rows = context.constant(gates * hidden);
  AffineExpr steps = input[op.getBatchMajor() ? 1 : 0], batch = input[op.getBatchMajor() ? 0 : 1];
  if (failed(check("weights", weights, {d, rows, input[2]})) ||
      failed(check("recurrence", recurrence, {d, rows, h})))
    return failure();
  if (op.getBias() &&
      failed(check("bias", context.shape(op.getBias()), {d, context.constant(2 * gates * hidden)})))
    return failure();
  SymbolicShape state =
      op.getBatchMajor() ? SymbolicShape{batch, d, h} : SymbolicShape{d, batch, h};
  if (op.getInitialH() && failed(check("initial_h", context.shape(op.getInitialH()), state)))
    return failure();
  shapes.push_back(op.getBatchMajor() ? SymbolicShape{batch, steps, d, h}
                                      : SymbolicShape{steps, d, batch, h});
  for (int64_t i = 0; i < states; ++i)
    shapes.push_back(state);
  return success();
}

LogicalResult RNNOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferRecurrent(context, "rnn", op, 1, 1, shapes);
}

LogicalResult GRUOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferRecurrent(context, "gru", op, 3, 1, shapes);
}

LogicalResult LSTMOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferRecurrent(context, "lstm", op, 4, 2, shapes);
}
