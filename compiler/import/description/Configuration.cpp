//===- Configuration.cpp - what a configuration says ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Configuration.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace sinter;
using namespace sinter::description;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace {
class ConfigurationReader {
public:
  explicit ConfigurationReader(std::vector<std::string> &problems) : problems(problems) {}

  Network read(const Value &model);

private:
  void problem(const Twine &message) { problems.push_back(message.str()); }
  void addEntry(const Value &layer, int64_t number, bool isSequential);
  bool readInput(const Object &config, StringRef name, bool isInteger);
  void collectReferences(const Value &value, SmallVectorImpl<Reference> &references);
  void collectList(const Array &array, SmallVectorImpl<Reference> &references);
  Application readApplication(const Value &node, StringRef layer);
  void readCall(const Object &named, StringRef layer, Application &application);
  void readReferences(const Object &config, StringRef key, std::vector<Reference> &references);
  std::string layerName(const Object &config, StringRef kind);

  std::vector<std::string> &problems;
  Network network;
  LayerNames names;
};
} // namespace

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string sinter::description::snakeCase(StringRef name) {
  std::string result;
  for (auto [i, c] : llvm::enumerate(name)) {
    bool starts =
        llvm::isUpper(c) && i > 0 &&
        (llvm::isLower(name[i - 1]) || (i + 1 < name.size() && llvm::isLower(name[i + 1])));
    if (starts)
      result += '_';
    result += llvm::toLower(c);
  }
  return result;
}

std::string LayerNames::next(StringRef kind) {
  std::string base = snakeCase(kind);
  unsigned count = counts[base]++;
  return count ? base + "_" + std::to_string(count) : base;
}

