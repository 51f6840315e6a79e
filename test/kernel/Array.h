//===- Array.h - tensors of kernel-check ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_KERNEL_ARRAY_H
#define SINTER_TEST_KERNEL_ARRAY_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sinter {

using Sizes = std::map<std::string, int64_t>;

/// An array and the descriptor that the C interface takes. It is dense, or a part of a larger one
/// with `strides`. Guard zones around the data, and what lies between its elements, show stray
/// writes. Dynamic dims have the size of their name, or the default one.
struct Array {
  Array(mlir::RankedTensorType type, mlir::DictionaryAttr attributes, const Sizes &sizes,
        int64_t defaultSize, llvm::ArrayRef<int64_t> strides = {})
      : type(type), strides(strides) {
    auto names = attributes ? attributes.getAs<mlir::ArrayAttr>("check.dims") : mlir::ArrayAttr();
    for (auto [i, size] : llvm::enumerate(type.getShape())) {
      if (!mlir::ShapedType::isDynamic(size)) {
        dims.push_back(size);
        continue;
      }
      auto found = names ? sizes.find(mlir::cast<mlir::StringAttr>(names[i]).str()) : sizes.end();
      dims.push_back(found != sizes.end() ? found->second : defaultSize);
    }
    mlir::Type element = type.getElementType();
    elementBytes = element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
    for (int64_t dim : dims)
      elements *= dim;
    if (strides.empty()) {
      this->strides.resize(dims.size());
      int64_t stride = 1;
      for (size_t i = dims.size(); i-- > 0; stride *= dims[i])
        this->strides[i] = stride;
    }
    bytes = elements == 0 ? 0 : (place(elements - 1) + 1) * elementBytes;
    data = static_cast<char *>(std::aligned_alloc(64, (bytes + 2 * guard + 63) / 64 * 64));
    std::memset(data, 0x5a, bytes + 2 * guard);
    makeDescriptor();
  }
  ~Array() { std::free(data); }
  Array(const Array &) = delete;

  char *begin() const { return data + guard; }

  void makeDescriptor() {
    descriptor = {reinterpret_cast<int64_t>(begin()), reinterpret_cast<int64_t>(begin()), 0};
    descriptor.insert(descriptor.end(), dims.begin(), dims.end());
    descriptor.insert(descriptor.end(), strides.begin(), strides.end());
  }

  /// Where an element lies, by its number.
  int64_t place(int64_t element) const {
    int64_t result = 0;
    for (size_t i = dims.size(); i-- > 0; element /= dims[i])
      result += element % dims[i] * strides[i];
    return result;
  }

  bool guardIntact() const {
    std::vector<bool> own(bytes);
    for (int64_t i = 0; i < elements; ++i)
      std::fill_n(own.begin() + place(i) * elementBytes, elementBytes, true);
    for (int64_t i = -guard; i < bytes + guard; ++i)
      if ((i < 0 || i >= bytes || !own[i]) && begin()[i] != 0x5a)
        return false;
    return true;
  }

  double get(int64_t i) const {
    const char *p = begin() + place(i) * elementBytes;
    mlir::Type element = type.getElementType();
    auto load = [&](auto zero) {
      std::memcpy(&zero, p, sizeof zero);
      return zero;
    };
    if (element.isF32())
      return load(float());
    if (element.isF64())
      return load(double());
    if (mlir::isa<mlir::FloatType>(element)) {
      llvm::APFloat value(mlir::cast<mlir::FloatType>(element).getFloatSemantics(),
                          llvm::APInt(16, load(uint16_t())));
      return value.convertToDouble();
    }
    switch (elementBytes) {
    case 1:
      return load(int8_t());
    case 2:
      return load(int16_t());
    case 4:
      return load(int32_t());
    default:
      return load(int64_t());
    }
  }

  void set(int64_t i, double value) {
    char *p = begin() + place(i) * elementBytes;
    mlir::Type element = type.getElementType();
    auto store = [&](auto x) { std::memcpy(p, &x, sizeof x); };
    if (element.isF32())
      return store(float(value));
    if (element.isF64())
      return store(value);
    if (auto real = mlir::dyn_cast<mlir::FloatType>(element)) {
      llvm::APFloat half(value);
      bool lost;
      half.convert(real.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
      return store(uint16_t(half.bitcastToAPInt().getZExtValue()));
    }
    switch (elementBytes) {
    case 1:
      return store(int8_t(element.isInteger(1) ? value > 0 : value));
    case 2:
      return store(int16_t(value));
    case 4:
      return store(int32_t(value));
    default:
      return store(int64_t(value));
    }
  }

  void randomize(std::mt19937 &engine, mlir::DictionaryAttr attributes) {
    bool real = mlir::isa<mlir::FloatType>(type.getElementType());
    double low = real ? -1 : -8, high = real ? 1 : 8;
    if (auto range =
            attributes ? attributes.getAs<mlir::ArrayAttr>("check.range") : mlir::ArrayAttr()) {
      low = mlir::cast<mlir::FloatAttr>(range[0]).getValueAsDouble();
      high = mlir::cast<mlir::FloatAttr>(range[1]).getValueAsDouble();
    }
    std::uniform_real_distribution<double> distribution(low, high);
    for (int64_t i = 0; i < elements; ++i)
      set(i, real ? distribution(engine) : std::floor(distribution(engine)));
    const double special[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0};
    if (attributes && attributes.contains("check.special"))
      for (int64_t i = 0; i < elements; i += 3 + engine() % 5)
        set(i, special[engine() % 5]);
  }

  static constexpr int64_t guard = 256;
  mlir::RankedTensorType type;
  std::vector<int64_t> dims;
  llvm::SmallVector<int64_t> strides; // in elements
  int64_t elementBytes, elements = 1, bytes;
  char *data;
  std::vector<int64_t> descriptor;
};

} // namespace sinter

#endif // SINTER_TEST_KERNEL_ARRAY_H
