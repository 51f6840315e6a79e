//===- Movement.cpp - transpose, concat, slice, pad, tile, … --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

//===----------------------------------------------------------------------===//
// Transpose, concat, split
//===----------------------------------------------------------------------===//

static LogicalResult buildTranspose(Node &node) {
  int64_t rank = node.getRank(0);
  Node::Ints permutation;
  for (int64_t i = rank; i--;)
    permutation.push_back(i);
  permutation = node.getInts("perm", permutation);
  Node::Ints sorted(permutation);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(rank)))
    return node.emitError("perm is no permutation of " + Twine(rank) + " dims");
  return node.yield(node.transpose(node.getInput(0), permutation));
}

static LogicalResult buildConcat(Node &node) {
  int64_t rank = node.getRank(0);
  int64_t axis = node.getOpset() < 4 ? node.getInt("axis", 1) : node.requireInt("axis");
  axis = node.normalizeAxis(axis, rank);
  for (unsigned i = 0; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i))
      return node.emitError("input " + Twine(i) + " is missing");
    if (node.getElementType(i) != node.getElementType(0))
      return node.emitError("inputs 0 and " + Twine(i) + " have different element types");
    if (node.getRank(i) != rank)
      return node.emitError("input 0 has " + Twine(rank) + " dims, input " + Twine(i) + " has " +
                            Twine(node.getRank(i)));
  }
  if (node.failed())
    return failure();
  return node.yield(node.concat(node.getInputs(), axis));
}

static LogicalResult buildSplit(Node &node) {
  Value x = node.getInput(0);
  RankedTensorType type = node.getInputType(0);
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), type.getRank());
  if (node.failed())
    return failure();
  unsigned count = node.getNumOutputs();
  int64_t size = type.getDimSize(axis);

  std::optional<Node::Ints> parts;
  Value runtimeParts;
  if (node.getOpset() < 13 && node.hasAttribute("split")) {
    parts = node.findInts("split");
  } else if (node.hasInput(1)) {
    parts = node.getConstantInts(node.getInput(1));
    if (!parts)
      runtimeParts = node.cast(node.getInput(1), node.getBuilder().getI64Type());
  } else {
    int64_t wanted = node.getInt("num_outputs", count);
    if (wanted != int64_t(count))
      return node.emitError("num_outputs is " + Twine(wanted) + ", but it has " + Twine(count) +
                            " outputs");
    if (!ShapedType::isDynamic(size)) {
      // Since opset 18 the last part may be smaller.
      int64_t part = (size + count - 1) / count;
      if (size % count && node.getOpset() < 18)
        return node.emitError("dim " + Twine(axis) + " of size " + Twine(size) +
                              " does not split into " + Twine(count) + " equal parts");
      parts.emplace();
      for (unsigned i = 0; i < count; ++i)
        parts->push_back(std::max<int64_t>(0, std::min(part, size - part * int64_t(i))));
    }
  }
  if (node.failed())
    return failure();

  auto setSlice = [&](unsigned index, Value start, Value end) {
    node.setOutput(
        index, node.create<nn::SliceOp>(x, start, end, node.indices({1}), ArrayRef<int64_t>(axis)));
  };
  if (parts) {
    int64_t total = 0;
    for (int64_t part : *parts)
      total += part;
    if (parts->size() != count || llvm::any_of(*parts, [](int64_t part) { return part < 0; }) ||
        (!ShapedType::isDynamic(size) && total != size))
      return node.emitError("the " + Twine(parts->size()) + " parts, in sum " + Twine(total) +
                            ", do not fit its " + Twine(count) + " outputs and dim " + Twine(axis) +
                            " of size " + (ShapedType::isDynamic(size) ? Twine("?") : Twine(size)));
    int64_t start = 0;
    for (unsigned i = 0; i < count; start += (*parts)[i++])
      if (node.hasOutput(i))
        setSlice(i, node.indices({start}), node.indices({start + (*parts)[i]}));
    return node.status();
  }
  Value start = node.indices({0});
  Value part;
  if (!runtimeParts)
    // ⌈size / count⌉
    part = node.div(node.add(node.dimOf(x, axis), node.indices({count - 1})),
                    node.indices({int64_t(count)}));
  for (unsigned i = 0; i < count; ++i) {
    if (runtimeParts)
      part = node.slice(runtimeParts, 0, i, i + 1);
    Value end = node.add(start, part);
    if (node.hasOutput(i))
      setSlice(i, start, end);
    start = end;
  }
  return node.status();
}

