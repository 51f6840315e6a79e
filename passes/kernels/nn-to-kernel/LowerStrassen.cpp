//===- LowerStrassen.cpp - a product by seven of half the size ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical form, which kernel-tile recognises; h = ⌈M/2⌉, V the width of a panel:
//
//   sums       … 7 h K/2         S of dialects/nn/Strassen.h, of rows 2r and 2r + 1; … 7 K/2 h of
//                                a transposed left side
//   rhs sums   … 7 N/2V K/2 V    T, if the right side is plain
//   products   … 7 h N/2V V      Σ over k of sums · (rhs sums or rhs)
//   quarters   … h 2 N/2V 2 V    sums of products
//   result     … m n             quarters at (m floordiv 2, m mod 2, n floordiv 2V,
//                                (n floordiv V) mod 2, n mod V)
//
// Behind an odd last row it stands once more, and its results are not stored. The loops of seven,
// and those of two, choose a formula: once they are unrolled, no choice is left.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/Strassen.h"
#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

/// The formula that a number chooses.
static Scalar choose(Scalar number, ArrayRef<Scalar> formulas) {
  Scalar result = formulas.back();
  for (size_t i = formulas.size() - 1; i-- > 0;)
    result = select(number == static_cast<double>(i), formulas[i], result);
  return result;
}

/// S: what of the left side is multiplied.
static Value sumLhs(nn::MatMulOp op, LowerContext &context, unsigned batch, AffineExpr rows,
                    AffineExpr halfDepth) {
  Operand lhs = context.operand(op.getLhs());
  bool transposed = op.getTransposeLhs();
  AffineExpr seven = context.constant(nn::strassenProducts), halfRows = (rows + 1).floorDiv(2);
  SmallVector<AffineExpr, 4> shape(ArrayRef(context.shape(op.getOutput())).take_front(batch));
  llvm::append_values(shape, seven, transposed ? halfDepth : halfRows,
                      transposed ? halfRows : halfDepth);
  return context.map(context.empty(shape, lhs.elementType), {}, [&](Body &body) {
    SmallVector<Scalar> place = body.indices(batch);
    Scalar last = body.size(rows) - 1;
    Scalar row = body.index(batch + (transposed ? 2 : 1)) * 2;
    Scalar term = body.index(batch + (transposed ? 1 : 2));
    auto read = [&](int64_t i, int64_t j) {
      SmallVector<Scalar> positions(place);
      // Tiles may reach behind the last row, but not where vectors run along the rows.
      Scalar m = transposed ? row + double(i) : min(row + double(i), last);
      Scalar k = j == 0 ? term : term + body.size(halfDepth);
      llvm::append_values(positions, transposed ? k : m, transposed ? m : k);
      return body.read(lhs, positions);
    };
    Scalar a11 = read(0, 0), a12 = read(0, 1), a21 = read(1, 0), a22 = read(1, 1);
    Scalar s1 = a21 + a22, s2 = s1 - a11;
    return choose(body.index(batch), {a11, a12, a12 - s2, a22, s1, s2, a11 - a21});
  });
}

/// T of a plain right side.
static Value sumRhs(nn::MatMulOp op, LowerContext &context, unsigned batch, AffineExpr halfDepth) {
  Operand rhs = context.operand(op.getRhs());
  nn::SymbolicShape shape = context.shape(op.getRhs());
  int64_t block = op.getRhsBlock();
  AffineExpr panels = shape.back().floorDiv(2 * block);
  shape.resize(batch);
  llvm::append_values(shape, context.constant(nn::strassenProducts), panels, halfDepth,
                      context.constant(block));
  return context.map(context.empty(shape, rhs.elementType), {}, [&](Body &body) {
    SmallVector<Scalar> place = body.indices(batch);
    Scalar column = body.index(batch + 1) * (2 * block) + body.index(batch + 3);
    Scalar term = body.index(batch + 2);
    auto read = [&](int64_t i, int64_t j) {
      SmallVector<Scalar> positions(place);
      llvm::append_values(positions, i == 0 ? term : term + body.size(halfDepth),
                          j == 0 ? column : column + block);
      return body.read(rhs, positions);
    };
    Scalar b11 = read(0, 0), b12 = read(0, 1), b21 = read(1, 0), b22 = read(1, 1);
    Scalar t6 = b22 - b12, t5 = t6 + b11;
    return choose(body.index(batch), {b11, b21, b22, t5 - b21, b12 - b11, t5, t6});
  });
}

