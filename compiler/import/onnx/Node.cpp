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
