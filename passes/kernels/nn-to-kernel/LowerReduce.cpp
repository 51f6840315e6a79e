//===- LowerReduce.cpp - reductions and softmax ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

namespace {
/// How a tensor is reduced over some of its dims: the loops are the dims of the
/// result, then the reduced dims in their order.
struct Reduction {
  SmallVector<Size> sizes;
  /// The input's indexing map.
  SmallVector<AffineExpr, 4> inputIndices;
  /// The sizes of the dims that are left, without those of keepdims.
  nn::SymbolicShape kept;
};
} // namespace

static Reduction getReduction(Value input, ArrayRef<int64_t> axes, bool keepdims,
                              LowerContext &context) {
  nn::SymbolicShape shape = context.shape(input);
  unsigned resultRank = keepdims ? shape.size() : shape.size() - axes.size();
  Reduction reduction;
  unsigned next = 0;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    if (llvm::is_contained(axes, static_cast<int64_t>(dim))) {
      reduction.inputIndices.push_back(context.loop(resultRank + reduction.sizes.size()));
      reduction.sizes.push_back(size);
      continue;
    }
    reduction.inputIndices.push_back(context.loop(keepdims ? dim : next++));
    reduction.kept.push_back(size);
  }
  return reduction;
}

//===----------------------------------------------------------------------===//
// reduce
//===----------------------------------------------------------------------===//

static bool isFiniteReduction(nn::ReduceKind kind) {
  return kind == nn::ReduceKind::l2 || kind == nn::ReduceKind::log_sum ||
         kind == nn::ReduceKind::log_sum_exp;
}

// The type that a reduction is computed in.
static Type getReductionType(nn::ReduceKind kind, Type elementType) {
  MLIRContext *context = elementType.getContext();
  if (isa<FloatType>(elementType))
    return kind == nn::ReduceKind::max || kind == nn::ReduceKind::min
               ? elementType
               : getAccumulatorType(elementType);
  if (isFiniteReduction(kind))
    return Float64Type::get(context);
  if (kind == nn::ReduceKind::mean)
    return IntegerType::get(context, 64);
  return elementType;
}

static LogicalResult lowerReduce(nn::ReduceOp op, LowerContext &context) {
  nn::ReduceKind kind = op.getKind();
  Operand operand = context.operand(op.getInput());
  bool isUnsignedElement = operand.isUnsigned;
  Reduction reduction = getReduction(op.getInput(), op.getAxes(), op.getKeepdims(), context);
  Type type = getReductionType(kind, operand.elementType);
  Input input{operand, reduction.inputIndices};
  unsigned rank = op.getOutput().getType().getRank();

  auto extremum = [&](bool greatest) {
    Value init = context.fill(context.empty(op.getOutput(), type),
                              greatest ? getLowest(type, isUnsignedElement)
                                       : getHighest(type, isUnsignedElement));
    return context.reduce(init, reduction.sizes, input, [&](Body &body) {
      Scalar x = convert(body.in[0], type, isUnsignedElement);
      return greatest ? maxElement(body.out[0], x, isUnsignedElement)
                      : minElement(body.out[0], x, isUnsignedElement);
    });
  };
  if (kind == nn::ReduceKind::max || kind == nn::ReduceKind::min) {
    context.set(op.getOutput(), extremum(kind == nn::ReduceKind::max));
    return success();
  }

  // log Σ exp x = m + log Σ exp(x − m), m the greatest x, or 0 if that is
  // infinite.
  SmallVector<Input> inputs{input};
  Value greatest;
  auto finite = [](Scalar m) {
    Scalar infinity = m.with(
        arith::ConstantOp::create(m.getBuilder(), m.getLoc(), getHighest(m.getType(), false)));
    return select(abs(m) < infinity, m, m.like(0));
  };
  if (kind == nn::ReduceKind::log_sum_exp) {
    greatest = extremum(true);
    inputs.push_back({context.stage(greatest), context.loops(0, rank)});
  }

  Value init =
      context.fill(context.empty(op.getOutput(), type), kind == nn::ReduceKind::prod ? 1.0 : 0.0);
  Value value = context.reduce(init, reduction.sizes, inputs, [&](Body &body) {
    Scalar x = convert(body.in[0], type, isUnsignedElement);
    Scalar sum = body.out[0];
    switch (kind) {
    case nn::ReduceKind::prod:
      return sum * x;
    case nn::ReduceKind::l1:
      return sum + (isUnsignedElement ? x : abs(x));
    case nn::ReduceKind::l2:
    case nn::ReduceKind::sum_square:
      return sum + x * x;
    case nn::ReduceKind::log_sum_exp:
      return sum + exp(x - finite(body.in[1]));
    default:
      return sum + x;
    }
  });

  bool hasEpilogue =
      isFiniteReduction(kind) || kind == nn::ReduceKind::mean || type != operand.elementType;
  if (hasEpilogue) {
    AffineExpr count = context.constant(1);
    for (const Size &size : reduction.sizes)
      count = count * size.expr;
    inputs = {{context.stage(value), context.loops(0, rank)}};
    if (greatest)
      inputs.push_back({context.stage(greatest), context.loops(0, rank)});
    value = context.map(context.empty(op.getOutput()), inputs, [&](Body &body) {
      Scalar x = body.in[0];
      switch (kind) {
      case nn::ReduceKind::mean: {
        Scalar n = convert(body.size(count), type);
        x = x.isFloat()         ? x / n
            : isUnsignedElement ? x / n
                                : x.build<arith::DivSIOp>(x.get(), n.get());
        break;
      }
      case nn::ReduceKind::l2:
        x = sqrt(x);
        break;
      case nn::ReduceKind::log_sum:
        x = log(x);
        break;
      case nn::ReduceKind::log_sum_exp:
        x = log(x) + finite(body.in[1]);
        break;
      default:
        break;
      }
      return convert(x, operand.elementType, false, isUnsignedElement);
    });
  }
  context.set(op.getOutput(), value);
  return success();
}

