//===- OpWriter.cpp - one op as ONNX nodes --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/OpWriter.h"
#include "compiler/export/onnx/GraphWriter.h"
#include "dialects/nn/HostTensor.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;
using ::onnx::AttributeProto;
using ::onnx::TensorProto;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

AttributeProto &Attributes::add(StringRef name, AttributeProto::AttributeType type) {
  AttributeProto &attribute = attributes.emplace_back();
  attribute.set_name(name.str());
  attribute.set_type(type);
  return attribute;
}

Attributes &Attributes::set(StringRef name, int64_t value) {
  add(name, AttributeProto::INT).set_i(value);
  return *this;
}

Attributes &Attributes::set(StringRef name, ArrayRef<int64_t> values) {
  AttributeProto &attribute = add(name, AttributeProto::INTS);
  for (int64_t value : values)
    attribute.add_ints(value);
  return *this;
}

Attributes &Attributes::set(StringRef name, StringRef value) {
  add(name, AttributeProto::STRING).set_s(value.str());
  return *this;
}

Attributes &Attributes::set(StringRef name, ArrayAttr texts) {
  AttributeProto &attribute = add(name, AttributeProto::STRINGS);
  for (Attribute text : texts)
    attribute.add_strings(cast<StringAttr>(text).str());
  return *this;
}

Attributes &Attributes::setFloat(StringRef name, double value) {
  add(name, AttributeProto::FLOAT).set_f(static_cast<float>(value));
  return *this;
}

Attributes &Attributes::setFloats(StringRef name, ArrayRef<double> values) {
  AttributeProto &attribute = add(name, AttributeProto::FLOATS);
  for (double value : values)
    attribute.add_floats(static_cast<float>(value));
  return *this;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Name OpWriter::operand(Value value) { return value ? graph.lookup(value) : Name(); }

std::vector<Name> OpWriter::operands() {
  std::vector<Name> names;
  for (Value value : op->getOperands())
    names.push_back(operand(value));
  return names;
}

Name OpWriter::indices(Value value) {
  if (!value || getElementTypeOrSelf(value.getType()).isInteger(64))
    return operand(value);
  return node("Cast", {operand(value)}, Attributes().set("to", TensorProto::INT64));
}

Name OpWriter::indices(ArrayRef<int64_t> values) {
  nn::HostTensor tensor(IntegerType::get(op->getContext(), 64),
                        {static_cast<int64_t>(values.size())});
  for (auto [i, value] : llvm::enumerate(values))
    tensor.setInt(i, value);
  return graph.addInitializer(getPlaceName(op) + "/indices", tensor);
}

Name OpWriter::index(int64_t value) {
  nn::HostTensor tensor(IntegerType::get(op->getContext(), 64), ArrayRef<int64_t>{});
  tensor.setInt(0, value);
  return graph.addInitializer(getPlaceName(op) + "/index", tensor);
}

Name OpWriter::number(Value like, double value) {
  nn::HostTensor tensor(getElementTypeOrSelf(like.getType()), ArrayRef<int64_t>{});
  tensor.setDouble(0, value);
  return graph.addInitializer(getPlaceName(op) + "/number", tensor);
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::vector<Name> OpWriter::nodes(StringRef type, ArrayRef<Name> inputs, size_t results,
                                  const Attributes &attributes) {
  ::onnx::NodeProto &made = graph.addNode();
  made.set_op_type(type.str());
  std::string place = getPlaceName(op) + "/" + type.str();
  while (!inputs.empty() && inputs.back().empty())
    inputs = inputs.drop_back();
  for (const Name &input : inputs)
    made.add_input(input);
  std::vector<Name> names;
  for (size_t i = 0; i < results; ++i) {
    names.push_back(graph.fresh(place));
    made.add_output(names.back());
  }
  made.set_name(names.front());
  for (const AttributeProto &attribute : attributes.attributes)
    *made.add_attribute() = attribute;
  return names;
}

Name OpWriter::node(StringRef type, ArrayRef<Name> inputs, const Attributes &attributes) {
  return nodes(type, inputs, 1, attributes).front();
}

Name OpWriter::transpose(const Name &x, ArrayRef<int64_t> permutation) {
  return node("Transpose", {x}, Attributes().set("perm", permutation));
}

LogicalResult OpWriter::yield(ArrayRef<Name> results) {
  for (auto [value, name] : llvm::zip_equal(op->getResults(), results))
    graph.define(value, name);
  return success();
}

LogicalResult OpWriter::refuse(const Twine &reason) {
  return op->emitError() << op->getName() << " can't be written as ONNX: " << reason;
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

const WriterTable &WriterTable::get() {
  static const WriterTable table = [] {
    WriterTable table;
#define FAMILY(name) register##name##Writers(table);
#include "compiler/export/onnx/Families.def"
#undef FAMILY
    return table;
  }();
  return table;
}

const WriterTable::Write *WriterTable::lookup(StringRef op) const {
  auto found = writers.find(op);
  return found == writers.end() ? nullptr : &found->second;
}
