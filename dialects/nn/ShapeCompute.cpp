//===- ShapeCompute.cpp - shapes of reductions, contractions and layers ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), result;
  for (int64_t axis : op.getAxes())
    if (axis < 0 || axis >= static_cast<int64_t>(input.size()))
      return context.emitError("reduce: axis " + Twine(axis) + " is out of range for rank " +
                               Twine(input.size()));
  for (auto [index, dim] : llvm::enumerate(input)) {
    if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(index)))
      result.push_back(dim);
    else if (op.getKeepdims())
      result.push_back(context.constant(1));
  }
  shapes.push_back(result);
  return success();
}

std::optional<SymbolicShape> ReduceOp::inferContents(ShapeContext &context) {
  auto elements = context.contents(getInput());
  if (!elements || getAxes().empty())
    return elements;
  if (elements->empty())
    return std::nullopt;
  AffineExpr result = elements->front();
  for (AffineExpr element : llvm::drop_begin(*elements)) {
    switch (getKind()) {
    case ReduceKind::sum:
      result = result + element;
      break;
    case ReduceKind::prod:
      result = result * element;
      break;
    case ReduceKind::min:
      result = context.min(result, element);
      break;
    case ReduceKind::max:
      result = context.max(result, element);
      break;
    default:
      return std::nullopt;
    }
  }
  switch (getKind()) {
  case ReduceKind::sum:
  case ReduceKind::prod:
  case ReduceKind::min:
  case ReduceKind::max:
    return SymbolicShape{result};
  default:
    return std::nullopt;
  }
}

LogicalResult ArgReduceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "arg_reduce", axis, result.size())))
    return failure();
  if (op.getKeepdims())
    result[axis] = context.constant(1);
  else
    result.erase(result.begin() + axis);
  shapes.push_back(result);
  return success();
}

LogicalResult CumulativeOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  shapes.push_back(input);
  return normalizeAxis(context, "cumulative", axis, input.size());
}

LogicalResult AllReduceOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  return success();
}

LogicalResult AllReduceBeginOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  return success();
}

LogicalResult AllReduceEndOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  return success();
}

LogicalResult SoftmaxOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  for (int64_t axis : op.getAxes())
    if (failed(normalizeAxis(context, "softmax", axis, input.size())))
      return failure();
  shapes.push_back(input);
  return success();
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

LogicalResult MatMulOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape lhs = context.shape(op.getLhs()), rhs = context.shape(op.getRhs());
  int64_t block = op.getRhsBlock();
  if (failed(expectFactors(context, "matmul", op.getLhs(), op.getRhs())))
    return failure();
  if (lhs.empty() || rhs.empty())
    return context.emitError("matmul: operand '" + Twine(lhs.empty() ? "lhs" : "rhs") +
                             "' should have rank 1 or more");
  if (lhs.size() > 1 && op.getTransposeLhs())
    std::swap(lhs.end()[-1], lhs.end()[-2]);

  AffineExpr depth, columns;
  SymbolicShape rhsBatch;
  if (op.getStrassen()) {
    // 7 × N/2V × K/2 × V
    if (failed(expectRank(context, "matmul", "rhs", rhs, 4)))
      return failure();
    depth = rhs[2] * 2;
    columns = context.constant(op.getColumns());
    if (lhs.size() < 2 || block < 1 || op.getColumns() % (2 * block) != 0 || differ(rhs[0], 7) ||
        differ(rhs[1], op.getColumns() / (2 * block)) || differ(rhs[3], block))
      return context.emitError("matmul: operand 'rhs' (" + printShape(rhs) +
                               ") should hold Strassen's seven sums of " + Twine(op.getColumns()) +
                               " columns in pairs of blocks of " + Twine(block));
  } else if (block > 0) {
    // ⌈N/V⌉ × K × V, or ⌈N/V⌉ × K/4 × V × 4
    int64_t beside = getDotSteps(getElementTypeOrSelf(op.getRhs()));
    if (failed(expectRank(context, "matmul", "rhs", rhs, beside == 1 ? 3 : 4)))
      return failure();
    depth = rhs[1] * beside;
    columns = context.constant(op.getColumns());
    if (differ(rhs[2], block) || (beside != 1 && differ(rhs[3], beside)) ||
        differ(rhs[0], (op.getColumns() + block - 1) / block))
      return context.emitError("matmul: packed operand 'rhs' (" + printShape(rhs) +
                               ") should hold " + Twine(op.getColumns()) +
                               " columns in blocks of " + Twine(block));
  } else if (rhs.size() == 1) {
    depth = rhs[0];
  } else {
    if (op.getTransposeRhs())
      std::swap(rhs.end()[-1], rhs.end()[-2]);
    depth = rhs.end()[-2];
    columns = rhs.end()[-1];
    rhsBatch.append(rhs.begin(), rhs.end() - 2);
  }
  if (differ(lhs.back(), depth))
    return context.emitError("matmul: operand 'lhs' (" + printShape(lhs) + ") has " +
                             printDim(lhs.back()) + " columns, operand 'rhs' (" + printShape(rhs) +
                             ") has " + printDim(depth) + " rows");
  context.require(ShapeContext::Need::Equal, lhs.back(), depth,
                  "the columns of the first matrix and the rows of the second");

  SymbolicShape lhsBatch;
  if (lhs.size() > 2)
    lhsBatch.append(lhs.begin(), lhs.end() - 2);
  auto result = context.broadcast(lhsBatch, rhsBatch);
  if (failed(result))
    return failure();
  if (lhs.size() > 1)
    result->push_back(lhs.end()[-2]);
  if (columns)
    result->push_back(columns);
  shapes.push_back(*result);
  return success();
}

