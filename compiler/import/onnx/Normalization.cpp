//===- Normalization.cpp - batch, layer, group … normalization; Dropout ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

Type elementTypeOf(Value value) { return getElementTypeOrSelf(value.getType()); }

Ints axesFrom(int64_t begin, int64_t rank) {
  Ints axes;
  for (; begin < rank; ++begin)
    axes.push_back(begin);
  return axes;
}

/// E[(x − E[x])²], dims kept.
Value variance(Node &node, Value value, Value mean, ArrayRef<int64_t> axes) {
  Value centered = node.sub(value, mean);
  return node.reduce(node.mul(centered, centered), nn::ReduceKind::mean, axes, true);
}

/// The type that float types of differing precision are computed in.
Type widestFloat(ArrayRef<Type> types) {
  Type widest = types.front();
  for (Type type : types) {
    if (type == widest)
      continue;
    unsigned width = std::max(widest.getIntOrFloatBitWidth(), type.getIntOrFloatBitWidth());
    widest = width == 64 ? Type(Float64Type::get(type.getContext()))
                         : Type(Float32Type::get(type.getContext()));
  }
  return widest;
}

//===----------------------------------------------------------------------===//
// Batch normalization
//===----------------------------------------------------------------------===//

/// momentum · old + (1 − momentum) · current, in old's type.
Value moveAverage(Node &node, Value old, Value current, double momentum) {
  current = node.cast(current, elementTypeOf(old));
  return node.add(node.mul(old, node.scalarLike(old, momentum)),
                  node.mul(current, node.scalarLike(old, 1 - momentum)));
}

LogicalResult buildBatchNorm(Node &node) {
  int64_t opset = node.getOpset();
  int64_t rank = node.getRank(0);
  double epsilon = node.getFloat("epsilon", 1e-5);
  double momentum = node.getFloat("momentum", 0.9);
  bool spatial = opset >= 9 || node.getFlag("spatial", true);
  // Before version 14 the number of outputs says what is meant.
  bool training = opset >= 14 ? node.getFlag("training_mode")
                              : node.hasOutput(1) || node.hasOutput(2) || node.hasOutput(3) ||
                                    node.hasOutput(4);
  if (rank < 1)
    return node.emitError("the input is a scalar");
  if (opset >= 14 && !training && (node.hasOutput(1) || node.hasOutput(2)))
    return node.emitError("running statistics are outputs of training_mode 1 "
                          "only");

  Value input = node.getInput(0), scale = node.getInput(1);
  Value bias = node.getInput(2), oldMean = node.getInput(3);
  Value oldVariance = node.getInput(4);
  Type type = elementTypeOf(input);
  Type compute = widestFloat({type, elementTypeOf(scale), elementTypeOf(bias),
                              elementTypeOf(oldMean), elementTypeOf(oldVariance)});
  Value x = node.cast(input, compute);
  scale = node.cast(scale, compute);
  bias = node.cast(bias, compute);
  Value mean = node.cast(oldMean, compute);
  Value var = node.cast(oldVariance, compute);

  if (training) {
    // Statistics over all dims but the channel's (spatial), or but the batch.
    Ints axes = spatial ? axesFrom(2, rank) : Ints();
    axes.insert(axes.begin(), 0);
    if (rank == 1)
      axes = {0};
    Value keptMean = node.reduce(x, nn::ReduceKind::mean, axes, true);
    var = node.squeeze(variance(node, x, keptMean, axes), axes);
    mean = node.squeeze(keptMean, axes);
    Value newMean = moveAverage(node, oldMean, mean, momentum);
    Value newVariance = moveAverage(node, oldVariance, var, momentum);
    if (node.hasOutput(1))
      node.setOutput(1, newMean);
    if (node.hasOutput(2))
      node.setOutput(2, newVariance);
    if (node.hasOutput(3))
      node.setOutput(3, node.cast(mean, elementTypeOf(oldMean)));
    if (node.hasOutput(4))
      node.setOutput(4, node.cast(var, elementTypeOf(oldVariance)));
  }

  Value result;
  if (spatial) {
    result = node.create<nn::BatchNormOp>(x, scale, bias, mean, var, APFloat(epsilon));
  } else { // statistics per element of C × D1 × …, which broadcast as they are
    Value inverse = node.create<nn::RsqrtOp>(node.add(var, node.scalar(compute, epsilon)));
    result = node.add(node.mul(node.sub(x, mean), node.mul(inverse, scale)), bias);
  }
  return node.yield(node.cast(result, type));
}

LogicalResult buildInstanceNorm(Node &node) {
  double epsilon = node.getFloat("epsilon", 1e-5);
  if (node.getRank(0) < 3)
    return node.emitError("the input has rank " + Twine(node.getRank(0)) + "; expected at least 3");
  return node.yield(node.create<nn::InstanceNormOp>(node.getInput(0), node.getInput(1),
                                                    node.getInput(2), APFloat(epsilon)));
}

