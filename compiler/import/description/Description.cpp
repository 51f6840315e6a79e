//===- Description.cpp - Keras' configurations → nn -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Description.h"
#include "compiler/import/description/CompileSection.h"
#include "compiler/import/description/Configuration.h"
#include "compiler/import/description/ShortForm.h"
#include "compiler/import/description/yaml/Yaml.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;

namespace {
/// Builds one model's graph.
class GraphBuilder {
public:
  GraphBuilder(Network network, MLIRContext &context, const ImportOptions &options)
      : options(options), network(std::move(network)),
        model{OpBuilder(&context), options.seed, options.isTraining, 0, 0, {}, {}} {}

  OwningOpRef<ModuleOp> build(Location loc);
  ArrayRef<std::string> getProblems() const { return model.problems; }
  ArrayRef<std::string> getWarnings() const { return model.warnings; }

private:
  /// What an application gives: one result, or several.
  using Results = SmallVector<Value>;

  void problem(const Twine &message) { model.problems.push_back(message.str()); }
  RankedTensorType inputType(StringRef name);
  /// Null if it is not built, or does not exist.
  Value lookup(const Reference &reference) const;
  void buildLayers();
  bool checkOperands(const Entry &entry, ValueRange operands);
  bool buildNode(const Entry &entry);
  DictionaryAttr describe(RankedTensorType tensor, StringRef name);

  const ImportOptions &options;
  Network network;
  Model model;
  llvm::StringMap<std::vector<Results>> results;
};
} // namespace

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

RankedTensorType GraphBuilder::inputType(StringRef name) {
  Network::Input input = network.inputTypes.lookup(name);
  SmallVector<int64_t> shape;
  for (int64_t size : input.shape)
    shape.push_back(size < 0 ? ShapedType::kDynamic : size);
  if (auto batch = options.dims.find("batch"); batch != options.dims.end())
    shape[0] = batch->second;
  Builder &b = model.builder;
  Type element = input.dtype == "int64"   ? Type(b.getI64Type())
                 : input.dtype == "int32" ? Type(b.getI32Type())
                                          : Type(b.getF32Type());
  return RankedTensorType::get(shape, element);
}

Value GraphBuilder::lookup(const Reference &reference) const {
  auto found = results.find(reference.layer);
  if (found == results.end() || reference.node < 0 ||
      reference.node >= static_cast<int64_t>(found->second.size()))
    return {};
  const Results &given = found->second[reference.node];
  bool exists = reference.result >= 0 && reference.result < static_cast<int64_t>(given.size());
  return exists ? given[reference.result] : Value();
}

// As many as the layer takes, and numbers of the kind that it computes with.
bool GraphBuilder::checkOperands(const Entry &entry, ValueRange operands) {
  const LayerKind &kind = *entry.kind;
  if (operands.size() > kind.mostInputs) {
    problem("layer '" + entry.name + "': takes " + Twine(kind.mostInputs) +
            (kind.mostInputs == 1 ? " input" : " inputs") + " at most, but gets " +
            Twine(operands.size()));
    return false;
  }
  if (kind.takesIntegers)
    return true;
  ArrayRef<Reference> references = entry.applications[results[entry.name].size()].operands;
  for (auto [operand, reference] : llvm::zip(operands, references)) {
    if (!cast<RankedTensorType>(operand.getType()).getElementType().isInteger())
      continue;
    std::string reader;
    for (const Entry &other : network.entries)
      for (const Application &each : other.applications)
        if (other.kind && other.kind->takesIntegers && !each.operands.empty() &&
            each.operands.front().layer == reference.layer)
          reader = ", which layer '" + other.name + "' reads too";
    problem("layer '" + entry.name + "': takes floats, but '" + reference.layer +
            "' is of integers" + reader);
    return false;
  }
  return true;
}

// Builds the next application of a layer; false if what it is of is not there yet.
bool GraphBuilder::buildNode(const Entry &entry) {
  const Application &application = entry.applications[results[entry.name].size()];
  SmallVector<Value> operands;
  for (const Reference &reference : application.operands) {
    operands.push_back(lookup(reference));
    if (!operands.back())
      return false;
  }
  if (operands.empty() || !checkOperands(entry, operands))
    return false;
  llvm::json::Object config = entry.config;
  for (const auto &[key, value] : application.settings)
    config[key] = value;
  Layer layer(model, entry.name, config, operands);
  Value result = entry.kind->build(layer);
  if (!result)
    return false;
  if (results[entry.name].empty())
    layer.reportUnread();
  Results all{result};
  llvm::append_range(all, layer.getMoreResults());
  results[entry.name].push_back(std::move(all));
  return true;
}

