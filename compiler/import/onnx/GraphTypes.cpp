//===- GraphTypes.cpp - declared types, and what they are checked against -===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/GraphImporter.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace sinter::onnx_import;
using ::onnx::TypeProto;

std::string GraphImporter::describe(const TypeProto &type) {
  auto tensor = [](auto &type) { return "tensor(" + getDataTypeName(type.elem_type()) + ")"; };
  switch (type.value_case()) {
  case TypeProto::kTensorType:
    return tensor(type.tensor_type());
  case TypeProto::kSparseTensorType:
    return "sparse_" + tensor(type.sparse_tensor_type());
  case TypeProto::kSequenceType:
    return "seq(" + describe(type.sequence_type().elem_type()) + ")";
  case TypeProto::kOptionalType:
    return "optional(" + describe(type.optional_type().elem_type()) + ")";
  case TypeProto::kMapType:
    return "map(" + getDataTypeName(type.map_type().key_type()) + ", " +
           describe(type.map_type().value_type()) + ")";
  case TypeProto::kOpaqueType:
    return "opaque(" + type.opaque_type().name() + ")";
  default:
    return "no type";
  }
}

std::string GraphImporter::describe(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

// The size of a dim that is given; dynamic otherwise. Exporters write −1 for
// "unknown".
static int64_t getDim(const ::onnx::TensorShapeProto::Dimension &dim) {
  if (dim.has_dim_value() && dim.dim_value() >= 0)
    return dim.dim_value();
  return ShapedType::kDynamic;
}

RankedTensorType GraphImporter::getTensorType(const TypeProto &type) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape())
    return {};
  Type elementType = getElementType(&context, type.tensor_type().elem_type());
  if (!elementType)
    return {};
  SmallVector<int64_t> shape;
  for (const auto &dim : type.tensor_type().shape().dim()) {
    int64_t size = getDim(dim);
    if (dim.has_dim_param()) {
      auto bound = options.dims.find(dim.dim_param());
      if (bound != options.dims.end())
        size = bound->second;
    }
    shape.push_back(size);
  }
  if (!countElements(shape))
    return {};
  return RankedTensorType::get(shape, elementType);
}

RankedTensorType GraphImporter::getInputType(const ::onnx::ValueInfoProto &input,
                                             SmallVectorImpl<std::string> &dims,
                                             std::string &error) {
  const TypeProto &type = input.type();
  if (type.value_case() == TypeProto::VALUE_NOT_SET) {
    error = "has no type";
    return {};
  }
  if (!type.has_tensor_type() || !getElementType(&context, type.tensor_type().elem_type())) {
    error = "has the unsupported type " + describe(type);
    return {};
  }
  if (!type.tensor_type().has_shape()) {
    error = "has no rank; declare its shape in the model (for instance with "
            "onnx.tools.update_model_dims), with a name for each dim that "
            "varies";
    return {};
  }
  SmallVector<int64_t> shape;
  for (auto [index, dim] : llvm::enumerate(type.tensor_type().shape().dim())) {
    std::string &name = dims.emplace_back(dim.dim_param());
    int64_t size = getDim(dim);
    if (!name.empty())
      dimNames.insert(name);
    // By name first; by input and position where there is no name.
    std::string position = input.name() + ":" + std::to_string(index);
    for (StringRef key : {StringRef(name), StringRef(position)}) {
      auto bound = options.dims.find(key);
      if (key.empty() || bound == options.dims.end())
        continue;
      usedDims.insert(key);
      if (!ShapedType::isDynamic(size) && size != bound->second) {
        error = "has " + std::to_string(size) + " as dim " + std::to_string(index) +
                ", but --dim " + key.str() + "=" + std::to_string(bound->second) + " was given";
        return {};
      }
      size = bound->second;
    }
    if (size < 0 && !ShapedType::isDynamic(size)) {
      error = "gets the negative size " + std::to_string(size) + " as dim " + std::to_string(index);
      return {};
    }
    shape.push_back(size);
  }
  Type elementType = getElementType(&context, type.tensor_type().elem_type());
  if (!countElements(shape)) {
    std::string text;
    for (int64_t dim : shape)
      text +=
          (text.empty() ? "[" : ", ") + (ShapedType::isDynamic(dim) ? "?" : std::to_string(dim));
    error = "has the absurd shape " + text + "]";
    return {};
  }
  return RankedTensorType::get(shape, elementType);
}

RankedTensorType GraphImporter::getDeclared(Scope &scope, StringRef name) {
  auto found = scope.declared.find(name);
  return found == scope.declared.end() ? RankedTensorType() : getTensorType(*found->second);
}

bool GraphImporter::checkDeclared(Scope &scope, StringRef name, Value value, std::string &error) {
  auto found = scope.declared.find(name);
  auto actual = dyn_cast<RankedTensorType>(value.getType());
  if (found == scope.declared.end() || !actual)
    return true;
  const TypeProto &declared = *found->second;
  // Exporters leave types out by writing elem_type 0.
  if (declared.value_case() == TypeProto::VALUE_NOT_SET ||
      (declared.has_tensor_type() && !declared.tensor_type().elem_type()))
    return true;
  Type elementType = declared.has_tensor_type()
                         ? getElementType(&context, declared.tensor_type().elem_type())
                         : Type();
  if (elementType != actual.getElementType()) {
    error = "is declared as " + describe(declared) + ", but computed as tensor(" +
            getElementTypeName(actual.getElementType()) + ")";
    return false;
  }
  RankedTensorType type = getTensorType(declared);
  if (!type || nn::areCompatibleTypes(TypeRange{type}, TypeRange{actual}))
    return true;
  error = "is declared as " + describe(Type(type)) + ", but computed as " + describe(Type(actual));
  return false;
}
