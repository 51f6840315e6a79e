//===- LowerConvTranspose.cpp - conv_transpose, col2im --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both scatter windows into a picture. Here they gather: an element of the
// result sums over the kernel taps those input positions that fall on it.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

std::pair<Scalar, Scalar> sinter::sourcePosition(Scalar output, Scalar tap, Scalar pad,
                                                 int64_t stride, int64_t dilation, Scalar extent) {
  Scalar scaled = output + pad - tap * dilation;
  Scalar positive = max(scaled, scaled.like(0));
  Scalar position = stride == 1 ? positive : positive / stride;
  Scalar inside = (scaled >= 0) & (position < extent);
  if (stride != 1)
    inside = inside & (positive % stride == positive.like(0));
  return {min(position, extent - 1), inside};
}

static LogicalResult lowerConvTranspose(nn::ConvTransposeOp op, LowerContext &context) {
  nn::SymbolicShape from = context.shape(op.getInput());
  nn::SymbolicShape filterShape = context.shape(op.getFilter());
  nn::SymbolicShape to = context.shape(op.getOutput());
  unsigned rank = from.size(), spatial = rank - 2;
  int64_t group = op.getGroup();
  auto channels = nn::asConstant(from[1]);
  auto groupFilters = nn::asConstant(filterShape[1]);
  if (group > 1 && (!channels || !groupFilters))
    return context.fail("with groups needs known numbers of channels");

  auto strideOf = [&](unsigned dim) {
    return dim < op.getStrides().size() ? op.getStrides()[dim] : 1;
  };
  auto dilationOf = [&](unsigned dim) {
    return dim < op.getDilations().size() ? op.getDilations()[dim] : 1;
  };
  // Pads before the first position. An output shape decides the total; an odd
  // one goes to the end only for same_upper.
  SmallVector<AffineExpr> pads;
  bool decided = !op.getOutputShape().empty() || op.getAutoPad() == nn::AutoPad::same_upper ||
                 op.getAutoPad() == nn::AutoPad::same_lower;
  for (unsigned dim = 0; dim < spatial; ++dim) {
    if (decided) {
      int64_t extra = dim < op.getOutputPadding().size() ? op.getOutputPadding()[dim] : 0;
      AffineExpr total = (from[2 + dim] - 1) * strideOf(dim) + extra +
                         (filterShape[2 + dim] - 1) * dilationOf(dim) + 1 - to[2 + dim];
      total = context.shapes.max(total, context.constant(0));
      AffineExpr half = total.floorDiv(2);
      pads.push_back(op.getAutoPad() == nn::AutoPad::same_upper ? half : total - half);
    } else {
      bool given = op.getAutoPad() == nn::AutoPad::notset && dim < op.getPads().size();
      pads.push_back(context.constant(given ? op.getPads()[dim] : 0));
    }
  }

  // Loops: result N O Y…, taps, channels of the group.
  Operand input = context.operand(op.getInput());
  AffineExpr f = context.loop(1), c = context.loop(rank + spatial);
  SmallVector<Size> reductions;
  Input filter{context.operand(op.getFilter()), {}};
  if (group == 1) {
    llvm::append_values(filter.indices, c, f);
  } else {
    AffineExpr first = f.floorDiv(*groupFilters) * (*channels / group);
    llvm::append_values(filter.indices, first + c, f % *groupFilters);
  }
  for (unsigned dim = 0; dim < spatial; ++dim) {
    filter.indices.push_back(context.loop(rank + dim));
    reductions.push_back(filterShape[2 + dim]);
  }
  reductions.push_back(group == 1 ? from[1] : context.constant(*channels / group));

  Type type = getAccumulatorType(input.elementType);
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, reductions, filter, [&](Body &body) {
    Scalar channel = body.index(rank + spatial);
    if (group > 1)
      channel = body.index(1) / *groupFilters * (*channels / group) + channel;
    SmallVector<Scalar> positions{body.index(0), channel};
    Scalar inside;
    for (unsigned dim = 0; dim < spatial; ++dim) {
      auto [position, here] =
          sourcePosition(body.index(2 + dim), body.index(rank + dim), body.size(pads[dim]),
                         strideOf(dim), dilationOf(dim), body.size(from[2 + dim]));
      positions.push_back(position);
      inside = inside ? inside & here : here;
    }
    Scalar x = convert(body.read(input, positions), type);
    if (inside)
      x = select(inside, x, x.like(0));
    return body.out[0] + x * convert(body.in[0], type);
  });
  if (op.getBias())
    sum = context.map(context.empty(op.getOutput()),
                      {Input{context.stage(sum), context.loops(0, rank)},
                       Input{context.operand(op.getBias()), {f}}},
                      [&](Body &body) {
                        return convert(body.in[0] + convert(body.in[1], type), input.elementType);
                      });
  context.set(op.getOutput(), context.narrow(sum, input.elementType));
  return success();
}

// Input N (C·Πblock) L, L = Π positions per dim, both row-major.
static LogicalResult lowerCol2Im(nn::Col2ImOp op, LowerContext &context) {
  ArrayRef<int64_t> image = op.getImageShape(), block = op.getBlockShape();
  unsigned spatial = image.size(), rank = spatial + 2;
  auto at = [](ArrayRef<int64_t> values, unsigned i, int64_t otherwise) {
    return i < values.size() ? values[i] : otherwise;
  };
  SmallVector<int64_t> counts;
  SmallVector<Size> reductions;
  int64_t blockSize = 1;
  for (unsigned dim = 0; dim < spatial; ++dim) {
    int64_t covered = (block[dim] - 1) * at(op.getDilations(), dim, 1) + 1;
    int64_t padded = image[dim] + at(op.getPads(), dim, 0) + at(op.getPads(), spatial + dim, 0);
    counts.push_back((padded - covered) / at(op.getStrides(), dim, 1) + 1);
    reductions.push_back(context.constant(block[dim]));
    blockSize *= block[dim];
  }
  Operand input = context.operand(op.getInput());
  Type type = getAccumulatorType(input.elementType);
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, reductions, {}, [&](Body &body) {
    Scalar tapIndex = body.constantIndex(0), place = body.constantIndex(0);
    Scalar inside;
    for (unsigned dim = 0; dim < spatial; ++dim) {
      Scalar tap = body.index(rank + dim);
      auto [position, here] =
          sourcePosition(body.index(2 + dim), tap, body.constantIndex(at(op.getPads(), dim, 0)),
                         at(op.getStrides(), dim, 1), at(op.getDilations(), dim, 1),
                         body.constantIndex(counts[dim]));
      tapIndex = tapIndex * block[dim] + tap;
      place = place * counts[dim] + position;
      inside = inside ? inside & here : here;
    }
    Scalar row = body.index(1) * blockSize + tapIndex;
    Scalar x = convert(body.read(input, {body.index(0), row, place}), type);
    return body.out[0] + select(inside, x, x.like(0));
  });
  context.set(op.getOutput(), context.narrow(sum, input.elementType));
  return success();
}

void sinter::addConvTransposeLowerings(LoweringTable &table) {
  table.add<nn::ConvTransposeOp, lowerConvTranspose>();
  table.add<nn::Col2ImOp, lowerCol2Im>();
}