//===----------------------------------------------------------------------===//
// Layer, RMS and group normalization
//===----------------------------------------------------------------------===//

LogicalResult buildLayerNorm(Node &node) {
  int64_t rank = node.getRank(0);
  int64_t axis = node.normalizeAxis(node.getInt("axis", -1), rank);
  double epsilon = node.getFloat("epsilon", 1e-5);
  Type stash = node.getOnnxType(node.getInt("stash_type", 1));
  if (node.failed())
    return failure();
  Value input = node.getInput(0);
  Type type = elementTypeOf(input);
  Value scale = node.cast(node.getInput(1), type);
  Value bias = node.hasInput(2) ? node.cast(node.getInput(2), type) : Value();
  node.setOutput(0, node.create<nn::LayerNormOp>(input, scale, bias, axis, APFloat(epsilon)));
  if (node.hasOutput(1) || node.hasOutput(2)) {
    Ints axes = axesFrom(axis, rank);
    Value x = node.cast(input, stash);
    Value mean = node.reduce(x, nn::ReduceKind::mean, axes, true);
    Value var = variance(node, x, mean, axes);
    if (node.hasOutput(1))
      node.setOutput(1, mean);
    if (node.hasOutput(2))
      node.setOutput(2, node.create<nn::RsqrtOp>(node.add(var, node.scalar(stash, epsilon))));
  }
  return node.status();
}

LogicalResult buildRMSNorm(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", -1), node.getRank(0));
  double epsilon = node.getFloat("epsilon", 1e-5);
  if (node.failed())
    return failure();
  Value input = node.getInput(0), scale = node.getInput(1);
  // The result has the scale's type.
  Type type = elementTypeOf(scale);
  Type compute = widestFloat({elementTypeOf(input), type});
  Value result = node.create<nn::RMSNormOp>(node.cast(input, compute), node.cast(scale, compute),
                                            axis, APFloat(epsilon));
  return node.yield(node.cast(result, type));
}

/// One value per group as one per channel: [G] to [C].
Value perChannel(Node &node, Value perGroup, int64_t groups) {
  auto inputType = node.getInputType(0);
  int64_t channels = inputType.getDimSize(1);
  if (ShapedType::isDynamic(channels)) {
    Value ofGroup = node.div(node.dimOf(node.getInput(0), 1), node.indices({groups}));
    Value shape = node.concat({node.indices({groups}), ofGroup}, 0);
    return node.reshape(node.broadcastTo(node.unsqueeze(perGroup, {1}), shape), {-1});
  }
  if (channels == groups)
    return perGroup;
  Value expanded =
      node.broadcastTo(node.unsqueeze(perGroup, {1}), node.indices({groups, channels / groups}));
  return node.reshape(expanded, {channels});
}