//===----------------------------------------------------------------------===//
// arg_reduce
//===----------------------------------------------------------------------===//

static LogicalResult lowerArgReduce(nn::ArgReduceOp op, LowerContext &context) {
  Operand operand = context.operand(op.getInput());
  Type type = operand.elementType;
  bool isUnsignedElement = operand.isUnsigned;
  bool greatest = op.getKind() == nn::ArgKind::max;
  Reduction reduction = getReduction(op.getInput(), {op.getAxis()}, op.getKeepdims(), context);
  unsigned rank = op.getOutput().getType().getRank();
  Value values = context.fill(context.empty(op.getOutput(), type),
                              greatest ? getLowest(type, isUnsignedElement)
                                       : getHighest(type, isUnsignedElement));
  Value indices = context.fill(context.empty(op.getOutput()), 0.0);
  Input input{operand, reduction.inputIndices};
  auto results = context.generic({values, indices}, reduction.sizes, input, [&](Body &body) {
    Scalar x = body.in[0], best = body.out[0];
    Scalar better =
        greatest ? greater(x, best, isUnsignedElement) : greater(best, x, isUnsignedElement);
    if (op.getSelectLastIndex())
      better = better | (x == best);
    if (x.isFloat()) // the first NaN wins
      better = better | ((x != x) & (best == best));
    Scalar index = convert(body.index(rank), body.out[1].getType());
    return SmallVector<Scalar>{select(better, x, best), select(better, index, body.out[1])};
  });
  context.set(op.getOutput(), results[1]);
  return success();
}

//===----------------------------------------------------------------------===//
// softmax
//===----------------------------------------------------------------------===//

