//===- LowerMovement.cpp - triangles, blocks, ranges, one-hot -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

static LogicalResult lowerTrilu(nn::TriluOp op, LowerContext &context) {
  unsigned rank = op.getInput().getType().getRank();
  AffineExpr offset = context.constant(0);
  if (op.getK()) {
    auto elements = context.elements(op.getK());
    if (failed(elements))
      return failure();
    offset = (*elements)[0];
  }
  Input input{context.operand(op.getInput()), context.loops(0, rank)};
  Value stage = context.map(context.empty(op.getOutput()), input, [&](Body &body) {
    Scalar diagonal = body.index(rank - 2) + body.size(offset);
    Scalar column = body.index(rank - 1);
    Scalar kept = op.getUpper() ? column >= diagonal : column <= diagonal;
    return select(kept, body.in[0], body.in[0].like(0));
  });
  context.set(op.getOutput(), stage);
  return success();
}

static LogicalResult lowerReverseSequence(nn::ReverseSequenceOp op, LowerContext &context) {
  unsigned time = op.getTimeAxis(), batch = op.getBatchAxis();
  unsigned rank = op.getInput().getType().getRank();
  Operand input = context.operand(op.getInput());
  AffineExpr extent = context.shape(op.getInput())[time];
  Input lengths{context.operand(op.getSequenceLengths()), {context.loop(batch)}};
  Value stage = context.map(context.empty(op.getOutput()), lengths, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(rank);
    Scalar length = convert(body.in[0], body.builder.getIndexType());
    Scalar reversed =
        select(positions[time] < length, length - positions[time] - 1, positions[time]);
    positions[time] = clamp(reversed, reversed.like(0), body.size(extent) - 1);
    return body.read(input, positions);
  });
  context.set(op.getOutput(), stage);
  return success();
}

// N C H W → N C/b² H·b W·b.
static LogicalResult lowerDepthToSpace(nn::DepthToSpaceOp op, LowerContext &context) {
  int64_t block = op.getBlocksize();
  Operand input = context.operand(op.getInput());
  AffineExpr channels = context.shape(op.getOutput())[1];
  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    Scalar c = body.index(1), h = body.index(2), w = body.index(3);
    Scalar place = (h % block) * block + w % block;
    Scalar channel = op.getMode() == nn::DepthMode::DCR ? place * body.size(channels) + c
                                                        : c * (block * block) + place;
    return body.read(input, {body.index(0), channel, h / block, w / block});
  });
  context.set(op.getOutput(), stage);
  return success();
}

// N C H W → N C·b² H/b W/b.
static LogicalResult lowerSpaceToDepth(nn::SpaceToDepthOp op, LowerContext &context) {
  int64_t block = op.getBlocksize();
  Operand input = context.operand(op.getInput());
  AffineExpr channels = context.shape(op.getInput())[1];
  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    Scalar depth = body.index(1), count = body.size(channels);
    Scalar place = depth / count;
    return body.read(input, {body.index(0), depth % count, body.index(2) * block + place / block,
                             body.index(3) * block + place % block});
  });
  context.set(op.getOutput(), stage);
  return success();
}

static LogicalResult lowerRange(nn::RangeOp op, LowerContext &context) {
  Scalar start = context.element(op.getStart(), 0);
  Scalar delta = context.element(op.getDelta(), 0);
  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    Type type = start.getType();
    Type wide = getAccumulatorType(type);
    Scalar position;
    if (isa<FloatType>(wide)) {
      Scalar integer = convert(body.index(0), body.builder.getI64Type());
      position = convert(integer, wide);
    } else {
      position = convert(body.index(0), wide);
    }
    Scalar value =
        convert(body.wrap(start.get()), wide) + position * convert(body.wrap(delta.get()), wide);
    return convert(value, type);
  });
  context.set(op.getOutput(), stage);
  return success();
}

static LogicalResult lowerEye(nn::EyeOp op, LowerContext &context) {
  Type type = nn::getSignlessType(op.getOutput().getType().getElementType());
  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    Scalar diagonal = body.index(1) == body.index(0) + op.getK();
    return select(diagonal, body.constant(type, 1), body.constant(type, 0));
  });
  context.set(op.getOutput(), stage);
  return success();
}