//===----------------------------------------------------------------------===//
// Slice, pad
//===----------------------------------------------------------------------===//

// A vector with `values` at the positions `axes` (known at run time, may be
// negative) and `fill` elsewhere.
static Value spread(Node &node, Value axes, Value values, int64_t length, int64_t fill) {
  Type i64 = node.getBuilder().getI64Type();
  Value base = node.indices(Node::Ints(length, fill));
  return node.create<nn::ScatterElementsOp>(base, axes, node.cast(values, i64), int64_t(0),
                                            nn::ScatterReduction::none);
}

static LogicalResult buildSlice(Node &node) {
  Value x = node.getInput(0);
  int64_t rank = node.getRank(0);
  if (node.getOpset() < 10) {
    Node::Ints starts = node.requireInts("starts");
    Node::Ints ends = node.requireInts("ends");
    Node::Ints axes = node.getInts("axes", llvm::to_vector(llvm::seq<int64_t>(starts.size())));
    if (starts.size() != ends.size() || starts.size() != axes.size())
      return node.emitError("starts, ends and axes differ in length");
    axes = node.normalizeAxesUnsorted(axes, rank);
    if (node.failed())
      return failure();
    if (axes.empty())
      return node.yield(x);
    return node.yield(node.create<nn::SliceOp>(x, node.indices(starts), node.indices(ends),
                                               node.indices(Node::Ints(axes.size(), 1)), axes));
  }
  if (!node.hasInput(1) || !node.hasInput(2))
    return node.emitError("starts and ends are missing");
  for (unsigned i = 1; i < node.getNumInputs(); ++i)
    if (node.hasInput(i) && node.getRank(i) != 1)
      return node.emitError("input " + Twine(i) + " must be a list, but has " +
                            Twine(node.getRank(i)) + " dims");
  // The number of sliced dims: from whichever list knows its length.
  std::optional<Node::Ints> axes;
  int64_t count = ShapedType::kDynamic;
  if (node.hasInput(3))
    axes = node.getConstantInts(node.getInput(3));
  if (axes)
    count = axes->size();
  for (unsigned i = 1; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i))
      continue;
    int64_t length = node.getInputType(i).getDimSize(0);
    if (ShapedType::isDynamic(length))
      continue;
    if (!ShapedType::isDynamic(count) && length != count)
      return node.emitError("starts, ends, axes and steps differ in length");
    count = length;
  }
  if (ShapedType::isDynamic(count))
    return node.emitUnsupported("slicing an unknown number of dims");
  if (count == 0)
    return node.yield(x);
  auto list = [&](unsigned input) {
    Value value = node.getInput(input);
    return node.getInputType(input).isDynamicDim(0) ? node.reshape(value, {count}) : value;
  };
  Value starts = list(1), ends = list(2);
  Value steps = node.hasInput(4) ? list(4) : node.indices(Node::Ints(count, 1));
  if (!node.hasInput(3)) {
    axes = llvm::to_vector(llvm::seq<int64_t>(count));
  } else if (!axes) {
    // Axes known at run time only: a slice of all dims, whole where no axis
    // points.
    Value where = list(3);
    starts = spread(node, where, starts, rank, 0);
    ends = spread(node, where, ends, rank, std::numeric_limits<int64_t>::max());
    steps = spread(node, where, steps, rank, 1);
    axes = llvm::to_vector(llvm::seq<int64_t>(rank));
  }
  Node::Ints normal = node.normalizeAxesUnsorted(*axes, rank);
  if (node.failed())
    return failure();
  return node.yield(node.create<nn::SliceOp>(x, starts, ends, steps, normal));
}

