//===- HostTensor.cpp - a tensor in the compiler's own memory -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/HostTensor.h"
#include "dialects/nn/Evaluate.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace sinter::nn;

// Dense attributes are uniqued and printed in place: only for what people read.
static constexpr int64_t maxDenseBytes = 1024;
static constexpr int64_t alignment = 64;

int64_t sinter::nn::getElementBytes(Type elementType) {
  return std::max<int64_t>(1, elementType.getIntOrFloatBitWidth() / 8);
}

HostTensor::HostTensor(Type elementType, ArrayRef<int64_t> shape) : elementType(elementType) {
  allocate(shape);
}

void HostTensor::allocate(ArrayRef<int64_t> newShape) {
  shape.assign(newShape.begin(), newShape.end());
  size_t bytes = getNumElements() * getElementBytes();
  // calloc gives untouched zero pages where it can.
  void *memory = std::calloc(bytes + alignment, 1);
  if (!memory)
    llvm::report_bad_alloc_error("a tensor doesn't fit in memory");
  auto address = (reinterpret_cast<uintptr_t>(memory) + alignment - 1) / alignment * alignment;
  data = std::shared_ptr<char>(reinterpret_cast<char *>(address),
                               [memory](char *) { std::free(memory); });
}

int64_t HostTensor::getNumElements() const {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

int64_t HostTensor::getElementBytes() const { return sinter::nn::getElementBytes(elementType); }

HostTensor HostTensor::reshaped(ArrayRef<int64_t> newShape) const {
  HostTensor result(*this);
  result.shape.assign(newShape.begin(), newShape.end());
  assert(result.getNumElements() == getNumElements());
  return result;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

HostTensor HostTensor::fromAttribute(ElementsAttr attribute) {
  ShapedType type = attribute.getShapedType();
  HostTensor result(type.getElementType());
  if (!type.hasStaticShape())
    return result;
  int64_t elementBytes = result.getElementBytes();
  int64_t bytes = type.getNumElements() * elementBytes;

  auto share = [&](ArrayRef<char> memory) {
    // Attributes live as long as the context, longer than any evaluation.
    result.shape.assign(type.getShape().begin(), type.getShape().end());
    result.data = std::shared_ptr<char>(const_cast<char *>(memory.data()), [](char *) {});
  };

  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    // An elided resource has no blob.
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || static_cast<int64_t>(blob->getData().size()) != bytes)
      return result;
    if (bytes == 0 || reinterpret_cast<uintptr_t>(blob->getData().data()) % elementBytes) {
      result.allocate(type.getShape());
      if (bytes)
        std::memcpy(result.data.get(), blob->getData().data(), bytes);
      return result;
    }
    share(blob->getData());
    return result;
  }

  auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attribute);
  if (!dense)
    return result;
  if (type.getElementType().isInteger(1)) {
    result.allocate(type.getShape());
    if (dense.isSplat())
      std::memset(result.data.get(), dense.getSplatValue<bool>(), bytes);
    else
      llvm::copy(dense.getValues<bool>(), result.as<bool>());
    return result;
  }
  if (!dense.isSplat() && bytes != 0) {
    share(dense.getRawData());
    return result;
  }
  result.allocate(type.getShape());
  if (bytes != 0)
    dispatchBytes(elementBytes, [&](auto element) {
      using T = decltype(element);
      T value;
      std::memcpy(&value, dense.getRawData().data(), sizeof(T));
      std::fill_n(result.as<T>(), type.getNumElements(), value);
    });
  return result;
}

ElementsAttr HostTensor::toAttribute(StringRef name) const {
  assert(isAllocated());
  auto type = RankedTensorType::get(shape, elementType);
  int64_t count = getNumElements(), elementBytes = getElementBytes();
  int64_t size = count * elementBytes;

  // All bytes equal to those one element before them: a splat.
  bool isSplat =
      count > 0 && std::memcmp(bytes(), bytes() + elementBytes, size - elementBytes) == 0;
  if (elementType.isInteger(1)) {
    ArrayRef<bool> values(as<bool>(), count);
    if (isSplat)
      return DenseElementsAttr::get(type, values[0]);
    if (size <= maxDenseBytes)
      return DenseElementsAttr::get(type, values);
  } else {
    if (isSplat)
      return DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(bytes(), elementBytes));
    if (size <= maxDenseBytes)
      return DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(bytes(), size));
  }

  // The blob holds on to the memory as long as the context lives.
  AsmResourceBlob blob(
      ArrayRef<char>(bytes(), size), elementBytes,
      [memory = data](void *, size_t, size_t) mutable { memory.reset(); },
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name.empty() ? "constant" : name, std::move(blob));
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

double HostTensor::getDouble(int64_t index) const {
  return dispatchElement(elementType, [&](auto element) -> double {
    using T = decltype(element);
    return static_cast<double>(static_cast<Compute<T>>(as<T>()[index]));
  });
}

int64_t HostTensor::getInt(int64_t index) const {
  return dispatchElement(elementType, [&](auto element) -> int64_t {
    using T = decltype(element);
    return convert<int64_t>(as<T>()[index]);
  });
}

void HostTensor::setDouble(int64_t index, double value) {
  dispatchElement(elementType, [&](auto element) {
    using T = decltype(element);
    as<T>()[index] = convert<T>(value);
  });
}

void HostTensor::setInt(int64_t index, int64_t value) {
  dispatchElement(elementType, [&](auto element) {
    using T = decltype(element);
    as<T>()[index] = convert<T>(value);
  });
}
