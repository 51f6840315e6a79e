//===- Node.cpp - an ONNX node, as the operator families see it -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"
#include "compiler/import/onnx/GraphImporter.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace sinter::onnx_import;
using namespace sinter;
using ::onnx::AttributeProto;

Node::Node(GraphImporter &importer, const ::onnx::NodeProto &proto, int64_t opset, Values inputs,
           Location loc)
    : importer(importer), proto(proto), opset(opset), inputs(std::move(inputs)),
      outputs(proto.output_size()), loc(loc), name(getNodeName(proto)) {}

StringRef Node::getOperator() const { return proto.op_type(); }
OpBuilder &Node::getBuilder() const { return importer.builder; }

RankedTensorType Node::getInputType(unsigned index) const {
  assert(hasInput(index) && "ask hasInput first");
  return mlir::cast<RankedTensorType>(inputs[index].getType());
}
Type Node::getElementType(unsigned index) const { return getInputType(index).getElementType(); }
int64_t Node::getRank(unsigned index) const { return getInputType(index).getRank(); }

unsigned Node::getNumOutputs() const { return proto.output_size(); }
bool Node::hasOutput(unsigned index) const {
  return index < getNumOutputs() && !proto.output(index).empty();
}
void Node::setOutput(unsigned index, Value value) {
  if (index < outputs.size())
    outputs[index] = value;
}
RankedTensorType Node::getDeclaredOutputType(unsigned index) const {
  if (!hasOutput(index))
    return {};
  return importer.getDeclared(*importer.current, proto.output(index));
}

LogicalResult Node::emitError(const Twine &message) {
  if (!hasFailed)
    importer.error("node '" + name + "' (" + getOperator() + "): " + message);
  hasFailed = true;
  return failure();
}
LogicalResult Node::emitUnsupported(const Twine &what) {
  return emitError(what + " is not supported");
}

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

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Node::Values Node::finish(OperationState &state, unsigned numResults) {
  state.types.clear();
  auto placeholders = [&] {
    Type type = RankedTensorType::get({}, getBuilder().getF32Type());
    for (Value operand : state.operands)
      if (operand) {
        type = operand.getType();
        break;
      }
    Values values;
    for (unsigned i = 0; i < numResults; ++i)
      values.push_back(
          UnrealizedConversionCastOp::create(getBuilder(), loc, type, ValueRange()).getResult(0));
    return values;
  };
  if (!failed() && llvm::is_contained(state.operands, Value()))
    (void)emitError("an input that '" + state.name.getStringRef() + "' needs is missing");
  if (failed())
    return placeholders();

  auto *inference = state.name.getInterface<InferTypeOpInterface>();
  SmallVector<Type> types;
  SmallVector<Region *> regions;
  if (mlir::failed(inference->inferReturnTypes(getContext(), loc, state.operands,
                                               state.attributes.getDictionary(getContext()),
                                               state.getRawProperties(), regions, types))) {
    (void)emitError("its inputs don't fit together");
    return placeholders();
  }
  for (Type type : types)
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (!countElements(tensor.getShape())) {
        (void)emitError("its result has an absurd shape: " + GraphImporter::describe(type));
        return placeholders();
      }
  state.addTypes(types);
  Operation *op = getBuilder().create(state);
  if (mlir::failed(op->getName().verifyInvariants(op))) {
    (void)emitError("its inputs don't fit together");
    return placeholders();
  }
  return Values(op->result_begin(), op->result_end());
}

Value Node::constant(ElementsAttr value) {
  return nn::ConstantOp::create(getBuilder(), loc, value);
}
Value Node::indices(ArrayRef<int64_t> values) {
  return nn::createIndexConstant(getBuilder(), loc, values);
}
Value Node::scalar(Type elementType, double value) {
  return nn::createScalar(getBuilder(), loc, elementType, value);
}
Value Node::scalarLike(Value like, double value) {
  return scalar(getElementTypeOrSelf(like.getType()), value);
}

Value Node::cast(Value value, Type elementType) {
  if (getElementTypeOrSelf(value.getType()) == elementType)
    return value;
  return create<nn::CastOp>(value, elementType);
}
Value Node::reshape(Value value, ArrayRef<int64_t> shape) {
  return create<nn::ReshapeOp>(value, indices(shape));
}
Value Node::squeeze(Value value, ArrayRef<int64_t> axes) {
  return axes.empty() ? value : create<nn::SqueezeOp>(value, axes);
}
Value Node::unsqueeze(Value value, ArrayRef<int64_t> axes) {
  return axes.empty() ? value : create<nn::UnsqueezeOp>(value, axes);
}
Value Node::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(permutation.size())))
    return value;
  return create<nn::TransposeOp>(value, permutation);
}
Value Node::slice(Value value, int64_t axis, int64_t start, int64_t end) {
  return create<nn::SliceOp>(value, indices({start}), indices({end}), indices({1}),
                             ArrayRef<int64_t>(axis));
}
Value Node::concat(ValueRange values, int64_t axis) {
  return values.size() == 1 ? values.front() : create<nn::ConcatOp>(values, axis);
}
Value Node::reduce(Value value, nn::ReduceKind kind, ArrayRef<int64_t> axes, bool keepdims) {
  return create<nn::ReduceOp>(value, kind, axes, keepdims);
}
Value Node::add(Value lhs, Value rhs) { return create<nn::AddOp>(lhs, rhs); }
Value Node::sub(Value lhs, Value rhs) { return create<nn::SubOp>(lhs, rhs); }
Value Node::mul(Value lhs, Value rhs) { return create<nn::MulOp>(lhs, rhs); }
Value Node::div(Value lhs, Value rhs) { return create<nn::DivOp>(lhs, rhs); }
Value Node::min(Value lhs, Value rhs) { return create<nn::MinOp>(lhs, rhs); }
Value Node::max(Value lhs, Value rhs) { return create<nn::MaxOp>(lhs, rhs); }
Value Node::compare(nn::ComparePredicate predicate, Value lhs, Value rhs) {
  return create<nn::CompareOp>(lhs, rhs, predicate);
}
Value Node::where(Value condition, Value lhs, Value rhs) {
  return create<nn::WhereOp>(condition, lhs, rhs);
}

