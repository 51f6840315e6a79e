//===- BuiltInEncoders.cpp - built-in models that encode ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In the short form.
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

static Value item(StringRef kind, Value settings, StringRef name = {}, Value from = nullptr) {
  Object object{{kind, std::move(settings)}};
  if (!name.empty())
    object["name"] = name.str();
  if (from.kind() != Value::Null)
    object["from"] = std::move(from);
  return object;
}

static Value model(Array inputs, Array layers, Object compile = {}) {
  return Object{{"inputs", std::move(inputs)},
                {"layers", std::move(layers)},
                {"compile", std::move(compile)}};
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

// Sutskever et al., 2014: the decoder begins with the encoder's last states, layer by layer, and
// is given what it should have written so far (`shifted`).
Value sinter::description::buildSeq2Seq(ArrayRef<int64_t> sizes) {
  int64_t tokens = sizes[2], width = sizes[3], hidden = sizes[4];
  bool isLstm = sizes[6] == 0;
  StringRef cell = isLstm ? "LSTM" : "GRU";
  Array layers{item("Embedding", Array{tokens, width}, "source_embedding", "source")};
  auto encoder = [](int64_t i) { return "encoder_" + std::to_string(i + 1); };
  for (int64_t i = 0; i < sizes[5]; ++i)
    layers.push_back(
        item(cell, Object{{"units", hidden}, {"return_sequences", true}, {"return_state", true}},
             encoder(i)));
  layers.push_back(item("Embedding", Array{tokens, width}, "target_embedding", "shifted"));
  std::string below = "target_embedding";
  for (int64_t i = 0; i < sizes[5]; ++i) {
    std::string name = "decoder_" + std::to_string(i + 1);
    Array from{below, encoder(i) + ":1"};
    if (isLstm)
      from.push_back(encoder(i) + ":2");
    layers.push_back(
        item(cell, Object{{"units", hidden}, {"return_sequences", true}}, name, std::move(from)));
    below = name;
  }
  layers.push_back(item("Dense", Array{tokens, "softmax"}));
  return model(Array{Object{{"source", sizes[0]}}, Object{{"shifted", sizes[1]}}},
               std::move(layers));
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

static Value embedding(int64_t words, int64_t width, StringRef name, StringRef from) {
  return item("Embedding", Array{words, width}, name, from.str());
}

// Mikolov et al., 2013: a word tells the words near it, or the mean of those near it the word.
// Each word has a second vector, a column of the last layer.
Value sinter::description::buildWord2Vec(ArrayRef<int64_t> sizes) {
  int64_t words = sizes[0];
  bool isSkipGram = sizes[4] == 0;
  Array layers{embedding(words, sizes[1], "words", isSkipGram ? "word" : "context")};
  if (!isSkipGram)
    layers.push_back(item("GlobalAveragePooling1D", nullptr));
  layers.push_back(item("Dense", Object{{"units", words}, {"use_bias", false}}, "contexts"));
  Object input = isSkipGram ? Object{{"word", Array{}}} : Object{{"context", 2 * sizes[2]}};
  return model(Array{std::move(input)}, std::move(layers),
               Object{{"loss", "negative_sampling:negatives=" + std::to_string(sizes[3])}});
}

// Pennington et al., 2014, equation 7: w · w' + b + b' is the logarithm of how often two words
// meet.
Value sinter::description::buildGlove(ArrayRef<int64_t> sizes) {
  int64_t words = sizes[0], width = sizes[1];
  Array layers{embedding(words, width, "words", "word"),
               embedding(words, width, "contexts", "context"),
               item("Dot", Object{{"axes", -1}}, "product", Array{"words", "contexts"}),
               embedding(words, 1, "word_bias", "word"),
               embedding(words, 1, "context_bias", "context"),
               item("Add", nullptr, "sum", Array{"product", "word_bias", "context_bias"})};
  return model(Array{Object{{"word", Array{}}}, Object{{"context", Array{}}}}, std::move(layers),
               Object{{"loss", "glove"}});
}

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

static Value picture(int64_t size, int64_t channels) { return Array{size, size, channels}; }

// Hinton & Salakhutdinov, 2006: pictures from their codes, by dense layers, or by convolutions
// of stride 2 and their transposes.
Value sinter::description::buildAutoencoder(ArrayRef<int64_t> sizes) {
  int64_t size = sizes[0], channels = sizes[1], hidden = sizes[2], code = sizes[3];
  auto dense = [](int64_t units, StringRef activation) {
    return item("Dense", Object{{"units", units}, {"activation", activation.str()}});
  };
  Array layers;
  if (sizes[4] == 0) {
    for (Value each :
         {item("Flatten", nullptr), dense(hidden, "relu"), item("Dense", Array{code}, "code"),
          dense(hidden, "relu"), dense(size * size * channels, "sigmoid"),
          item("Reshape", picture(size, channels))})
      layers.push_back(std::move(each));
  } else {
    auto convolution = [](StringRef kind, int64_t filters, StringRef activation) {
      return Object{{kind, Object{{"filters", filters},
                                  {"kernel_size", 3},
                                  {"strides", 2},
                                  {"padding", "same"},
                                  {"activation", activation.str()}}}};
    };
    // Up again from ⌈n / 2⌉ to n.
    auto transposed = [&](int64_t to, int64_t filters, StringRef activation) {
      Object layer = convolution("Conv2DTranspose", filters, activation);
      (*layer.getObject("Conv2DTranspose"))["output_padding"] = 1 - to % 2;
      return layer;
    };
    int64_t half = (size + 1) / 2, quarter = (half + 1) / 2;
    int64_t many = std::max<int64_t>(hidden / 4, 1), few = std::max<int64_t>(hidden / 8, 1);
    for (Value each :
         {Value(convolution("Conv2D", few, "relu")), Value(convolution("Conv2D", many, "relu")),
          item("Flatten", nullptr), item("Dense", Array{code}, "code"),
          dense(quarter * quarter * many, "relu"), item("Reshape", picture(quarter, many)),
          Value(transposed(half, few, "relu")), Value(transposed(size, channels, "sigmoid"))})
      layers.push_back(std::move(each));
  }
  return model(Array{Object{{"input", picture(size, channels)}}}, std::move(layers),
               Object{{"loss", "binary_crossentropy"}});
}
