//===- LowerViews.cpp - reshapes, transpose, expand -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Views normally stay outside of kernels. Inside of one they are an indexing
// map, or index arithmetic where dims are dynamic.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

// Dims [inputBegin, inputEnd) and [resultBegin, resultEnd) hold the same
// elements in the same order.
namespace {
struct ReshapeGroup {
  unsigned inputBegin, inputEnd, resultBegin, resultEnd;
};
} // namespace

static AffineExpr product(ArrayRef<AffineExpr> dims, LowerContext &context) {
  return simplifyAffineExpr(context.shapes.product(dims), 0, 1 << 20);
}

// The finest grouping whose products are provably equal; the last group takes
// what remains.
static SmallVector<ReshapeGroup> groupDims(ArrayRef<AffineExpr> input, ArrayRef<AffineExpr> result,
                                           LowerContext &context) {
  SmallVector<ReshapeGroup> groups;
  unsigned i = 0, r = 0;
  while (i < input.size() && r < result.size()) {
    ReshapeGroup group{i, static_cast<unsigned>(input.size()), r,
                       static_cast<unsigned>(result.size())};
    unsigned best = input.size() + result.size() + 1;
    for (unsigned a = i + 1; a <= input.size(); ++a)
      for (unsigned b = r + 1; b <= result.size(); ++b)
        if (a - i + b - r < best &&
            product(input.slice(i, a - i), context) == product(result.slice(r, b - r), context)) {
          best = a - i + b - r;
          group.inputEnd = a;
          group.resultEnd = b;
        }
    i = group.inputEnd;
    r = group.resultEnd;
    groups.push_back(group);
  }
  // Dims of size 1 at either end.
  if (i < input.size() || r < result.size())
    groups.push_back(
        {i, static_cast<unsigned>(input.size()), r, static_cast<unsigned>(result.size())});
  return groups;
}

static bool allConstant(ArrayRef<AffineExpr> dims) {
  return llvm::all_of(dims, [](AffineExpr dim) { return nn::asConstant(dim).has_value(); });
}

// input and result: the same elements in row-major order.
static LogicalResult lowerReshapeTo(Value input, Value result, LowerContext &context) {
  nn::SymbolicShape from = context.shape(input), to = context.shape(result);
  SmallVector<ReshapeGroup> groups = groupDims(from, to, context);
  Operand operand = context.operand(input);
  bool affine = llvm::all_of(groups, [&](const ReshapeGroup &g) {
    ArrayRef<AffineExpr> in = from, out = to;
    in = in.slice(g.inputBegin, g.inputEnd - g.inputBegin);
    out = out.slice(g.resultBegin, g.resultEnd - g.resultBegin);
    return (in.size() == 1 && out.size() == 1) || (allConstant(in) && allConstant(out)) ||
           in.empty();
  });

  Value init = context.empty(result);
  if (affine) {
    Input view{operand, SmallVector<AffineExpr, 4>(from.size())};
    for (const ReshapeGroup &g : groups) {
      if (g.inputEnd - g.inputBegin == 1 && g.resultEnd - g.resultBegin == 1) {
        view.indices[g.inputBegin] = context.loop(g.resultBegin);
        continue;
      }
      AffineExpr linear = context.zero();
      for (unsigned r = g.resultBegin; r < g.resultEnd; ++r) {
        int64_t dim = nn::asConstant(to[r]).value_or(1);
        linear = linear * dim;
        if (dim != 1)
          linear = linear + context.loop(r);
      }
      int64_t stride = 1;
      for (unsigned i = g.inputEnd; i-- > g.inputBegin;) {
        int64_t dim = *nn::asConstant(from[i]);
        AffineExpr index = linear;
        if (stride != 1)
          index = index.floorDiv(stride);
        if (dim == 1)
          index = context.zero();
        else if (i != g.inputBegin)
          index = index % dim;
        view.indices[i] = index;
        stride *= std::max<int64_t>(dim, 1);
      }
    }
    context.set(result, context.map(init, view, [](Body &body) { return body.in[0]; }));
    return success();
  }

  context.set(result, context.map(init, {}, [&](Body &body) {
    SmallVector<Scalar> indices(from.size());
    for (const ReshapeGroup &g : groups) {
      Scalar linear = body.constantIndex(0);
      for (unsigned r = g.resultBegin; r < g.resultEnd; ++r)
        linear = linear * body.size(to[r]) + body.index(r);
      for (unsigned i = g.inputEnd; i-- > g.inputBegin;) {
        if (i == g.inputBegin) {
          indices[i] = linear;
          continue;
        }
        Scalar dim = body.size(from[i]);
        indices[i] = linear % dim;
        linear = linear / dim;
      }
    }
    return body.read(operand, indices);
  }));
  return success();
}

