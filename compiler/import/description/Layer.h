//===- Layer.h - what the layers are built with -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One layer of a description: its settings, by Keras' names, and what it builds
// from its inputs. Shapes are channels-last, N the batch.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_LAYER_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_LAYER_H

#include "dialects/nn/Term.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

namespace sinter::description {

/// What all layers of a model share.
struct Model {
  mlir::OpBuilder builder;
  uint64_t seed;
  /// Layers that behave otherwise in training note how.
  bool isTraining;
  uint64_t parameterCount = 0; // tensors so far
  int64_t randomCount = 0;     // ops that draw numbers
  /// By name: a layer that is applied twice has its parameters once.
  llvm::StringMap<mlir::Value> parameters;
  std::vector<std::string> problems, warnings;
};

class Layer {
public:
  Layer(Model &model, llvm::StringRef name, const llvm::json::Object &config,
        mlir::ValueRange inputs);

  const std::string &getName() const { return name; }
  nn::Term input() const { return {model.builder, loc, inputValues.front()}; }
  llvm::ArrayRef<mlir::Value> inputs() const { return inputValues; }
  Model &getModel() const { return model; }
  /// A setting as it is, or null if it is missing.
  const llvm::json::Value *setting(llvm::StringRef key);
  nn::Term term(mlir::Value value) const { return {model.builder, loc, value}; }
  mlir::OpBuilder &builder() const { return model.builder; }
  mlir::Location getLoc() const { return loc; }

  /// Notes a problem unless the setting is missing, null or `neutral`, so that a setting which
  /// changes the function is not dropped silently.
  void refuse(llvm::StringRef key, const llvm::json::Value &neutral);
  /// Settings; a problem is noted where one is missing or of another kind.
  int64_t integer(llvm::StringRef key);
  int64_t integer(llvm::StringRef key, int64_t otherwise, int64_t least = 1);
  double number(llvm::StringRef key, double otherwise);
  bool flag(llvm::StringRef key, bool otherwise);
  std::string text(llvm::StringRef key, llvm::StringRef otherwise);
  /// `count` integers, or one that stands for all.
  llvm::SmallVector<int64_t> integers(llvm::StringRef key, unsigned count, int64_t otherwise,
                                      int64_t least = 1);
  llvm::SmallVector<int64_t> integerList(llvm::StringRef key);

  /// A parameter `layer/name`, its initialiser the setting `name_initializer`, or that of `kind`.
  nn::Term parameter(llvm::StringRef parameterName, llvm::ArrayRef<int64_t> shape,
                     llvm::StringRef initializer, llvm::StringRef kind = {});
  /// The setting's activation of x.
  nn::Term activate(llvm::StringRef key, nn::Term x);
  nn::Term activateBy(llvm::StringRef function, nn::Term x);

  /// Results after the first one.
  void addResult(mlir::Value value) { moreResults.push_back(value); }
  llvm::ArrayRef<mlir::Value> getMoreResults() const { return moreResults; }

  /// Size of a dim of the input, which must be known.
  int64_t inputSize(int64_t dim);
  bool expectRank(int64_t rank);
  void problem(const llvm::Twine &message);
  /// Warns of settings that were not asked for; one that changes the training is a problem.
  void reportUnread();

private:
  /// The setting, or null if it is missing or JSON's null.
  const llvm::json::Value *find(llvm::StringRef key);

  Model &model;
  std::string name;
  const llvm::json::Object &config;
  llvm::StringSet<> read; ///< settings
  llvm::SmallVector<mlir::Value> inputValues, moreResults;
  mlir::Location loc;
};

/// As messages show it: tensor<?x4xf32>.
std::string printType(mlir::Value value);

/// What there is to know of a class of layers.
struct LayerKind {
  /// Builds the (first) result; null after a problem.
  mlir::Value (*build)(Layer &layer) = nullptr;
  /// Settings that Keras takes by position, in their order.
  std::vector<llvm::StringRef> arguments = {};
  unsigned mostInputs = 1;
  bool takesIntegers = false; ///< as well as floats
};
constexpr unsigned AnyInputs = ~0u;
using LayerTable = llvm::StringMap<LayerKind>;

/// By Keras' class names.
const LayerTable &getLayers();
void addCoreLayers(LayerTable &table);
void addConvolutionLayers(LayerTable &table);
void addRecurrentLayers(LayerTable &table);
void addMergeLayers(LayerTable &table);
void addNormalizationLayers(LayerTable &table);
void addAttentionLayers(LayerTable &table);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_LAYER_H
