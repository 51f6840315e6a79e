//===- GraphWriter.cpp - one export, from function to message -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/GraphWriter.h"
#include "compiler/export/onnx/Exporter.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

std::string sinter::onnx_export::getPlaceName(Operation *op) {
  if (auto name = dyn_cast<NameLoc>(op->getLoc()))
    return name.getName().str();
  return op->getName().stripDialect().str();
}

void sinter::onnx_export::fillTensor(::onnx::TensorProto &tensor, const nn::HostTensor &value) {
  tensor.set_data_type(nn::getElementTypeNumber(value.getElementType()));
  tensor.clear_dims();
  for (int64_t dim : value.getShape())
    tensor.add_dims(dim);
  tensor.set_raw_data(value.bytes(), value.getNumElements() * value.getElementBytes());
}

Name GraphWriter::fresh(StringRef wanted) {
  std::string name = wanted.empty() ? "tensor" : wanted.str();
  for (int i = 1; !taken.insert(name).second; ++i)
    name = wanted.str() + "_" + std::to_string(i);
  return name;
}

Name GraphWriter::addInitializer(StringRef wanted, const nn::HostTensor &value) {
  ::onnx::TensorProto &tensor = *graph.add_initializer();
  Name name = fresh(wanted);
  tensor.set_name(name);
  fillTensor(tensor, value);
  return name;
}

// Type and dims; a dynamic dim has its name, if it has one.
static void describe(::onnx::ValueInfoProto &info, const Name &name, RankedTensorType type,
                     ArrayAttr dims) {
  info.set_name(name);
  auto &tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(nn::getElementTypeNumber(type.getElementType()));
  auto &shape = *tensor.mutable_shape();
  for (int64_t i = 0; i < type.getRank(); ++i) {
    auto &dim = *shape.add_dim();
    StringRef dimName = dims ? cast<StringAttr>(dims[i]).getValue() : StringRef();
    if (!type.isDynamicDim(i))
      dim.set_dim_value(type.getDimSize(i));
    else if (!dimName.empty())
      dim.set_dim_param(dimName.str());
  }
}

void GraphWriter::writeInputs(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto given = function.getArgAttrOfType<StringAttr>(i, "nn.name");
    Name name = fresh(given ? given.getValue() : StringRef("input"));
    define(argument, name);
    describe(*graph.add_input(), name, cast<RankedTensorType>(argument.getType()),
             function.getArgAttrOfType<ArrayAttr>(i, "nn.dims"));
  }
}

// Each result under the model's name for it: the node that makes it gives it at once,
// unless it has a name already.
void GraphWriter::writeOutputs(func::FuncOp function) {
  llvm::StringMap<Name> renamed;
  llvm::StringSet<> made;
  for (const auto &node : graph.node())
    for (const std::string &output : node.output())
      made.insert(output);
  for (auto [i, value] :
       llvm::enumerate(function.getBody().front().getTerminator()->getOperands())) {
    auto given = function.getResultAttrOfType<StringAttr>(i, "nn.name");
    Name name = fresh(given ? given.getValue() : StringRef("output")), source = lookup(value);
    if (!made.contains(source) || !renamed.try_emplace(source, name).second) {
      ::onnx::NodeProto &node = addNode();
      node.set_op_type("Identity");
      node.set_name(name);
      node.add_input(source);
      node.add_output(name);
    }
    describe(*graph.add_output(), name, cast<RankedTensorType>(value.getType()),
             function.getResultAttrOfType<ArrayAttr>(i, "nn.dims"));
  }
  for (auto &node : *graph.mutable_node())
    for (auto *list : {node.mutable_input(), node.mutable_output()})
      for (std::string &name : *list)
        if (auto found = renamed.find(name); found != renamed.end())
          name = found->second;
}

LogicalResult GraphWriter::writeOp(Operation &op) {
  if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
    if (!constant->use_empty())
      define(constant,
             addInitializer(getPlaceName(&op), nn::HostTensor::fromAttribute(constant.getValue())));
    return success();
  }
  OpWriter writer(*this, &op);
  if (const WriterTable::Write *write = WriterTable::get().lookup(op.getName().getStringRef()))
    return (*write)(writer);
  return writer.refuse("Sinter knows no way to write it");
}

LogicalResult GraphWriter::write(func::FuncOp function) {
  writeInputs(function);
  bool failedAny = false;
  for (Operation &op : function.getBody().front().without_terminator())
    failedAny |= failed(writeOp(op));
  if (failedAny)
    return failure();
  writeOutputs(function);
  return success();
}

LogicalResult sinter::onnx_export::writeModel(const ::onnx::ModelProto &model, StringRef path,
                                              Location loc) {
  if (model.ByteSizeLong() > size_t(INT_MAX))
    return mlir::emitError(loc) << "the model has " << (model.ByteSizeLong() >> 20)
                                << " MiB, and an ONNX file at most 2048";
  std::string bytes = model.SerializeAsString();
  if (auto error = llvm::writeToOutput(path, [&](raw_ostream &os) {
        os << bytes;
        return llvm::Error::success();
      }))
    return mlir::emitError(loc) << "can't write " << path << ": "
                                << llvm::toString(std::move(error));
  return success();
}

LogicalResult sinter::onnx_export::exportOnnx(ModuleOp module, StringRef path) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function)
    return module.emitError("the module has no @main to export");
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("sinter");
  model.add_opset_import()->set_version(17);
  auto name = module->getAttrOfType<StringAttr>("sinter.name");
  model.mutable_graph()->set_name(name ? name.str() : "main");
  if (failed(GraphWriter(*model.mutable_graph()).write(function)))
    return failure();
  return writeModel(model, path, module.getLoc());
}
