//===- Numpy.cpp - .npy files and .npz archives ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. The
// first dim of each array counts the samples.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/Zip.h"
#include <charconv>
#include <cstring>
#include <sstream>

using namespace sinter::training;

namespace {
enum class Kind { Float, Signed, Unsigned };

struct NpyArray {
  std::string name, where;
  Kind kind = Kind::Float;
  size_t elementBytes = 0;
  std::vector<int64_t> shape;
  std::string bytes;
  size_t start = 0; ///< of the elements in `bytes`
};

/// Arrays side by side.
class NumpySource : public Source {
public:
  NumpySource(std::vector<NpyArray> arrays, const std::string &target);
  std::optional<int64_t> count() const override { return arrays[0].shape[0]; }
  bool read(int64_t index, Sample &sample) override;
  std::string where(int64_t index) const override {
    return arrays[0].where + ": row " + std::to_string(index);
  }

private:
  std::vector<NpyArray> arrays; ///< as the columns
};
} // namespace

// The text after 'key': in the header's dictionary.
static std::string valueOf(const std::string &header, const std::string &key) {
  size_t at = header.find("'" + key + "':");
  if (at != std::string::npos)
    at = header.find_first_not_of(' ', at + key.size() + 3);
  return at == std::string::npos ? "" : header.substr(at);
}

static void parseShape(NpyArray &array, const std::string &text) {
  if (text.empty() || text[0] != '(')
    throw Error(array.where + ": its header has no shape; save it again");
  std::istringstream parts(text.substr(1, text.find(')') - 1));
  uint64_t count = 1;
  for (std::string part; std::getline(parts, part, ',');) {
    if (part.find_first_not_of(' ') == std::string::npos)
      continue;
    part.erase(0, part.find_first_not_of(' '));
    int64_t dim = -1;
    auto [rest, error] = std::from_chars(part.data(), part.data() + part.size(), dim);
    if (error != std::errc() || rest != part.data() + part.size() || dim < 0 ||
        __builtin_mul_overflow(count, static_cast<uint64_t>(dim), &count) || count > (1ull << 40))
      throw Error(array.where + ": strange shape (" + text + ")");
    array.shape.push_back(dim);
  }
  if (array.shape.empty())
    throw Error(array.where + " is a single number; its first dim must count the samples");
  if (array.bytes.size() - array.start < count * array.elementBytes)
    throw Error(array.where + " is truncated: its shape asks for " +
                std::to_string(count * array.elementBytes) + " bytes, and " +
                std::to_string(array.bytes.size() - array.start) + " are there; save it again");
}

static NpyArray parseNpy(std::string bytes, const std::string &name, const std::string &where) {
  NpyArray array;
  array.name = name;
  array.where = where;
  array.bytes = std::move(bytes);
  if (array.bytes.size() < 10 || array.bytes.compare(0, 6, "\x93NUMPY") != 0)
    throw Error(where + " is not a .npy file");
  size_t lengthBytes = array.bytes[6] == 1 ? 2 : 4;
  size_t headerStart = 8 + lengthBytes;
  if (array.bytes.size() < headerStart)
    throw Error(where + " is truncated; save it again");
  uint64_t length = littleEndian(array.bytes, 8, lengthBytes);
  if (array.bytes.size() - headerStart < length)
    throw Error(where + " is truncated; save it again");
  array.start = headerStart + length;
  std::string header = array.bytes.substr(headerStart, length);

  std::string descr = valueOf(header, "descr").substr(0, 5);
  std::string type = descr.size() >= 4 ? descr.substr(1, descr.find('\'', 1) - 1) : "";
  if (type.size() == 3 && type[0] != '>' && std::strchr("fiub", type[1]) &&
      std::strchr("1248", type[2])) {
    array.kind = type[1] == 'f' ? Kind::Float : type[1] == 'i' ? Kind::Signed : Kind::Unsigned;
    array.elementBytes = type[2] - '0';
  }
  if (array.elementBytes == 0 || (array.kind == Kind::Float && array.elementBytes < 4))
    throw Error(where + ": element type " + descr +
                " is not supported; save it as float32 or int64, little-endian");
  if (valueOf(header, "fortran_order").rfind("True", 0) == 0)
    throw Error(where + " is column-major; save numpy.ascontiguousarray(x)");
  parseShape(array, valueOf(header, "shape"));
  return array;
}