LogicalResult buildGroupNorm(Node &node) {
  int64_t groups = node.requireInt("num_groups");
  double epsilon = node.getFloat("epsilon", 1e-5);
  if (node.failed())
    return failure();
  auto type = node.getInputType(0);
  if (type.getRank() < 2)
    return node.emitError("the input has no channel dim");
  if (groups < 1 || (!type.isDynamicDim(1) && type.getDimSize(1) % groups != 0))
    return node.emitError("'num_groups' is " + Twine(groups) + ", which doesn't divide the " +
                          Twine(type.getDimSize(1)) + " channels");
  Value scale = node.getInput(1), bias = node.getInput(2);
  if (node.getOpset() < 21) {
    scale = perChannel(node, scale, groups);
    bias = perChannel(node, bias, groups);
  }
  node.setOutput(
      0, node.create<nn::GroupNormOp>(node.getInput(0), scale, bias, groups, APFloat(epsilon)));
  return node.status();
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

/// x / ‖x‖, and 0 where the norm is 0.
LogicalResult buildLpNorm(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", -1), node.getRank(0));
  int64_t p = node.getInt("p", 2);
  if (p != 1 && p != 2)
    return node.emitError("attribute 'p' is " + Twine(p) + "; expected 1 or 2");
  if (node.failed())
    return failure();
  Value input = node.getInput(0);
  Value norm = node.reduce(input, p == 1 ? nn::ReduceKind::l1 : nn::ReduceKind::l2, {axis}, true);
  Value isZero = node.compare(nn::ComparePredicate::eq, norm, node.scalarLike(norm, 0));
  return node.yield(node.div(input, node.where(isZero, node.scalarLike(norm, 1), norm)));
}

LogicalResult buildLRN(Node &node) {
  int64_t size = node.requireInt("size");
  if (!node.failed() && size < 1)
    (void)node.emitError("attribute 'size' must be positive");
  if (node.failed())
    return failure();
  return node.yield(node.create<nn::LRNOp>(node.getInput(0), APFloat(node.getFloat("alpha", 1e-4)),
                                           APFloat(node.getFloat("beta", 0.75)),
                                           APFloat(node.getFloat("bias", 1)), size));
}

LogicalResult buildMeanVarianceNorm(Node &node) {
  Ints axes = node.normalizeAxes(node.getInts("axes", {0, 2, 3}), node.getRank(0));
  if (node.failed())
    return failure();
  Value input = node.getInput(0);
  Value mean = node.reduce(input, nn::ReduceKind::mean, axes, true);
  Value deviation = node.create<nn::SqrtOp>(variance(node, input, mean, axes));
  node.setOutput(
      0, node.div(node.sub(input, mean), node.add(deviation, node.scalarLike(deviation, 1e-9))));
  return node.status();
}

/// Numbers in [0, 1) that look random: a hash (MurmurHash3's finalizer) of each
/// element's position and the seed. The same in every run.
Value makeNoise(Node &node, Value like) {
  OpBuilder &builder = node.getBuilder();
  Location loc = node.getLoc();
  Type u32 = IntegerType::get(node.getContext(), 32, IntegerType::Unsigned);
  Type f32 = Float32Type::get(node.getContext());
  int64_t seed = node.getInt("seed", 0);
  Value size = node.create<nn::SizeOfOp>(like);
  Value index = node.create<nn::RangeOp>(nn::createIndexScalar(builder, loc, 0), size,
                                         nn::createIndexScalar(builder, loc, 1));
  auto number = [&](uint32_t value) { return node.scalar(u32, value); };
  Value hash = node.add(node.cast(index, u32), number(static_cast<uint32_t>(seed) * 0x9E3779B9u));
  auto fold = [&](uint32_t shift) {
    hash = node.create<nn::XorOp>(hash, node.create<nn::ShiftRightOp>(hash, number(shift)));
  };
  fold(16);
  hash = node.mul(hash, number(0x85EBCA6Bu));
  fold(13);
  hash = node.mul(hash, number(0xC2B2AE35u));
  fold(16);
  Value top = node.create<nn::ShiftRightOp>(hash, number(8));
  Value noise = node.mul(node.cast(top, f32), node.scalar(f32, 0x1p-24));
  return node.create<nn::ReshapeOp>(noise, node.shapeOf(like));
}

/// Since version 12 an input says whether to drop; before that, compiled
/// models are for inference.
LogicalResult buildDropout(Node &node) {
  Value input = node.getInput(0), output = input;
  Type type = elementTypeOf(input);
  Type i1 = IntegerType::get(node.getContext(), 1);
  Value kept; // null: all
  if (node.getOpset() >= 12 && node.hasInput(2)) {
    Value training = node.getInput(2), ratio = node.getInput(1);
    auto isTraining = node.getConstantInts(training);
    std::optional<double> knownRatio = 0.5;
    if (ratio) {
      auto given = node.getConstantDoubles(ratio);
      knownRatio =
          given && given->size() == 1 ? std::optional<double>(given->front()) : std::nullopt;
    }
    bool never = isTraining && isTraining->size() == 1 && !isTraining->front();
    if (!never && knownRatio != 0.0) {
      Type f32 = Float32Type::get(node.getContext());
      ratio = ratio ? node.cast(node.reshape(ratio, {}), f32) : node.scalar(f32, 0.5);
      training = node.cast(node.reshape(training, {}), i1);
      kept = node.create<nn::OrOp>(
          node.create<nn::NotOp>(training),
          node.compare(nn::ComparePredicate::ge, makeNoise(node, input), ratio));
      Value one = node.scalar(f32, 1);
      Value factor = node.where(training, node.create<nn::ReciprocalOp>(node.sub(one, ratio)), one);
      output = node.where(kept, node.mul(input, node.cast(factor, type)), node.scalar(type, 0));
    }
  }
  node.setOutput(0, output);
  if (node.hasOutput(1)) {
    // bool since version 10, before that of the input's type.
    Type maskType = node.getOpset() >= 10 ? i1 : type;
    auto inputType = node.getInputType(0);
    if (kept)
      node.setOutput(1, node.cast(kept, maskType));
    else if (inputType.hasStaticShape())
      node.setOutput(1, nn::createSplat(node.getBuilder(), node.getLoc(),
                                        RankedTensorType::get(inputType.getShape(), maskType), 1));
    else
      node.setOutput(1, node.broadcastTo(node.scalar(maskType, 1), node.shapeOf(input)));
  }
  return node.status();
}

} // namespace

void sinter::onnx_import::registerNormalizationOperators(OperatorTable &table) {
  table.add("BatchNormalization", 1, buildBatchNorm, 5, 5);
  table.add("InstanceNormalization", 1, buildInstanceNorm, 3);
  table.add("LayerNormalization", 17, buildLayerNorm, {2, 3}, 3);
  table.add("RMSNormalization", 23, buildRMSNorm, 2);
  table.add("GroupNormalization", 18, buildGroupNorm, 3);
  table.add("LpNormalization", 1, buildLpNorm, 1);
  table.add("LRN", 1, buildLRN, 1);
  table.add("MeanVarianceNormalization", 9, buildMeanVarianceNorm, 1);
  table.add("Dropout", 1, buildDropout, {1, 3}, 2);
}