static LogicalResult lowerSoftmax(nn::SoftmaxOp op, LowerContext &context) {
  Operand operand = context.operand(op.getInput());
  Type type = getAccumulatorType(operand.elementType);
  unsigned rank = op.getInput().getType().getRank();
  Reduction reduction = getReduction(op.getInput(), op.getAxes(),
                                     /*keepdims=*/false, context);
  unsigned keptRank = reduction.kept.size();
  // How a row's value is read over the loops of the whole tensor, and over
  // those of a reduction.
  SmallVector<AffineExpr, 4> whole;
  for (unsigned dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(dim)))
      whole.push_back(context.loop(dim));
  Value row = context.empty(reduction.kept, type);
  Input input{operand, reduction.inputIndices};

  // A NaN that this maximum misses still makes the sum NaN.
  Value greatest =
      context.reduce(context.fill(row, getLowest(type, false)), reduction.sizes, input,
                     [&](Body &body) { return max(body.out[0], convert(body.in[0], type)); });
  Operand maximum = context.stage(greatest);

  if (op.getLog()) {
    Value sum =
        context.reduce(context.fill(row, 0.0), reduction.sizes,
                       {input, Input{maximum, context.loops(0, keptRank)}}, [&](Body &body) {
                         return body.out[0] + exp(convert(body.in[0], type) - body.in[1]);
                       });
    Value logSum = context.map(row, Input{context.stage(sum), context.loops(0, keptRank)},
                               [&](Body &body) { return log(body.in[0]); });
    context.set(op.getOutput(),
                context.map(context.empty(op.getOutput()),
                            {Input{operand, context.loops(0, rank)}, Input{maximum, whole},
                             Input{context.stage(logSum), whole}},
                            [&](Body &body) {
                              Scalar x = convert(body.in[0], type);
                              return convert(x - body.in[1] - body.in[2], operand.elementType);
                            }));
    return success();
  }

  Value exponentials =
      context.map(context.empty(op.getOutput(), type),
                  {Input{operand, context.loops(0, rank)}, Input{maximum, whole}},
                  [&](Body &body) { return exp(convert(body.in[0], type) - body.in[1]); });
  Value sum = context.reduce(context.fill(row, 0.0), reduction.sizes,
                             Input{context.stage(exponentials), reduction.inputIndices},
                             [&](Body &body) { return body.out[0] + body.in[0]; });
  // One division a row: a vector of them costs as much as the exponentials.
  Value inverse = context.map(row, Input{context.stage(sum), context.loops(0, keptRank)},
                              [&](Body &body) { return 1.0 / body.in[0]; });
  context.set(op.getOutput(),
              context.map(context.empty(op.getOutput()),
                          {Input{context.stage(exponentials), context.loops(0, rank)},
                           Input{context.stage(inverse), whole}},
                          [&](Body &body) {
                            return convert(body.in[0] * body.in[1], operand.elementType);
                          }));
  return success();
}

// A dim that is summed has one place in the result and the input's size in
// steps; one that is kept has the input's size in places and one step. Place
// plus step is the input's index in both.
static LogicalResult lowerSumToShape(nn::SumToShapeOp op, LowerContext &context) {
  Operand operand = context.operand(op.getInput());
  nn::SymbolicShape from = context.shape(op.getInput()), to = context.shape(op.getOutput());
  unsigned rank = to.size(), leading = from.size() - rank;
  SmallVector<Size> steps;
  Input input{operand, {}};
  for (auto [dim, size] : llvm::enumerate(from)) {
    AffineExpr place = dim < leading ? context.zero() : context.loop(dim - leading);
    AffineExpr extent = dim < leading ? size : size - to[dim - leading] + 1;
    if (nn::asConstant(extent) == 1) {
      input.indices.push_back(place);
      continue;
    }
    input.indices.push_back(place + context.loop(rank + steps.size()));
    steps.push_back(extent);
  }
  Type type = getReductionType(nn::ReduceKind::sum, operand.elementType);
  Value sum = context.reduce(
      context.fill(context.empty(op.getOutput(), type), 0.0), steps, input,
      [&](Body &body) { return body.out[0] + convert(body.in[0], type, operand.isUnsigned); });
  context.set(op.getOutput(), context.narrow(sum, operand.elementType));
  return success();
}

void sinter::addReduceLowerings(LoweringTable &table) {
  table.add<nn::SumToShapeOp, lowerSumToShape>();
  table.add<nn::ReduceOp, lowerReduce>();
  table.add<nn::ArgReduceOp, lowerArgReduce>();
  table.add<nn::SoftmaxOp, lowerSoftmax>();
}
