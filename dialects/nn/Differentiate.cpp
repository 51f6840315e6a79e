//===- Differentiate.cpp - the helpers of the derivatives -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Differentiate.h"

using namespace mlir;
using namespace sinter::nn;

Dim sinter::nn::elementOf(Term like, Value contents, int64_t position) {
  if (ElementsAttr elements = getConstant(contents))
    return HostTensor::fromAttribute(elements).getInt(position);
  Term tensor = like.with(contents);
  if (!getElementTypeOrSelf(contents.getType()).isInteger(64))
    tensor = tensor.apply<CastOp>(TypeAttr::get(like.getBuilder().getI64Type()));
  return slice(tensor, 0, position, position + 1).get();
}

Term sinter::nn::identity(Term like, Dim size) {
  Term square = zeros(like, {size, size});
  return square.apply<EyeOp>(like.getBuilder().getI64IntegerAttr(0),
                             TypeAttr::get(like.getType().getElementType()));
}

Term sinter::nn::contractAxis(Term x, int64_t axis, Term matrix) {
  int64_t last = x.getRank() - 1;
  SmallVector<int64_t> swap = axesRange(0, x.getRank());
  std::swap(swap[axis], swap[last]);
  Term rows = axis == last ? x : x.transpose(swap);
  Term product =
      rows.apply<MatMulOp>(matrix.get(), /*transpose_lhs=*/false, /*transpose_rhs=*/false);
  return axis == last ? product : product.transpose(swap);
}

Term sinter::nn::scatterRows(Term input, Term indices, int64_t axis, Term g) {
  // g is [i…, j…, k…], j… the dims of the indices: rows j of the rest.
  int64_t rank = input.getRank(), count = indices.getRank();
  SmallVector<int64_t> toFront = axesRange(axis, axis + count);
  llvm::append_range(toFront, axesRange(0, axis));
  llvm::append_range(toFront, axesRange(axis + count, g.getRank()));
  SmallVector<int64_t> axisFirst{axis}, back(rank);
  llvm::append_range(axisFirst, axesRange(0, axis));
  llvm::append_range(axisFirst, axesRange(axis + 1, rank));
  for (auto [to, from] : llvm::enumerate(axisFirst))
    back[from] = to;

  Term updates = axis == 0 ? g : g.transpose(toFront);
  SmallVector<Dim> dims;
  for (int64_t dim : axisFirst)
    dims.push_back(dimOf(input, dim));
  Term sum = zeros(input, dims)
                 .apply<ScatterNDOp>(indices.unsqueeze({count}).get(), updates.get(),
                                     ScatterReduction::add);
  return axis == 0 ? sum : sum.transpose(back);
}
