//===- Term.cpp - shapes and sums of terms --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Term.h"

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------===//

Dim sinter::nn::dimOf(Term x, int64_t axis) {
  if (!x.getType().isDynamicDim(axis))
    return x.getType().getDimSize(axis);
  return x.apply<ShapeOfOp>(axis, axis + 1).get();
}

Value sinter::nn::toTensor(Term like, Dim dim) {
  return dim.value ? dim.value : createIndexConstant(like.getBuilder(), like.getLoc(), {dim.size});
}

template <typename OpTy, typename Function>
static Dim combine(Term like, Dim lhs, Dim rhs, Function fold) {
  if (!lhs.value && !rhs.value)
    return fold(lhs.size, rhs.size);
  return OpTy::create(like.getBuilder(), like.getLoc(), toTensor(like, lhs), toTensor(like, rhs))
      ->getResult(0);
}
Dim sinter::nn::addDims(Term like, Dim lhs, Dim rhs) {
  return combine<AddOp>(like, lhs, rhs, std::plus<int64_t>());
}
Dim sinter::nn::subDims(Term like, Dim lhs, Dim rhs) {
  return combine<SubOp>(like, lhs, rhs, std::minus<int64_t>());
}
Dim sinter::nn::mulDims(Term like, Dim lhs, Dim rhs) {
  return combine<MulOp>(like, lhs, rhs, std::multiplies<int64_t>());
}
Dim sinter::nn::minDims(Term like, Dim lhs, Dim rhs) {
  return combine<MinOp>(like, lhs, rhs, [](int64_t a, int64_t b) { return std::min(a, b); });
}
Dim sinter::nn::maxDims(Term like, Dim lhs, Dim rhs) {
  return combine<MaxOp>(like, lhs, rhs, [](int64_t a, int64_t b) { return std::max(a, b); });
}

Value sinter::nn::shapeTensor(Term like, ArrayRef<Dim> dims) {
  if (llvm::all_of(dims, [](const Dim &dim) { return !dim.value; })) {
    SmallVector<int64_t> sizes;
    for (const Dim &dim : dims)
      sizes.push_back(dim.size);
    return createIndexConstant(like.getBuilder(), like.getLoc(), sizes);
  }
  SmallVector<Value> parts;
  for (const Dim &dim : dims)
    parts.push_back(toTensor(like, dim));
  if (parts.size() == 1)
    return parts.front();
  return ConcatOp::create(like.getBuilder(), like.getLoc(), parts, 0);
}

Value sinter::nn::shapeOf(Term x) {
  if (x.getType().hasStaticShape())
    return createIndexConstant(x.getBuilder(), x.getLoc(), x.getType().getShape());
  return x.apply<ShapeOfOp>(0, x.getRank());
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Term sinter::nn::reshapeLike(Term x, Value like) {
  return x.getType() == like.getType() && x.getType().hasStaticShape()
             ? x
             : x.reshape(shapeOf(x.with(like)));
}

Term sinter::nn::zerosLike(Term like) { return like.number(0).apply<ExpandOp>(shapeOf(like)); }

Term sinter::nn::zeros(Term like, ArrayRef<Dim> dims) {
  return like.number(0).apply<ExpandOp>(shapeTensor(like, dims));
}

Term sinter::nn::expandLike(Term x, Value like) {
  if (x.getType() == like.getType() && x.getType().hasStaticShape())
    return x;
  return x.apply<ExpandOp>(shapeOf(x.with(like)));
}

Term sinter::nn::sumTo(Term x, Value like) {
  ShapeAnalysis analysis(x.getBuilder().getContext());
  if (auto sum = trySumTo(x, analysis.shape(x), analysis.shape(like)))
    return *sum;
  return x.apply<SumToShapeOp>(shapeOf(x.with(like)));
}

std::optional<Term> sinter::nn::trySumTo(Term x, const SymbolicShape &from,
                                         const SymbolicShape &to) {
  int64_t leading = from.size() - to.size();
  SmallVector<int64_t> summed = axesRange(0, leading);
  for (auto [dim, size] : llvm::enumerate(to)) {
    AffineExpr wide = from[leading + dim];
    auto known = asConstant(size);
    if (size == wide || asConstant(wide) == 1)
      continue;
    if (!known)
      return std::nullopt;
    if (*known == 1)
      summed.push_back(leading + dim);
  }
  if (!summed.empty())
    x = x.sum(summed);
  return leading ? x.squeeze(axesRange(0, leading)) : x;
}

Term sinter::nn::slice(Term x, int64_t axis, Dim begin, Dim end) {
  return x.apply<SliceOp>(toTensor(x, begin), toTensor(x, end), toTensor(x, Dim(1)),
                          ArrayRef<int64_t>{axis});
}

Term sinter::nn::flip(Term x, ArrayRef<int64_t> axes) {
  if (axes.empty())
    return x;
  auto all = [&](int64_t value) {
    return createIndexConstant(x.getBuilder(), x.getLoc(),
                               SmallVector<int64_t>(axes.size(), value));
  };
  return x.apply<SliceOp>(all(-1), all(std::numeric_limits<int64_t>::min()), all(-1), axes);
}
