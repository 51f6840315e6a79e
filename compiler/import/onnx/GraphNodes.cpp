//===- GraphNodes.cpp - nodes in their order, functions, subgraphs --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/GraphImporter.h"
#include "mlir/IR/Diagnostics.h"
#include <google/protobuf/unknown_field_set.h>
#include <queue>

using namespace mlir;
using namespace sinter::onnx_import;
using google::protobuf::RepeatedPtrField;
using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;

std::string sinter::onnx_import::getNodeName(const NodeProto &node) {
  if (!node.name().empty())
    return node.name();
  for (const std::string &output : node.output())
    if (!output.empty())
      return output;
  return "";
}

std::vector<std::string>
sinter::onnx_import::getUnknownStrings(const google::protobuf::Message &message, int field) {
  std::vector<std::string> result;
  const auto &fields = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < fields.field_count(); ++i)
    if (fields.field(i).number() == field &&
        fields.field(i).type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      result.push_back(fields.field(i).length_delimited());
  return result;
}

std::string sinter::onnx_import::getOverload(const NodeProto &node) {
  auto found = getUnknownStrings(node, 8);
  return found.empty() ? "" : found.back();
}

std::string sinter::onnx_import::getOverload(const FunctionProto &function) {
  auto found = getUnknownStrings(function, 13);
  return found.empty() ? "" : found.back();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

bool GraphImporter::lookup(Scope &scope, StringRef name, Value &value) {
  for (Scope *s = &scope; s; s = s->parent) {
    auto found = s->values.find(name);
    if (found != s->values.end()) {
      value = found->second;
      return true;
    }
    auto initializer = s->initializers.find(name);
    if (initializer != s->initializers.end()) {
      value = s->values[name] = makeInitializer(*initializer->second);
      return true;
    }
  }
  return false;
}

void GraphImporter::define(Scope &scope, StringRef name, Value value, const Twine &what) {
  if (name.empty())
    return;
  bool isNew = scope.values.try_emplace(name, value).second;
  if (!isNew || scope.initializers.count(name))
    error(what + ": its output '" + name +
          "' is already the name of another value; names are given once");
}

std::string GraphImporter::suggestName(Scope &scope, StringRef name) {
  StringRef best;
  unsigned bestDistance = std::max<size_t>(1, name.size() / 4) + 1;
  auto consider = [&](StringRef candidate) {
    unsigned distance = name.edit_distance(candidate, true, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  };
  for (Scope *s = &scope; s; s = s->parent) {
    for (const auto &entry : s->values)
      consider(entry.getKey());
    for (const auto &entry : s->initializers)
      consider(entry.getKey());
  }
  return best.empty() ? "" : "; did you mean '" + best.str() + "'?";
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

static void forEachGraph(const NodeProto &node,
                         llvm::function_ref<void(const GraphProto &)> callback) {
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      callback(attribute.g());
    for (const GraphProto &graph : attribute.graphs())
      callback(graph);
  }
}

// Names that a graph takes from around it.
static void collectFreeNames(const GraphProto &graph, llvm::StringSet<> &free) {
  llvm::StringSet<> own;
  for (const auto &input : graph.input())
    own.insert(input.name());
  for (const auto &tensor : graph.initializer())
    own.insert(tensor.name());
  for (const NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      own.insert(output);
  llvm::StringSet<> used;
  for (const NodeProto &node : graph.node()) {
    for (const std::string &input : node.input())
      used.insert(input);
    forEachGraph(node, [&](const GraphProto &g) { collectFreeNames(g, used); });
  }
  for (const auto &output : graph.output())
    used.insert(output.name());
  for (const auto &name : used)
    if (!own.contains(name.getKey()))
      free.insert(name.getKey());
}

static llvm::StringSet<> getUsedNames(const NodeProto &node) {
  llvm::StringSet<> names;
  for (const std::string &input : node.input())
    if (!input.empty())
      names.insert(input);
  forEachGraph(node, [&](const GraphProto &g) { collectFreeNames(g, names); });
  return names;
}

void GraphImporter::reportCycle(ArrayRef<NodeProto *> nodes,
                                const llvm::StringMap<unsigned> &producers) {
  // Every node left over waits for another one that is left over: going from
  // one to the next ends in a circle.
  llvm::DenseMap<NodeProto *, NodeProto *> waitsFor;
  llvm::StringMap<NodeProto *> makers;
  for (NodeProto *node : nodes)
    for (const std::string &output : node->output())
      makers[output] = node;
  for (NodeProto *node : nodes)
    for (const auto &name : getUsedNames(*node))
      if (NodeProto *maker = makers.lookup(name.getKey()))
        waitsFor[node] = maker;
  llvm::DenseMap<NodeProto *, unsigned> position;
  SmallVector<NodeProto *> path;
  NodeProto *node = nodes.front();
  while (position.try_emplace(node, path.size()).second) {
    path.push_back(node);
    node = waitsFor.lookup(node);
  }
  std::string text;
  for (NodeProto *n : ArrayRef(path).drop_front(position[node]))
    text += "'" + getNodeName(*n) + "' (" + n->op_type() + ") needs ";
  error("the graph has a cycle: " + text + "'" + getNodeName(*node) + "'");
}

SmallVector<NodeProto *> GraphImporter::sortNodes(Scope &scope,
                                                  RepeatedPtrField<NodeProto> &nodes) {
  llvm::StringMap<unsigned> producers;
  SmallVector<NodeProto *> all;
  for (NodeProto &node : nodes) {
    for (const std::string &output : node.output())
      if (!output.empty())
        producers.try_emplace(output, all.size());
    all.push_back(&node);
  }

  SmallVector<SmallVector<unsigned>> users(all.size());
  SmallVector<unsigned> missing(all.size(), 0);
  bool inOrder = true;
  for (auto [index, node] : llvm::enumerate(all))
    for (const auto &name : getUsedNames(*node)) {
      auto found = producers.find(name.getKey());
      if (found == producers.end())
        continue;
      users[found->second].push_back(index);
      ++missing[index];
      inOrder &= found->second < index;
    }
  if (inOrder)
    return all;

  // Kahn's algorithm, first come first served.
  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<unsigned>> ready;
  for (unsigned i = 0; i < all.size(); ++i)
    if (!missing[i])
      ready.push(i);
  SmallVector<NodeProto *> sorted, left;
  while (!ready.empty()) {
    unsigned index = ready.top();
    ready.pop();
    sorted.push_back(all[index]);
    for (unsigned user : users[index])
      if (!--missing[user])
        ready.push(user);
  }
  if (sorted.size() == all.size()) {
    warning("nodes are not in topological order, as ONNX wants; "
            "they have been sorted");
    return sorted;
  }
  for (unsigned i = 0; i < all.size(); ++i)
    if (missing[i])
      left.push_back(all[i]);
  reportCycle(left, producers);
  for (NodeProto *node : left)
    for (const std::string &output : node->output())
      if (!output.empty())
        scope.values.try_emplace(output, Value());
  return sorted;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

void GraphImporter::importNodes(Scope &scope, RepeatedPtrField<NodeProto> &nodes) {
  for (NodeProto *node : sortNodes(scope, nodes))
    importNode(scope, *node);
}

static std::string getPlural(unsigned count, StringRef noun) {
  return (Twine(count) + " " + noun + (count == 1 ? "" : "s")).str();
}

void GraphImporter::importNode(Scope &scope, NodeProto &proto) {
  std::string name = scope.prefix + getNodeName(proto);
  std::string who = "node '" + name + "' (" + proto.op_type() + ")";
  Location loc = getLoc(name, proto.op_type());
  auto poison = [&] {
    for (const std::string &output : proto.output())
      define(scope, output, {}, who);
  };

  // Inputs first: a name that nobody knows is a problem of its own.
  Node::Values inputs;
  bool poisoned = false;
  for (auto [index, input] : llvm::enumerate(proto.input())) {
    Value value;
    if (!input.empty() && !lookup(scope, input, value)) {
      error(who + ": input " + Twine(index) + " '" + input +
            "' is made by no node, input or initializer" + suggestName(scope, input));
      poisoned = true;
    }
    poisoned |= !input.empty() && !value;
    inputs.push_back(value);
  }

  std::string domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  std::string key = proto.domain() + ":" + proto.op_type() + ":" + getOverload(proto);
  if (FunctionProto *function = functions.lookup(key)) {
    if (poisoned)
      return poison();
    return importCall(scope, proto, *function, inputs);
  }

  auto version = scope.opsets->find(domain);
  int64_t opset = version == scope.opsets->end() ? 0 : version->second;
  const Operator *entry = table.lookup(domain, proto.op_type(), opset);
  if (!entry) {
    std::string what;
    if (!domain.empty()) {
      what = "operator '" + proto.op_type() + "' of the domain '" + domain +
             "' is not supported; only ai.onnx and functions in the model are";
    } else if (!opset) {
      what =
          "operator '" + proto.op_type() + "' is in ai.onnx, of which the model imports no opset";
    } else if (int64_t first = table.firstVersion("", proto.op_type())) {
      what = "operator '" + proto.op_type() + "' came with opset " + std::to_string(first) +
             ", but the model imports opset " + std::to_string(opset);
    } else {
      what = "operator '" + proto.op_type() + "' is not supported";
      StringRef near = table.nearest("", proto.op_type());
      if (!near.empty())
        what += " (did you mean '" + near.str() + "'?)";
    }
    unsupported[what].push_back(name);
    return poison();
  }

  unsigned count = inputs.size();
  while (count && proto.input(count - 1).empty())
    --count;
  inputs.truncate(count);
  unsigned missing = 0;
  for (unsigned i = 0; i < entry->inputs.min; ++i)
    missing += i >= count || proto.input(i).empty();
  if (missing) {
    error(who + ": needs " + getPlural(entry->inputs.min, "input") + ", but " + Twine(missing) +
          (missing == 1 ? " is" : " are") + " missing");
    return poison();
  }
  if (count > entry->inputs.max) {
    error(who + ": has " + getPlural(count, "input") + ", but the operator takes at most " +
          Twine(entry->inputs.max));
    return poison();
  }
  if (unsigned(proto.output_size()) > entry->maxOutputs) {
    error(who + ": has " + getPlural(proto.output_size(), "output") +
          ", but the operator gives at most " + Twine(entry->maxOutputs));
    return poison();
  }
  if (poisoned)
    return poison();

  Node node(*this, proto, opset, std::move(inputs), loc);
  node.name = name;
  size_t before = problems.size() + unsupported.size();
  LogicalResult result = failure();
  {
    // Shape inference and verifiers report as MLIR does; that becomes the
    // node's error.
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      (void)node.emitError(diagnostic.str());
      return success();
    });
    Scope *outer = std::exchange(current, &scope);
    OpBuilder::InsertionGuard guard(builder);
    result = entry->build(node);
    current = outer;
  }
  if (failed(result) || node.failed()) {
    if (!node.failed() && problems.size() + unsupported.size() == before)
      error(who + ": could not be imported");
    return poison();
  }
  for (auto [index, output] : llvm::enumerate(proto.output())) {
    if (output.empty())
      continue;
    Value value = node.outputs[index];
    std::string problem;
    if (!value) {
      error(who + ": output " + Twine(index) + " '" + output + "' is not supported");
    } else if (!checkDeclared(scope, output, value, problem)) {
      error(Twine(who) + ": output '" + output + "' " + problem);
      value = {};
    }
    define(scope, output, value, who);
  }
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

// Puts the call's attributes where the body refers to them.
static void substituteAttributes(RepeatedPtrField<NodeProto> &nodes,
                                 const llvm::StringMap<const AttributeProto *> &values) {
  for (NodeProto &node : nodes) {
    RepeatedPtrField<AttributeProto> kept;
    for (AttributeProto &attribute : *node.mutable_attribute()) {
      if (attribute.ref_attr_name().empty()) {
        if (attribute.has_g())
          substituteAttributes(*attribute.mutable_g()->mutable_node(), values);
        for (GraphProto &graph : *attribute.mutable_graphs())
          substituteAttributes(*graph.mutable_node(), values);
        kept.Add()->Swap(&attribute);
        continue;
      }
      // A reference to an attribute that the call leaves out is left out.
      if (const AttributeProto *value = values.lookup(attribute.ref_attr_name())) {
        AttributeProto *copy = kept.Add();
        copy->CopyFrom(*value);
        copy->set_name(attribute.name());
      }
    }
    node.mutable_attribute()->Swap(&kept);
  }
}

void GraphImporter::importCall(Scope &scope, NodeProto &call, FunctionProto &function,
                               ArrayRef<Value> inputs) {
  std::string name = scope.prefix + getNodeName(call);
  std::string who = "node '" + name + "' (" + call.op_type() + ")";
  auto fail = [&](const Twine &message) {
    error(who + ": " + message);
    for (const std::string &output : call.output())
      define(scope, output, {}, who);
  };
  if (llvm::is_contained(scope.functions, &function))
    return fail("the function calls itself");
  if (call.input_size() > function.input_size() || call.output_size() > function.output_size())
    return fail("has " + getPlural(call.input_size(), "input") + " and " +
                getPlural(call.output_size(), "output") + ", but the function takes " +
                Twine(function.input_size()) + " and gives " + Twine(function.output_size()));

  FunctionProto &body = inlined.emplace_back(function);
  std::deque<AttributeProto> defaults;
  llvm::StringMap<const AttributeProto *> attributes;
  // FunctionProto.attribute_proto (IR version 9): attributes with defaults.
  for (const std::string &bytes : getUnknownStrings(function, 11)) {
    AttributeProto &attribute = defaults.emplace_back();
    if (attribute.ParseFromString(bytes))
      attributes[attribute.name()] = &attribute;
  }
  for (const AttributeProto &attribute : call.attribute())
    attributes[attribute.name()] = &attribute;
  for (const std::string &attribute : function.attribute())
    if (!attributes.count(attribute))
      attributes[attribute] = nullptr;
  substituteAttributes(*body.mutable_node(), attributes);

  // A function's body sees its own inputs, nothing of the graph around it.
  Scope inner;
  inner.opsets = &functionOpsets[&function];
  inner.prefix = name + "/";
  inner.functions = scope.functions;
  inner.functions.push_back(&function);
  // Absent inputs are absent in the body, too: drop their names.
  llvm::StringSet<> absent;
  for (int i = 0; i < function.input_size(); ++i) {
    if (i < int(inputs.size()) && inputs[i])
      inner.values[function.input(i)] = inputs[i];
    else
      absent.insert(function.input(i));
  }
  for (NodeProto &node : *body.mutable_node())
    for (std::string &input : *node.mutable_input())
      if (absent.contains(input))
        input.clear();

  importNodes(inner, *body.mutable_node());
  for (auto [index, output] : llvm::enumerate(call.output())) {
    if (output.empty())
      continue;
    Value value;
    std::string problem;
    if (!lookup(inner, function.output(index), value))
      error(who + ": the function's output '" + function.output(index) +
            "' is made by no node of it");
    else if (value && !checkDeclared(scope, output, value, problem))
      error(Twine(who) + ": output '" + output + "' " + problem);
    define(scope, output, problem.empty() ? value : Value(), who);
  }
}

//===----------------------------------------------------------------------===//
// Subgraphs
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::importSubgraph(Scope &parent, GraphProto &graph, ValueRange arguments,
                                            SmallVectorImpl<Value> &results) {
  size_t before = problems.size() + unsupported.size();
  Scope scope;
  scope.parent = &parent;
  scope.opsets = parent.opsets;
  scope.prefix = parent.prefix;
  scope.functions = parent.functions;
  addInitializers(scope, graph);
  for (const auto *infos : {&graph.value_info(), &graph.output()})
    for (const auto &info : *infos)
      if (info.has_type())
        scope.declared[info.name()] = &info.type();
  for (auto [index, input] : llvm::enumerate(graph.input()))
    if (index < arguments.size())
      scope.values[input.name()] = arguments[index];
  importNodes(scope, *graph.mutable_node());

  bool good = true;
  for (const auto &output : graph.output()) {
    Value value;
    if (!lookup(scope, output.name(), value))
      error("subgraph '" + graph.name() + "': output '" + output.name() +
            "' is made by no node, input or initializer" + suggestName(scope, output.name()));
    good &= bool(value);
    results.push_back(value);
  }
  return success(good && problems.size() + unsupported.size() == before);
}
