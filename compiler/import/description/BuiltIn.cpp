//===- BuiltIn.cpp - the models that Sinter knows by name -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each is a function from sizes to a Keras configuration.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/description/BuiltInGraphs.h"
#include "compiler/import/description/Description.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"

using namespace sinter;
using namespace sinter::description;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

//===----------------------------------------------------------------------===//
// Configurations
//===----------------------------------------------------------------------===//

static Value layer(StringRef kind, Object config) {
  return Object{{"class_name", kind}, {"config", std::move(config)}};
}
static Value sequential(Array layers) {
  return Object{{"class_name", "Sequential"}, {"config", Object{{"layers", std::move(layers)}}}};
}
static Value input(ArrayRef<int64_t> shape) {
  Array batchShape{nullptr};
  for (int64_t size : shape)
    batchShape.push_back(size);
  return layer("InputLayer", Object{{"batch_shape", std::move(batchShape)}});
}
static Value dense(int64_t units, StringRef activation) {
  return layer("Dense", Object{{"units", units}, {"activation", activation}});
}
static Value convolution(int64_t filters) {
  return layer("Conv2D", Object{{"filters", filters}, {"kernel_size", 3}, {"activation", "relu"}});
}

static Value buildMLP(ArrayRef<int64_t> sizes) {
  Array layers{input({sizes[0]})};
  for (int64_t i = 0; i < sizes[2]; ++i)
    layers.push_back(dense(sizes[1], "relu"));
  layers.push_back(dense(sizes[3], "softmax"));
  return sequential(std::move(layers));
}

// The network of TensorFlow's tutorial "Convolutional Neural Network (CNN)".
static Value buildCIFAR10(ArrayRef<int64_t> sizes) {
  Value pool = layer("MaxPooling2D", Object{{"pool_size", 2}});
  return sequential(Array{input({sizes[0], sizes[0], sizes[1]}), convolution(32), pool,
                          convolution(64), pool, convolution(64), layer("Flatten", Object{}),
                          dense(64, "relu"), dense(sizes[2], "softmax")});
}

// Layers over a sequence of feature vectors, the last state classified.
static Value buildRecurrent(StringRef kind, ArrayRef<int64_t> sizes) {
  Array layers{layer("InputLayer", Object{{"batch_shape", Array{nullptr, sizes[0], sizes[1]}}})};
  for (int64_t i = 0; i < sizes[3]; ++i)
    layers.push_back(
        layer(kind, Object{{"units", sizes[2]}, {"return_sequences", i + 1 < sizes[3]}}));
  layers.push_back(dense(sizes[4], "softmax"));
  return sequential(std::move(layers));
}
static Value buildRNN(ArrayRef<int64_t> sizes) { return buildRecurrent("SimpleRNN", sizes); }
static Value buildLSTM(ArrayRef<int64_t> sizes) { return buildRecurrent("LSTM", sizes); }
static Value buildGRU(ArrayRef<int64_t> sizes) { return buildRecurrent("GRU", sizes); }

//===----------------------------------------------------------------------===//
// Registry
//===----------------------------------------------------------------------===//

