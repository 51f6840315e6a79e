//===- Npy.cpp - tensors from and to files --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's format, versions 1 to 3: magic, header length, a Python dict literal
// with descr, fortran_order and shape, then the elements.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Library.h"
#include "compiler/import/onnx/TensorFile.h"
#include "mlir/IR/Builders.h"
#include "targets/native/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

// The text after 'key': in the header's dict.
static StringRef valueOf(StringRef header, StringRef key) {
  size_t at = header.find(("'" + key + "'").str());
  if (at == StringRef::npos)
    return {};
  return header.drop_front(at + key.size() + 2).ltrim(" :");
}

static Type parseDescr(StringRef descr, MLIRContext &context) {
  Builder builder(&context);
  auto integer = [&](unsigned bits, bool isUnsigned) -> Type {
    return isUnsigned ? builder.getIntegerType(bits, false) : builder.getIntegerType(bits);
  };
  StringRef kind = descr.ltrim("<|=");
  return llvm::StringSwitch<Type>(kind)
      .Case("f8", builder.getF64Type())
      .Case("f4", builder.getF32Type())
      .Case("f2", builder.getF16Type())
      .Case("i1", integer(8, false))
      .Case("i2", integer(16, false))
      .Case("i4", integer(32, false))
      .Case("i8", integer(64, false))
      .Case("u1", integer(8, true))
      .Case("u2", integer(16, true))
      .Case("u4", integer(32, true))
      .Case("u8", integer(64, true))
      .Case("b1", builder.getI1Type())
      .Default(Type());
}

static bool readNpy(StringRef path, StringRef bytes, MLIRContext &context, nn::HostTensor &tensor,
                    std::string &error) {
  auto fail = [&](const Twine &why) {
    error = (path + ": " + why).str();
    return false;
  };
  if (!bytes.consume_front("\x93NUMPY") || bytes.size() < 4)
    return fail("not a .npy file");
  unsigned major = static_cast<uint8_t>(bytes[0]);
  auto byte = [&](size_t i) -> size_t { return static_cast<uint8_t>(bytes[i]); };
  size_t length = byte(2) | byte(3) << 8, start = 4;
  if (major >= 2) {
    if (bytes.size() < 6)
      return fail("truncated");
    length |= byte(4) << 16 | byte(5) << 24;
    start = 6;
  }
  if (bytes.size() < start + length)
    return fail("truncated");
  StringRef header = bytes.substr(start, length);
  bytes = bytes.drop_front(start + length);

  StringRef descr = valueOf(header, "descr").ltrim("'").split('\'').first;
  Type type = parseDescr(descr, context);
  if (!type)
    return fail("element type '" + descr + "' is not supported");
  if (valueOf(header, "fortran_order").starts_with("True"))
    return fail("column-major order is not supported; save "
                "numpy.ascontiguousarray(x)");
  SmallVector<int64_t> shape;
  StringRef list = valueOf(header, "shape").ltrim("(").split(')').first;
  SmallVector<StringRef> parts;
  list.split(parts, ',', -1, /*KeepEmpty=*/false);
  int64_t count = 1;
  for (StringRef part : parts) {
    int64_t dim;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsInteger(10, dim) || dim < 0 ||
        (dim != 0 && count > (int64_t(1) << 40) / dim))
      return fail("strange shape (" + list + ")");
    shape.push_back(dim);
    count *= dim;
  }
  if (bytes.size() < static_cast<size_t>(count * nn::getElementBytes(type)))
    return fail("truncated");
  tensor = nn::HostTensor(type, shape);
  std::memcpy(tensor.mutableBytes(), bytes.data(), count * nn::getElementBytes(type));
  return true;
}

bool sinter::driver::readTensor(const std::string &path, MLIRContext &context, NamedTensor &tensor,
                                std::string &error) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    error = "can't read " + path + ": " + buffer.getError().message();
    return false;
  }
  if (StringRef(path).ends_with(".pb")) {
    ElementsAttr value = onnx_import::readTensorFile(path, context, tensor.name, error);
    if (!value)
      return false;
    tensor.tensor = nn::HostTensor::fromAttribute(value);
    return true;
  }
  return readNpy(path, (*buffer)->getBuffer(), context, tensor.tensor, error);
}

bool sinter::driver::writeNpy(const std::string &path, const nn::HostTensor &original,
                              std::string &error) {
  nn::HostTensor tensor = original;
  Type type = tensor.getElementType();
  if (type.isBF16()) {
    // NumPy has no bfloat16: float32 holds every value of it.
    nn::HostTensor wide(Float32Type::get(type.getContext()), tensor.getShape());
    for (int64_t i = 0; i < tensor.getNumElements(); ++i)
      wide.setDouble(i, tensor.getDouble(i));
    tensor = wide;
    type = tensor.getElementType();
  }
  int64_t bytes = tensor.getElementBytes();
  std::string header = "{'descr': '";
  header += bytes == 1 ? "|" : "<";
  header += isa<FloatType>(type)       ? "f"
            : type.isInteger(1)        ? "b"
            : type.isUnsignedInteger() ? "u"
                                       : "i";
  header += std::to_string(bytes) + "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : tensor.getShape())
    header += std::to_string(dim) + ",";
  header += "), }";
  // Data starts at a multiple of 64.
  while ((10 + header.size() + 1) % 64)
    header += ' ';
  header += '\n';
  return writeOutputFile(
      path,
      [&](llvm::raw_ostream &os) {
        os << "\x93NUMPY" << '\1' << '\0' << static_cast<char>(header.size() & 255)
           << static_cast<char>(header.size() >> 8) << header;
        os.write(tensor.bytes(), tensor.getNumElements() * bytes);
      },
      error);
}
