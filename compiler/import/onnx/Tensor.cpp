//===- Tensor.cpp - ONNX tensors as attributes ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <onnx/onnx_pb.h>

using namespace mlir;
using namespace sinter::onnx_import;
using ::onnx::TensorProto;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

std::optional<int64_t> sinter::onnx_import::countElements(ArrayRef<int64_t> shape) {
  if (llvm::is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t dim : shape) {
    if (ShapedType::isDynamic(dim))
      continue;
    if (dim < 0 || dim > maxTensorElements / count)
      return std::nullopt;
    count *= dim;
  }
  return count;
}

Type sinter::onnx_import::getElementType(MLIRContext *context, int64_t dataType) {
  Builder b(context);
  switch (dataType) {
  case TensorProto::FLOAT:
    return b.getF32Type();
  case TensorProto::DOUBLE:
    return b.getF64Type();
  case TensorProto::FLOAT16:
    return b.getF16Type();
  case TensorProto::BFLOAT16:
    return b.getBF16Type();
  case TensorProto::INT8:
    return b.getI8Type();
  case TensorProto::INT16:
    return b.getI16Type();
  case TensorProto::INT32:
    return b.getI32Type();
  case TensorProto::INT64:
    return b.getI64Type();
  case TensorProto::UINT8:
    return b.getIntegerType(8, /*isSigned=*/false);
  case TensorProto::UINT16:
    return b.getIntegerType(16, /*isSigned=*/false);
  case TensorProto::UINT32:
    return b.getIntegerType(32, /*isSigned=*/false);
  case TensorProto::UINT64:
    return b.getIntegerType(64, /*isSigned=*/false);
  case TensorProto::BOOL:
    return b.getI1Type();
  default:
    return {};
  }
}

std::string sinter::onnx_import::getDataTypeName(int64_t dataType) {
  static const char *const names[] = {
      "undefined",      "float",    "uint8",        "int8",           "uint16",
      "int16",          "int32",    "int64",        "string",         "bool",
      "float16",        "double",   "uint32",       "uint64",         "complex64",
      "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
      "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1",     "float8e8m0",
      "uint2",          "int2"};
  if (dataType >= 0 && dataType < int64_t(std::size(names)))
    return names[dataType];
  return "number " + std::to_string(dataType);
}

std::string sinter::onnx_import::getElementTypeName(Type elementType) {
  for (int64_t dataType = TensorProto::FLOAT; dataType <= TensorProto::BFLOAT16; ++dataType)
    if (getElementType(elementType.getContext(), dataType) == elementType)
      return getDataTypeName(dataType);
  return "undefined";
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

struct TensorReader::Bytes {
  ArrayRef<char> data;
  /// Destroyed with the blob that refers to `data`.
  std::shared_ptr<void> owner;

  static Bytes own(std::string string) {
    auto owner = std::make_shared<std::string>(std::move(string));
    return {ArrayRef<char>(owner->data(), owner->size()), owner};
  }
};

// Copies a repeated field element by element into elements of type T.
template <typename T, typename Field>
static std::string convert(const Field &field) {
  std::string bytes(field.size() * sizeof(T), '\0');
  T *out = reinterpret_cast<T *>(bytes.data());
  for (auto value : field)
    *out++ = static_cast<T>(value);
  return bytes;
}

bool TensorReader::readTyped(const TensorProto &tensor, int64_t count, Type elementType,
                             Bytes &bytes, std::string &error) {
  std::string data;
  const char *field = "";
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    data = convert<float>(tensor.float_data()), field = "float_data";
    break;
  case TensorProto::DOUBLE:
    data = convert<double>(tensor.double_data()), field = "double_data";
    break;
  case TensorProto::INT64:
    data = convert<int64_t>(tensor.int64_data()), field = "int64_data";
    break;
  case TensorProto::UINT64:
    data = convert<uint64_t>(tensor.uint64_data()), field = "uint64_data";
    break;
  case TensorProto::UINT32:
    data = convert<uint32_t>(tensor.uint64_data()), field = "uint64_data";
    break;
  case TensorProto::INT32:
    data = convert<int32_t>(tensor.int32_data()), field = "int32_data";
    break;
  case TensorProto::BOOL:
    data = convert<uint8_t>(tensor.int32_data()), field = "int32_data";
    break;
  case TensorProto::INT8:
  case TensorProto::UINT8:
    data = convert<uint8_t>(tensor.int32_data()), field = "int32_data";
    break;
  default: // 16-bit integers, and f16 and bf16 as their bits
    data = convert<uint16_t>(tensor.int32_data()), field = "int32_data";
    break;
  }
  int64_t size = std::max<int64_t>(1, elementType.getIntOrFloatBitWidth() / 8);
  if (int64_t(data.size()) != count * size) {
    error = "has " + std::to_string(data.size() / size) + " elements in '" + field +
            "', but its dims say " + std::to_string(count);
    return false;
  }
  bytes = Bytes::own(std::move(data));
  return true;
}