Value Node::shapeOf(Value value) {
  auto type = mlir::cast<RankedTensorType>(value.getType());
  if (type.hasStaticShape())
    return indices(type.getShape());
  return create<nn::ShapeOfOp>(value, int64_t(0), type.getRank());
}
Value Node::dimOf(Value value, int64_t dim) {
  auto type = mlir::cast<RankedTensorType>(value.getType());
  if (dim < type.getRank() && !type.isDynamicDim(dim))
    return indices({type.getDimSize(dim)});
  return create<nn::ShapeOfOp>(value, dim, dim + 1);
}
Value Node::broadcastTo(Value value, Value shape) { return create<nn::ExpandOp>(value, shape); }

Value Node::shapeOperand(unsigned input) {
  Value shape = getInput(input);
  RankedTensorType type = getInputType(input);
  if (type.getRank() > 1) {
    (void)emitError("input " + Twine(input) + " must be a list, but has " + Twine(type.getRank()) +
                    " dims");
    return shape;
  }
  if (type.getRank() == 0)
    return reshape(shape, {1});
  if (!type.isDynamicDim(0))
    return shape;
  if (auto declared = getDeclaredOutputType(0))
    return reshape(shape, {declared.getRank()});
  (void)emitError("the rank of its output is not known: input " + Twine(input) +
                  " has a dynamic length, and the model declares no shape for the output");
  return shape;
}

Value Node::asScalar(Value value) {
  auto type = mlir::cast<RankedTensorType>(value.getType());
  return type.getRank() ? reshape(value, {}) : value;
}

Value Node::choose(Value condition, llvm::function_ref<Value()> buildThen,
                   llvm::function_ref<Value()> buildElse) {
  if (auto known = getConstantInts(condition); known && known->size() == 1)
    return known->front() ? buildThen() : buildElse();
  OpBuilder &builder = getBuilder();
  OperationState state(loc, nn::IfOp::getOperationName());
  state.addOperands(condition);
  SmallVector<Type> types;
  for (auto build : {buildThen, buildElse}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(state.addRegion());
    Value value = build();
    nn::YieldOp::create(builder, loc, value);
    types.push_back(value.getType());
  }
  auto lhs = mlir::cast<RankedTensorType>(types[0]);
  auto rhs = mlir::cast<RankedTensorType>(types[1]);
  if (lhs.getRank() != rhs.getRank() || lhs.getElementType() != rhs.getElementType()) {
    (void)emitError("its type depends on data");
    return condition;
  }
  SmallVector<int64_t> shape(lhs.getShape());
  for (auto [dim, other] : llvm::zip(shape, rhs.getShape()))
    if (dim != other)
      dim = ShapedType::kDynamic;
  state.addTypes(RankedTensorType::get(shape, lhs.getElementType()));
  return builder.create(state)->getResult(0);
}

//===----------------------------------------------------------------------===//
// Subgraphs
//===----------------------------------------------------------------------===//

Node::Subgraph Node::requireSubgraph(StringRef name) {
  Subgraph result;
  auto *attribute = find(name, AttributeProto::GRAPH);
  if (!attribute) {
    missing(name);
    return result;
  }
  const ::onnx::GraphProto &graph = attribute->g();
  for (const auto &input : graph.input())
    result.inputTypes.push_back(importer.getTensorType(input.type()));
  for (const auto &output : graph.output())
    result.outputTypes.push_back(importer.getTensorType(output.type()));
  result.numInputs = graph.input_size();
  result.numOutputs = graph.output_size();
  return result;
}

LogicalResult Node::importSubgraph(StringRef name, ValueRange arguments,
                                   SmallVectorImpl<Value> &results) {
  auto *attribute = find(name, AttributeProto::GRAPH);
  if (!attribute) {
    missing(name);
    return failure();
  }
  LogicalResult result = importer.importSubgraph(
      *importer.current, *const_cast<AttributeProto *>(attribute)->mutable_g(), arguments, results);
  // What went wrong has been reported where it happened.
  hasFailed |= mlir::failed(result);
  return result;
}
