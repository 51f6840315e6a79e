//===- LowerSlice.cpp - slice, pad, concat, tile --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

static LogicalResult lowerSlice(nn::SliceOp op, LowerContext &context) {
  auto starts = context.elements(op.getStarts());
  auto steps = context.elements(op.getSteps());
  if (failed(starts) || failed(steps))
    return failure();
  nn::SymbolicShape from = context.shape(op.getInput());
  nn::ShapeAnalysis &shapes = context.shapes;

  // The first position of an axis: ONNX clamps to the last element when the
  // step is negative, else to the end.
  auto first = [&](unsigned axis, int64_t dim, bool forward) {
    AffineExpr start =
        shapes.apply(nn::ShapeContext::Function::WrapNegative, (*starts)[axis], from[dim]);
    start = shapes.max(start, context.constant(0));
    return shapes.min(start, forward ? from[dim] : from[dim] - 1);
  };

  // A constant forward slice is an indexing map.
  unsigned rank = from.size();
  SmallVector<AffineExpr, 4> indices = context.loops(0, rank);
  bool affine = true;
  for (auto [axis, dim] : llvm::enumerate(op.getAxes())) {
    auto step = nn::asConstant((*steps)[axis]);
    auto start = nn::asConstant(first(axis, dim, true));
    affine &= step && *step > 0 && start;
    // linalg takes a plain index for the whole of a dim.
    affine &=
        !(affine && *step == 1 && *start == 0 && from[dim] != context.shape(op.getOutput())[dim]);
    if (affine)
      indices[dim] = context.loop(dim) * *step + *start;
  }
  // The verifier of linalg can't see that an empty slice reads nothing.
  auto resultType = op.getOutput().getType();
  affine &= !llvm::is_contained(resultType.getShape(), 0);
  Operand input = context.operand(op.getInput());
  Value init = context.empty(op.getOutput());
  if (affine) {
    context.set(op.getOutput(),
                context.map(init, Input{input, indices}, [](Body &body) { return body.in[0]; }));
    return success();
  }

  context.set(op.getOutput(), context.map(init, {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(rank);
    for (auto [axis, dim] : llvm::enumerate(op.getAxes())) {
      Scalar step = body.size((*steps)[axis]);
      Scalar start;
      if (auto constant = nn::asConstant((*steps)[axis]))
        start = body.size(first(axis, dim, *constant > 0));
      else
        start =
            select(step > 0, body.size(first(axis, dim, true)), body.size(first(axis, dim, false)));
      positions[dim] = start + positions[dim] * step;
    }
    return body.read(input, positions);
  }));
  return success();
}

static LogicalResult lowerPad(nn::PadOp op, LowerContext &context) {
  auto pads = context.elements(op.getPads());
  if (failed(pads))
    return failure();
  nn::SymbolicShape from = context.shape(op.getInput());
  Operand input = context.operand(op.getInput());
  bool isConstant = op.getMode() == nn::PadMode::constant;
  Scalar value;
  if (isConstant && op.getValue())
    value = context.element(op.getValue(), 0);

  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(from.size());
    Scalar inside;
    for (auto [dim, size] : llvm::enumerate(from)) {
      auto begin = nn::asConstant((*pads)[dim]);
      auto end = nn::asConstant((*pads)[from.size() + dim]);
      if (begin && end && *begin == 0 && *end == 0)
        continue;
      Scalar extent = body.size(size);
      Scalar position = positions[dim] - body.size((*pads)[dim]);
      switch (op.getMode()) {
      case nn::PadMode::constant: {
        Scalar here = (position >= 0) & (position < extent);
        inside = inside ? inside & here : here;
        positions[dim] = clamp(position, position.like(0), extent - 1);
        break;
      }
      case nn::PadMode::edge:
        positions[dim] = clamp(position, position.like(0), extent - 1);
        break;
      case nn::PadMode::wrap:
        positions[dim] = floorMod(position, extent);
        break;
      case nn::PadMode::reflect: {
        Scalar period = max((extent - 1) * 2, extent.like(1));
        Scalar folded = floorMod(position, period);
        positions[dim] = select(folded < extent, folded, period - folded);
        break;
      }
      }
    }
    Scalar element = body.read(input, positions);
    if (!inside)
      return element;
    Scalar border = value ? body.wrap(value.get()) : element.like(0);
    return select(inside, element, border);
  });
  context.set(op.getOutput(), stage);
  return success();
}

static LogicalResult lowerConcat(nn::ConcatOp op, LowerContext &context) {
  unsigned axis = op.getAxis();
  SmallVector<Operand> inputs;
  SmallVector<AffineExpr> begins, sizes;
  AffineExpr begin = context.constant(0);
  for (Value value : op.getInputs()) {
    AffineExpr size = context.shape(value)[axis];
    // Empty parts are never read.
    if (auto constant = nn::asConstant(size); constant && *constant == 0)
      continue;
    inputs.push_back(context.operand(value));
    begins.push_back(begin);
    sizes.push_back(size);
    begin = begin + size;
  }
  Value init = context.empty(op.getOutput());
  if (inputs.empty()) {
    context.set(op.getOutput(), init);
    return success();
  }
  unsigned rank = op.getOutput().getType().getRank();
  Value stage = context.map(init, {}, [&](Body &body) {
    auto part = [&](unsigned i) {
      SmallVector<Scalar> positions = body.indices(rank);
      Scalar local = positions[axis] - body.size(begins[i]);
      positions[axis] = clamp(local, local.like(0), body.size(sizes[i]) - 1);
      return body.read(inputs[i], positions);
    };
    Scalar result = part(inputs.size() - 1);
    for (unsigned i = inputs.size() - 1; i-- > 0;)
      result = select(body.index(axis) < body.size(begins[i + 1]), part(i), result);
    return result;
  });
  context.set(op.getOutput(), stage);
  return success();
}

static LogicalResult lowerTile(nn::TileOp op, LowerContext &context) {
  nn::SymbolicShape from = context.shape(op.getInput());
  nn::SymbolicShape to = context.shape(op.getOutput());
  Operand input = context.operand(op.getInput());
  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(from.size());
    for (auto [dim, size] : llvm::enumerate(from))
      if (size != to[dim])
        positions[dim] = positions[dim] % body.size(size);
    return body.read(input, positions);
  });
  context.set(op.getOutput(), stage);
  return success();
}

void sinter::addSliceLowerings(LoweringTable &table) {
  table.add<nn::SliceOp, lowerSlice>();
  table.add<nn::PadOp, lowerPad>();
  table.add<nn::ConcatOp, lowerConcat>();
  table.add<nn::TileOp, lowerTile>();
}
