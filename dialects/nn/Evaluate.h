//===- Evaluate.h - what the evaluators are written with -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types, dispatch over them, and strided iteration. Private to the
// Evaluate*.cpp files. Nothing here is shared with the kernels' lowering: the
// evaluator is the independent judge of the kernels.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_EVALUATE_H
#define SINTER_DIALECTS_NN_EVALUATE_H

#include "dialects/nn/HostTensor.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"
#include <cmath>
#include <limits>
#include <type_traits>

namespace sinter::nn {

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

/// IEEE binary16 in memory.
struct Half {
  Half() = default;
  explicit Half(float value);
  explicit operator float() const;
  uint16_t bits = 0;
};

/// The upper half of an f32.
struct BFloat16 {
  BFloat16() = default;
  explicit BFloat16(float value) {
    uint32_t word = llvm::bit_cast<uint32_t>(value);
    if (std::isnan(value))
      bits = (word >> 16) | 0x40;
    else // Round to nearest even.
      bits = (word + 0x7fff + ((word >> 16) & 1)) >> 16;
  }
  explicit operator float() const {
    return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
  uint16_t bits = 0;
};

/// The type that an element is computed in.
template <typename T>
using Compute =
    std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float, T>;
/// The type of long sums: double, or an integer that wraps.
template <typename T>
using Sum = std::conditional_t<std::is_integral_v<T>,
                               std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>, double>;

template <typename T>
constexpr bool isFloatElement = !std::is_integral_v<T>;

/// nn.cast's rules between any two element or compute types.
template <typename To, typename From>
To convert(From from) {
  if constexpr (std::is_same_v<To, From>) {
    return from;
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return convert<To>(static_cast<float>(from));
  } else if constexpr (std::is_same_v<To, bool>) {
    return from != From(0);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    if constexpr (std::is_same_v<From, double>) {
      // Round to odd on the way through f32, lest rounding twice shows.
      float value = static_cast<float>(from);
      if (std::isfinite(value) && static_cast<double>(value) != from) {
        uint32_t word = llvm::bit_cast<uint32_t>(value);
        if (std::abs(static_cast<double>(value)) > std::abs(from))
          --word;
        value = llvm::bit_cast<float>(word | 1);
      }
      return To(value);
    } else {
      return To(static_cast<float>(from));
    }
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Out of range is undefined in C++: go through the widest integer.
    if (!(std::abs(from) < From(9.2233720368547758e18))) {
      if (std::is_same_v<To, uint64_t> && from >= From(0) && from < From(1.8446744073709552e19))
        return static_cast<To>(static_cast<uint64_t>(from));
      return static_cast<To>(std::numeric_limits<int64_t>::min());
    }
    return static_cast<To>(static_cast<int64_t>(from));
  } else {
    return static_cast<To>(from);
  }
}

/// Calls `f(T())` for the float type T that `type` means.
template <typename F>
auto dispatchFloat(mlir::Type type, F &&f) {
  if (type.isF32())
    return f(float());
  if (type.isF64())
    return f(double());
  if (type.isF16())
    return f(Half());
  if (type.isBF16())
    return f(BFloat16());
  llvm_unreachable("not a float element type of nn");
}

template <typename F>
auto dispatchInteger(mlir::Type type, F &&f) {
  unsigned width = type.getIntOrFloatBitWidth();
  if (type.isUnsignedInteger())
    switch (width) {
    case 8:
      return f(uint8_t());
    case 16:
      return f(uint16_t());
    case 32:
      return f(uint32_t());
    default:
      return f(uint64_t());
    }
  switch (width) {
  case 8:
    return f(int8_t());
  case 16:
    return f(int16_t());
  case 32:
    return f(int32_t());
  case 64:
    return f(int64_t());
  }
  llvm_unreachable("not an integer element type of nn");
}

template <typename F>
auto dispatchNumber(mlir::Type type, F &&f) {
  if (llvm::isa<mlir::FloatType>(type))
    return dispatchFloat(type, f);
  return dispatchInteger(type, f);
}

template <typename F>
auto dispatchElement(mlir::Type type, F &&f) {
  if (type.isInteger(1))
    return f(bool());
  return dispatchNumber(type, f);
}

/// For code that only moves elements.
template <typename F>
auto dispatchBytes(int64_t bytes, F &&f) {
  switch (bytes) {
  case 1:
    return f(uint8_t());
  case 2:
    return f(uint16_t());
  case 4:
    return f(uint32_t());
  case 8:
    return f(uint64_t());
  }
  llvm_unreachable("not an element size of nn");
}

/// The factors of a product in the type that it is summed in.
inline HostTensor widenFactor(const HostTensor &factor, mlir::Type sum) {
  if (!factor.getElementType().isInteger(8))
    return factor;
  HostTensor wide(sum, factor.getShape());
  for (int64_t i = 0, e = factor.getNumElements(); i < e; ++i)
    wide.setInt(i, factor.getInt(i));
  return wide;
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

using Dims = llvm::SmallVector<int64_t, 6>;

inline int64_t product(llvm::ArrayRef<int64_t> dims) {
  int64_t result = 1;
  for (int64_t dim : dims)
    result *= dim;
  return result;
}

/// Row-major strides, in elements.
Dims getStrides(llvm::ArrayRef<int64_t> shape);

/// Strides of a tensor of `shape` read as if broadcast to `result` (0 where it
/// repeats).
Dims getBroadcastStrides(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> result);

/// The elements of an index tensor.
Dims getContents(const HostTensor &tensor);

inline int64_t wrapNegative(int64_t index, int64_t size) {
  return index < 0 ? index + size : index;
}

/// Steps through a shape's index vectors in row-major order.
class IndexVector {
public:
  explicit IndexVector(llvm::ArrayRef<int64_t> shape)
      : shape(shape.begin(), shape.end()), index(shape.size(), 0) {}
  int64_t operator[](size_t dim) const { return index[dim]; }
  llvm::ArrayRef<int64_t> get() const { return index; }
  void next() {
    for (int64_t dim = shape.size() - 1; dim >= 0; --dim) {
      if (++index[dim] < shape[dim])
        return;
      index[dim] = 0;
    }
  }
  int64_t dot(llvm::ArrayRef<int64_t> strides) const {
    int64_t sum = 0;
    for (auto [i, stride] : llvm::zip(index, strides))
      sum += i * stride;
    return sum;
  }

private:
  Dims shape, index;
};

/// The tensor of the op's ODS operand number `index`, or null if it is absent.
template <typename OpTy>
const HostTensor *getOptional(OpTy op, llvm::ArrayRef<HostTensor> operands, unsigned index) {
  auto [start, length] = op.getODSOperandIndexAndLength(index);
  return length ? &operands[start] : nullptr;
}

/// Splits a shape around one dim: [before, size, after].
struct AxisSplit {
  AxisSplit(llvm::ArrayRef<int64_t> shape, int64_t axis)
      : outer(product(shape.take_front(axis))), size(shape[axis]),
        inner(product(shape.drop_front(axis + 1))) {}
  int64_t outer, size, inner;
};

/// Loops over a shape with one stride per dim and operand. Dims that lie
/// contiguously for all operands are merged, so that the inner loop is long.
class StridedLoop {
public:
  StridedLoop(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<Dims> strides);

  /// Calls `row(offsets, strides, count)` for each innermost row, both arrays
  /// with one entry per operand.
  template <typename Row>
  void run(Row &&row) const {
    if (isEmpty)
      return;
    size_t operands = strides.size();
    Dims offsets(operands, 0), inner;
    for (const Dims &dims : strides)
      inner.push_back(dims.back());
    llvm::ArrayRef<int64_t> outer = llvm::ArrayRef(shape).drop_back();
    Dims index(outer.size(), 0);
    while (true) {
      row(offsets.data(), inner.data(), shape.back());
      int64_t dim = outer.size() - 1;
      for (; dim >= 0; --dim) {
        for (size_t i = 0; i < operands; ++i)
          offsets[i] += strides[i][dim];
        if (++index[dim] < outer[dim])
          break;
        for (size_t i = 0; i < operands; ++i)
          offsets[i] -= strides[i][dim] * outer[dim];
        index[dim] = 0;
      }
      if (dim < 0)
        return;
    }
  }

  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  llvm::ArrayRef<int64_t> getStrides(size_t operand) const { return strides[operand]; }

private:
  bool isEmpty;
  Dims shape;
  llvm::SmallVector<Dims, 4> strides;
};

/// result (contiguous) = source read from element `offset` with `strides`.
void copyStrided(HostTensor &result, const HostTensor &source, int64_t offset,
                 llvm::ArrayRef<int64_t> strides);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_EVALUATE_H