static LogicalResult buildPad(Node &node) {
  Value x = node.getInput(0), pads, value;
  int64_t rank = node.getRank(0);
  auto mode = node.getEnum<nn::PadMode>("mode", "constant",
                                        {{"constant", nn::PadMode::constant},
                                         {"reflect", nn::PadMode::reflect},
                                         {"edge", nn::PadMode::edge},
                                         {"wrap", nn::PadMode::wrap}});
  if (node.getOpset() < 11) {
    Node::Ints ints = node.requireInts(node.getOpset() < 2 ? "paddings" : "pads");
    if (node.failed())
      return failure();
    if (int64_t(ints.size()) != 2 * rank)
      return node.emitError("has " + Twine(ints.size()) + " pads; expected " + Twine(2 * rank) +
                            ", two a dim");
    pads = node.indices(ints);
    value = node.scalarLike(x, node.getFloat("value", 0));
  } else {
    if (!node.hasInput(1))
      return node.emitError("input 1 'pads' is missing");
    pads = node.getInput(1);
    if (node.getRank(1) == 2) // [1, n] was allowed once
      pads = node.reshape(pads, {-1});
    if (node.hasInput(2)) {
      auto type = node.getInputType(2);
      if (!type.hasStaticShape() || type.getNumElements() == 1)
        value = node.asScalar(node.getInput(2));
    }
    if (node.hasInput(3)) {
      Type i64 = node.getBuilder().getI64Type();
      RankedTensorType axesType = node.getInputType(3);
      if (axesType.getRank() != 1 || cast<RankedTensorType>(pads.getType()).getRank() != 1)
        return node.emitError("pads and axes must be lists");
      if (axesType.isDynamicDim(0))
        return node.emitUnsupported("padding an unknown number of dims");
      auto axes = node.getConstantInts(node.getInput(3));
      int64_t count = axesType.getDimSize(0);
      if (auto known = node.getConstantInts(pads); known && int64_t(known->size()) != 2 * count)
        return node.emitError("has " + Twine(known->size()) + " pads for " + Twine(count) +
                              " axes");
      Value begins;
      if (axes) {
        Node::Ints normal = node.normalizeAxesUnsorted(*axes, rank);
        begins = node.indices(normal);
      } else {
        Value given = node.cast(node.getInput(3), i64);
        Value negative = node.compare(nn::ComparePredicate::lt, given, node.scalar(i64, 0));
        begins = node.where(negative, node.add(given, node.scalar(i64, rank)), given);
      }
      if (node.failed())
        return failure();
      Value positions = node.concat({begins, node.add(begins, node.scalar(i64, rank))}, 0);
      auto knownPads = node.getConstantInts(pads);
      if (axes && knownPads) {
        Node::Ints full(2 * rank, 0);
        for (auto [index, axis] : llvm::enumerate(node.normalizeAxesUnsorted(*axes, rank))) {
          full[axis] = (*knownPads)[index];
          full[axis + rank] = (*knownPads)[index + count];
        }
        pads = node.indices(full);
      } else {
        pads = spread(node, positions, pads, 2 * rank, 0);
      }
    } else {
      auto type = cast<RankedTensorType>(pads.getType());
      if (type.getRank() != 1)
        return node.emitError("input 1 'pads' must be a list");
      if (type.isDynamicDim(0))
        pads = node.reshape(pads, {2 * rank});
      else if (type.getNumElements() != 2 * rank)
        return node.emitError("has " + Twine(type.getNumElements()) + " pads; expected " +
                              Twine(2 * rank) + ", two a dim");
    }
  }
  if (value && getElementTypeOrSelf(value.getType()) != node.getElementType(0))
    return node.emitError("data and constant_value have different element "
                          "types");
  return node.yield(
      node.create<nn::PadOp>(x, pads, mode == nn::PadMode::constant ? value : Value(), mode));
}

// Crops or pads each axis to a target size, evenly on both sides: one pad,
// whose negative amounts crop.
static LogicalResult buildCenterCropPad(Node &node) {
  Value x = node.getInput(0);
  int64_t rank = node.getRank(0);
  Node::Ints axes = node.normalizeAxesUnsorted(
      node.getInts("axes", llvm::to_vector(llvm::seq<int64_t>(rank))), rank);
  if (node.failed())
    return failure();
  Value target = node.cast(node.getInput(1), node.getBuilder().getI64Type());
  Node::Values begins(rank), ends(rank);
  Value zero = node.indices({0}), two = node.indices({2});
  for (int64_t i = 0; i < rank; ++i)
    begins[i] = ends[i] = zero;
  for (auto [index, axis] : llvm::enumerate(axes)) {
    Value size = node.slice(target, 0, index, index + 1);
    Value total = node.sub(size, node.dimOf(x, axis));
    // Toward zero: an odd amount takes its extra element at the end, both when
    // padding and when cropping.
    begins[axis] = node.div(total, two);
    ends[axis] = node.sub(total, begins[axis]);
  }
  llvm::append_range(begins, ends);
  if (node.failed())
    return failure();
  return node.yield(node.create<nn::PadOp>(x, node.concat(begins, 0), node.scalarLike(x, 0),
                                           nn::PadMode::constant));
}