// One dim of an einsum term: a letter, or '.' for a dim of the ellipsis.
static LogicalResult expandTerm(ShapeContext &context, StringRef term, int64_t rank,
                                std::string &letters) {
  size_t ellipsis = term.find("...");
  int64_t named = ellipsis == StringRef::npos ? term.size() : term.size() - 3;
  if (named > rank || (ellipsis == StringRef::npos && named != rank))
    return context.emitError("einsum: term '" + term + "' doesn't fit an operand of rank " +
                             Twine(rank));
  letters = term.str();
  if (ellipsis != StringRef::npos)
    letters.replace(ellipsis, 3, std::string(rank - named, '.'));
  return success();
}

LogicalResult EinsumOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  std::string equation = op.getEquation().str();
  llvm::erase(equation, ' ');
  auto [left, output] = StringRef(equation).split("->");
  if (!StringRef(equation).contains("->"))
    return context.emitError("einsum: equation '" + equation + "' has no explicit output");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != op.getInputs().size())
    return context.emitError("einsum: equation '" + equation + "' has " + Twine(terms.size()) +
                             " terms for " + Twine(op.getInputs().size()) + " operands");

  llvm::SmallDenseMap<char, AffineExpr> sizes;
  SymbolicShape ellipsis;
  for (auto [term, input] : llvm::zip(terms, op.getInputs())) {
    SymbolicShape shape = context.shape(input), dots;
    std::string letters;
    if (failed(expandTerm(context, term, shape.size(), letters)))
      return failure();
    for (auto [letter, dim] : llvm::zip(letters, shape)) {
      if (letter == '.') {
        dots.push_back(dim);
        continue;
      }
      AffineExpr &known = sizes[letter];
      auto merged =
          context.broadcast(SymbolicShape{known ? known : context.constant(1)}, SymbolicShape{dim});
      if (failed(merged))
        return failure();
      // Two unknown dims of one letter are equal, short of broadcasting.
      known = known && !asConstant(known) && !asConstant(dim) ? known : (*merged)[0];
    }
    auto merged = context.broadcast(ellipsis, dots);
    if (failed(merged))
      return failure();
    ellipsis = *merged;
  }

  SymbolicShape result;
  for (size_t i = 0; i < output.size(); ++i) {
    if (output.substr(i).starts_with("...")) {
      result.append(ellipsis);
      i += 2;
      continue;
    }
    auto found = sizes.find(output[i]);
    if (found == sizes.end())
      return context.emitError("einsum: output letter '" + Twine(output[i]) + "' of '" + equation +
                               "' is not in any operand");
    result.push_back(found->second);
  }
  shapes.push_back(result);
  return success();
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

