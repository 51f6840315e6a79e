//===- Safetensors.cpp - tensors in a file --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/state/Safetensors.h"
#include "runtime/training/Error.h"
#include "runtime/training/state/AtomicFile.h"
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace sinter::training;
using Json = nlohmann::ordered_json; // the header keeps the tensors' order

static constexpr size_t LengthBytes = 8;
static constexpr const char *MetadataKey = "__metadata__";

void sinter::training::writeSafetensors(const std::string &path,
                                        const std::vector<TensorView> &tensors,
                                        const Metadata &metadata) {
  Json object = Json::object();
  if (!metadata.empty())
    object[MetadataKey] = metadata;
  uint64_t end = 0;
  for (const TensorView &tensor : tensors) {
    uint64_t begin = end;
    end += tensor.byteCount();
    object[tensor.name] = {{"dtype", elementName(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {begin, end}}};
  }
  std::string header = object.dump();
  // The data begins at a multiple of 8 bytes.
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string length;
  for (size_t i = 0; i < LengthBytes; ++i)
    length += static_cast<char>(header.size() >> 8 * i);
  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const TensorView &tensor : tensors)
    file.write(tensor.data, tensor.byteCount());
  file.commit();
}

static std::string readWhole(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    failOnFile("read", path);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

// One entry of the header; `data` is what follows the header.
static Tensor readTensor(const std::string &name, const Json &entry, std::string_view data,
                         uint64_t &end) {
  Tensor tensor;
  tensor.name = name;
  std::string dtype = entry.at("dtype");
  bool known = false;
  for (ElementType type : {ElementType::F32, ElementType::F64, ElementType::I32, ElementType::I64})
    if (dtype == elementName(type)) {
      tensor.type = type;
      known = true;
    }
  if (!known)
    throw Error("tensor '" + name + "' has the element type " + dtype +
                ", and F32, F64, I32 and I64 are known");
  uint64_t bytes = elementBytes(tensor.type);
  for (const Json &dim : entry.at("shape")) {
    tensor.shape.push_back(dim.get<int64_t>());
    if (tensor.shape.back() < 0 ||
        __builtin_mul_overflow(bytes, static_cast<uint64_t>(tensor.shape.back()), &bytes))
      throw Error("tensor '" + name + "' has a strange shape");
  }
  const Json &offsets = entry.at("data_offsets");
  auto from = offsets.at(0).get<uint64_t>(), to = offsets.at(1).get<uint64_t>();
  // Tensors lie end to end: no gap, no overlap.
  if (offsets.size() != 2 || from != end || to < from || to - from != bytes)
    throw Error("tensor '" + name + "' is not where it should be");
  if (to > data.size())
    throw Error("it ends within tensor '" + name + "'");
  end = to;
  tensor.bytes.assign(data.begin() + from, data.begin() + to);
  return tensor;
}

static Safetensors parse(const std::string &bytes) {
  if (bytes.size() < LengthBytes)
    throw Error("it has " + std::to_string(bytes.size()) + " bytes");
  uint64_t length = 0;
  for (size_t i = LengthBytes; i-- > 0;)
    length = length << 8 | static_cast<uint8_t>(bytes[i]);
  if (length > bytes.size() - LengthBytes)
    throw Error("it ends within its header");
  Json object = Json::parse(bytes.begin() + LengthBytes, bytes.begin() + LengthBytes + length);
  if (!object.is_object())
    throw Error("its header is no JSON object");
  std::string_view data = std::string_view(bytes).substr(LengthBytes + length);
  // By place, for the header may have any order.
  std::vector<std::pair<uint64_t, std::string>> order;
  Safetensors file;
  for (auto &item : object.items()) {
    if (item.key() == MetadataKey)
      file.metadata = item.value().get<Metadata>();
    else
      order.emplace_back(item.value().at("data_offsets").at(0).get<uint64_t>(), item.key());
  }
  std::sort(order.begin(), order.end());
  uint64_t end = 0;
  for (auto &[start, name] : order)
    file.tensors.push_back(readTensor(name, object[name], data, end));
  if (end != data.size())
    throw Error("it has " + std::to_string(data.size() - end) + " bytes too many");
  return file;
}

Safetensors sinter::training::readSafetensors(const std::string &path) {
  std::string bytes = readWhole(path);
  try {
    return parse(bytes);
  } catch (const Error &error) {
    throw Error(path + " is no whole safetensors file: " + error.what());
  } catch (const Json::exception &error) {
    throw Error(path + " is no whole safetensors file: its header is damaged (" + error.what() +
                ")");
  }
}
