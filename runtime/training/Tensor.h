//===- Tensor.h - arrays with a name ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_TENSOR_H
#define SINTER_RUNTIME_TRAINING_TENSOR_H

#include <cstdint>
#include <string>
#include <vector>

namespace sinter::training {

enum class ElementType { F32, F64, I32, I64 };

inline size_t elementBytes(ElementType type) {
  return type == ElementType::F32 || type == ElementType::I32 ? 4 : 8;
}
inline bool isInteger(ElementType type) {
  return type == ElementType::I32 || type == ElementType::I64;
}
/// safetensors' name, which is also the one for messages: "F32".
inline const char *elementName(ElementType type) {
  static const char *const names[] = {"F32", "F64", "I32", "I64"};
  return names[static_cast<int>(type)];
}

/// The product of the dims.
inline int64_t countElements(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

/// "[32,28,28,1]", -1 as ?.
std::string describeShape(const std::vector<int64_t> &shape);

/// Dense, row-major, in memory of its own.
struct Tensor {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  std::vector<char> bytes;

  /// Makes room for the shape.
  void allocate() { bytes.resize(countElements(shape) * elementBytes(type)); }
  template <typename T>
  T *as() {
    return reinterpret_cast<T *>(bytes.data());
  }
  template <typename T>
  const T *as() const {
    return reinterpret_cast<const T *>(bytes.data());
  }
};

/// The same in the memory of others.
struct TensorView {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  void *data = nullptr;

  size_t byteCount() const { return countElements(shape) * elementBytes(type); }
};

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_TENSOR_H
