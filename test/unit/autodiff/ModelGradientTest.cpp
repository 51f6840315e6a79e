//===- ModelGradientTest.cpp - gradients of whole models ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The training step of each built-in model, small, and of models that have one of each
// layer, in f64: its gradient by each parameter, along a random direction, against the
// central difference of its loss.
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"
#include "compiler/import/description/Description.h"
#include "compiler/pipeline/Pipeline.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/autodiff/nn-autodiff/NNAutodiff.h"
#include "passes/autodiff/nn-train-step/NNTrainStep.h"
#include "passes/graph/nn-decompose/NNDecompose.h"
#include <random>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

struct ModelCase {
  std::string name;
  const description::BuiltIn *builtIn;
  std::string text; ///< its sizes, or without a built-in, a description
};
void PrintTo(const ModelCase &each, std::ostream *os) { *os << each.name; }

class ModelGradient : public testing::TestWithParam<ModelCase> {
protected:
  static MLIRContext &getContext() {
    static MLIRContext *context = [] {
      DialectRegistry registry;
      registerAll(registry);
      auto *made = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
      made->loadAllAvailableDialects();
      return made;
    }();
    return *context;
  }

  static OwningOpRef<ModuleOp> importCase(const ModelCase &model,
                                          const description::ImportOptions &options) {
    if (model.builtIn)
      return description::importBuiltIn((model.builtIn->name + ":" + model.text).str(),
                                        getContext(), options);
    auto value = llvm::json::parse(model.text);
    if (value)
      return description::importModel(*value, model.name, getContext(), options);
    ADD_FAILURE() << llvm::toString(value.takeError());
    return {};
  }

  /// The training step by plain descent, in f64.
  static OwningOpRef<ModuleOp> makeStep(const ModelCase &model) {
    description::ImportOptions options;
    options.dims["batch"] = 3;
    options.isTraining = true;
    auto module = importCase(model, options);
    if (!module)
      return {};
    auto described = (*module)->getAttrOfType<DictionaryAttr>("nn.compile");
    auto loss = described ? described.getAs<StringAttr>("loss") : StringAttr();
    NNTrainStepOptions step;
    step.loss = loss ? loss.str() : "sparse_categorical_crossentropy";
    step.optimizer = "sgd";
    PassManager pm(&getContext());
    pm.addPass(createNNTrainStep(step));
    pm.addNestedPass<func::FuncOp>(createNNDecompose());
    pm.addPass(createNNAutodiff());
    if (failed(pm.run(*module)))
      return {};
    auto main = module->lookupSymbol<func::FuncOp>("main");
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      main.removeArgAttr(i, "nn.initial");
    for (StringRef other : {"eval_step", "forward"})
      module->lookupSymbol(other)->erase();
    std::string printed, wide;
    llvm::raw_string_ostream(printed) << *module;
    for (size_t at = 0; at < printed.size();) {
      bool found = printed.compare(at, 3, "f32") == 0;
      wide += found ? "f64" : printed.substr(at, 1);
      at += found ? 3 : 1;
    }
    return parseSourceString<ModuleOp>(wide, &getContext());
  }
};

bool isParameter(Attribute state) {
  auto kind = dyn_cast_or_null<StringAttr>(state);
  return kind && kind.getValue() == "parameter";
}

/// Inputs are class numbers or real ones; parameters as large as keeps activations so. Targets
/// are positive, as counts are, and two labels where their number is open, none of them blank.
HostTensor makeArgument(Type type, std::mt19937 &random, bool isTarget) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  bool isOpen = !tensor.hasStaticShape();
  for (int64_t &dim : shape)
    if (ShapedType::isDynamic(dim))
      dim = 2;
  HostTensor result(tensor.getElementType(), shape);
  double inputs = 1;
  for (int64_t dim : ArrayRef(shape).drop_back(!shape.empty()))
    inputs *= static_cast<double>(dim);
  std::normal_distribution<double> real(0, 1 / std::sqrt(inputs));
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i) {
    if (!isa<FloatType>(tensor.getElementType()))
      result.setInt(i, static_cast<int64_t>(random() % 2) + isOpen);
    else if (double value = real(random); isTarget)
      result.setDouble(i, std::abs(value));
    else
      result.setDouble(i, value);
  }
  return result;
}

} // namespace