//===----------------------------------------------------------------------===//
// Repetition, reordering
//===----------------------------------------------------------------------===//

static LogicalResult buildExpand(Node &node) {
  return node.yield(node.create<nn::ExpandOp>(node.getInput(0), node.shapeOperand(1)));
}

static LogicalResult buildTile(Node &node) {
  Value x = node.getInput(0), repeats = node.getInput(1);
  int64_t rank = node.getRank(0);
  if (node.getOpset() < 6) {
    // `tiles` times along `axis`.
    if (!node.hasInput(2))
      return node.emitError("input 2 'axis' is missing");
    int64_t axis = node.normalizeAxis(node.requireConstantInt(2, "axis"), rank);
    int64_t tiles = node.requireConstantInt(1, "tiles");
    if (node.failed())
      return failure();
    Node::Ints all(rank, 1);
    all[axis] = tiles;
    repeats = node.indices(all);
  } else if (node.getRank(1) != 1) {
    return node.emitError("input 1 'repeats' must be a list");
  } else if (node.getInputType(1).isDynamicDim(0)) {
    repeats = node.reshape(repeats, {rank});
  }
  return node.yield(node.create<nn::TileOp>(x, repeats));
}

static int64_t getBlockSize(Node &node) {
  int64_t size = node.requireInt("blocksize");
  // The upper bound keeps its square in range.
  if (size >= 1 && size <= (int64_t(1) << 20))
    return size;
  if (!node.failed())
    (void)node.emitError("the blocksize is " + Twine(size));
  return 1;
}

static LogicalResult buildDepthToSpace(Node &node) {
  auto mode = node.getEnum<nn::DepthMode>(
      "mode", "DCR", {{"DCR", nn::DepthMode::DCR}, {"CRD", nn::DepthMode::CRD}});
  return node.yield(node.create<nn::DepthToSpaceOp>(node.getInput(0), getBlockSize(node), mode));
}

static LogicalResult buildSpaceToDepth(Node &node) {
  return node.yield(node.create<nn::SpaceToDepthOp>(node.getInput(0), getBlockSize(node)));
}

static LogicalResult buildTrilu(Node &node) {
  Value k;
  if (node.hasInput(1))
    k = node.asScalar(node.getInput(1));
  return node.yield(node.create<nn::TriluOp>(node.getInput(0), k, node.getFlag("upper", true)));
}

static LogicalResult buildReverseSequence(Node &node) {
  int64_t rank = node.getRank(0);
  int64_t batch = node.normalizeAxis(node.getInt("batch_axis", 1), rank);
  int64_t time = node.normalizeAxis(node.getInt("time_axis", 0), rank);
  return node.yield(
      node.create<nn::ReverseSequenceOp>(node.getInput(0), node.getInput(1), time, batch));
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

void sinter::onnx_import::registerMovementOperators(OperatorTable &table) {
  table.add("Transpose", 1, buildTranspose, 1);
  table.add("Concat", 1, buildConcat, {1, Inputs::variadic});
  table.add("Split", 1, buildSplit, {1, 2}, Inputs::variadic);
  table.add("Slice", 1, buildSlice, {1, 5});
  table.add("Pad", 1, buildPad, {1, 4});
  table.add("CenterCropPad", 18, buildCenterCropPad, 2);
  table.add("Expand", 8, buildExpand, 2);
  table.add("Tile", 1, buildTile, {2, 3});
  table.add("DepthToSpace", 1, buildDepthToSpace, 1);
  table.add("SpaceToDepth", 1, buildSpaceToDepth, 1);
  table.add("Trilu", 14, buildTrilu, {1, 2});
  table.add("ReverseSequence", 10, buildReverseSequence, 2);
}