// Reports a per-channel operand that doesn't have the channels' count.
static LogicalResult expectChannels(ShapeContext &context, StringRef op, StringRef name,
                                    Value operand, AffineExpr channels) {
  SymbolicShape shape = context.shape(operand);
  if (shape.size() == 1 && !differ(shape[0], channels))
    return success();
  return context.emitError(op + ": operand '" + name + "' (" + printShape(shape) +
                           ") should have " + printDim(channels) +
                           " elements, the channels of operand 'input'");
}

LogicalResult BatchNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.empty())
    return context.emitError("batch_norm: operand 'input' is a scalar");
  bool channelsLast = op.getDataLayout() == sinter::nn::DataLayout::channels_last;
  // ONNX: a 1-D input has one channel.
  AffineExpr channels = input.size() == 1 ? context.constant(1)
                        : channelsLast    ? input.back()
                                          : input[1];
  if (failed(expectChannels(context, "batch_norm", "scale", op.getScale(), channels)) ||
      failed(expectChannels(context, "batch_norm", "bias", op.getBias(), channels)) ||
      failed(expectChannels(context, "batch_norm", "mean", op.getMean(), channels)) ||
      failed(expectChannels(context, "batch_norm", "variance", op.getVariance(), channels)))
    return failure();
  shapes.push_back(input);
  return success();
}

LogicalResult InstanceNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.size() < 2)
    return context.emitError("instance_norm: operand 'input' should be N C X…");
  if (failed(expectChannels(context, "instance_norm", "scale", op.getScale(), input[1])) ||
      failed(expectChannels(context, "instance_norm", "bias", op.getBias(), input[1])))
    return failure();
  shapes.push_back(input);
  return success();
}

LogicalResult GroupNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.size() < 2)
    return context.emitError("group_norm: operand 'input' should be N C X…");
  int64_t groups = op.getNumGroups();
  if (auto channels = asConstant(input[1]); groups < 1 || (channels && *channels % groups != 0))
    return context.emitError("group_norm: " + printDim(input[1]) + " channels don't divide into " +
                             Twine(groups) + " groups");
  if (failed(expectChannels(context, "group_norm", "scale", op.getScale(), input[1])) ||
      failed(expectChannels(context, "group_norm", "bias", op.getBias(), input[1])))
    return failure();
  shapes.push_back(input);
  return success();
}

// Scale and bias broadcast to the dims from `axis` on.
static LogicalResult inferAxisNorm(ShapeContext &context, StringRef name, Value input, int64_t axis,
                                   ArrayRef<Value> parameters, Shapes &shapes) {
  SymbolicShape shape = context.shape(input);
  if (failed(normalizeAxis(context, name, axis, shape.size())))
    return failure();
  for (Value parameter : parameters) {
    if (!parameter)
      continue;
    SymbolicShape given = context.shape(parameter);
    auto joined = context.broadcast(shape, given);
    if (failed(joined) || given.size() > shape.size())
      return context.emitError(name + ": scale or bias (" + printShape(given) +
                               ") doesn't broadcast to operand 'input' (" + printShape(shape) +
                               ")");
    for (auto [before, after] : llvm::zip(shape, *joined))
      if (differ(before, after))
        return context.emitError(name + ": scale or bias (" + printShape(given) +
                                 ") is larger than operand 'input' (" + printShape(shape) + ")");
  }
  shapes.push_back(shape);
  return success();
}

LogicalResult LayerNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferAxisNorm(context, "layer_norm", op.getInput(), op.getAxis(),
                       {op.getScale(), op.getBias()}, shapes);
}

LogicalResult RMSNormOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  return inferAxisNorm(context, "rms_norm", op.getInput(), op.getAxis(), {op.getScale()}, shapes);
}