// Layers need not stand in the order of their use.
void GraphBuilder::buildLayers() {
  auto isComplete = [&](const Entry &entry) {
    return !entry.kind || results[entry.name].size() == entry.applications.size();
  };
  for (bool changed = true; changed && model.problems.empty();) {
    changed = false;
    for (const Entry &entry : network.entries)
      while (!isComplete(entry) && buildNode(entry))
        changed = true;
  }
  if (!model.problems.empty())
    return;
  for (const Entry &entry : network.entries)
    if (!isComplete(entry))
      problem("layer '" + entry.name + "': its inputs are no layers of the model");
}

DictionaryAttr GraphBuilder::describe(RankedTensorType tensor, StringRef name) {
  Builder &b = model.builder;
  SmallVector<Attribute> dims(tensor.getRank(), b.getStringAttr(""));
  if (tensor.getRank() > 0 && tensor.isDynamicDim(0))
    dims[0] = b.getStringAttr("batch");
  return b.getDictionaryAttr({b.getNamedAttr("nn.dims", b.getArrayAttr(dims)),
                              b.getNamedAttr("nn.name", b.getStringAttr(name))});
}

OwningOpRef<ModuleOp> GraphBuilder::build(Location loc) {
  OpBuilder &b = model.builder;
  OwningOpRef<ModuleOp> module(ModuleOp::create(loc));
  b.setInsertionPointToEnd(module->getBody());
  SmallVector<Type> types;
  for (const Reference &input : network.inputs)
    types.push_back(inputType(input.layer));
  auto main = func::FuncOp::create(b, loc, "main", b.getFunctionType(types, {}));
  Block *body = main.addEntryBlock();
  b.setInsertionPointToEnd(body);
  for (auto [i, input] : llvm::enumerate(network.inputs)) {
    results[input.layer].push_back({body->getArgument(i)});
    main.setArgAttrs(i, describe(cast<RankedTensorType>(types[i]), input.layer));
  }
  buildLayers();
  SmallVector<Value> outputs;
  SmallVector<Type> outputTypes;
  for (const Reference &output : network.outputs) {
    if (Value value = lookup(output)) {
      outputs.push_back(value);
      outputTypes.push_back(value.getType());
    } else if (model.problems.empty()) {
      problem("output '" + output.layer + "' is no layer of the model");
    }
  }
  func::ReturnOp::create(b, loc, outputs);
  main.setFunctionType(b.getFunctionType(types, outputTypes));
  for (auto [i, type] : llvm::enumerate(outputTypes))
    main.setResultAttrs(i, describe(cast<RankedTensorType>(type),
                                    outputs.size() == 1 ? "output" : network.outputs[i].layer));
  (*module)->setAttr("sinter.stage", b.getStringAttr("nn"));
  return module;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> sinter::description::importModel(const llvm::json::Value &given,
                                                       StringRef path, MLIRContext &context,
                                                       const ImportOptions &options) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  std::vector<std::string> problems, warnings;
  auto fail = [&]() -> OwningOpRef<ModuleOp> {
    for (const std::string &each : problems)
      emitError(loc) << each;
    return {};
  };
  llvm::json::Value model = isShortForm(given) ? expandShortForm(given, problems) : given;
  if (!problems.empty())
    return fail();
  Network network = readConfiguration(model, problems);
  CompileSection section = readCompileSection(model, problems, warnings);
  if (!problems.empty())
    return fail();
  GraphBuilder builder(std::move(network), context, options);
  OwningOpRef<ModuleOp> module = builder.build(loc);
  llvm::append_range(problems, builder.getProblems());
  llvm::append_range(warnings, builder.getWarnings());
  if (!problems.empty())
    return fail();
  for (const std::string &each : warnings)
    emitWarning(loc) << each;
  if (DictionaryAttr attribute = section.toAttribute(context))
    (*module)->setAttr("nn.compile", attribute);
  return module;
}

// A .json file's value, or a .yaml file's.
static std::optional<llvm::json::Value> parse(StringRef path, StringRef text, Location loc) {
  if (path.ends_with(".json")) {
    auto value = llvm::json::parse(text);
    if (value)
      return std::move(*value);
    emitError(loc) << "is not JSON: " << llvm::toString(value.takeError());
    return std::nullopt;
  }
  std::string error;
  auto value = parseYaml(text, error);
  if (!value)
    emitError(loc) << "is not YAML: " << error;
  return value;
}

OwningOpRef<ModuleOp> sinter::description::importFile(StringRef path, MLIRContext &context,
                                                      const ImportOptions &options) {
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    emitError(loc) << "can't be read: " << buffer.getError().message();
    return {};
  }
  auto value = parse(path, (*buffer)->getBuffer(), loc);
  return value ? importModel(*value, path, context, options) : OwningOpRef<ModuleOp>();
}
