//===- LowerStrassen.cpp - a product by seven of half the size ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical form, which kernel-tile recognises; h = ⌈M/2⌉, V the width of a panel:
//
//   sums       … 7 h K/2         S of dialects/nn/Strassen.h, of rows 2r and 2r + 1
//   products   … 7 h N/2V V      Σ over k of sums · rhs (7, N/2V, K/2, V)
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

LogicalResult sinter::lowerStrassen(nn::MatMulOp op, LowerContext &context) {
  nn::SymbolicShape shape = context.shape(op.getOutput());
  unsigned batch = shape.size() - 2;
  int64_t block = op.getRhsBlock();
  AffineExpr halfRows = (shape[batch] + 1).floorDiv(2);
  nn::SymbolicShape rhsShape = context.shape(op.getRhs());
  AffineExpr panels = rhsShape[1], halfDepth = rhsShape[2];
  AffineExpr two = context.constant(2), width = context.constant(block);
  Operand lhs = context.operand(op.getLhs());
  Type type = lhs.elementType;
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
  Value sums =
      context.map(context.empty(shapeOf({seven, halfRows, halfDepth}), type), {}, [&](Body &body) {
        SmallVector<Scalar> place = body.indices(batch);
        Scalar last = body.size(shape[batch]) - 1, row = body.index(batch + 1) * 2;
        auto read = [&](int64_t i, int64_t j) {
          SmallVector<Scalar> positions(place);
          positions.push_back(i == 0 ? row : min(row + 1, last));
          Scalar term = body.index(batch + 2);
          positions.push_back(j == 0 ? term : term + body.size(halfDepth));
          return body.read(lhs, positions);
        };
        Scalar a11 = read(0, 0), a12 = read(0, 1), a21 = read(1, 0), a22 = read(1, 1);
        Scalar s1 = a21 + a22, s2 = s1 - a11;
        return choose(body.index(batch), {a11, a12, a12 - s2, a22, s1, s2, a11 - a21});
      });
  AffineExpr product = loop(batch), row = loop(batch + 1), panel = loop(batch + 2),
             lane = loop(batch + 3), term = loop(batch + 4);
  Value products = context.reduce(
      context.fill(context.empty(shapeOf({seven, halfRows, panels, width}), type), 0.0),
      {halfDepth},
      {at(context.stage(sums), {product, row, term}),
       Input{context.operand(op.getRhs()), {product, panel, term, lane}}},
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
