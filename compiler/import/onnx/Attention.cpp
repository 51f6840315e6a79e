//===- Attention.cpp - attention and what goes with it --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Loop.h"
#include <cmath>
#include <limits>
#include <numeric>
#include <variant>

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
Type elementTypeOf(Value value) { return typeOf(value).getElementType(); }

/// A dim of a new shape: a number, or 1-D i64 of one element.
using Dim = std::variant<int64_t, Value>;

Value reshapeTo(Node &node, Value value, ArrayRef<Dim> dims) {
  Ints known;
  SmallVector<Value> parts;
  for (const Dim &dim : dims) {
    if (auto *number = std::get_if<int64_t>(&dim)) {
      known.push_back(*number);
      parts.push_back(node.indices({*number}));
      continue;
    }
    parts.push_back(std::get<Value>(dim));
    if (auto constant = node.getConstantInts(parts.back()); constant && constant->size() == 1)
      known.push_back(constant->front());
  }
  if (known.size() == dims.size())
    return node.reshape(value, known);
  return node.create<nn::ReshapeOp>(value, node.concat(parts, 0));
}

/// 0, 1, … up to dim `dim` of `value`, as 1-D i64.
Value positions(Node &node, Value value, int64_t dim) {
  int64_t size = typeOf(value).getDimSize(dim);
  if (!ShapedType::isDynamic(size)) {
    Ints numbers(size);
    std::iota(numbers.begin(), numbers.end(), 0);
    return node.indices(numbers);
  }
  OpBuilder &builder = node.getBuilder();
  auto scalar = [&](int64_t number) {
    return nn::createIndexScalar(builder, node.getLoc(), number);
  };
  return node.create<nn::RangeOp>(scalar(0), node.reshape(node.dimOf(value, dim), {}), scalar(1));
}

/// B × S × (H·D) as B × H × S × D.
Value splitHeads(Node &node, Value value, int64_t heads) {
  return node.transpose(node.reshape(value, {0, 0, heads, -1}), {0, 2, 1, 3});
}

constexpr double negativeInfinity = -std::numeric_limits<double>::infinity();

/// A boolean mask as what is added to the scores.
Value maskToBias(Node &node, Value mask, Type type) {
  return node.where(mask, node.scalar(type, 0), node.scalar(type, negativeInfinity));
}

/// What is added to the scores (… × query × key positions), or null.
Value buildBias(Node &node, Value query, Value key, Value past, Type type) {
  Value bias;
  auto addBias = [&](Value part) { bias = bias ? node.add(bias, part) : part; };
  if (Value mask = node.getInput(3)) {
    if (elementTypeOf(mask).isInteger(1))
      mask = maskToBias(node, mask, type);
    else
      mask = node.cast(mask, type);
    // A mask that ends before the keys do masks the rest.
    int64_t rank = typeOf(mask).getRank();
    int64_t given = rank ? typeOf(mask).getDimSize(rank - 1) : 1;
    int64_t keys = typeOf(key).getDimSize(2);
    bool same = given == keys && !ShapedType::isDynamic(given);
    if (rank && !same && node.getOpset() >= 24 && given != 1) {
      Value missing = node.sub(node.dimOf(key, 2), node.dimOf(mask, rank - 1));
      Value pads = node.concat({node.indices(Ints(2 * rank - 1, 0)), missing}, 0);
      mask = node.create<nn::PadOp>(mask, pads, node.scalar(type, negativeInfinity),
                                    nn::PadMode::constant);
    }
    addBias(mask);
  }
  Value lengths = node.getInput(6); // B: keys that count
  if (node.getFlag("is_causal")) {
    // Query i stands at position i + offset and sees no later key.
    Value rows = node.unsqueeze(positions(node, query, 2), {1});
    Value columns = node.unsqueeze(positions(node, key, 2), {0});
    if (lengths) {
      Value offset = node.sub(lengths, node.dimOf(query, 2));
      rows = node.add(rows, node.unsqueeze(offset, {1, 2, 3}));
    } else if (past) {
      rows = node.add(rows, node.dimOf(past, 2));
    }
    addBias(maskToBias(node, node.compare(nn::ComparePredicate::ge, rows, columns), type));
  }
  if (lengths) {
    Value columns = positions(node, key, 2);
    Value counts =
        node.compare(nn::ComparePredicate::lt, columns, node.unsqueeze(lengths, {1, 2, 3}));
    addBias(maskToBias(node, counts, type));
  }
  return bias;
}

