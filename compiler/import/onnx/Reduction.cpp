//===- Reduction.cpp - reductions, arg-extrema, running sums --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/AxesMask.h"
#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using nn::ReduceKind;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

// A kind as elementwise work before and after a kind that may be done dim by
// dim.
static ReduceKind decompose(Node &node, ReduceKind kind, Value &x) {
  switch (kind) {
  case ReduceKind::l1:
    x = node.create<nn::AbsOp>(x);
    return ReduceKind::sum;
  case ReduceKind::l2:
  case ReduceKind::sum_square:
    x = node.mul(x, x);
    return ReduceKind::sum;
  case ReduceKind::log_sum:
    return ReduceKind::sum;
  default:
    return kind;
  }
}
static Value complete(Node &node, ReduceKind kind, Value x) {
  if (kind == ReduceKind::log_sum)
    return node.create<nn::LogOp>(x);
  if (kind != ReduceKind::l2)
    return x;
  Type type = getElementTypeOrSelf(x.getType());
  if (isa<FloatType>(type))
    return node.create<nn::SqrtOp>(x);
  Value root = node.create<nn::SqrtOp>(node.cast(x, node.getBuilder().getF64Type()));
  return node.cast(root, type);
}

// Axes computed at run time: each dim is reduced or not, by a branch of its own.
static LogicalResult buildWithRuntimeAxes(Node &node, ReduceKind kind, bool keepdims,
                                          bool noopIfEmpty) {
  Value x = node.getInput(0);
  int64_t rank = node.getRank(0);
  std::optional<AxesMask> mask = AxesMask::create(node, 1, rank);
  if (!mask)
    return failure();
  Value all;
  RankedTensorType axesType = node.getInputType(1);
  if (axesType.getRank() == 1 && axesType.isDynamicDim(0) && !noopIfEmpty)
    all = node.compare(nn::ComparePredicate::eq, node.asScalar(node.dimOf(node.getInput(1), 0)),
                       node.scalar(node.getBuilder().getI64Type(), 0));
  Value shape = node.shapeOf(x);
  ReduceKind step = decompose(node, kind, x);
  for (int64_t dim = 0; dim < rank; ++dim) {
    Value reduced = mask->isAxis(node, dim);
    if (all)
      reduced = node.create<nn::OrOp>(reduced, all);
    x = node.choose(
        reduced, [&] { return node.reduce(x, step, {dim}, true); }, [&] { return x; });
    if (node.failed())
      return failure();
  }
  x = complete(node, kind, x);
  if (!keepdims)
    x = node.create<nn::ReshapeOp>(x, mask->dropMarked(node, shape));
  return node.yield(x);
}

// `axesInputSince`: the opset from which axes are an input.
template <ReduceKind kind, int axesInputSince>
static LogicalResult buildReduce(Node &node) {
  Value x = node.getInput(0);
  int64_t rank = node.getRank(0);
  bool keepdims = node.getFlag("keepdims", true);
  bool noopIfEmpty = node.getFlag("noop_with_empty_axes");
  Node::Ints axes;
  if (node.getOpset() < axesInputSince) {
    axes = node.getInts("axes");
  } else if (node.hasInput(1)) {
    RankedTensorType type = node.getInputType(1);
    bool none = type.hasStaticShape() && type.getNumElements() == 0;
    auto known = none ? Node::Ints() : node.getConstantInts(node.getInput(1));
    if (!known)
      return buildWithRuntimeAxes(node, kind, keepdims, noopIfEmpty);
    axes = *known;
  }
  if (axes.empty() && noopIfEmpty) {
    // Reduces nothing, but what a kind does to each element remains.
    decompose(node, kind, x);
    if (kind == ReduceKind::log_sum_exp)
      return node.yield(x);
    return node.yield(complete(node, kind, x));
  }
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(rank));
  axes = node.normalizeAxes(axes, rank);
  if (node.failed())
    return failure();
  // bool may be compared, but nothing else: as numbers 0 and 1.
  Type type = node.getElementType(0);
  if (type.isInteger(1))
    x = node.cast(x, IntegerType::get(node.getContext(), 8, IntegerType::Unsigned));
  return node.yield(node.cast(node.reduce(x, kind, axes, keepdims), type));
}

template <nn::ArgKind kind>
static LogicalResult buildArgReduce(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), node.getRank(0));
  return node.yield(node.create<nn::ArgReduceOp>(node.getInput(0), kind, axis,
                                                 node.getFlag("keepdims", true),
                                                 node.getFlag("select_last_index")));
}

//===----------------------------------------------------------------------===//
// Running sums and products
//===----------------------------------------------------------------------===//

template <nn::CumulativeKind kind>
static LogicalResult buildCumulative(Node &node) {
  Value x = node.getInput(0);
  int64_t rank = node.getRank(0);
  if (rank == 0)
    return node.emitError("takes a tensor of at least one dim");
  bool exclusive = node.getFlag("exclusive"), reverse = node.getFlag("reverse");
  auto along = [&](int64_t axis) {
    return node.create<nn::CumulativeOp>(x, kind, axis, exclusive, reverse);
  };
  if (auto known = node.getConstantInts(node.getInput(1))) {
    if (known->size() != 1)
      return node.emitError("the axis must be one number");
    return node.yield(along(node.normalizeAxis(known->front(), rank)));
  }
  if (rank == 1)
    return node.yield(along(0));
  // The axis is computed at run time: one branch for each.
  std::optional<AxesMask> mask = AxesMask::create(node, 1, rank);
  if (!mask)
    return failure();
  std::function<Value(int64_t)> from = [&](int64_t axis) -> Value {
    if (axis == rank - 1)
      return along(axis);
    return node.choose(
        mask->isAxis(node, axis), [&] { return along(axis); }, [&] { return from(axis + 1); });
  };
  return node.yield(from(0));
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

void sinter::onnx_import::registerReductionOperators(OperatorTable &table) {
  table.add("ReduceSum", 1, buildReduce<ReduceKind::sum, 13>, {1, 2});
  table.add("ReduceMean", 1, buildReduce<ReduceKind::mean, 18>, {1, 2});
  table.add("ReduceMax", 1, buildReduce<ReduceKind::max, 18>, {1, 2});
  table.add("ReduceMin", 1, buildReduce<ReduceKind::min, 18>, {1, 2});
  table.add("ReduceProd", 1, buildReduce<ReduceKind::prod, 18>, {1, 2});
  table.add("ReduceL1", 1, buildReduce<ReduceKind::l1, 18>, {1, 2});
  table.add("ReduceL2", 1, buildReduce<ReduceKind::l2, 18>, {1, 2});
  table.add("ReduceSumSquare", 1, buildReduce<ReduceKind::sum_square, 18>, {1, 2});
  table.add("ReduceLogSum", 1, buildReduce<ReduceKind::log_sum, 18>, {1, 2});
  table.add("ReduceLogSumExp", 1, buildReduce<ReduceKind::log_sum_exp, 18>, {1, 2});
  table.add("ArgMax", 1, buildArgReduce<nn::ArgKind::max>, 1);
  table.add("ArgMin", 1, buildArgReduce<nn::ArgKind::min>, 1);
  table.add("CumSum", 11, buildCumulative<nn::CumulativeKind::sum>, 2);
  table.add("CumProd", 26, buildCumulative<nn::CumulativeKind::prod>, 2);
}