std::string ConfigurationReader::layerName(const Object &config, StringRef kind) {
  if (auto name = config.getString("name"))
    return name->str();
  return names.next(kind);
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

// The input's shape stands in an InputLayer or in the first layer, as
// `batch_shape` (Keras 3) or `batch_input_shape`.
bool ConfigurationReader::readInput(const Object &config, StringRef name, bool isInteger) {
  const auto *given = config.getArray("batch_shape");
  if (!given)
    given = config.getArray("batch_input_shape");
  if (!given)
    return false;
  Network::Input input;
  for (const Value &each : *given) {
    auto size = each.getAsInteger();
    if (size ? *size < 1 : each.kind() != Value::Null)
      problem("input '" + name + "': sizes should be positive integers, or null where unknown");
    input.shape.push_back(size.value_or(-1));
  }
  if (input.shape.empty()) {
    problem("the input has no batch dim");
    return false;
  }
  input.dtype = isInteger ? "int64" : config.getString("dtype").value_or("float32").str();
  if (!llvm::is_contained({"float32", "int32", "int64"}, input.dtype))
    problem("input '" + name + "': 'dtype' should be float32, int32 or int64, not " + input.dtype);
  network.inputTypes[name] = std::move(input);
  return true;
}

//===----------------------------------------------------------------------===//
// What layers are applied to
//===----------------------------------------------------------------------===//

// Keras 3 writes a tensor as an object with `keras_history`, Keras 2 as a list: layer, node,
// tensor, and then what the call gives by name.
void ConfigurationReader::collectReferences(const Value &value,
                                            SmallVectorImpl<Reference> &references) {
  if (const auto *array = value.getAsArray()) {
    collectList(*array, references);
    return;
  }
  const auto *object = value.getAsObject();
  if (!object)
    return;
  if (object->getString("class_name") == "__keras_tensor__") {
    const auto *config = object->getObject("config");
    if (const auto *history = config ? config->getArray("keras_history") : nullptr)
      collectList(*history, references);
    return;
  }
  // Tensors by position, then by name in the order of an attention's.
  SmallVector<StringRef> keys{"args", "kwargs", "query", "value", "key"};
  std::vector<StringRef> others;
  for (const auto &member : *object)
    if (!llvm::is_contained(keys, StringRef(member.first)))
      others.push_back(member.first);
  llvm::sort(others);
  llvm::append_range(keys, others);
  for (StringRef key : keys)
    if (const Value *member = object->get(key))
      collectReferences(*member, references);
}

void ConfigurationReader::collectList(const Array &array, SmallVectorImpl<Reference> &references) {
  if (array.size() < 3 || !array[0].getAsString() || !array[1].getAsInteger() ||
      !array[2].getAsInteger()) {
    for (const Value &each : array)
      collectReferences(each, references);
    return;
  }
  references.push_back(
      {array[0].getAsString()->str(), *array[1].getAsInteger(), *array[2].getAsInteger()});
  if (array.size() > 3)
    collectReferences(array[3], references);
}

// A call's arguments by name that are no tensors: settings of this application.
void ConfigurationReader::readCall(const Object &named, StringRef layer, Application &application) {
  for (const auto &[key, value] : named) {
    SmallVector<Reference> tensors;
    collectReferences(value, tensors);
    bool isOff = value.kind() == Value::Null || value == Value(false);
    if (StringRef(key) == "mask" && !tensors.empty())
      problem("layer '" + layer + "': a call's 'mask' is not supported");
    if (!tensors.empty() || isOff)
      continue;
    if (StringRef(key) == "use_causal_mask")
      application.settings[key] = value;
    else
      problem("layer '" + layer + "': a call's '" + StringRef(key) + "' is not supported");
  }
}

Application ConfigurationReader::readApplication(const Value &node, StringRef layer) {
  Application result;
  collectReferences(node, result.operands);
  if (const auto *call = node.getAsObject()) {
    if (const auto *named = call->getObject("kwargs"))
      readCall(*named, layer, result);
  } else if (const auto *tensors = node.getAsArray()) {
    for (const Value &each : *tensors)
      if (const auto *tensor = each.getAsArray(); tensor && tensor->size() > 3)
        if (const auto *named = (*tensor)[3].getAsObject())
          readCall(*named, layer, result);
  }
  return result;
}

void ConfigurationReader::readReferences(const Object &config, StringRef key,
                                         std::vector<Reference> &references) {
  SmallVector<Reference> found;
  if (const Value *value = config.get(key))
    collectReferences(*value, found);
  if (found.empty())
    problem("there is no '" + key + "'");
  references.assign(found.begin(), found.end());
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

void ConfigurationReader::addEntry(const Value &layer, int64_t number, bool isSequential) {
  const auto *object = layer.getAsObject();
  auto kind = object ? object->getString("class_name") : std::nullopt;
  const auto *config = object ? object->getObject("config") : nullptr;
  if (!kind || !config) {
    problem("layer " + Twine(number) + " has no 'class_name' or no 'config'");
    return;
  }
  bool isInput = *kind == "InputLayer";
  if (isSequential && network.inputs.empty() && readInput(*config, "input", *kind == "Embedding")) {
    network.inputs.push_back({"input"});
    network.entries.push_back({"input", nullptr, *config, {Application()}});
  }
  if (isInput && isSequential)
    return;
  std::string name = layerName(*config, *kind);
  if (isInput) {
    if (!readInput(*config, name, false))
      problem("input '" + name + "' has no 'batch_shape'");
    network.entries.push_back({name, nullptr, *config, {Application()}});
    return;
  }
  auto found = getLayers().find(*kind);
  if (found == getLayers().end()) {
    problem("layer '" + name + "': there is no layer " + *kind);
    return;
  }
  Entry entry{name, &found->second, *config, {}};
  if (isSequential) {
    std::string previous = network.entries.empty() ? "input" : network.entries.back().name;
    entry.applications.push_back({{Reference{previous}}, {}});
  } else if (const auto *nodes = object->getArray("inbound_nodes")) {
    for (const Value &node : *nodes)
      entry.applications.push_back(readApplication(node, name));
  }
  network.entries.push_back(std::move(entry));
}

Network ConfigurationReader::read(const Value &model) {
  const auto *root = model.getAsObject();
  auto kind = root ? root->getString("class_name") : std::nullopt;
  if (!kind) {
    problem("there is no 'class_name': this is no Keras configuration, nor is it the short form, "
            "which has 'input' and 'layers'");
    return network;
  }
  bool isSequential = *kind == "Sequential";
  if (!isSequential && *kind != "Functional" && *kind != "Model") {
    problem("the model is a " + *kind + "; Sequential and Functional models are supported");
    return network;
  }
  const auto *config = root->getObject("config");
  const auto *layers = config ? config->getArray("layers") : nullptr;
  if (!layers || layers->empty()) {
    problem("the model has no layers");
    return network;
  }
  for (auto [i, layer] : llvm::enumerate(*layers))
    addEntry(layer, i, isSequential);
  llvm::StringSet<> taken;
  for (const Entry &entry : network.entries)
    if (!taken.insert(entry.name).second)
      problem("two layers are named '" + entry.name + "': give one another 'name'");
  if (!isSequential) {
    readReferences(*config, "input_layers", network.inputs);
    readReferences(*config, "output_layers", network.outputs);
  } else if (network.inputs.empty()) {
    problem("no layer tells the input's shape: 'batch_shape' is missing");
  } else if (!network.entries.empty()) {
    network.outputs.push_back({network.entries.back().name});
  }
  for (const Reference &input : network.inputs)
    if (!network.inputTypes.contains(input.layer))
      problem("input '" + input.layer + "' is no InputLayer");
  return network;
}

Network sinter::description::readConfiguration(const Value &model,
                                               std::vector<std::string> &problems) {
  return ConfigurationReader(problems).read(model);
}