NumpySource::NumpySource(std::vector<NpyArray> given, const std::string &target)
    : arrays(std::move(given)) {
  bool hasTarget = false;
  for (const NpyArray &array : arrays) {
    if (array.shape[0] != arrays[0].shape[0])
      throw Error(array.where + " has " + std::to_string(array.shape[0]) + " samples, and " +
                  arrays[0].where + " has " + std::to_string(arrays[0].shape[0]) +
                  "; the first dims must agree");
    Column column;
    column.name = array.name;
    column.shape.assign(array.shape.begin() + 1, array.shape.end());
    column.isInteger = array.kind != Kind::Float;
    column.isTarget = array.name == (target.empty() ? "y" : target);
    hasTarget |= column.isTarget;
    // Bytes with three dims are pictures.
    column.isImage = array.kind == Kind::Unsigned && array.elementBytes == 1 &&
                     array.shape.size() == 4 && !column.isTarget;
    if (column.isImage)
      column.isInteger = false;
    columns.push_back(column);
  }
  if (arrays[0].shape[0] == 0)
    throw Error(arrays[0].where + " has no samples");
  if (!hasTarget && !target.empty()) {
    std::string names;
    for (const NpyArray &array : arrays)
      names += (names.empty() ? "" : ", ") + array.name;
    throw Error(arrays[0].where + ": there is no array '" + target + "' among " + names +
                "; name the target's array with ?target=NAME");
  }
}

template <typename T>
static void append(const char *bytes, int64_t count, bool isInteger, Value &value) {
  for (int64_t i = 0; i < count; ++i) {
    T element;
    std::memcpy(&element, bytes + i * sizeof(T), sizeof(T));
    if (isInteger)
      value.integers.push_back(static_cast<int64_t>(element));
    else
      value.reals.push_back(static_cast<float>(element));
  }
}

bool NumpySource::read(int64_t index, Sample &sample) {
  sample.resize(columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    const NpyArray &array = arrays[c];
    int64_t count = 1;
    for (int64_t dim : columns[c].shape)
      count *= dim;
    const char *bytes =
        array.bytes.data() + array.start + index * count * static_cast<int64_t>(array.elementBytes);
    Value &value = sample[c];
    value.reals.clear();
    value.integers.clear();
    bool isInteger = columns[c].isInteger, isSigned = array.kind == Kind::Signed;
    switch (array.elementBytes) {
    case 1:
      isSigned ? append<int8_t>(bytes, count, isInteger, value)
               : append<uint8_t>(bytes, count, isInteger, value);
      break;
    case 2:
      isSigned ? append<int16_t>(bytes, count, isInteger, value)
               : append<uint16_t>(bytes, count, isInteger, value);
      break;
    case 4:
      if (array.kind == Kind::Float)
        append<float>(bytes, count, isInteger, value);
      else
        isSigned ? append<int32_t>(bytes, count, isInteger, value)
                 : append<uint32_t>(bytes, count, isInteger, value);
      break;
    default:
      if (array.kind == Kind::Float)
        append<double>(bytes, count, isInteger, value);
      else
        append<int64_t>(bytes, count, isInteger, value);
    }
  }
  return true;
}

Dataset sinter::training::openNumpy(const std::string &path, Settings &settings) {
  std::string target = settings.text("target", "");
  settings.finish();
  std::vector<NpyArray> arrays;
  auto nameOf = [](const std::string &file) { return file.substr(0, file.rfind(".npy")); };
  auto isNpy = [](const std::string &file) {
    return file.size() > 4 && file.compare(file.size() - 4, 4, ".npy") == 0;
  };
  if (isFolder(path)) {
    for (const std::string &file : listFolder(path))
      if (isNpy(file))
        arrays.push_back(parseNpy(readBytes(path + "/" + file), nameOf(file), path + "/" + file));
  } else if (isNpy(path)) {
    size_t slash = path.rfind('/');
    arrays.push_back(parseNpy(
        readBytes(path), nameOf(slash == std::string::npos ? path : path.substr(slash + 1)), path));
  } else {
    for (auto &[file, bytes] : readZip(path))
      if (isNpy(file))
        arrays.push_back(parseNpy(std::move(bytes), nameOf(file), path + ": " + file));
  }
  if (arrays.empty())
    throw Error(path + " has no .npy array; save it with numpy.savez(path, x=…, y=…)");
  Dataset data;
  data.training = std::make_unique<NumpySource>(std::move(arrays), target);
  return data;
}
