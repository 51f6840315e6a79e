//===- ShortForm.cpp - descriptions written by hand -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/ShortForm.h"
#include "compiler/import/description/Configuration.h"

using namespace sinter;
using namespace sinter::description;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace {
class Expander {
public:
  explicit Expander(std::vector<std::string> &problems) : problems(problems) {}

  Value expand(const Object &model);

private:
  struct Input {
    std::string name;
    Array shape;
    std::string dtype; ///< empty: what the layers take
  };
  /// A layer's class, and its settings by name.
  struct Item {
    std::string kind;
    Object config;
  };

  void problem(const Twine &message) { problems.push_back(message.str()); }
  void checkKeys(const Object &model);
  void addInput(StringRef name, const Value &value);
  void addLayer(const Value &value, int64_t number);
  std::optional<Item> readItem(const Value &value, const Twine &place);
  Object byPosition(const Value &value, StringRef kind);
  Array readFrom(Object &config, StringRef layer);
  Array reference(StringRef text);
  Array outputs(const Object &model);
  void guessInputTypes();

  std::vector<std::string> &problems;
  std::vector<Input> inputs;
  std::vector<Item> layers;
  Array finished;
  LayerNames names;
  std::string last; ///< the layer before
};
} // namespace

bool sinter::description::isShortForm(const Value &model) {
  const auto *root = model.getAsObject();
  return root && !root->get("class_name") && (root->get("input") || root->get("inputs"));
}

// A list of one list; braces would be taken for a copy of it.
static Array listOf(Array only) {
  Array list;
  list.push_back(std::move(only));
  return list;
}

static bool isNull(const Value *value) { return !value || value->kind() == Value::Null; }

