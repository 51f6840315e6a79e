//===- LayersAttention.cpp - attention, and where tokens stand ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keras keeps query, key and value kernels I H D, biases H D, and the output's
// kernel H D O: H heads of D.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/description/Layer.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::description;
using nn::Term;

namespace {
class Attention {
public:
  explicit Attention(Layer &layer) : layer(layer) {}
  Value build();

private:
  /// N T I → N H T D
  Term project(Value input, StringRef name);
  Term maskFuture(Term scores);

  Layer &layer;
  int64_t heads = 1;
};
} // namespace

Term Attention::project(Value input, StringRef name) {
  Term x = layer.term(input);
  int64_t size = x.getType().getDimSize(2);
  int64_t depth = name == "value" ? layer.integer("value_dim", layer.integer("key_dim"))
                                  : layer.integer("key_dim");
  Term kernel =
      layer.parameter((name + "/kernel").str(), {size, heads, depth}, "glorot_uniform", "kernel");
  Term y = x.apply<nn::MatMulOp>(
      kernel.reshape(nn::shapeTensor(kernel, {size, heads * depth})).get(), false, false);
  if (layer.flag("use_bias", true)) {
    Term bias = layer.parameter((name + "/bias").str(), {heads, depth}, "zeros", "bias");
    y = y + bias.reshape(nn::shapeTensor(bias, {heads * depth}));
  }
  Value shape =
      nn::shapeTensor(y, {nn::dimOf(y, 0), nn::dimOf(y, 1), nn::Dim(heads), nn::Dim(depth)});
  return y.reshape(shape).transpose({0, 2, 1, 3});
}

// What lies after a position gets no weight: T × S, 0 up to the diagonal, then −∞ but finite.
Term Attention::maskFuture(Term scores) {
  int64_t rows = scores.getType().getDimSize(2), columns = scores.getType().getDimSize(3);
  if (ShapedType::isDynamic(rows) || ShapedType::isDynamic(columns)) {
    layer.problem("a causal mask needs sequences of known length");
    return scores;
  }
  nn::HostTensor mask(scores.getType().getElementType(), {rows, columns});
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      mask.setDouble(r * columns + c, c > r ? -1e9 : 0);
  // Of no name, and no parameter: a buffer.
  auto constant = nn::ConstantOp::create(layer.builder(), layer.getLoc(), mask.toAttribute("mask"));
  constant->setDiscardableAttr("nn.buffer", layer.builder().getUnitAttr());
  return scores + layer.term(constant);
}

Value Attention::build() {
  for (Value each : layer.inputs()) {
    auto type = cast<RankedTensorType>(each.getType());
    if (type.getRank() == 3 && !type.isDynamicDim(2))
      continue;
    layer.problem("needs sequences of vectors");
    return {};
  }
  layer.refuse("dropout", 0);
  layer.refuse("attention_axes", nullptr);
  heads = layer.integer("num_heads");
  Value query = layer.inputs().front();
  Value value = layer.inputs().size() > 1 ? layer.inputs()[1] : query;
  Value key = layer.inputs().size() > 2 ? layer.inputs()[2] : value;
  int64_t length = layer.term(value).getType().getDimSize(1);
  if (layer.term(key).getType().getDimSize(1) != length) {
    layer.problem("its key and its value should have the same length, but are " + printType(key) +
                  " and " + printType(value));
    return {};
  }
  Term q = project(query, "query"), k = project(key, "key"), v = project(value, "value");
  int64_t depth = layer.integer("key_dim");
  Term scores =
      (q * (1 / std::sqrt(static_cast<double>(depth)))).apply<nn::MatMulOp>(k.get(), false, true);
  if (layer.flag("use_causal_mask", false))
    scores = maskFuture(scores);
  Term weights = scores.apply<nn::SoftmaxOp>(ArrayRef<int64_t>{3}, /*log=*/false);
  Term joined = weights.apply<nn::MatMulOp>(v.get(), false, false).transpose({0, 2, 1, 3});
  int64_t valueDepth = v.getType().getDimSize(3);
  int64_t outputs = layer.integer("output_dim", layer.term(query).getType().getDimSize(2));
  Value flat = nn::shapeTensor(
      joined, {nn::dimOf(joined, 0), nn::dimOf(joined, 1), nn::Dim(heads * valueDepth)});
  Term kernel = layer.parameter("attention_output/kernel", {heads, valueDepth, outputs},
                                "glorot_uniform", "kernel");
  Term y = joined.reshape(flat).apply<nn::MatMulOp>(
      kernel.reshape(nn::shapeTensor(kernel, {heads * valueDepth, outputs})).get(), false, false);
  if (layer.flag("use_bias", true))
    y = y + layer.parameter("attention_output/bias", {outputs}, "zeros", "bias");
  return y;
}

static Value buildAttention(Layer &layer) { return Attention(layer).build(); }

// Keras NLP's layers: N T C plus what tells the position, T C.
static bool expectSequence(Layer &layer) {
  Term x = layer.input();
  if (x.getRank() == 3 && !x.getType().isDynamicDim(1) && !x.getType().isDynamicDim(2))
    return true;
  layer.problem("needs sequences of vectors of known length");
  return false;
}

static Value buildPositionEmbedding(Layer &layer) {
  if (!expectSequence(layer))
    return {};
  Term x = layer.input();
  int64_t length = x.getType().getDimSize(1);
  int64_t most = layer.integer("sequence_length", length);
  if (most < length) {
    layer.problem("'sequence_length' is less than its input's length");
    return {};
  }
  Term table = layer.parameter("embeddings", {most, x.getType().getDimSize(2)}, "glorot_uniform");
  return x + nn::slice(table, 0, 0, length);
}

// Vaswani et al., 2017, section 3.5.
static Value buildSinePosition(Layer &layer) {
  if (!expectSequence(layer))
    return {};
  Term x = layer.input();
  int64_t length = x.getType().getDimSize(1), size = x.getType().getDimSize(2);
  double wavelength = layer.number("max_wavelength", 10000);
  nn::HostTensor table(x.getType().getElementType(), {length, size});
  for (int64_t t = 0; t < length; ++t)
    for (int64_t c = 0; c < size; ++c) {
      double angle = static_cast<double>(t) * std::pow(wavelength, -static_cast<double>(c / 2 * 2) /
                                                                       static_cast<double>(size));
      table.setDouble(t * size + c, c % 2 ? std::cos(angle) : std::sin(angle));
    }
  auto constant =
      nn::ConstantOp::create(layer.builder(), layer.getLoc(), table.toAttribute("positions"));
  constant->setDiscardableAttr("nn.buffer", layer.builder().getUnitAttr());
  return x + layer.term(constant);
}

void sinter::description::addAttentionLayers(LayerTable &table) {
  table["MultiHeadAttention"] = {
      buildAttention, {"num_heads", "key_dim", "value_dim", "dropout"}, 3};
  table["PositionEmbedding"] = {buildPositionEmbedding, {"sequence_length"}};
  table["SinePositionEncoding"] = {buildSinePosition, {"max_wavelength"}};
}
