//===- BuiltInGraphs.cpp - built-in models that are graphs ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As Keras' functional configurations.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/description/BuiltInGraphs.h"

using namespace sinter;
using namespace sinter::description;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace {
/// Collects layers; each is named by its kind and number.
class Graph {
public:
  std::string input(ArrayRef<int64_t> shape, StringRef dtype = "float32") {
    Array batchShape{nullptr};
    for (int64_t size : shape)
      batchShape.push_back(size);
    layers.push_back(Object{
        {"class_name", "InputLayer"},
        {"config",
         Object{{"name", "input"}, {"batch_shape", std::move(batchShape)}, {"dtype", dtype}}},
        {"inbound_nodes", Array{}}});
    return "input";
  }

  std::string add(StringRef kind, Object config, ArrayRef<std::string> operands) {
    std::string name = kind.lower() + "_" + std::to_string(++count);
    config["name"] = name;
    Array node;
    for (const std::string &operand : operands)
      node.push_back(Array{operand, 0, 0, Object{}});
    layers.push_back(Object{{"class_name", kind},
                            {"config", std::move(config)},
                            {"inbound_nodes", Array{std::move(node)}}});
    return name;
  }

  Value finish(const std::string &output) {
    return Object{{"class_name", "Functional"},
                  {"config", Object{{"layers", std::move(layers)},
                                    {"input_layers", Array{Array{"input", 0, 0}}},
                                    {"output_layers", Array{Array{output, 0, 0}}}}}};
  }

  std::string dense(const std::string &x, int64_t units, StringRef activation) {
    return add("Dense", Object{{"units", units}, {"activation", activation}}, {x});
  }

private:
  Array layers;
  int64_t count = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

static std::string convolve(Graph &graph, const std::string &x, int64_t filters, int64_t kernel,
                            int64_t stride) {
  std::string y = graph.add("Conv2D",
                            Object{{"filters", filters},
                                   {"kernel_size", kernel},
                                   {"strides", stride},
                                   {"padding", "same"},
                                   {"use_bias", false},
                                   {"kernel_initializer", "he_normal"}},
                            {x});
  return graph.add("BatchNormalization", Object{{"momentum", 0.9}}, {y});
}

static std::string relu(Graph &graph, const std::string &x) {
  return graph.add("Activation", Object{{"activation", "relu"}}, {x});
}

// He et al., CVPR 2016, section 4.2: three stages of blocks of two convolutions.
Value sinter::description::buildResNet(ArrayRef<int64_t> sizes) {
  int64_t size = sizes[0], channels = sizes[1], filters = sizes[2], blocks = sizes[3];
  Graph graph;
  std::string x = relu(graph, convolve(graph, graph.input({size, size, channels}), filters, 3, 1));
  for (int64_t stage = 0; stage < 3; ++stage)
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t width = filters << stage, stride = stage > 0 && block == 0 ? 2 : 1;
      std::string y = relu(graph, convolve(graph, x, width, 3, stride));
      y = convolve(graph, y, width, 3, 1);
      if (stride == 2)
        x = convolve(graph, x, width, 1, stride);
      x = relu(graph, graph.add("Add", Object{}, {x, y}));
    }
  x = graph.add("GlobalAveragePooling2D", Object{}, {x});
  return graph.finish(graph.dense(x, sizes[4], "softmax"));
}

//===----------------------------------------------------------------------===//
// Sequences of tokens
//===----------------------------------------------------------------------===//

static std::string embed(Graph &graph, int64_t length, int64_t tokens, int64_t width) {
  return graph.add("Embedding", Object{{"input_dim", tokens}, {"output_dim", width}},
                   {graph.input({length}, "int64")});
}

// Vaswani et al., 2017, section 3; normalization after each sum.
static std::string attend(Graph &graph, const std::string &x, int64_t width, int64_t heads,
                          bool isCausal) {
  std::string y = graph.add("MultiHeadAttention",
                            Object{{"num_heads", heads},
                                   {"key_dim", std::max<int64_t>(1, width / heads)},
                                   {"use_causal_mask", isCausal}},
                            {x, x});
  std::string middle =
      graph.add("LayerNormalization", Object{}, {graph.add("Add", Object{}, {x, y})});
  y = graph.dense(graph.dense(middle, 4 * width, "gelu"), width, "linear");
  return graph.add("LayerNormalization", Object{}, {graph.add("Add", Object{}, {middle, y})});
}

static std::string transform(Graph &graph, ArrayRef<int64_t> sizes, bool isCausal) {
  int64_t length = sizes[0], tokens = sizes[1], width = sizes[2];
  std::string x =
      graph.add("SinePositionEncoding", Object{}, {embed(graph, length, tokens, width)});
  for (int64_t i = 0; i < sizes[4]; ++i)
    x = attend(graph, x, width, sizes[3], isCausal);
  return x;
}

Value sinter::description::buildTransformerEncoder(ArrayRef<int64_t> sizes) {
  Graph graph;
  std::string x = graph.add("GlobalAveragePooling1D", Object{}, {transform(graph, sizes, false)});
  return graph.finish(graph.dense(x, sizes[5], "softmax"));
}

// The next token at each position.
Value sinter::description::buildTransformerDecoder(ArrayRef<int64_t> sizes) {
  Graph graph;
  std::string x = transform(graph, sizes, true);
  return graph.finish(graph.dense(x, sizes[1], "softmax"));
}

Value sinter::description::buildTextClassifier(ArrayRef<int64_t> sizes) {
  Graph graph;
  std::string x = embed(graph, sizes[0], sizes[1], sizes[2]);
  x = graph.add("GlobalAveragePooling1D", Object{}, {x});
  x = graph.dense(x, sizes[3], "relu");
  x = graph.add("Dropout", Object{{"rate", 0.5}}, {x});
  return graph.finish(graph.dense(x, sizes[4], "softmax"));
}