template <typename OpTy>
static LogicalResult lowerReshape(OpTy op, LowerContext &context) {
  return lowerReshapeTo(op.getInput(), op.getOutput(), context);
}

static LogicalResult lowerMapped(Value input, Value result, ArrayRef<AffineExpr> indices,
                                 LowerContext &context) {
  Input view{context.operand(input), llvm::to_vector<4>(indices)};
  context.set(result,
              context.map(context.empty(result), view, [](Body &body) { return body.in[0]; }));
  return success();
}

static LogicalResult lowerSqueeze(nn::SqueezeOp op, LowerContext &context) {
  SmallVector<AffineExpr> indices;
  unsigned next = 0;
  for (int64_t dim = 0; dim < op.getInput().getType().getRank(); ++dim)
    indices.push_back(llvm::is_contained(op.getAxes(), dim) ? context.zero()
                                                            : context.loop(next++));
  return lowerMapped(op.getInput(), op.getOutput(), indices, context);
}

static LogicalResult lowerUnsqueeze(nn::UnsqueezeOp op, LowerContext &context) {
  SmallVector<AffineExpr> indices;
  for (int64_t dim = 0; dim < op.getOutput().getType().getRank(); ++dim)
    if (!llvm::is_contained(op.getAxes(), dim))
      indices.push_back(context.loop(dim));
  return lowerMapped(op.getInput(), op.getOutput(), indices, context);
}

static LogicalResult lowerTranspose(nn::TransposeOp op, LowerContext &context) {
  SmallVector<AffineExpr> indices(op.getPermutation().size());
  for (auto [position, dim] : llvm::enumerate(op.getPermutation()))
    indices[dim] = context.loop(position);
  return lowerMapped(op.getInput(), op.getOutput(), indices, context);
}

static LogicalResult lowerExpand(nn::ExpandOp op, LowerContext &context) {
  nn::SymbolicShape from = context.shape(op.getInput());
  nn::SymbolicShape to = context.shape(op.getOutput());
  unsigned offset = to.size() - from.size();
  SmallVector<AffineExpr> indices;
  bool affine = true;
  for (auto [dim, size] : llvm::enumerate(from)) {
    AffineExpr result = to[dim + offset];
    auto constant = nn::asConstant(size);
    bool one = constant && *constant == 1;
    affine &= one || constant || size == result;
    indices.push_back(one && size != result ? context.zero() : context.loop(dim + offset));
  }
  if (affine)
    return lowerMapped(op.getInput(), op.getOutput(), indices, context);
  // Whether a dynamic dim is repeated shows at run time.
  Operand input = context.operand(op.getInput());
  Value stage = context.map(context.empty(op.getOutput()), {}, [&](Body &body) {
    SmallVector<Scalar> positions;
    for (auto [dim, size] : llvm::enumerate(from))
      positions.push_back(min(body.index(dim + offset), body.size(size) - 1));
    return body.read(input, positions);
  });
  context.set(op.getOutput(), stage);
  return success();
}

void sinter::addViewLowerings(LoweringTable &table) {
  table.add<nn::ReshapeOp, lowerReshape<nn::ReshapeOp>>();
  table.add<nn::FlattenOp, lowerReshape<nn::FlattenOp>>();
  table.add<nn::SqueezeOp, lowerSqueeze>();
  table.add<nn::UnsqueezeOp, lowerUnsqueeze>();
  table.add<nn::TransposeOp, lowerTranspose>();
  table.add<nn::ExpandOp, lowerExpand>();
}