void Expander::checkKeys(const Object &model) {
  for (const auto &[key, value] : model)
    if (!llvm::is_contained({"name", "input", "inputs", "layers", "output", "outputs", "compile"},
                            StringRef(key)))
      problem(
          "there is no '" + StringRef(key) +
          "' in a description; it has name, input, inputs, layers, output, outputs and compile");
  for (StringRef key : {"input", "output"})
    if (model.get(key) && model.get(key.str() + "s"))
      problem("give '" + key + "' or '" + key + "s', not both");
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

// A shape without the batch, one size, or {shape, dtype}.
void Expander::addInput(StringRef name, const Value &value) {
  Input input{name.str(), Array{nullptr}, ""};
  const Value *shape = &value;
  if (const auto *object = value.getAsObject()) {
    shape = object->get("shape");
    for (const auto &[key, member] : *object)
      if (StringRef(key) != "shape" && StringRef(key) != "dtype")
        problem("input '" + name + "' has no setting '" + StringRef(key) + "'");
    input.dtype = object->getString("dtype").value_or("").str();
  }
  if (const auto *sizes = shape ? shape->getAsArray() : nullptr) {
    for (const Value &size : *sizes)
      input.shape.push_back(size);
  } else if (shape && shape->getAsInteger()) {
    input.shape.push_back(*shape);
  } else {
    problem("input '" + name + "' should be a shape without the batch, as [28, 28, 1]");
  }
  inputs.push_back(std::move(input));
}

// What an Embedding reads are integers.
void Expander::guessInputTypes() {
  auto isRead = [&](const Input &input) {
    return llvm::any_of(finished, [&](const Value &layer) {
      const Object &object = *layer.getAsObject();
      const auto &node = *object.getArray("inbound_nodes")->front().getAsArray();
      return object.getString("class_name") == "Embedding" && !node.empty() &&
             (*node.front().getAsArray())[0] == Value(input.name);
    });
  };
  for (Input &input : inputs)
    if (input.dtype.empty())
      input.dtype = isRead(input) ? "int64" : "float32";
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

// One value or several, in the order in which Keras' constructor takes them.
Object Expander::byPosition(const Value &value, StringRef kind) {
  auto found = getLayers().find(kind);
  if (found == getLayers().end())
    return {}; // told when the configuration is read
  llvm::ArrayRef<StringRef> arguments = found->second.arguments;
  const auto *list = value.getAsArray();
  // The shape of a Reshape is one argument.
  if (!list || arguments.size() == 1) {
    if (!arguments.empty())
      return Object{{arguments.front(), value}};
  } else if (list->size() <= arguments.size()) {
    Object config;
    for (auto [name, each] : llvm::zip(arguments, *list))
      config[name] = each;
    return config;
  }
  problem("a " + kind + " takes " + Twine(arguments.size()) +
          " settings without a name; give the others by name");
  return {};
}

// "Flatten", {Dense: 10}, {Dense: [10, relu]} or {Dense: {units: 10}}; `name` and `from` may stand
// beside it or among the settings.
std::optional<Expander::Item> Expander::readItem(const Value &value, const Twine &place) {
  if (auto kind = value.getAsString())
    return Item{kind->str(), {}};
  const auto *object = value.getAsObject();
  auto isBeside = [](StringRef key) { return key == "name" || key == "from"; };
  SmallVector<StringRef> kinds;
  if (object)
    for (const auto &member : *object)
      if (!isBeside(member.first))
        kinds.push_back(member.first);
  if (kinds.size() != 1) {
    problem(place + " should be a name, or a name and its settings: 'Dense: {units: 10}'");
    return std::nullopt;
  }
  Item item{kinds.front().str(), {}};
  const Value &given = *object->get(kinds.front());
  if (const auto *config = given.getAsObject())
    item.config = *config;
  else if (!isNull(&given))
    item.config = byPosition(given, item.kind);
  for (StringRef key : {"name", "from"})
    if (const Value *beside = object->get(key))
      item.config[key] = *beside;
  // A layer within a layer.
  if (const Value *inner = item.config.get("layer"); inner && item.kind != "InputLayer")
    if (const auto *written = inner->getAsObject(); !written || !written->get("class_name"))
      if (auto nested = readItem(*inner, place + ": 'layer'"))
        item.config["layer"] =
            Object{{"class_name", nested->kind}, {"config", std::move(nested->config)}};
  return item;
}

// "name", or "name:1", its second result.
Array Expander::reference(StringRef text) {
  auto [layer, number] = text.rsplit(':');
  int64_t result = 0;
  if (number.empty() || number.getAsInteger(10, result))
    return Array{text.str(), 0, 0};
  return Array{layer.str(), 0, result};
}

Array Expander::readFrom(Object &config, StringRef layer) {
  const Value *from = config.get("from");
  if (!from)
    return listOf(reference(last));
  Array node;
  if (auto text = from->getAsString())
    node.push_back(reference(*text));
  else if (const auto *list = from->getAsArray())
    for (const Value &each : *list)
      if (auto text = each.getAsString())
        node.push_back(reference(*text));
  const auto *all = from->getAsArray();
  if (node.empty() || (all && node.size() != all->size()))
    problem("layer '" + layer + "': 'from' should be a layer's name, or a list of names");
  config.erase("from");
  return node;
}

void Expander::addLayer(const Value &value, int64_t number) {
  auto item = readItem(value, "layer " + Twine(number));
  if (!item)
    return;
  auto given = item->config.getString("name");
  std::string name = given ? given->str() : names.next(item->kind);
  item->config["name"] = name;
  Array node = readFrom(item->config, name);
  finished.push_back(Object{{"class_name", item->kind},
                            {"config", std::move(item->config)},
                            {"inbound_nodes", listOf(std::move(node))}});
  last = name;
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

Array Expander::outputs(const Object &model) {
  if (auto output = model.getString("output"))
    return listOf(reference(*output));
  Array result;
  const auto *list = model.getArray("outputs");
  if (list)
    for (const Value &each : *list)
      if (auto text = each.getAsString())
        result.push_back(reference(*text));
  bool isPartly = list && result.size() != list->size();
  if (isPartly || (result.empty() && (model.get("output") || model.get("outputs"))))
    problem("'output' should be a layer's name, 'outputs' a list of names");
  return result.empty() ? listOf(reference(last)) : std::move(result);
}

Value Expander::expand(const Object &model) {
  checkKeys(model);
  // A list, for the order of inputs counts, and that of a map's members does not.
  if (const auto *several = model.getArray("inputs")) {
    for (const Value &each : *several)
      if (const auto *named = each.getAsObject(); named && named->size() == 1)
        addInput(named->begin()->first, named->begin()->second);
      else
        problem("each of 'inputs' should be a name with its shape: '- x: [28, 28, 1]'");
  } else if (const Value *one = model.get("input")) {
    addInput("input", *one);
  }
  if (inputs.empty())
    problem("'inputs' should be a list of names with their shapes: '- x: [28, 28, 1]'");
  else
    last = inputs.front().name;
  const auto *list = model.getArray("layers");
  if (!list || list->empty())
    problem("the model has no layers");
  else
    for (auto [number, layer] : llvm::enumerate(*list))
      addLayer(layer, number);
  guessInputTypes();

  Array all, inputLayers, outputLayers = outputs(model);
  for (Input &input : inputs) {
    inputLayers.push_back(Array{input.name, 0, 0});
    all.push_back(Object{{"class_name", "InputLayer"},
                         {"config", Object{{"name", input.name},
                                           {"batch_shape", std::move(input.shape)},
                                           {"dtype", input.dtype}}},
                         {"inbound_nodes", Array{}}});
  }
  for (Value &layer : finished)
    all.push_back(std::move(layer));
  Object result{{"class_name", "Functional"},
                {"config", Object{{"layers", std::move(all)},
                                  {"input_layers", std::move(inputLayers)},
                                  {"output_layers", std::move(outputLayers)}}}};
  if (const Value *section = model.get("compile"))
    result["compile"] = *section;
  return result;
}

Value sinter::description::expandShortForm(const Value &model, std::vector<std::string> &problems) {
  return Expander(problems).expand(*model.getAsObject());
}
