//===- Layer.cpp - settings, parameters, activations ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Layer.h"
#include "compiler/import/description/Initializer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;
using nn::Term;

const LayerTable &sinter::description::getLayers() {
  static const LayerTable table = [] {
    LayerTable result;
    addCoreLayers(result);
    addConvolutionLayers(result);
    addRecurrentLayers(result);
    addMergeLayers(result);
    addNormalizationLayers(result);
    addAttentionLayers(result);
    return result;
  }();
  return table;
}

Layer::Layer(Model &model, StringRef name, const llvm::json::Object &config, ValueRange inputs)
    : model(model), name(name.str()), config(config), inputValues(inputs),
      loc(NameLoc::get(model.builder.getStringAttr(name))) {}

void Layer::problem(const Twine &message) {
  model.problems.push_back(("layer '" + name + "': " + message).str());
}

//===----------------------------------------------------------------------===//
// Settings
//===----------------------------------------------------------------------===//

const llvm::json::Value *Layer::setting(StringRef key) {
  read.insert(key);
  return config.get(key);
}

const llvm::json::Value *Layer::find(StringRef key) {
  const llvm::json::Value *value = setting(key);
  return value && value->kind() != llvm::json::Value::Null ? value : nullptr;
}

void Layer::reportUnread() {
  // What Keras writes of every layer, and what says nothing of the function.
  static const llvm::StringSet<> silent{"name",
                                        "trainable",
                                        "dtype",
                                        "batch_shape",
                                        "batch_input_shape",
                                        "input_shape",
                                        "sparse",
                                        "ragged",
                                        "autocast",
                                        "implementation",
                                        "unroll",
                                        "time_major",
                                        "input_length",
                                        "seed",
                                        "flash_attention",
                                        "synchronized",
                                        "zero_output_for_mask"};
  for (const auto &member : config) {
    StringRef key = member.first;
    if (read.contains(key) || silent.contains(key) || key.ends_with("_initializer") ||
        member.second.kind() == llvm::json::Value::Null)
      continue;
    if (key.ends_with("_regularizer") || key.ends_with("_constraint"))
      problem("'" + key + "' is not supported");
    else
      model.warnings.push_back("layer '" + name + "': setting '" + key.str() +
                               "' is none that Sinter knows of this layer, and is left out");
  }
}

int64_t Layer::integer(StringRef key) {
  if (!find(key)) {
    problem("'" + key + "' is missing");
    return 1;
  }
  return integer(key, 1);
}

// "positive integers", or what `least` else asks for.
static StringRef wanted(int64_t least) { return least == 1 ? "positive" : "non-negative"; }

int64_t Layer::integer(StringRef key, int64_t otherwise, int64_t least) {
  const llvm::json::Value *value = find(key);
  if (!value)
    return otherwise;
  if (auto given = value->getAsInteger(); given && *given >= least)
    return *given;
  problem("'" + key + "' should be a " + wanted(least) + " integer");
  return otherwise;
}

double Layer::number(StringRef key, double otherwise) {
  const llvm::json::Value *value = find(key);
  if (!value)
    return otherwise;
  if (auto given = value->getAsNumber())
    return *given;
  problem("'" + key + "' should be a number");
  return otherwise;
}

void Layer::refuse(StringRef key, const llvm::json::Value &neutral) {
  const llvm::json::Value *value = find(key);
  if (!value || *value == neutral)
    return;
  // 0 may be written as 0.0.
  auto given = value->getAsNumber(), none = neutral.getAsNumber();
  if (!given || !none || *given != *none)
    problem("'" + key + "' is not supported");
}

bool Layer::flag(StringRef key, bool otherwise) {
  const llvm::json::Value *value = find(key);
  if (!value)
    return otherwise;
  if (auto given = value->getAsBoolean())
    return *given;
  problem("'" + key + "' should be true or false");
  return otherwise;
}

std::string Layer::text(StringRef key, StringRef otherwise) {
  const llvm::json::Value *value = find(key);
  if (!value)
    return otherwise.str();
  if (auto given = value->getAsString())
    return given->str();
  // An object that Keras has serialized.
  if (const auto *object = value->getAsObject())
    if (auto given = object->getString("class_name"))
      return given->str();
  problem("'" + key + "' should be a text");
  return otherwise.str();
}

SmallVector<int64_t> Layer::integerList(StringRef key) {
  SmallVector<int64_t> result;
  const llvm::json::Value *value = find(key);
  const auto *array = value ? value->getAsArray() : nullptr;
  if (!array) {
    problem("'" + key + "' should be a list of integers");
    return result;
  }
  for (const llvm::json::Value &each : *array)
    if (auto given = each.getAsInteger())
      result.push_back(*given);
    else
      problem("'" + key + "' should hold integers only");
  return result;
}