TEST_P(ModelGradient, AgreesWithCentralDifferences) {
  auto module = makeStep(GetParam());
  ASSERT_TRUE(module);
  auto main = module->lookupSymbol<func::FuncOp>("main");
  std::mt19937 random(1);
  SmallVector<HostTensor> arguments;
  SmallVector<unsigned> parameters;
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name");
    arguments.push_back(
        makeArgument(main.getArgumentTypes()[i], random, name.getValue() == "target"));
    if (name.getValue() == "learning_rate")
      arguments.back().setDouble(0, 1);
    if (isParameter(main.getArgAttr(i, "nn.state")))
      parameters.push_back(i);
  }
  auto run = [&](SmallVectorImpl<HostTensor> &results) {
    Values values;
    for (auto [argument, value] : llvm::zip(main.getArguments(), arguments))
      values[argument] = value;
    return runBlock(main.getBody().front(), values, results);
  };
  SmallVector<HostTensor> results;
  ASSERT_TRUE(succeeded(run(results)));
  unsigned firstParameter = 0;
  while (!isParameter(main.getResultAttr(firstParameter, "nn.state")))
    ++firstParameter;
  std::normal_distribution<double> real(0, 1);
  size_t nonzero = 0; // what softmax gets of a key's bias is none
  for (auto [number, position] : llvm::enumerate(parameters)) {
    SCOPED_TRACE(main.getArgAttrOfType<StringAttr>(position, "nn.name").str());
    const HostTensor before = arguments[position];
    const HostTensor &after = results[firstParameter + number];
    int64_t count = before.getNumElements();
    std::vector<double> direction(count);
    double expected = 0;
    for (int64_t i = 0; i < count; ++i) {
      direction[i] = real(random) / std::sqrt(static_cast<double>(count));
      expected += direction[i] * (before.getDouble(i) - after.getDouble(i));
    }
    double loss[2];
    constexpr double width = 1e-6; // few units of relu change sides
    for (int side : {0, 1}) {
      HostTensor moved(before.getElementType(), before.getShape());
      for (int64_t i = 0; i < count; ++i)
        moved.setDouble(i, before.getDouble(i) + (side ? width : -width) * direction[i]);
      arguments[position] = moved;
      SmallVector<HostTensor> told;
      ASSERT_TRUE(succeeded(run(told)));
      loss[side] = told[0].getDouble(0);
    }
    arguments[position] = before;
    double difference = (loss[1] - loss[0]) / (2 * width);
    nonzero += difference != 0;
    // A loss of about 1 is known to 16 digits, and so the difference to some 9 behind the point.
    EXPECT_NEAR(expected, difference, 1e-6 * std::max(std::abs(difference), 1e-2));
  }
  EXPECT_GT(nonzero, parameters.size() * 3 / 4);
}

static std::string identifier(StringRef text) {
  std::string name;
  for (char c : text)
    name += llvm::isAlnum(c) ? c : '_';
  return name;
}

static std::vector<ModelCase> builtIns() {
  std::vector<ModelCase> result;
  for (const description::BuiltIn &model : description::getBuiltIns()) {
    result.push_back({identifier(model.name), &model, model.small.str()});
    for (const description::BuiltIn::Size &size : model.sizes)
      for (StringRef kind : size.kinds.drop_front(!size.kinds.empty()))
        result.push_back({identifier((model.name + "_" + kind).str()), &model,
                          (model.small + "," + size.name + "=" + kind).str()});
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(BuiltIns, ModelGradient, testing::ValuesIn(builtIns()),
                         [](const auto &info) { return info.param.name; });

/// What no built-in model has.
static const ModelCase layers[] = {
    {"convolutions", nullptr, R"({"input": [5, 4, 2], "layers": [
      {"DepthwiseConv2D": {"kernel_size": [3, 2], "strides": 2, "padding": "same", "depth_multiplier": 2, "activation": "tanh"}},
      {"SeparableConv2D": {"filters": 3, "kernel_size": 2, "padding": "same", "depth_multiplier": 2}},
      {"Conv2DTranspose": {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "tanh"}},
      {"Conv2DTranspose": {"filters": 2, "kernel_size": [2, 4], "strides": 3}},
      "GlobalAveragePooling2D", {"Dense": [3, "softmax"]}]})"},
    {"bidirectional", nullptr, R"({"input": [4, 3], "layers": [
      {"Bidirectional": {"layer": {"LSTM": {"units": 2, "return_sequences": true}}}},
      {"Bidirectional": {"layer": {"GRU": {"units": 3, "return_sequences": true}}, "merge_mode": "sum"}},
      {"GRU": {"units": 3, "go_backwards": true, "return_sequences": true}},
      {"Bidirectional": {"layer": {"LSTM": {"units": 2, "return_sequences": true}}, "merge_mode": "ave"}},
      {"Bidirectional": {"layer": {"SimpleRNN": 2}, "merge_mode": "mul"}},
      {"Dense": [3, "softmax"]}]})"},
    {"states", nullptr, R"({"inputs": [{"x": [4, 3]}, {"y": [3, 2]}], "layers": [
      {"LSTM": {"units": 3, "return_state": true, "name": "encoder", "from": "x"}},
      {"LSTM": {"units": 3, "return_sequences": true, "from": ["y", "encoder:1", "encoder:2"]}},
      {"GRU": {"units": 3, "from": ["lstm", "encoder:1"]}},
      {"Dense": [3, "softmax"]}]})"},
    {"stateful", nullptr, R"({"input": [4, 3], "layers": [
      {"LSTM": {"units": 3, "stateful": true, "return_sequences": true}},
      {"Bidirectional": {"layer": {"GRU": {"units": 2, "stateful": true, "return_sequences": true}}}},
      {"SimpleRNN": {"units": 3, "stateful": true}}, {"Dense": [3, "softmax"]}]})"},
    {"ctc", nullptr, R"({"input": [5, 2], "compile": {"loss": "ctc"}, "layers": [
      {"Dense": [4, "tanh"]}, {"Dense": [4, "softmax"]}]})"},
    {"ctc_logits", nullptr,
     R"({"input": [5, 2], "compile": {"loss": "ctc"}, "layers": [{"Dense": 4}]})"},
    {"negative_sampling", nullptr,
     R"({"input": 3, "compile": {"loss": "negative_sampling:power=0.3"}, "layers": [
      {"Dense": [4, "tanh"]}, {"Dense": [6, "softmax"]}]})"},
};

INSTANTIATE_TEST_SUITE_P(Layers, ModelGradient, testing::ValuesIn(layers),
                         [](const auto &info) { return info.param.name; });
