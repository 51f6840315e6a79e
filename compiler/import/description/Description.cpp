//===- Description.cpp - Keras' configurations → nn -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Description.h"
#include "compiler/import/description/Layer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;

namespace {
/// The result of a layer's application, the `node`-th.
struct Reference {
  std::string layer;
  int64_t node;
};

struct Entry {
  std::string name;
  BuildLayer build; ///< null: an input
  const llvm::json::Object *config;
  std::vector<SmallVector<Reference>> nodes; ///< what each application is of
  SmallVector<Value> results;                ///< of those that are built
};

/// Reads one model.
class Reader {
public:
  Reader(MLIRContext &context, const ImportOptions &options)
      : options(options),
        model{OpBuilder(&context), options.seed, options.isTraining, 0, 0, {}, {}} {}

  OwningOpRef<ModuleOp> read(const llvm::json::Value &value, Location loc);
  ArrayRef<std::string> getProblems() const { return model.problems; }

private:
  void problem(const Twine &message) { model.problems.push_back(message.str()); }
  bool readLayers(const llvm::json::Value &value);
  void addEntry(const llvm::json::Value &layer, int64_t number, bool isSequential);
  bool readInput(const llvm::json::Object &config, StringRef name, bool isInteger);
  void collectReferences(const llvm::json::Value &value, SmallVectorImpl<Reference> &references);
  void readReferences(const llvm::json::Object &config, StringRef key,
                      std::vector<Reference> &references);
  std::string layerName(const llvm::json::Object &config, StringRef kind);
  Entry *find(StringRef name);
  void buildLayers();
  bool buildNode(Entry &entry);
  DictionaryAttr describe(RankedTensorType tensor, StringRef name);

  const ImportOptions &options;
  Model model;
  std::vector<Entry> entries;
  std::vector<Reference> inputs, outputs;
  llvm::StringMap<RankedTensorType> inputTypes;
  llvm::StringMap<unsigned> kinds;
};
} // namespace

//===----------------------------------------------------------------------===//
// The configuration
//===----------------------------------------------------------------------===//

