//===- NodeAttributes.cpp - attributes and constants of an ONNX node ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/GraphImporter.h"
#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter::onnx_import;
using namespace sinter;
using ::onnx::AttributeProto;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

static const char *getTypeName(int type) {
  static const char *const names[] = {"undefined",
                                      "a float",
                                      "an int",
                                      "a string",
                                      "a tensor",
                                      "a graph",
                                      "a list of floats",
                                      "a list of ints",
                                      "a list of strings",
                                      "a list of tensors",
                                      "a list of graphs",
                                      "a sparse tensor",
                                      "a list of sparse tensors",
                                      "a type",
                                      "a list of types"};
  return type >= 0 && type < int(std::size(names)) ? names[type] : "unknown";
}

// Before IR version 2 attributes had no type: it is the field that is set.
static int getAttributeType(const AttributeProto &attribute) {
  if (attribute.type() != AttributeProto::UNDEFINED)
    return attribute.type();
  if (attribute.has_f())
    return AttributeProto::FLOAT;
  if (attribute.has_i())
    return AttributeProto::INT;
  if (attribute.has_s())
    return AttributeProto::STRING;
  if (attribute.has_t())
    return AttributeProto::TENSOR;
  if (attribute.has_g())
    return AttributeProto::GRAPH;
  if (attribute.floats_size())
    return AttributeProto::FLOATS;
  if (attribute.ints_size())
    return AttributeProto::INTS;
  if (attribute.strings_size())
    return AttributeProto::STRINGS;
  return AttributeProto::UNDEFINED;
}

const AttributeProto *Node::find(StringRef name, int type) {
  for (const AttributeProto &attribute : proto.attribute()) {
    if (attribute.name() != name)
      continue;
    int actual = getAttributeType(attribute);
    // An empty list without a type fits any list.
    bool emptyList = actual == AttributeProto::UNDEFINED && type >= AttributeProto::FLOATS;
    if (actual == type || emptyList)
      return &attribute;
    (void)emitError("attribute '" + name + "' is " + getTypeName(actual) + "; expected " +
                    getTypeName(type));
    return nullptr;
  }
  return nullptr;
}

bool Node::hasAttribute(StringRef name) const {
  return llvm::any_of(proto.attribute(),
                      [&](const AttributeProto &attribute) { return attribute.name() == name; });
}

void Node::missing(StringRef attribute) {
  (void)emitError("the attribute '" + attribute + "' is missing");
}

std::optional<int64_t> Node::findInt(StringRef name) {
  if (auto *attribute = find(name, AttributeProto::INT))
    return attribute->i();
  return std::nullopt;
}
int64_t Node::getInt(StringRef name, int64_t fallback) { return findInt(name).value_or(fallback); }
int64_t Node::requireInt(StringRef name) {
  auto value = findInt(name);
  if (!value)
    missing(name);
  return value.value_or(0);
}
bool Node::getFlag(StringRef name, bool fallback) { return getInt(name, fallback) != 0; }

std::optional<double> Node::findFloat(StringRef name) {
  if (auto *attribute = find(name, AttributeProto::FLOAT))
    return attribute->f();
  return std::nullopt;
}
double Node::getFloat(StringRef name, double fallback) {
  return findFloat(name).value_or(fallback);
}
double Node::requireFloat(StringRef name) {
  auto value = findFloat(name);
  if (!value)
    missing(name);
  return value.value_or(0);
}

std::optional<std::string> Node::findString(StringRef name) {
  if (auto *attribute = find(name, AttributeProto::STRING))
    return attribute->s();
  return std::nullopt;
}
std::string Node::getString(StringRef name, StringRef fallback) {
  return findString(name).value_or(fallback.str());
}
std::string Node::requireString(StringRef name) {
  auto value = findString(name);
  if (!value)
    missing(name);
  return value.value_or("");
}

std::optional<Node::Ints> Node::findInts(StringRef name) {
  if (auto *attribute = find(name, AttributeProto::INTS))
    return Ints(attribute->ints().begin(), attribute->ints().end());
  return std::nullopt;
}
Node::Ints Node::getInts(StringRef name, ArrayRef<int64_t> fallback) {
  if (auto value = findInts(name))
    return *value;
  return Ints(fallback);
}
Node::Ints Node::requireInts(StringRef name) {
  auto value = findInts(name);
  if (!value)
    missing(name);
  return value.value_or(Ints());
}

std::optional<SmallVector<double>> Node::findFloats(StringRef name) {
  if (auto *attribute = find(name, AttributeProto::FLOATS))
    return SmallVector<double>(attribute->floats().begin(), attribute->floats().end());
  return std::nullopt;
}

std::optional<SmallVector<std::string>> Node::findStrings(StringRef name) {
  if (auto *attribute = find(name, AttributeProto::STRINGS))
    return SmallVector<std::string>(attribute->strings().begin(), attribute->strings().end());
  return std::nullopt;
}

