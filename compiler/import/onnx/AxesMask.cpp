//===- AxesMask.cpp - axes that are only known at run time ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/AxesMask.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

std::optional<AxesMask> AxesMask::create(Node &node, unsigned input, int64_t rank) {
  Type i64 = node.getBuilder().getI64Type();
  RankedTensorType type = node.getInputType(input);
  if (type.getRank() > 1) {
    (void)node.emitError("input " + Twine(input) + " 'axes' must be a list");
    return std::nullopt;
  }
  // No tensor has so many dims; each one costs an op here.
  constexpr int64_t maxRank = 64;
  if (rank > maxRank) {
    (void)node.emitError("a tensor of " + Twine(rank) + " dims is not supported");
    return std::nullopt;
  }
  Value axes = node.cast(node.getInput(input), i64);
  if (type.getRank() == 0)
    axes = node.reshape(axes, {1});
  Value negative = node.compare(nn::ComparePredicate::lt, axes, node.scalar(i64, 0));
  axes = node.where(negative, node.add(axes, node.scalar(i64, rank)), axes);
  // One row an axis, one column a dim.
  Value dims = node.indices(llvm::to_vector(llvm::seq<int64_t>(rank)));
  Value hits =
      node.compare(nn::ComparePredicate::eq, node.unsqueeze(axes, {1}), node.unsqueeze(dims, {0}));
  Value any = node.reduce(node.cast(hits, i64), nn::ReduceKind::sum, {0},
                          /*keepdims=*/false);
  AxesMask result;
  result.mask = node.compare(nn::ComparePredicate::gt, any, node.scalar(i64, 0));
  result.rank = rank;
  result.count = type.getRank() ? type.getDimSize(0) : 1;
  if (node.failed())
    return std::nullopt;
  return result;
}

Value AxesMask::isAxis(Node &node, int64_t dim) const {
  return node.asScalar(node.slice(mask, 0, dim, dim + 1));
}

Value AxesMask::dropMarked(Node &node, Value list) const {
  int64_t left = rank - count;
  if (ShapedType::isDynamic(count)) {
    auto declared = node.getDeclaredOutputType(0);
    if (!declared) {
      (void)node.emitError("the rank of its output is not known: the number of "
                           "axes is dynamic, and the model declares no shape "
                           "for the output");
      return list;
    }
    left = declared.getRank();
  }
  Value keep = node.create<nn::NotOp>(mask);
  Value kept = node.create<nn::CompressOp>(list, keep, node.getBuilder().getI64IntegerAttr(0));
  return node.reshape(kept, {left});
}

Value AxesMask::insertOnes(Node &node, Value list, int64_t listLength) const {
  Type i64 = node.getBuilder().getI64Type();
  // The n-th dim that is no axis takes the n-th element. Axes point anywhere in
  // range, at a one put behind the end.
  Value keep = node.cast(node.create<nn::NotOp>(mask), i64);
  Value position =
      node.create<nn::CumulativeOp>(keep, nn::CumulativeKind::sum, int64_t(0), /*exclusive=*/true,
                                    /*reverse=*/false);
  Value padded = node.concat({list, node.indices({1})}, 0);
  Value last = node.scalar(i64, listLength);
  Value element = node.create<nn::GatherOp>(padded, node.min(position, last), int64_t(0));
  return node.where(mask, node.scalar(i64, 1), element);
}