bool TensorReader::readExternal(const TensorProto &tensor, int64_t size, int64_t alignment,
                                Bytes &bytes, std::string &error) {
  std::string location;
  uint64_t offset = 0, length = size;
  for (const auto &entry : tensor.external_data()) {
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset" || entry.key() == "length") {
      if (StringRef(entry.value()).getAsInteger(10, entry.key() == "offset" ? offset : length)) {
        error = "gives '" + entry.value() + "' as " + entry.key() +
                " of its external data; expected a number of bytes";
        return false;
      }
    }
  }
  if (location.empty()) {
    error = "has external data, but names no file";
    return false;
  }
  // A model must not read files that its owner didn't put beside it.
  bool climbs = llvm::any_of(
      llvm::make_range(llvm::sys::path::begin(location), llvm::sys::path::end(location)),
      [](StringRef component) { return component == ".."; });
  if (llvm::sys::path::is_absolute(location) || climbs) {
    error = "names '" + location +
            "' as its external data; only files in the model's own folder are "
            "read";
    return false;
  }
  SmallString<256> folder(modelPath), path, realFolder, realPath;
  llvm::sys::path::remove_filename(folder);
  if (folder.empty())
    folder = ".";
  path = folder;
  llvm::sys::path::append(path, location);
  auto failure = llvm::sys::fs::real_path(folder, realFolder);
  if (!failure)
    failure = llvm::sys::fs::real_path(path, realPath);
  if (failure) {
    error = "needs the file of external data '" + std::string(path) + "': " + failure.message();
    return false;
  }
  StringRef rest(realPath);
  if (!rest.consume_front(realFolder) ||
      !(rest.starts_with("/") || realFolder.str().ends_with("/"))) {
    error = "has its external data in '" + location +
            "', a link out of the model's folder; only files in that folder "
            "are read";
    return false;
  }

  std::shared_ptr<llvm::MemoryBuffer> &file = files[realPath];
  if (!file) {
    auto opened =
        llvm::MemoryBuffer::getFile(realPath, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!opened) {
      error = "needs the file of external data '" + std::string(path) +
              "': " + opened.getError().message();
      return false;
    }
    file = std::move(*opened);
  }
  uint64_t available = file->getBufferSize();
  if (int64_t(length) != size || offset > available || length > available - offset) {
    error = "needs " + std::to_string(size) + " bytes, but its external data is " +
            std::to_string(length) + " bytes at " + std::to_string(offset) + " of '" + location +
            "', which has " + std::to_string(available);
    return false;
  }
  const char *data = file->getBufferStart() + offset;
  if (reinterpret_cast<uintptr_t>(data) % alignment)
    bytes = Bytes::own(std::string(data, size));
  else
    bytes = {ArrayRef<char>(data, size), file};
  return true;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

ElementsAttr TensorReader::makeAttribute(RankedTensorType type, Bytes bytes, StringRef name) {
  if (int64_t(bytes.data.size()) > maxInlineBytes) {
    auto owner = std::move(bytes.owner);
    AsmResourceBlob blob(
        bytes.data, /*dataAlignment=*/alignof(int64_t),
        [owner](void *, size_t, size_t) mutable { owner.reset(); },
        /*dataIsMutable=*/false);
    return DenseResourceElementsAttr::get(type, name.empty() ? "constant" : name, std::move(blob));
  }
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> values;
    for (char byte : bytes.data)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, ArrayRef<bool>(values));
  }
  return DenseElementsAttr::getFromRawBuffer(type, bytes.data);
}

ElementsAttr TensorReader::read(TensorProto &tensor, StringRef name, std::string &error) {
  ElementsAttr &result = known[&tensor];
  if (result)
    return result;

  Type elementType = getElementType(context, tensor.data_type());
  if (!elementType) {
    error =
        "has the element type " + getDataTypeName(tensor.data_type()) + ", which is not supported";
    return {};
  }
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  std::string shapeText =
      "[" +
      llvm::join(llvm::map_range(shape, [](int64_t dim) { return std::to_string(dim); }), ", ") +
      "]";
  if (llvm::any_of(shape, [](int64_t dim) { return dim < 0; })) {
    error = "has a negative dim: " + shapeText;
    return {};
  }
  std::optional<int64_t> count = countElements(shape);
  if (!count) {
    error = "has an absurd shape: " + shapeText;
    return {};
  }
  if (tensor.has_segment()) {
    error = "is stored in segments, which is not supported";
    return {};
  }

  int64_t elementSize = std::max<int64_t>(1, elementType.getIntOrFloatBitWidth() / 8);
  int64_t size = *count * elementSize;
  Bytes bytes;
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    if (!readExternal(tensor, size, elementSize, bytes, error))
      return {};
  } else if (tensor.has_raw_data()) {
    if (int64_t(tensor.raw_data().size()) != size) {
      error = "has " + std::to_string(tensor.raw_data().size()) +
              " bytes of data, but its type and dims " + shapeText + " need " +
              std::to_string(size);
      return {};
    }
    std::unique_ptr<std::string> raw(tensor.release_raw_data());
    bytes = Bytes::own(raw ? std::move(*raw) : std::string());
  } else if (!readTyped(tensor, *count, elementType, bytes, error)) {
    return {};
  }
  return result = makeAttribute(RankedTensorType::get(shape, elementType), std::move(bytes), name);
}