LogicalResult buildAttention(Node &node) {
  Value query = node.getInput(0), key = node.getInput(1);
  Value value = node.getInput(2);
  Value pastKey = node.getInput(4), pastValue = node.getInput(5);
  double softcap = node.getFloat("softcap", 0);
  int64_t mode = node.getInt("qk_matmul_output_mode", 0);
  int64_t queryHeads = node.getInt("q_num_heads", 0);
  int64_t keyHeads = node.getInt("kv_num_heads", 0);
  Type type = elementTypeOf(query);
  int64_t softmaxType = node.getInt("softmax_precision", 0);
  Type precision = softmaxType                         ? node.getOnnxType(softmaxType)
                   : type.getIntOrFloatBitWidth() < 32 ? Type(Float32Type::get(node.getContext()))
                                                       : type;
  if (mode < 0 || mode > 3)
    return node.emitError("attribute 'qk_matmul_output_mode' is " + Twine(mode) +
                          "; expected 0 to 3");
  if (!pastKey != !pastValue)
    return node.emitError("past_key and past_value must come together");
  if (node.hasInput(6) && node.getRank(6) != 1)
    return node.emitError("nonpad_kv_seqlen must have rank 1");
  bool flat = node.getRank(0) == 3;
  for (unsigned i : {1, 2})
    if (node.getRank(i) != node.getRank(0))
      return node.emitError("Q, K and V must all have rank 3, or all rank 4");
  if (pastKey && (node.getRank(4) != 4 || node.getRank(5) != 4))
    return node.emitError("past_key and past_value must have rank 4");
  if (flat) {
    if (queryHeads < 1 || keyHeads < 1)
      return node.emitError("inputs of rank 3 need the attributes "
                            "'q_num_heads' and 'kv_num_heads'");
    query = splitHeads(node, query, queryHeads);
    key = splitHeads(node, key, keyHeads);
    value = splitHeads(node, value, keyHeads);
  }
  if (node.failed())
    return failure();
  for (Value input : {query, key, value})
    if (typeOf(input).getRank() != 4)
      return node.emitError("Q, K and V must all have rank 3, or all rank 4");
  if (pastKey) {
    key = node.concat({pastKey, key}, 2);
    value = node.concat({pastValue, value}, 2);
  }
  if (node.hasOutput(1))
    node.setOutput(1, key);
  if (node.hasOutput(2))
    node.setOutput(2, value);
  if (node.failed())
    return failure();

  queryHeads = typeOf(query).getDimSize(1);
  keyHeads = typeOf(key).getDimSize(1);
  bool grouped = queryHeads != keyHeads;
  if (grouped && (ShapedType::isDynamic(queryHeads) || ShapedType::isDynamic(keyHeads)))
    return node.emitUnsupported("a dynamic number of heads");
  if (grouped && queryHeads % keyHeads)
    return node.emitError("the " + Twine(queryHeads) + " query heads are no multiple of the " +
                          Twine(keyHeads) + " key heads");
  // Grouped heads: B × Hkv × G × S × D against B × Hkv × 1 × S × D.
  auto group = [&](Value heads) {
    return reshapeTo(node, heads,
                     {node.dimOf(heads, 0), keyHeads, queryHeads / keyHeads, node.dimOf(heads, 2),
                      node.dimOf(heads, 3)});
  };
  auto ungroup = [&](Value heads) {
    return reshapeTo(
        node, heads,
        {node.dimOf(heads, 0), queryHeads, node.dimOf(heads, 3), node.dimOf(heads, 4)});
  };

  auto scale = node.findFloat("scale");
  int64_t headSize = typeOf(query).getDimSize(3);
  Value scaledQuery = query, scaledKey = key;
  if (!scale && ShapedType::isDynamic(headSize)) {
    Value size = node.cast(node.reshape(node.dimOf(query, 3), {}), type);
    scaledQuery = node.mul(query, node.create<nn::RsqrtOp>(size));
  } else {
    double factor = scale ? *scale : 1 / std::sqrt(double(headSize));
    if (type.getIntOrFloatBitWidth() >= 32 || factor < 0) {
      scaledQuery = node.mul(query, node.scalar(type, factor));
    } else { // as the specification has it, to keep narrow floats in range
      scaledQuery = node.mul(query, node.scalar(type, std::sqrt(factor)));
      scaledKey = node.mul(key, node.scalar(type, std::sqrt(factor)));
    }
  }
  if (grouped) {
    scaledQuery = group(scaledQuery);
    scaledKey = node.unsqueeze(scaledKey, {2});
  }
  Value scores = node.create<nn::MatMulOp>(scaledQuery, scaledKey,
                                           /*transpose_lhs=*/false,
                                           /*transpose_rhs=*/true);
  if (grouped && !node.failed())
    scores = ungroup(scores);
  auto showScores = [&](int64_t stage, Value stageScores) {
    if (mode == stage && node.hasOutput(3))
      node.setOutput(3, node.cast(stageScores, type));
  };
  showScores(0, scores);
  if (softcap != 0) {
    Value cap = node.scalar(type, softcap);
    scores = node.mul(node.create<nn::TanhOp>(node.div(scores, cap)), cap);
  }
  showScores(1, scores);
  if (node.failed())
    return failure();
  Value bias = buildBias(node, query, key, pastKey, type);
  if (bias)
    scores = node.add(scores, bias);
  showScores(2, scores);

  Value weights =
      node.create<nn::SoftmaxOp>(node.cast(scores, precision), ArrayRef<int64_t>{3}, /*log=*/false);
  weights = node.cast(weights, type);
  if (node.failed())
    return failure();
  if (node.hasInput(3) || node.hasInput(6)) {
    // Rows that are masked altogether give zeros.
    Value greatest = node.reduce(bias, nn::ReduceKind::max, {typeOf(bias).getRank() - 1}, true);
    Value masked =
        node.compare(nn::ComparePredicate::eq, greatest, node.scalar(type, negativeInfinity));
    weights = node.where(masked, node.scalar(type, 0), weights);
  }
  showScores(3, weights);

  value = node.cast(value, type);
  if (grouped) {
    weights = group(weights);
    value = node.unsqueeze(value, {2});
  }
  Value result = node.create<nn::MatMulOp>(weights, value);
  if (grouped && !node.failed())
    result = ungroup(result);
  if (flat)
    result = node.reshape(node.transpose(result, {0, 2, 1, 3}), {0, 0, -1});
  return node.yield(result);
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding
//===----------------------------------------------------------------------===//

/// RoFormer, 3.4: pairs of elements turn by an angle of their position.
LogicalResult buildRotaryEmbedding(Node &node) {
  Value input = node.getInput(0);
  bool interleaved = node.getFlag("interleaved");
  int64_t heads = node.getInt("num_heads", 0);
  int64_t rank = node.getRank(0);
  if (rank != 3 && rank != 4)
    return node.emitError("the input has rank " + Twine(rank) + "; expected 3 or 4");
  if (rank == 3 && heads < 1)
    return node.emitError("an input of rank 3 needs the attribute "
                          "'num_heads'");
  // B × H × S × D, or B × S × H × D from B × S × (H·D).
  Value x = rank == 3 ? node.reshape(input, {0, 0, heads, -1}) : input;
  int64_t headAxis = rank == 3 ? 2 : 1;
  if (node.failed())
    return failure();
  int64_t size = typeOf(x).getDimSize(3);
  if (ShapedType::isDynamic(size))
    return node.emitUnsupported("a dynamic head size");
  int64_t turned = node.getInt("rotary_embedding_dim", 0);
  if (turned == 0)
    turned = size;
  if (turned < 0 || turned > size || turned % 2)
    return node.emitError("attribute 'rotary_embedding_dim' is " + Twine(turned) +
                          " for heads of " + Twine(size) + " elements");

  auto cache = [&](unsigned index) {
    Value values = node.getInput(index);
    if (node.hasInput(3))
      values = node.create<nn::GatherOp>(values, node.getInput(3), 0);
    if (node.failed())
      return values;
    values = node.slice(values, typeOf(values).getRank() - 1, 0, turned / 2);
    return node.unsqueeze(values, {headAxis});
  };
  Value cosine = cache(1), sine = cache(2);
  Value rest = turned < size ? node.slice(x, 3, turned, size) : Value();
  if (rest)
    x = node.slice(x, 3, 0, turned);
  Value real, imaginary;
  if (interleaved) {
    Value pairs = node.reshape(x, {0, 0, 0, turned / 2, 2});
    real = node.squeeze(node.slice(pairs, 4, 0, 1), {4});
    imaginary = node.squeeze(node.slice(pairs, 4, 1, 2), {4});
  } else {
    real = node.slice(x, 3, 0, turned / 2);
    imaginary = node.slice(x, 3, turned / 2, turned);
  }
  Value first = node.sub(node.mul(cosine, real), node.mul(sine, imaginary));
  Value second = node.add(node.mul(sine, real), node.mul(cosine, imaginary));
  Value result;
  if (interleaved)
    result = node.reshape(node.concat({node.unsqueeze(first, {4}), node.unsqueeze(second, {4})}, 4),
                          {0, 0, 0, turned});
  else
    result = node.concat({first, second}, 3);
  if (rest)
    result = node.concat({result, rest}, 3);
  if (rank == 3)
    result = node.reshape(result, {0, 0, -1});
  return node.yield(result);
}

//===----------------------------------------------------------------------===//
// Recurrent attention
//===----------------------------------------------------------------------===//

/// B × T × (H·D) as T × B × H × D, in f32.
Value timeMajor(Node &node, Value value, int64_t heads) {
  Value split = node.reshape(value, {0, 0, heads, -1});
  return node.cast(node.transpose(split, {1, 0, 2, 3}), Float32Type::get(node.getContext()));
}

/// A matrix per head, S (Dk × Dv), that each step decays, corrects and reads:
/// S ← exp(decay)·S + k ⊗ (β·(v − Sᵀk)), output = scale · Sᵀq.
LogicalResult buildLinearAttention(Node &node) {
  int64_t queryHeads = node.requireInt("q_num_heads");
  int64_t heads = node.requireInt("kv_num_heads");
  std::string rule = node.getString("update_rule", "gated_delta");
  bool gated = rule == "gated" || rule == "gated_delta";
  bool delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear")
    return node.emitError("attribute 'update_rule' is '" + rule + "'");
  if (node.failed())
    return failure();
  if (queryHeads < 1 || heads < 1 || queryHeads % heads)
    return node.emitError("'q_num_heads' must be a multiple of "
                          "'kv_num_heads'");
  if (gated && !node.hasInput(4))
    return node.emitError("update rule '" + rule + "' needs input 4 'decay'");
  if (delta && !node.hasInput(5))
    return node.emitError("update rule '" + rule + "' needs input 5 'beta'");
  for (unsigned i : {0, 1, 2})
    if (node.getRank(i) != 3)
      return node.emitError("query, key and value must have rank 3");
  Type type = node.getElementType(0);
  Type f32 = Float32Type::get(node.getContext());
  Value query = timeMajor(node, node.getInput(0), queryHeads);
  Value key = timeMajor(node, node.getInput(1), heads);
  Value value = timeMajor(node, node.getInput(2), heads);
  Value decay, beta;
  if (gated)
    decay = node.create<nn::ExpOp>(timeMajor(node, node.getInput(4), heads));
  if (delta) {
    int64_t perStep = node.getInputType(5).getDimSize(2);
    beta = timeMajor(node, node.getInput(5), perStep == 1 ? 1 : heads);
  }
  if (node.failed())
    return failure();
  int64_t keySize = typeOf(key).getDimSize(3);
  if (ShapedType::isDynamic(keySize))
    return node.emitUnsupported("a dynamic key size");
  double scale = node.getFloat("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(double(keySize));

  Value state;
  if (node.hasInput(3)) {
    state = node.cast(node.getInput(3), f32);
  } else {
    Value shape = node.concat(
        {node.dimOf(key, 1), node.indices({heads}), node.dimOf(key, 3), node.dimOf(value, 3)}, 0);
    if (auto known = node.getConstantInts(shape))
      shape = node.indices(*known);
    state = node.broadcastTo(node.scalar(f32, 0), shape);
  }
  Value length = node.reshape(node.dimOf(query, 0), {});
  auto buildBody = [&](Value step, Value, ValueRange carried, LoopBody &body) -> LogicalResult {
    auto at = [&](Value sequence) { return node.create<nn::GatherOp>(sequence, step, 0); };
    Value s = carried[0];
    if (decay)
      s = node.mul(s, node.unsqueeze(at(decay), {3}));
    Value keyColumn = node.unsqueeze(at(key), {3});
    Value written = at(value);
    if (delta) {
      Value known =
          node.squeeze(node.create<nn::MatMulOp>(s, keyColumn, /*transpose_lhs=*/true), {3});
      written = node.mul(at(beta), node.sub(written, known));
    }
    s = node.add(s, node.mul(keyColumn, node.unsqueeze(written, {2})));
    // Query heads of a group read the same state: B × Hkv × G × Dk.
    Value grouped =
        reshapeTo(node, at(query), {node.dimOf(query, 1), heads, queryHeads / heads, keySize});
    Value read = node.mul(node.create<nn::MatMulOp>(grouped, s), node.scalar(f32, scale));
    body.carried = {s};
    body.scans = {read}; // B × Hkv × G × Dv
    return node.status();
  };
  SmallVector<Value> results;
  if (node.failed() || failed(buildLoopOp(node, length, Value(), {state}, buildBody, results)))
    return failure();
  // T × B × Hkv × G × Dv to B × T × (H·Dv).
  Value output = node.transpose(results[1], {1, 0, 2, 3, 4});
  node.setOutput(0, node.cast(node.reshape(output, {0, 0, -1}), type));
  if (node.hasOutput(1))
    node.setOutput(1, node.cast(results[0], type));
  return node.status();
}

/// Depthwise convolution over time that sees no later input; its state is the
/// last (kernel − 1) inputs.
LogicalResult buildCausalConvWithState(Node &node) {
  Value input = node.getInput(0), filter = node.getInput(1);
  auto filterType = node.getInputType(1);
  std::string activation = node.getString("activation", "none");
  bool silu = activation == "silu" || activation == "swish";
  if (!silu && activation != "none" && !activation.empty())
    return node.emitError("attribute 'activation' is '" + activation +
                          "'; expected 'none', 'silu' or 'swish'");
  if (node.getRank(0) != 3 || filterType.getRank() != 3)
    return node.emitUnsupported("an input of rank other than 3");
  if (filterType.isDynamicDim(0) || filterType.isDynamicDim(2))
    return node.emitUnsupported("a filter of dynamic size");
  int64_t channels = filterType.getDimSize(0);
  int64_t before = filterType.getDimSize(2) - 1;
  Value padded;
  if (node.hasInput(3))
    padded = node.concat({node.getInput(3), input}, 2);
  else
    padded = node.create<nn::PadOp>(input, node.indices({0, 0, before, 0, 0, 0}),
                                    node.scalarLike(input, 0), nn::PadMode::constant);
  Ints one = {1};
  Value result =
      node.create<nn::ConvOp>(padded, filter, node.getInput(2), one, Ints{0, 0}, one, channels);
  if (silu)
    result = node.mul(result, node.create<nn::SigmoidOp>(result));
  node.setOutput(0, result);
  if (node.hasOutput(1))
    node.setOutput(1, node.slice(padded, 2, before ? -before : std::numeric_limits<int64_t>::max(),
                                 std::numeric_limits<int64_t>::max()));
  return node.status();
}

/// a · sigmoid(alpha · a) · b.
LogicalResult buildSwiGLU(Node &node) {
  Value gate = node.getInput(0);
  double alpha = node.getFloat("alpha", 1);
  Value scaled = alpha == 1 ? gate : node.mul(gate, node.scalarLike(gate, alpha));
  Value swish = node.mul(gate, node.create<nn::SigmoidOp>(scaled));
  return node.yield(node.mul(swish, node.getInput(1)));
}

} // namespace

void sinter::onnx_import::registerAttentionOperators(OperatorTable &table) {
  table.add("Attention", 23, buildAttention, {3, 7}, 4);
  table.add("RotaryEmbedding", 23, buildRotaryEmbedding, {3, 4});
  table.add("LinearAttention", 27, buildLinearAttention, {3, 6}, 2);
  table.add("CausalConvWithState", 27, buildCausalConvWithState, {2, 4}, 2);
  table.add("SwiGLU", 28, buildSwiGLU, 2);
}