SmallVector<int64_t> Layer::integers(StringRef key, unsigned count, int64_t otherwise,
                                     int64_t least) {
  const llvm::json::Value *value = find(key);
  if (!value)
    return SmallVector<int64_t>(count, otherwise);
  if (!value->getAsArray())
    return SmallVector<int64_t>(count, integer(key, otherwise, least));
  SmallVector<int64_t> result = integerList(key);
  if (result.size() == count && llvm::all_of(result, [&](int64_t each) { return each >= least; }))
    return result;
  problem("'" + key + "' should be " + Twine(count) + " " + wanted(least) + " integers");
  return SmallVector<int64_t>(count, otherwise);
}

//===----------------------------------------------------------------------===//
// Parameters and shapes
//===----------------------------------------------------------------------===//

Term Layer::parameter(StringRef parameterName, ArrayRef<int64_t> shape, StringRef initializer,
                      StringRef kind) {
  std::string key = ((kind.empty() ? parameterName : kind) + "_initializer").str();
  std::string full = name + "/" + parameterName.str();
  if (Value known = model.parameters.lookup(full)) {
    if (cast<RankedTensorType>(known.getType()).getShape() != shape)
      problem("is applied to inputs of different sizes");
    return term(known);
  }
  // Sizes that multiply to more are a slip, and memory would not do.
  constexpr int64_t most = int64_t(1) << 31;
  int64_t count = 1;
  for (int64_t size : shape)
    count = size <= 0 || count > most / size ? most + 1 : count * size;
  if (count > most) {
    problem("its '" + parameterName + "' would have more than 2^31 elements");
    // Of the right type, for what is built of it.
    auto type = RankedTensorType::get(shape, builder().getF32Type());
    return term(nn::createSplat(builder(), loc, type, 0));
  }
  nn::HostTensor tensor(builder().getF32Type(), shape);
  const llvm::json::Value *given = find(key);
  llvm::json::Value byDefault(initializer.str());
  auto rule = getInitializer(given ? *given : byDefault, shape, model.parameterCount++);
  if (rule)
    sinter_rt_initialize(&*rule, static_cast<int32_t>(shape.size()), shape.data(), model.seed,
                         tensor.as<float>());
  else
    problem("'" + key + "' is no initialiser that Sinter knows");
  Location place = NameLoc::get(builder().getStringAttr(full));
  auto constant = nn::ConstantOp::create(builder(), place, tensor.toAttribute(full));
  if (rule)
    constant->setDiscardableAttr("nn.initializer", describe(*rule, builder()));
  model.parameters[full] = constant;
  return term(constant);
}

int64_t Layer::inputSize(int64_t dim) {
  int64_t size = input().getType().getDimSize(dim);
  if (!ShapedType::isDynamic(size))
    return size;
  problem("the size of dim " + Twine(dim) + " of its input should be known");
  return 1;
}

bool Layer::expectRank(int64_t rank) {
  if (input().getRank() == rank)
    return true;
  problem("needs an input of " + Twine(rank - 1) + " dims and the batch, but gets " +
          printType(input()));
  return false;
}

std::string sinter::description::printType(Value value) {
  std::string text;
  llvm::raw_string_ostream(text) << value.getType();
  return text;
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

Term Layer::activate(StringRef key, Term x) { return activateBy(text(key, "linear"), x); }

Term Layer::activateBy(StringRef function, Term x) {
  OpBuilder &b = builder();
  if (function == "linear")
    return x;
  if (function == "relu")
    return x.apply<nn::ReluOp>();
  if (function == "sigmoid")
    return x.apply<nn::SigmoidOp>();
  if (function == "tanh")
    return x.apply<nn::TanhOp>();
  if (function == "softmax")
    return x.apply<nn::SoftmaxOp>(ArrayRef<int64_t>{x.getRank() - 1}, /*log=*/false);
  if (function == "log_softmax")
    return x.apply<nn::SoftmaxOp>(ArrayRef<int64_t>{x.getRank() - 1}, /*log=*/true);
  if (function == "softplus")
    return x.apply<nn::SoftplusOp>();
  if (function == "softsign")
    return x.apply<nn::SoftsignOp>();
  if (function == "exponential")
    return x.apply<nn::ExpOp>();
  if (function == "elu")
    return x.apply<nn::EluOp>(b.getF64FloatAttr(1));
  if (function == "leaky_relu")
    return x.apply<nn::LeakyReluOp>(b.getF64FloatAttr(0.2));
  if (function == "hard_sigmoid") // Keras 3: relu6(x + 3) / 6
    return x.apply<nn::HardSigmoidOp>(b.getF64FloatAttr(1.0 / 6), b.getF64FloatAttr(0.5));
  if (function == "gelu")
    return x.apply<nn::GeluOp>(/*tanh_approximation=*/false);
  if (function == "silu" || function == "swish")
    return x * x.apply<nn::SigmoidOp>();
  problem("there is no activation '" + function + "'");
  return x;
}