LogicalResult LRNOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  shapes.push_back(context.shape(op.getInput()));
  if (shapes[0].size() < 2)
    return context.emitError("lrn: operand 'input' should be N C X…");
  return success();
}

//===----------------------------------------------------------------------===//
// Data-dependent results
//===----------------------------------------------------------------------===//

Type TopKOp::inferElementType(Adaptor op, unsigned result) {
  Type input = getElementTypeOrSelf(op.getInput().getType());
  return result == 0 ? input : IntegerType::get(input.getContext(), 64);
}

LogicalResult TopKOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(normalizeAxis(context, "top_k", axis, result.size())))
    return failure();
  auto k = context.contents(op.getK());
  if (!k || k->size() != 1)
    return context.emitError("top_k: operand 'k' should have one element");
  auto count = asConstant(k->front()), size = asConstant(result[axis]);
  if (count && (*count < 0 || (size && *count > *size)))
    return context.emitError("top_k: k is " + Twine(*count) + ", dim " + Twine(axis) +
                             " of operand 'input' has " + printDim(result[axis]) + " elements");
  result[axis] = k->front();
  shapes.push_back(result);
  shapes.push_back(result);
  return success();
}

LogicalResult NonZeroOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  // ONNX takes a scalar for a 1-D tensor.
  int64_t rank = std::max<int64_t>(context.shape(op.getInput()).size(), 1);
  shapes.push_back({context.constant(rank), context.unknownDim(0, 1)});
  return success();
}

LogicalResult CompressOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape result = context.shape(op.getInput());
  if (failed(expectRank(context, "compress", "condition", context.shape(op.getCondition()), 1)))
    return failure();
  if (auto given = op.getAxis()) {
    int64_t axis = *given;
    if (failed(normalizeAxis(context, "compress", axis, result.size())))
      return failure();
    result[axis] = context.unknownDim(0, axis);
  } else {
    result = {context.unknownDim(0, 0)};
  }
  shapes.push_back(result);
  return success();
}

LogicalResult NonMaxSuppressionOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape boxes = context.shape(op.getBoxes()), scores = context.shape(op.getScores());
  if (failed(expectRank(context, "non_max_suppression", "boxes", boxes, 3)) ||
      failed(expectRank(context, "non_max_suppression", "scores", scores, 3)))
    return failure();
  if (differ(boxes[2], 4) || differ(boxes[0], scores[0]) || differ(boxes[1], scores[2]))
    return context.emitError("non_max_suppression: operand 'boxes' (" + printShape(boxes) +
                             ") should be batch × count × 4, 'scores' (" + printShape(scores) +
                             ") batch × classes × count");
  shapes.push_back({context.unknownDim(0, 0), context.constant(3)});
  return success();
}

Type UniqueOp::inferElementType(Adaptor op, unsigned result) {
  Type input = getElementTypeOrSelf(op.getInput().getType());
  return result == 0 ? input : IntegerType::get(input.getContext(), 64);
}

LogicalResult UniqueOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput()), values;
  AffineExpr count, total;
  if (auto given = op.getAxis()) {
    int64_t axis = *given;
    if (failed(normalizeAxis(context, "unique", axis, input.size())))
      return failure();
    count = context.unknownDim(0, axis);
    total = input[axis];
    values = input;
    values[axis] = count;
  } else {
    count = context.unknownDim(0, 0);
    total = context.product(input);
    values = {count};
  }
  shapes.push_back(values);
  shapes.push_back({count});
  shapes.push_back({total});
  shapes.push_back({count});
  return success();
}

LogicalResult DetOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape input = context.shape(op.getInput());
  if (input.size() < 2 || differ(input.end()[-1], input.end()[-2]))
    return context.emitError("det: operand 'input' (" + printShape(input) +
                             ") should hold square matrices");
  shapes.push_back(SymbolicShape(input.begin(), input.end() - 2));
  return success();
}

//===----------------------------------------------------------------------===//
// Recurrent layers
//===----------------------------------------------------------------------===//

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
