//===- GraphModel.cpp - the model as a whole ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opsets, functions, inputs, initializers, outputs, and the list of problems.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/onnx/GraphImporter.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sinter::onnx_import;

// The newest opset of ai.onnx that the table was written for.
static constexpr int64_t newestOpset = 28;

GraphImporter::GraphImporter(MLIRContext &context, StringRef path, const ImportOptions &options)
    : context(context), path(path), options(options), builder(&context), tensors(&context, path),
      table(OperatorTable::get()) {}

//===----------------------------------------------------------------------===//
// Problems
//===----------------------------------------------------------------------===//

Location GraphImporter::getLoc(const Twine &name, StringRef kind) {
  return NameLoc::get(StringAttr::get(&context, name),
                      NameLoc::get(StringAttr::get(&context, kind)));
}

Location GraphImporter::modelLoc() { return NameLoc::get(StringAttr::get(&context, path)); }

void GraphImporter::error(const Twine &message) { problems.push_back(message.str()); }

void GraphImporter::warning(const Twine &message) { mlir::emitWarning(modelLoc()) << message; }

void GraphImporter::emitProblems() {
  for (auto &[what, nodes] : unsupported) {
    // A few names say where to look; a long list helps nobody.
    constexpr size_t maxNames = 5;
    std::string names;
    for (size_t i = 0; i < std::min(nodes.size(), maxNames); ++i)
      names += (i ? ", '" : "'") + nodes[i] + "'";
    if (nodes.size() > maxNames)
      names += ", …";
    error(what + ": needed by " + Twine(nodes.size()) +
          (nodes.size() == 1 ? " node (" : " nodes (") + names + ")");
  }
  for (const std::string &problem : problems)
    mlir::emitError(modelLoc()) << problem;
}

//===----------------------------------------------------------------------===//
// Opsets and functions
//===----------------------------------------------------------------------===//

void GraphImporter::readOpsets(
    const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &imports, Opsets &opsets,
    bool required) {
  for (const auto &import : imports) {
    std::string domain = import.domain() == "ai.onnx" ? "" : import.domain();
    if (domain.empty() && (import.version() < 1 || import.version() > newestOpset))
      error("imports opset " + Twine(import.version()) + "; Sinter knows opsets 1 to " +
            Twine(newestOpset));
    opsets[domain] = import.version();
  }
  if (!opsets.count("")) {
    // Before IR version 3 there was only the first opset.
    if (required && model->ir_version() >= 3 && opsets.empty())
      error("imports no opset; the model needs an opset_import with "
            "the version of its operators");
    else if (required && model->ir_version() < 3)
      opsets[""] = 1;
  }
}

void GraphImporter::readFunctions() {
  for (::onnx::FunctionProto &function : *model->mutable_functions()) {
    std::string key = function.domain() + ":" + function.name() + ":" + getOverload(function);
    if (!functions.try_emplace(key, &function).second)
      error("defines the function '" + function.name() + "' of '" + function.domain() + "' twice");
    Opsets &imports = functionOpsets[&function];
    readOpsets(function.opset_import(), imports, /*required=*/false);
    // Exporters that leave some out mean the model's.
    for (const auto &entry : opsets)
      imports.try_emplace(entry.getKey(), entry.getValue());
  }
}

//===----------------------------------------------------------------------===//
// Inputs and initializers
//===----------------------------------------------------------------------===//

void GraphImporter::addInitializers(Scope &scope, ::onnx::GraphProto &graph) {
  for (::onnx::TensorProto &tensor : *graph.mutable_initializer())
    if (!scope.initializers.try_emplace(tensor.name(), &tensor).second)
      error("initializer '" + tensor.name() + "' is defined twice");
  for (const auto &sparse : graph.sparse_initializer()) {
    const std::string &name = sparse.values().name();
    error("initializer '" + name +
          "' is a sparse tensor, which is not supported; store it densely");
    scope.values[name] = {};
  }
}

Value GraphImporter::makeInitializer(::onnx::TensorProto &tensor) {
  Location loc = getLoc(tensor.name(), "initializer");
  std::string problem;
  ElementsAttr value = tensors.read(tensor, tensor.name(), problem);
  if (!value) {
    error("initializer '" + tensor.name() + "' " + problem);
    return {};
  }
  OpBuilder::InsertionGuard guard(builder);
  if (lastConstant)
    builder.setInsertionPointAfter(lastConstant);
  else
    builder.setInsertionPointToStart(&function.getBody().front());
  auto constant = nn::ConstantOp::create(builder, loc, value);
  lastConstant = constant;
  return constant;
}

void GraphImporter::importInputs(Scope &scope, ::onnx::GraphProto &graph,
                                 SmallVectorImpl<NamedAttrList> &attributes) {
  Block &entry = function.getBody().front();
  llvm::StringSet<> seen;
  for (const auto &input : graph.input()) {
    Location loc = getLoc(input.name(), "input");
    if (!seen.insert(input.name()).second) {
      error("input '" + input.name() + "' is declared twice");
      continue;
    }
    // Before IR version 4 every initializer was listed as an input, too; and
    // later a listed one is a default value: a constant in both cases.
    if (scope.initializers.count(input.name()))
      continue;
    SmallVector<std::string> dims;
    std::string problem;
    RankedTensorType type = getInputType(input, dims, problem);
    if (!type) {
      error("input '" + input.name() + "' " + problem);
      scope.values[input.name()] = {};
      continue;
    }
    scope.values[input.name()] = entry.addArgument(type, loc);
    NamedAttrList &list = attributes.emplace_back();
    list.set("nn.name", builder.getStringAttr(input.name()));
    list.set("nn.dims", builder.getStrArrayAttr(SmallVector<StringRef>(dims.begin(), dims.end())));
  }
}