// Philox 4x32-10, in words of i64 that hold 32 bits.
static LogicalResult lowerRandomUniform(nn::RandomUniformOp op, LowerContext &context) {
  nn::SymbolicShape shape = context.shape(op.getOutput());
  auto type = cast<FloatType>(op.getTo());
  Type wide = context.builder.getI64Type();
  Scalar seed = convert(context.element(op.getKey(), 0), wide);
  Scalar stream = convert(context.element(op.getKey(), 1), wide);
  std::optional<Scalar> firstRow;
  if (op.getKey().getType().getDimSize(0) > 2)
    firstRow = convert(context.element(op.getKey(), 2), context.builder.getIndexType());
  unsigned bits = std::min(24u, llvm::APFloat::semanticsPrecision(type.getFloatSemantics()));
  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    auto word = [&](uint32_t value) { return body.constant(wide, value); };
    auto low = [&](Scalar x) { return x & word(0xffffffff); };
    auto shifted = [&](Scalar x, unsigned by) {
      return x.build<arith::ShRUIOp>(x.get(), word(by).get());
    };
    auto mix = [](Scalar x, Scalar y) { return x.build<arith::XOrIOp>(x.get(), y.get()); };
    Scalar position = body.constantIndex(0);
    for (auto [dim, size] : llvm::enumerate(shape)) {
      position = position * body.size(size) + body.index(dim);
      if (dim == 0 && firstRow)
        position = position + body.wrap(firstRow->get());
    }
    position = convert(position, wide);
    Scalar streams = body.wrap(stream.get()), keys = body.wrap(seed.get());
    Scalar c0 = low(shifted(position, 2)), c1 = word(op.getLayer()), c2 = low(streams),
           c3 = shifted(streams, 32), k0 = low(keys), k1 = shifted(keys, 32);
    for (int round = 0; round < 10; ++round) {
      Scalar even = c0 * word(0xD2511F53), odd = c2 * word(0xCD9E8D57);
      Scalar n0 = mix(mix(shifted(odd, 32), c1), k0), n2 = mix(mix(shifted(even, 32), c3), k1);
      c0 = n0, c1 = low(odd), c2 = n2, c3 = low(even);
      k0 = low(k0 + word(0x9E3779B9)), k1 = low(k1 + word(0xBB67AE85));
    }
    Scalar which = position & word(3);
    Scalar value = select(which == 0, c0, select(which == 1, c1, select(which == 2, c2, c3)));
    Scalar fraction = convert(shifted(value, 32 - bits), getAccumulatorType(type));
    return convert(fraction * std::ldexp(1.0, -static_cast<int>(bits)), type);
  });
  context.set(op.getOutput(), stage);
  return success();
}

static LogicalResult lowerOneHot(nn::OneHotOp op, LowerContext &context) {
  unsigned axis = op.getAxis();
  unsigned rank = op.getOutput().getType().getRank();
  AffineExpr depth = context.shape(op.getOutput())[axis];
  Scalar off = context.element(op.getValues(), 0);
  Scalar on = context.element(op.getValues(), 1);
  Input indices{context.operand(op.getIndices()), context.loops(0, axis)};
  for (unsigned dim = axis + 1; dim < rank; ++dim)
    indices.indices.push_back(context.loop(dim));
  Value stage = context.map(context.empty(op.getOutput()), indices, [&](Body &body) {
    Scalar index = body.in[0];
    if (index.isFloat())
      index = convert(index, body.builder.getI64Type());
    index = convert(index, body.builder.getIndexType(), indices.operand.isUnsigned);
    if (!indices.operand.isUnsigned)
      index = select(index < 0, index + body.size(depth), index);
    return select(index == body.index(axis), body.wrap(on.get()), body.wrap(off.get()));
  });
  context.set(op.getOutput(), stage);
  return success();
}

void sinter::addMovementLowerings(LoweringTable &table) {
  table.add<nn::TriluOp, lowerTrilu>();
  table.add<nn::ReverseSequenceOp, lowerReverseSequence>();
  table.add<nn::DepthToSpaceOp, lowerDepthToSpace>();
  table.add<nn::SpaceToDepthOp, lowerSpaceToDepth>();
  table.add<nn::RangeOp, lowerRange>();
  table.add<nn::EyeOp, lowerEye>();
  table.add<nn::RandomUniformOp, lowerRandomUniform>();
  table.add<nn::OneHotOp, lowerOneHot>();
}
