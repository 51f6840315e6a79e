//===- LowerGather.cpp - gathers ------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

// An element of an index tensor as a position in a dim: negative ones count
// from the end; what ONNX leaves undefined is clamped.
static Scalar position(Body &body, Scalar element, AffineExpr extent) {
  Scalar index = convert(element, body.builder.getIndexType());
  Scalar size = body.size(extent);
  index = select(index < 0, index + size, index);
  return clamp(index, index.like(0), size - 1);
}

static LogicalResult lowerGather(nn::GatherOp op, LowerContext &context) {
  unsigned axis = op.getAxis();
  unsigned indicesRank = op.getIndices().getType().getRank();
  unsigned rank = op.getOutput().getType().getRank();
  AffineExpr extent = context.shape(op.getInput())[axis];
  Operand input = context.operand(op.getInput());
  Input indices{context.operand(op.getIndices()), context.loops(axis, axis + indicesRank)};
  Value stage = context.map(context.empty(op.getOutput()), indices, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(axis);
    positions.push_back(position(body, body.in[0], extent));
    for (unsigned dim = axis + indicesRank; dim < rank; ++dim)
      positions.push_back(body.index(dim));
    return body.read(input, positions);
  });
  context.set(op.getOutput(), stage);
  return success();
}

static LogicalResult lowerGatherElements(nn::GatherElementsOp op, LowerContext &context) {
  unsigned axis = op.getAxis();
  unsigned rank = op.getOutput().getType().getRank();
  AffineExpr extent = context.shape(op.getInput())[axis];
  Operand input = context.operand(op.getInput());
  Input indices{context.operand(op.getIndices()), context.loops(0, rank)};
  Value stage = context.map(context.empty(op.getOutput()), indices, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(rank);
    positions[axis] = position(body, body.in[0], extent);
    return body.read(input, positions);
  });
  context.set(op.getOutput(), stage);
  return success();
}

// result[b…, q…, k…] = input[b…, indices[b…, q…, :], k…].
static LogicalResult lowerGatherND(nn::GatherNDOp op, LowerContext &context) {
  auto indicesType = op.getIndices().getType();
  unsigned batch = op.getBatchDims();
  unsigned outer = indicesType.getRank() - 1;
  unsigned rank = op.getOutput().getType().getRank();
  nn::SymbolicShape indicesShape = context.shape(op.getIndices());
  auto depth = nn::asConstant(indicesShape[outer]);
  if (!depth)
    return context.fail("needs index vectors of static length");
  nn::SymbolicShape from = context.shape(op.getInput());
  Operand input = context.operand(op.getInput());
  SmallVector<Input> indices;
  for (int64_t i = 0; i < *depth; ++i) {
    Input component{context.operand(op.getIndices()), context.loops(0, outer)};
    component.indices.push_back(getAffineConstantExpr(i, context.builder.getContext()));
    indices.push_back(component);
  }
  Value stage = context.map(context.empty(op.getOutput()), indices, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(batch);
    for (int64_t i = 0; i < *depth; ++i)
      positions.push_back(position(body, body.in[i], from[batch + i]));
    for (unsigned dim = outer; dim < rank; ++dim)
      positions.push_back(body.index(dim));
    return body.read(input, positions);
  });
  context.set(op.getOutput(), stage);
  return success();
}

void sinter::addGatherLowerings(LoweringTable &table) {
  table.add<nn::GatherOp, lowerGather>();
  table.add<nn::GatherElementsOp, lowerGatherElements>();
  table.add<nn::GatherNDOp, lowerGatherND>();
}