ArrayRef<BuiltIn> sinter::description::getBuiltIns() {
  static const BuiltIn::Size mlp[] = {
      {"inputs", 784}, {"hidden", 512}, {"layers", 2}, {"classes", 10}};
  static const BuiltIn::Size cifar10[] = {{"size", 32}, {"channels", 3}, {"classes", 10}};
  static const BuiltIn::Size recurrent[] = {
      {"sequence", 64}, {"features", 64}, {"hidden", 256}, {"layers", 2}, {"classes", 10}};
  static const BuiltIn::Size resnet[] = {
      {"size", 32}, {"channels", 3}, {"filters", 16}, {"blocks", 3}, {"classes", 10}};
  static const BuiltIn::Size encoder[] = {{"sequence", 128}, {"tokens", 256}, {"width", 256},
                                          {"heads", 4},      {"layers", 2},   {"classes", 10}};
  static const BuiltIn::Size decoder[] = {
      {"sequence", 128}, {"tokens", 256}, {"width", 256}, {"heads", 4}, {"layers", 4}};
  static const BuiltIn::Size classifier[] = {
      {"sequence", 128}, {"tokens", 20000}, {"width", 32}, {"hidden", 64}, {"classes", 2}};
  static constexpr StringRef cells[] = {"lstm", "gru"}, modes[] = {"skipgram", "cbow"},
                             layers[] = {"dense", "conv"};
  static const BuiltIn::Size seq2seq[] = {{"source", 26},    {"target", 11},  {"tokens", 64},
                                          {"width", 64},     {"hidden", 128}, {"layers", 1},
                                          {"cell", 0, cells}};
  static const BuiltIn::Size word2vec[] = {
      {"words", 10000}, {"width", 64}, {"window", 4}, {"negatives", 5}, {"mode", 0, modes}};
  static const BuiltIn::Size glove[] = {{"words", 10000}, {"width", 64}};
  static const BuiltIn::Size autoencoder[] = {
      {"size", 28}, {"channels", 1}, {"hidden", 128}, {"code", 32}, {"kind", 0, layers}};
  static constexpr StringRef shortSequences = "sequence=4,features=3,hidden=4,classes=3";
  static const BuiltIn models[] = {
      {"mlp", "dense layers with relu, softmax at the end", mlp, "inputs=5,hidden=4,classes=3",
       buildMLP},
      {"cifar10-cnn", "three convolutions and two dense layers for small pictures", cifar10,
       "size=18,channels=2,classes=3", buildCIFAR10},
      {"rnn", "classifies sequences by a simple recurrent network", recurrent, shortSequences,
       buildRNN},
      {"lstm", "classifies sequences by long short-term memory", recurrent, shortSequences,
       buildLSTM},
      {"gru", "classifies sequences by gated recurrent units", recurrent, shortSequences, buildGRU},
      {"resnet", "residual blocks with batch normalization, for small pictures", resnet,
       "size=8,channels=2,filters=3,blocks=1,classes=3", buildResNet},
      {"transformer-encoder", "classifies sequences of tokens by attention", encoder,
       "sequence=4,tokens=5,width=6,heads=2,layers=1,classes=3", buildTransformerEncoder},
      {"transformer-decoder", "tells the next token, as GPT does", decoder,
       "sequence=4,tokens=5,width=6,heads=2,layers=1", buildTransformerDecoder},
      {"text-classifier", "the mean of embedded tokens, two dense layers and dropout", classifier,
       "sequence=4,tokens=5,width=4,hidden=6,classes=3", buildTextClassifier},
      {"seq2seq", "reads one text and writes another, token by token", seq2seq,
       "source=4,target=3,tokens=5,width=3,hidden=4,layers=2", buildSeq2Seq},
      {"word2vec", "a vector for each word: those near a word, or a word from those near it",
       word2vec, "words=6,width=3,window=2,negatives=4", buildWord2Vec},
      {"glove", "a vector for each word, by how often two words meet", glove, "words=5,width=3",
       buildGlove},
      {"autoencoder", "brings pictures through a few numbers", autoencoder,
       "size=6,channels=2,hidden=32,code=3", buildAutoencoder},
  };
  return models;
}

const BuiltIn *sinter::description::lookupBuiltIn(StringRef text) {
  StringRef name = text.split(':').first;
  const BuiltIn *found =
      llvm::find_if(getBuiltIns(), [&](const BuiltIn &model) { return model.name == name; });
  return found == getBuiltIns().end() ? nullptr : found;
}

static std::string listNames(const BuiltIn &model) {
  return llvm::join(
      llvm::map_range(model.sizes, [](const BuiltIn::Size &size) { return size.name.str(); }),
      ", ");
}

// A number, or one of the kinds; says in `error` what is wrong with `text`.
static std::optional<int64_t> readSize(const BuiltIn::Size &size, StringRef text,
                                       std::string &error) {
  int64_t number = 0;
  if (const auto *kind = llvm::find(size.kinds, text); kind != size.kinds.end())
    return kind - size.kinds.begin();
  if (size.kinds.empty() && !text.getAsInteger(10, number) && number > 0)
    return number;
  error = "size '" + size.name.str() + "' should be " +
          (size.kinds.empty() ? "a positive integer" : llvm::join(size.kinds, " or ")) + ", not '" +
          text.str() + "'";
  return std::nullopt;
}

mlir::OwningOpRef<mlir::ModuleOp> sinter::description::importBuiltIn(StringRef text,
                                                                     mlir::MLIRContext &context,
                                                                     const ImportOptions &options) {
  mlir::Location loc = mlir::NameLoc::get(mlir::StringAttr::get(&context, text));
  const BuiltIn *model = lookupBuiltIn(text);
  if (!model) {
    mlir::emitError(loc) << "there is no built-in model of this name";
    return {};
  }
  SmallVector<int64_t> sizes;
  for (const BuiltIn::Size &size : model->sizes)
    sizes.push_back(size.value);
  SmallVector<StringRef> settings;
  text.split(':').second.split(settings, ',', -1, /*KeepEmpty=*/false);
  for (StringRef setting : settings) {
    auto [name, value] = setting.split('=');
    const auto *found = llvm::find_if(
        model->sizes, [&, key = name](const BuiltIn::Size &size) { return size.name == key; });
    if (found == model->sizes.end()) {
      mlir::emitError(loc) << "model '" << model->name << "' has no size '" << name << "'; it has "
                           << listNames(*model);
      return {};
    }
    std::string error;
    auto given = readSize(*found, value, error);
    if (!given) {
      mlir::emitError(loc) << error;
      return {};
    }
    sizes[found - model->sizes.begin()] = *given;
  }
  return importModel(model->build(sizes), text, context, options);
}