ElementsAttr Node::findTensor(StringRef name) {
  auto *attribute = find(name, AttributeProto::TENSOR);
  if (!attribute)
    return {};
  std::string problem;
  // The reader takes the bytes out of the message, which the importer owns.
  auto &tensor = *const_cast<AttributeProto *>(attribute)->mutable_t();
  ElementsAttr value = importer.tensors.read(
      tensor, tensor.name().empty() ? getName() : StringRef(tensor.name()), problem);
  if (!value)
    (void)emitError("the tensor '" + name + "' " + problem);
  return value;
}

Type Node::getOnnxType(int64_t dataType) {
  if (Type type = onnx_import::getElementType(getContext(), dataType))
    return type;
  (void)emitUnsupported("the element type " + getDataTypeName(dataType));
  return getBuilder().getF32Type();
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

// Attributes and shapes are small; larger constants are nn-simplify's to fold.
static constexpr int64_t maxEvaluated = int64_t(1) << 20;

// Evaluates `value`'s defining ops; `known` keeps what several ops share.
static std::optional<nn::HostTensor>
evaluate(Value value, nn::ShapeAnalysis &analysis,
         llvm::DenseMap<Value, std::optional<nn::HostTensor>> &known) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  std::optional<nn::HostTensor> result;
  Operation *op = value.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (ElementsAttr constant = nn::getConstant(value)) {
    result = nn::HostTensor::fromAttribute(constant);
  } else if (op && type) {
    std::optional<SmallVector<int64_t>> contents;
    if (isa<IntegerType>(type.getElementType()) && type.getRank() <= 1)
      contents = analysis.constantContents(value);
    if (contents) {
      result.emplace(type.getElementType(), type.getShape());
      for (auto [index, element] : llvm::enumerate(*contents))
        result->setInt(index, element);
    } else if (isa<nn::EvaluableOpInterface>(op) && op->getNumRegions() == 0 &&
               countElements(type.getShape()).value_or(maxEvaluated) < maxEvaluated) {
      SmallVector<nn::HostTensor> operands, results;
      for (Value operand : op->getOperands()) {
        auto tensor = evaluate(operand, analysis, known);
        if (!tensor)
          break;
        operands.push_back(std::move(*tensor));
      }
      if (operands.size() == op->getNumOperands() &&
          succeeded(nn::evaluateOp(op, operands, results)))
        result = results[mlir::cast<OpResult>(value).getResultNumber()];
    }
  }
  return known[value] = result;
}

std::optional<nn::HostTensor> Node::getConstant(Value value) const {
  nn::ShapeAnalysis analysis(getContext());
  llvm::DenseMap<Value, std::optional<nn::HostTensor>> known;
  return evaluate(value, analysis, known);
}

std::optional<Node::Ints> Node::getConstantInts(Value value) const {
  auto tensor = getConstant(value);
  if (!tensor)
    return std::nullopt;
  Ints result(tensor->getNumElements());
  for (auto [index, element] : llvm::enumerate(result))
    element = tensor->getInt(index);
  return result;
}

std::optional<SmallVector<double>> Node::getConstantDoubles(Value value) const {
  auto tensor = getConstant(value);
  if (!tensor)
    return std::nullopt;
  SmallVector<double> result(tensor->getNumElements());
  for (auto [index, element] : llvm::enumerate(result))
    element = tensor->getDouble(index);
  return result;
}

Node::Ints Node::requireConstantInts(unsigned input, StringRef what) {
  std::optional<Ints> result;
  if (hasInput(input))
    result = getConstantInts(getInput(input));
  if (!result)
    (void)emitError("input " + Twine(input) + " '" + what +
                    "' must be a constant; one that is computed at run time is "
                    "not supported");
  return result.value_or(Ints());
}

int64_t Node::requireConstantInt(unsigned input, StringRef what) {
  Ints values = requireConstantInts(input, what);
  if (!failed() && values.size() != 1)
    (void)emitError("input " + Twine(input) + " '" + what + "' must have one element, but has " +
                    Twine(values.size()));
  return values.size() == 1 ? values[0] : 0;
}

int64_t Node::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  (void)emitError("axis " + Twine(axis) + " is out of range for a tensor of " + Twine(rank) +
                  " dims");
  return 0;
}

Node::Ints Node::normalizeAxesUnsorted(ArrayRef<int64_t> axes, int64_t rank) {
  Ints result;
  for (int64_t axis : axes) {
    int64_t normal = normalizeAxis(axis, rank);
    if (llvm::is_contained(result, normal) && !failed())
      (void)emitError("axis " + Twine(axis) + " is given twice");
    result.push_back(normal);
  }
  return failed() ? Ints() : result;
}

Node::Ints Node::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) {
  Ints result = normalizeAxesUnsorted(axes, rank);
  llvm::sort(result);
  return result;
}