// The declared names of an output's dynamic dims, as far as they name dims of
// inputs: a caller then knows the size before the run. Null without any.
ArrayAttr GraphImporter::getOutputDims(const ::onnx::ValueInfoProto &output,
                                       RankedTensorType type) {
  const auto &declared = output.type().tensor_type().shape();
  if (declared.dim_size() != type.getRank())
    return {};
  bool any = false;
  SmallVector<StringRef> names(type.getRank());
  for (auto [index, dim] : llvm::enumerate(declared.dim()))
    if (type.isDynamicDim(index) && dimNames.contains(dim.dim_param())) {
      names[index] = dim.dim_param();
      any = true;
    }
  return any ? builder.getStrArrayAttr(names) : ArrayAttr();
}

void GraphImporter::checkDims() {
  for (const auto &entry : options.dims) {
    if (usedDims.contains(entry.getKey()))
      continue;
    std::vector<std::string> names;
    for (const auto &name : dimNames)
      names.push_back("'" + name.getKey().str() + "'");
    llvm::sort(names);
    error("--dim " + entry.getKey() + "=" + Twine(entry.getValue()) + " fits no dim of an input; " +
          (names.empty() ? std::string("no dim has a name (INPUT:POSITION=N also "
                                       "works)")
                         : "the named dims are " + llvm::join(names, ", ")));
  }
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> GraphImporter::import(::onnx::ModelProto &proto) {
  model = &proto;
  ::onnx::GraphProto &graph = *proto.mutable_graph();
  readOpsets(proto.opset_import(), opsets, /*required=*/true);
  // Nothing can be said about nodes of unknown operators' versions.
  if (!problems.empty()) {
    emitProblems();
    return {};
  }
  readFunctions();
  if (graph.output().empty())
    error(graph.node().empty() ? "has an empty graph: no nodes and no outputs"
                               : "has no outputs: there is nothing to compute");

  OwningOpRef<ModuleOp> module = ModuleOp::create(modelLoc());
  (*module)->setAttr("sinter.stage", builder.getStringAttr("nn"));
  if (!graph.name().empty())
    (*module)->setAttr("sinter.name", builder.getStringAttr(graph.name()));
  if (!proto.producer_name().empty()) {
    std::string producer = proto.producer_name();
    if (!proto.producer_version().empty())
      producer += " " + proto.producer_version();
    (*module)->setAttr("sinter.producer", builder.getStringAttr(producer));
  }
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, modelLoc(), "main", builder.getFunctionType({}, {}));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);

  Scope scope;
  scope.opsets = &opsets;
  addInitializers(scope, graph);
  for (const auto *infos : {&graph.value_info(), &graph.output()})
    for (const auto &info : *infos)
      if (info.has_type())
        scope.declared[info.name()] = &info.type();
  SmallVector<NamedAttrList> argumentAttributes;
  importInputs(scope, graph, argumentAttributes);
  checkDims();
  // Shape analysis, which some builders use, reads dims' names from here.
  function.setFunctionType(builder.getFunctionType(entry->getArgumentTypes(), {}));
  for (auto [index, list] : llvm::enumerate(argumentAttributes))
    function.setArgAttrs(index, list.getDictionary(&context));
  importNodes(scope, *graph.mutable_node());

  SmallVector<Value> results;
  SmallVector<NamedAttrList> resultAttributes;
  llvm::StringSet<> seen;
  for (const auto &output : graph.output()) {
    if (!seen.insert(output.name()).second)
      error("output '" + output.name() + "' is listed twice");
    Value value;
    if (!lookup(scope, output.name(), value)) {
      std::string reason = output.has_type() && !output.type().has_tensor_type() &&
                                   output.type().value_case() != ::onnx::TypeProto::VALUE_NOT_SET
                               ? " (of the unsupported type " + describe(output.type()) + ")"
                               : "";
      error("output '" + output.name() + "'" + reason +
            " is made by no node, input or initializer" + suggestName(scope, output.name()));
      continue;
    }
    if (!value) {
      // Whatever made it has been reported; its type may be one more problem.
      if (output.has_type() && !output.type().has_tensor_type() &&
          output.type().value_case() != ::onnx::TypeProto::VALUE_NOT_SET)
        error("output '" + output.name() + "' has the unsupported type " + describe(output.type()));
      continue;
    }
    std::string problem;
    if (!checkDeclared(scope, output.name(), value, problem)) {
      error("output '" + output.name() + "' " + problem);
      continue;
    }
    results.push_back(value);
    NamedAttrList &list = resultAttributes.emplace_back();
    list.set("nn.name", builder.getStringAttr(output.name()));
    if (ArrayAttr dims = getOutputDims(output, cast<RankedTensorType>(value.getType())))
      list.set("nn.dims", dims);
  }

  if (!problems.empty() || !unsupported.empty()) {
    emitProblems();
    return {};
  }
  func::ReturnOp::create(builder, modelLoc(), results);
  function.setFunctionType(
      builder.getFunctionType(entry->getArgumentTypes(), ValueRange(results).getTypes()));
  for (auto [index, list] : llvm::enumerate(resultAttributes))
    function.setResultAttrs(index, list.getDictionary(&context));
  if (failed(mlir::verify(*module)))
    return {};
  return module;
}