Entry *Reader::find(StringRef name) {
  auto found = llvm::find_if(entries, [&](const Entry &each) { return each.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

// The input's shape stands in an InputLayer or in the first layer, as
// `batch_shape` (Keras 3) or `batch_input_shape`.
bool Reader::readInput(const llvm::json::Object &config, StringRef name, bool isInteger) {
  const auto *given = config.getArray("batch_shape");
  if (!given)
    given = config.getArray("batch_input_shape");
  if (!given)
    return false;
  SmallVector<int64_t> shape;
  for (const llvm::json::Value &each : *given) {
    auto size = each.getAsInteger();
    if (size && *size < 1)
      problem("the input has a size of " + Twine(*size));
    shape.push_back(size.value_or(ShapedType::kDynamic));
  }
  if (shape.empty()) {
    problem("the input has no batch dim");
    return false;
  }
  if (auto batch = options.dims.find("batch"); batch != options.dims.end())
    shape[0] = batch->second;
  std::string dtype = config.getString("dtype").value_or("float32").str();
  Builder &b = model.builder;
  Type element = isInteger || dtype == "int64" ? Type(b.getI64Type())
                 : dtype == "int32"            ? Type(b.getI32Type())
                                               : Type(b.getF32Type());
  inputTypes[name] = RankedTensorType::get(shape, element);
  return true;
}

// Keras 3 writes a tensor as an object with `keras_history`, Keras 2 as a list: layer, node,
// tensor.
void Reader::collectReferences(const llvm::json::Value &value,
                               SmallVectorImpl<Reference> &references) {
  if (const auto *object = value.getAsObject()) {
    if (object->getString("class_name") == "__keras_tensor__") {
      const auto *config = object->getObject("config");
      const auto *history = config ? config->getArray("keras_history") : nullptr;
      if (history)
        collectReferences(llvm::json::Value(llvm::json::Array(*history)), references);
      return;
    }
    // A call of Keras 3: tensors by position, then by name in the order of an attention's.
    SmallVector<StringRef> keys{"args", "query", "value", "key"};
    std::vector<StringRef> others;
    for (const auto &member : *object)
      if (!llvm::is_contained(keys, StringRef(member.first)))
        others.push_back(member.first);
    llvm::sort(others);
    llvm::append_range(keys, others);
    for (StringRef key : keys)
      if (const llvm::json::Value *member = object->get(key))
        collectReferences(*member, references);
  } else if (const auto *array = value.getAsArray()) {
    if (array->size() >= 3 && (*array)[0].getAsString() && (*array)[1].getAsInteger() &&
        (*array)[2].getAsInteger()) {
      references.push_back({(*array)[0].getAsString()->str(), *(*array)[1].getAsInteger()});
      return;
    }
    for (const llvm::json::Value &each : *array)
      collectReferences(each, references);
  }
}

void Reader::readReferences(const llvm::json::Object &config, StringRef key,
                            std::vector<Reference> &references) {
  SmallVector<Reference> found;
  if (const llvm::json::Value *value = config.get(key))
    collectReferences(*value, found);
  if (found.empty())
    problem("there is no '" + key + "'");
  references.assign(found.begin(), found.end());
}

void Reader::addEntry(const llvm::json::Value &layer, int64_t number, bool isSequential) {
  const auto *object = layer.getAsObject();
  auto kind = object ? object->getString("class_name") : std::nullopt;
  const auto *config = object ? object->getObject("config") : nullptr;
  if (!kind || !config) {
    problem("layer " + Twine(number) + " has no 'class_name' or no 'config'");
    return;
  }
  bool isInput = *kind == "InputLayer";
  if (isSequential && inputs.empty() && readInput(*config, "input", *kind == "Embedding")) {
    inputs.push_back({"input", 0});
    entries.push_back({"input", nullptr, config, {{}}, {}});
  }
  if (isInput && isSequential)
    return;
  std::string name = layerName(*config, *kind);
  if (isInput) {
    if (!readInput(*config, name, false))
      problem("input '" + name + "' has no 'batch_shape'");
    entries.push_back({name, nullptr, config, {{}}, {}});
    return;
  }
  auto found = getLayers().find(*kind);
  if (found == getLayers().end()) {
    problem("layer '" + name + "': there is no layer " + *kind);
    return;
  }
  Entry entry{name, found->second, config, {}, {}};
  if (isSequential) {
    entry.nodes.push_back({Reference{entries.empty() ? "input" : entries.back().name, 0}});
  } else if (const auto *nodes = object->getArray("inbound_nodes")) {
    for (const llvm::json::Value &node : *nodes) {
      collectReferences(node, entry.nodes.emplace_back());
      const auto *call = node.getAsObject();
      const auto *named = call ? call->getObject("kwargs") : nullptr;
      if (named && named->getBoolean("use_causal_mask").value_or(false))
        problem("layer '" + name +
                "': 'use_causal_mask' of a call is not supported; give it as a setting");
    }
  }
  entries.push_back(std::move(entry));
}

bool Reader::readLayers(const llvm::json::Value &value) {
  const auto *root = value.getAsObject();
  auto kind = root ? root->getString("class_name") : std::nullopt;
  if (!kind) {
    problem("there is no 'class_name': this is no Keras configuration");
    return false;
  }
  bool isSequential = *kind == "Sequential";
  if (!isSequential && *kind != "Functional" && *kind != "Model") {
    problem("the model is a " + *kind + "; Sequential and Functional models are supported");
    return false;
  }
  const auto *config = root->getObject("config");
  const auto *layers = config ? config->getArray("layers") : nullptr;
  if (!layers || layers->empty()) {
    problem("the model has no layers");
    return false;
  }
  for (auto [i, layer] : llvm::enumerate(*layers))
    addEntry(layer, i, isSequential);
  if (!isSequential) {
    readReferences(*config, "input_layers", inputs);
    readReferences(*config, "output_layers", outputs);
  } else if (inputs.empty()) {
    problem("no layer tells the input's shape: 'batch_shape' is missing");
  } else if (!entries.empty()) {
    outputs.push_back({entries.back().name, 0});
  }
  for (auto &[dim, size] : options.dims)
    if (dim != "batch")
      problem("there is no dim '" + dim + "'; the batch's is 'batch'");
  for (const Reference &input : inputs)
    if (!inputTypes.contains(input.layer))
      problem("input '" + input.layer + "' is no InputLayer");
  return model.problems.empty();
}

// Keras' own rule: dense, dense_1, …
std::string Reader::layerName(const llvm::json::Object &config, StringRef kind) {
  if (auto name = config.getString("name"))
    return name->str();
  std::string base;
  for (auto [i, c] : llvm::enumerate(kind)) {
    bool starts =
        llvm::isUpper(c) && i > 0 &&
        (llvm::isLower(kind[i - 1]) || (i + 1 < kind.size() && llvm::isLower(kind[i + 1])));
    if (starts)
      base += '_';
    base += llvm::toLower(c);
  }
  unsigned count = kinds[base]++;
  return count ? base + "_" + std::to_string(count) : base;
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

// Builds the next application of a layer; false if what it is of is not there yet.
bool Reader::buildNode(Entry &entry) {
  SmallVector<Value> operands;
  for (const Reference &reference : entry.nodes[entry.results.size()]) {
    Entry *source = find(reference.layer);
    if (!source || reference.node < 0 ||
        reference.node >= static_cast<int64_t>(source->results.size()))
      return false;
    operands.push_back(source->results[reference.node]);
  }
  if (operands.empty())
    return false;
  Layer layer(model, entry.name, *entry.config, operands);
  Value result = entry.build(layer);
  if (result)
    entry.results.push_back(result);
  return static_cast<bool>(result);
}

// Layers need not stand in the order of their use.
void Reader::buildLayers() {
  for (bool changed = true; changed && model.problems.empty();) {
    changed = false;
    for (Entry &entry : entries)
      while (entry.build && entry.results.size() < entry.nodes.size() && buildNode(entry))
        changed = true;
  }
  if (!model.problems.empty())
    return;
  for (const Entry &entry : entries)
    if (entry.results.size() < entry.nodes.size())
      problem("layer '" + entry.name + "': its inputs are no layers of the model");
}

DictionaryAttr Reader::describe(RankedTensorType tensor, StringRef name) {
  Builder &b = model.builder;
  SmallVector<Attribute> dims(tensor.getRank(), b.getStringAttr(""));
  if (tensor.getRank() > 0 && tensor.isDynamicDim(0))
    dims[0] = b.getStringAttr("batch");
  return b.getDictionaryAttr({b.getNamedAttr("nn.dims", b.getArrayAttr(dims)),
                              b.getNamedAttr("nn.name", b.getStringAttr(name))});
}

OwningOpRef<ModuleOp> Reader::read(const llvm::json::Value &value, Location loc) {
  if (!readLayers(value))
    return {};
  OpBuilder &b = model.builder;
  OwningOpRef<ModuleOp> module(ModuleOp::create(loc));
  b.setInsertionPointToEnd(module->getBody());
  SmallVector<Type> types;
  for (const Reference &input : inputs)
    types.push_back(inputTypes.lookup(input.layer));
  auto main = func::FuncOp::create(b, loc, "main", b.getFunctionType(types, {}));
  Block *body = main.addEntryBlock();
  b.setInsertionPointToEnd(body);
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (Entry *entry = find(input.layer))
      entry->results.push_back(body->getArgument(i));
    main.setArgAttrs(i, describe(inputTypes.lookup(input.layer), input.layer));
  }
  buildLayers();
  SmallVector<Value> results;
  SmallVector<Type> resultTypes;
  for (const Reference &output : outputs) {
    Entry *entry = find(output.layer);
    if (entry && output.node >= 0 && output.node < static_cast<int64_t>(entry->results.size())) {
      results.push_back(entry->results[output.node]);
      resultTypes.push_back(results.back().getType());
    } else if (model.problems.empty()) {
      problem("output '" + output.layer + "' is no layer of the model");
    }
  }
  func::ReturnOp::create(b, loc, results);
  main.setFunctionType(b.getFunctionType(types, resultTypes));
  for (auto [i, type] : llvm::enumerate(resultTypes))
    main.setResultAttrs(i, describe(cast<RankedTensorType>(type),
                                    results.size() == 1 ? "output" : outputs[i].layer));
  (*module)->setAttr("sinter.stage", b.getStringAttr("nn"));
  return module;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> sinter::description::importModel(const llvm::json::Value &model,
                                                       StringRef path, MLIRContext &context,
                                                       const ImportOptions &options) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  Reader reader(context, options);
  OwningOpRef<ModuleOp> module = reader.read(model, loc);
  for (const std::string &each : reader.getProblems())
    emitError(loc) << each;
  return reader.getProblems().empty() ? std::move(module) : OwningOpRef<ModuleOp>();
}

OwningOpRef<ModuleOp> sinter::description::importFile(StringRef path, MLIRContext &context,
                                                      const ImportOptions &options) {
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    emitError(loc) << "can't be read: " << buffer.getError().message();
    return {};
  }
  auto value = llvm::json::parse((*buffer)->getBuffer());
  if (!value) {
    emitError(loc) << "is not JSON: " << llvm::toString(value.takeError());
    return {};
  }
  return importModel(*value, path, context, options);
}
