//===- LowerWinograd.cpp - conv by F(m×m, 3×3) ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical form, which kernel-tile recognises; T×U tiles of m×m results, α = m + 2:
//
//   padded     n (m·T + 2) (m·U + 2) c
//   rows       n t u ξ j c     Bᵀ from the left: column j of tile (t, u)
//   tiles      ξ ν n t u c     B from the right
//   products   ξ ν n t u f     Σ over c of tiles · filter (f floordiv V, ξ, ν, c, f mod V)
//   columns    n t u i ν f     Aᵀ from the left
//   results    n t u i j f     A from the right
//   result     n y x f         results (n, y floordiv m, x floordiv m, y mod m, x mod m, f)
//
// ξ, ν, i and j choose a formula: once they are unrolled, no choice is left.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/Winograd.h"
#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

/// `sum + weight · x`; `sum` may still be nothing.
static Scalar accumulate(Scalar sum, double weight, Scalar x) {
  if (weight == 0)
    return sum;
  if (weight == -1 && sum)
    return sum - x;
  Scalar term = weight == 1 ? x : x * weight;
  return sum ? sum + term : term;
}

/// A row of Bᵀ applied to `x`. Rows of a point and its negative differ in the sign of what comes
/// from the odd places, so that is a sum of its own which both use.
static Scalar applyInput(ArrayRef<double> row, ArrayRef<Scalar> x) {
  double scale = 0;
  for (size_t i = 1; i < row.size(); i += 2)
    if (row[i] != 0)
      scale = row[i];
  Scalar even, odd;
  for (size_t i = 0; i < row.size(); ++i)
    if (i % 2 == 0)
      even = accumulate(even, row[i], x[i]);
    else if (scale != 0)
      odd = accumulate(odd, row[i] / scale, x[i]);
  return odd ? accumulate(even, scale, odd) : even;
}

/// A row of Aᵀ applied to `x`: of the two columns of a point and its negative all rows use the sum
/// or the difference.
static Scalar applyInverse(ArrayRef<double> row, ArrayRef<Scalar> x) {
  size_t last = row.size() - 1;
  Scalar sum = accumulate({}, row[0], x[0]);
  for (size_t i = 1; i < last; i += 2)
    sum = accumulate(sum, row[i], row[i] == row[i + 1] ? x[i] + x[i + 1] : x[i] - x[i + 1]);
  return accumulate(sum, row[last], x[last]);
}

using Apply = Scalar (*)(ArrayRef<double>, ArrayRef<Scalar>);

/// One formula for each row of a matrix; loop `choice` says which.
static Scalar chooseRow(Body &body, unsigned choice, ArrayRef<double> matrix, Apply apply) {
  size_t columns = body.in.size(), rows = matrix.size() / columns;
  Scalar result;
  for (size_t row = rows; row-- > 0;) {
    Scalar each = apply(matrix.slice(row * columns, columns), body.in);
    result = result ? select(body.index(choice) == static_cast<double>(row), each, result) : each;
  }
  return result;
}

LogicalResult sinter::lowerWinograd(nn::ConvOp op, LowerContext &context,
                                    ArrayRef<Window> windows) {
  const nn::Winograd &winograd = *nn::getWinograd(op.getWinograd());
  int64_t m = winograd.tile, points = winograd.points(), block = op.getFilterBlock();
  nn::SymbolicShape resultShape = context.shape(op.getOutput());
  AffineExpr alpha = context.constant(points), batch = resultShape[0], filters = resultShape[3];
  AffineExpr channels = context.shape(op.getInput())[3];
  Type type = nn::getSignlessType(op.getInput().getType().getElementType());

  // The input with zeros around, up to the end of the last tile.
  SmallVector<Window> wholeTiles(windows);
  SmallVector<AffineExpr> tiles;
  for (Window &window : wholeTiles) {
    tiles.push_back((window.output + (m - 1)).floorDiv(m));
    window.padEnd = tiles.back() * m + 2 - window.input - window.padBegin;
    window.output = tiles.back() * m;
  }
  Operand padded = padInput(context, op.getInput(), wholeTiles, 1,
                            cast<TypedAttr>(context.builder.getZeroAttr(type)));

  auto loop = [&](unsigned position) { return context.loop(position); };
  // `count` reads of one operand, each with another constant at one place.
  auto readEach = [&](Operand operand, int64_t count, function_ref<Input(AffineExpr)> at) {
    SmallVector<Input> inputs;
    for (int64_t i = 0; i < count; ++i)
      inputs.push_back(at(context.constant(i)));
    return inputs;
  };

  Value rows = context.map(
      context.empty({batch, tiles[0], tiles[1], alpha, alpha, channels}, type),
      readEach(padded, points,
               [&](AffineExpr i) {
                 return Input{padded, {loop(0), loop(1) * m + i, loop(2) * m + loop(4), loop(5)}};
               }),
      [&](Body &body) { return chooseRow(body, 3, winograd.input, applyInput); });
  Value transformed = context.map(
      context.empty({alpha, alpha, batch, tiles[0], tiles[1], channels}, type),
      readEach(
          context.stage(rows), points,
          [&](AffineExpr j) {
            return Input{context.stage(rows), {loop(2), loop(3), loop(4), loop(0), j, loop(5)}};
          }),
      [&](Body &body) { return chooseRow(body, 1, winograd.input, applyInput); });
  Value products = context.reduce(
      context.fill(context.empty({alpha, alpha, batch, tiles[0], tiles[1], filters}, type), 0.0),
      {channels},
      {Input{context.stage(transformed), {loop(0), loop(1), loop(2), loop(3), loop(4), loop(6)}},
       Input{context.operand(op.getFilter()),
             {loop(5).floorDiv(block), loop(0), loop(1), loop(6), loop(5) % block}}},
      [&](Body &body) { return body.out[0] + body.in[0] * body.in[1]; });
  AffineExpr side = context.constant(m);
  Value columns = context.map(
      context.empty({batch, tiles[0], tiles[1], side, alpha, filters}, type),
      readEach(
          context.stage(products), points,
          [&](AffineExpr i) {
            return Input{context.stage(products), {i, loop(4), loop(0), loop(1), loop(2), loop(5)}};
          }),
      [&](Body &body) { return chooseRow(body, 3, winograd.inverse, applyInverse); });
  Value results = context.map(
      context.empty({batch, tiles[0], tiles[1], side, side, filters}, type),
      readEach(
          context.stage(columns), points,
          [&](AffineExpr j) {
            return Input{context.stage(columns), {loop(0), loop(1), loop(2), loop(3), j, loop(5)}};
          }),
      [&](Body &body) { return chooseRow(body, 4, winograd.inverse, applyInverse); });

  SmallVector<Input> inputs = {Input{
      context.stage(results),
      {loop(0), loop(1).floorDiv(m), loop(2).floorDiv(m), loop(1) % m, loop(2) % m, loop(3)}}};
  if (op.getBias())
    inputs.push_back(Input{context.operand(op.getBias()), {loop(3)}});
  context.set(op.getOutput(), context.map(context.empty(op.getOutput()), inputs, [&](Body &body) {
    return body.in.size() == 2 ? body.in[0] + body.in[1] : body.in[0];
  }));
  return success();
}