LogicalResult sinter::lowerStrassen(nn::MatMulOp op, LowerContext &context) {
  nn::SymbolicShape shape = context.shape(op.getOutput());
  unsigned batch = shape.size() - 2;
  int64_t block = op.getRhsBlock();
  bool makesSums = op.getColumns() == 0, transposed = op.getTransposeLhs();
  AffineExpr halfRows = (shape[batch] + 1).floorDiv(2);
  AffineExpr panels = shape[batch + 1].floorDiv(2 * block);
  AffineExpr halfDepth = context.shape(op.getLhs())[batch + (transposed ? 0 : 1)].floorDiv(2);
  AffineExpr two = context.constant(2), width = context.constant(block);
  Type type = context.operand(op.getLhs()).elementType;
  auto loop = [&](unsigned position) { return context.loop(position); };
  // The shape of a stage, and how one is read: the batch, then `rest`.
  auto withBatch = [&](auto rest) {
    SmallVector<AffineExpr, 4> all(ArrayRef<AffineExpr>(shape).take_front(batch));
    all.append(rest.begin(), rest.end());
    return all;
  };
  auto at = [&](Operand operand, ArrayRef<AffineExpr> rest) {
    Input input{operand, context.loops(0, batch)};
    input.indices.append(rest.begin(), rest.end());
    return input;
  };
  auto shapeOf = [&](std::initializer_list<AffineExpr> rest) { return withBatch(ArrayRef(rest)); };

  AffineExpr seven = context.constant(nn::strassenProducts);
  AffineExpr product = loop(batch), row = loop(batch + 1), panel = loop(batch + 2),
             lane = loop(batch + 3), term = loop(batch + 4);
  Operand sums = context.stage(sumLhs(op, context, batch, shape[batch], halfDepth));
  Input left = transposed ? at(sums, {product, term, row}) : at(sums, {product, row, term});
  Input right{context.operand(op.getRhs()), {product, panel, term, lane}};
  if (makesSums)
    right = at(context.stage(sumRhs(op, context, batch, halfDepth)), {product, panel, term, lane});
  Value products = context.reduce(
      context.fill(context.empty(shapeOf({seven, halfRows, panels, width}), type), 0.0),
      {halfDepth}, {left, right},
      [&](Body &body) { return body.out[0] + body.in[0] * body.in[1]; });

  SmallVector<Input> each;
  for (int64_t i = 0; i < nn::strassenProducts; ++i)
    each.push_back(at(context.stage(products),
                      {context.constant(i), loop(batch), loop(batch + 2), loop(batch + 4)}));
  Value results = context.map(
      context.empty(shapeOf({halfRows, two, panels, two, width}), type), each, [&](Body &body) {
        ArrayRef<Scalar> p = body.in;
        Scalar u2 = p[0] + p[5], u3 = u2 + p[6], u4 = u2 + p[4];
        Scalar upper = choose(body.index(batch + 3), {p[0] + p[1], u4 + p[2]});
        Scalar lower = choose(body.index(batch + 3), {u3 - p[3], u3 + p[4]});
        return choose(body.index(batch + 1), {upper, lower});
      });
  AffineExpr m = loop(batch), n = loop(batch + 1);
  context.set(op.getOutput(),
              context.map(context.empty(op.getOutput()),
                          {at(context.stage(results), {m.floorDiv(2), m % 2, n.floorDiv(2 * block),
                                                       n.floorDiv(block) % 2, n % block})},
                          [](Body &body) { return body.in[0]; }));
  return success();
}
