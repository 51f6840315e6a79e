//===- EvaluateBinary.cpp - evaluators of the binary elementwise ops ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/EvaluateElementwise.h"
#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// Scalar functions
//===----------------------------------------------------------------------===//

// Integer arithmetic wraps: it is done in uint64_t, where that is defined.
template <typename T>
static T add(T x, T y) {
  if constexpr (std::is_floating_point_v<T>)
    return x + y;
  else
    return static_cast<T>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
}
template <typename T>
static T subtract(T x, T y) {
  if constexpr (std::is_floating_point_v<T>)
    return x - y;
  else
    return static_cast<T>(static_cast<uint64_t>(x) - static_cast<uint64_t>(y));
}
template <typename T>
static T multiply(T x, T y) {
  if constexpr (std::is_floating_point_v<T>)
    return x * y;
  else
    return static_cast<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
}
// Division by zero gives x, as the kernels do; MIN / −1 wraps.
template <typename T>
static T divide(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    return x / y;
  } else {
    if (y == 0)
      return x;
    if constexpr (std::is_signed_v<T>)
      if (y == T(-1))
        return subtract(T(0), x);
    return x / y;
  }
}
template <typename T>
static T modulus(T x, T y, bool fmod) {
  T remainder;
  if constexpr (std::is_floating_point_v<T>)
    remainder = std::fmod(x, y);
  else if (y == 0 || y == static_cast<T>(-1))
    remainder = std::is_signed_v<T> || y == 0 ? T(0) : T(x % y);
  else
    remainder = x % y;
  if (!fmod && remainder != 0 && (remainder < 0) != (y < 0))
    remainder += y;
  return remainder;
}
template <typename T>
static bool isNan(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(x);
  return false;
}
template <typename T>
static T minimum(T x, T y) {
  return isNan(x) || x < y ? x : y;
}
template <typename T>
static T maximum(T x, T y) {
  return isNan(x) || x > y ? x : y;
}
template <typename T>
static T shiftLeft(T x, T y) {
  if (y < 0 || static_cast<uint64_t>(y) >= sizeof(T) * 8)
    return 0;
  return static_cast<T>(static_cast<uint64_t>(x) << y);
}
template <typename T>
static T shiftRight(T x, T y) {
  if (y < 0 || static_cast<uint64_t>(y) >= sizeof(T) * 8)
    return x < 0 ? T(-1) : T(0);
  return static_cast<T>(x >> y);
}

template <typename T>
static T integerPower(T base, uint64_t exponent) {
  T result = 1;
  for (; exponent; exponent >>= 1, base = multiply(base, base))
    if (exponent & 1)
      result = multiply(result, base);
  return result;
}

template <typename T, typename U>
static T power(T x, U y) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(std::pow(static_cast<double>(x), static_cast<double>(y)));
  } else if constexpr (std::is_floating_point_v<U>) {
    return convert<T>(std::pow(static_cast<double>(x), static_cast<double>(y)));
  } else {
    if (y >= 0)
      return integerPower(x, static_cast<uint64_t>(y));
    if (x == 1)
      return 1;
    if (std::is_signed_v<T> && x == static_cast<T>(-1))
      return y % 2 == 0 ? T(1) : static_cast<T>(-1);
    return 0;
  }
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

// Binary minimum of NaN on the right: it wins too.
template <typename T, typename F>
static T unlessNan(T x, T y, F f) {
  return isNan(y) ? y : f(x, y);
}

template <typename F>
static LogicalResult evaluateNumbers(ArrayRef<HostTensor> operands,
                                     MutableArrayRef<HostTensor> results, F f) {
  if (!results[0].isAllocated())
    return failure();
  dispatchNumber(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    mapBinary<T, T, T>(operands[0], operands[1], results[0], f);
  });
  return success();
}

template <typename F>
static LogicalResult evaluateIntegers(ArrayRef<HostTensor> operands,
                                      MutableArrayRef<HostTensor> results, F f) {
  if (!results[0].isAllocated())
    return failure();
  auto run = [&](auto element) {
    using T = decltype(element);
    mapBinary<T, T, T>(operands[0], operands[1], results[0], f);
  };
  if (results[0].getElementType().isInteger(1))
    run(bool());
  else
    dispatchInteger(results[0].getElementType(), run);
  return success();
}

#define SINTER_EVALUATE(OpTy, LOOP, EXPRESSION)                                                    \
  LogicalResult OpTy::evaluate(ArrayRef<HostTensor> operands,                                      \
                               MutableArrayRef<HostTensor> results) {                              \
    return LOOP(operands, results, [&](auto x, auto y) {                                           \
      using T = decltype(x);                                                                       \
      return static_cast<T>(EXPRESSION);                                                           \
    });                                                                                            \
  }

SINTER_EVALUATE(AddOp, evaluateNumbers, add(x, y))
SINTER_EVALUATE(SubOp, evaluateNumbers, subtract(x, y))
SINTER_EVALUATE(MulOp, evaluateNumbers, multiply(x, y))
SINTER_EVALUATE(DivOp, evaluateNumbers, divide(x, y))
SINTER_EVALUATE(MinOp, evaluateNumbers, unlessNan(x, y, minimum<T>))
SINTER_EVALUATE(MaxOp, evaluateNumbers, unlessNan(x, y, maximum<T>))
SINTER_EVALUATE(PReluOp, evaluateNumbers, x >= T(0) ? x : multiply(y, x))
SINTER_EVALUATE(AndOp, evaluateIntegers, x &y)
SINTER_EVALUATE(OrOp, evaluateIntegers, x | y)
SINTER_EVALUATE(XorOp, evaluateIntegers, x ^ y)

LogicalResult ModOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  return evaluateNumbers(operands, results,
                         [fmod = getFmod()](auto x, auto y) { return modulus(x, y, fmod); });
}

template <typename F>
static LogicalResult evaluateShift(ArrayRef<HostTensor> operands,
                                   MutableArrayRef<HostTensor> results, F f) {
  if (!results[0].isAllocated())
    return failure();
  dispatchInteger(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    mapBinary<T, T, T>(operands[0], operands[1], results[0], f);
  });
  return success();
}

LogicalResult ShiftLeftOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  return evaluateShift(operands, results, [](auto x, auto y) { return shiftLeft(x, y); });
}

LogicalResult ShiftRightOp::evaluate(ArrayRef<HostTensor> operands,
                                     MutableArrayRef<HostTensor> results) {
  return evaluateShift(operands, results, [](auto x, auto y) { return shiftRight(x, y); });
}

LogicalResult PowOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  // Exponents are widened first, so that there are three kinds of them.
  auto run = [&](auto exponent) {
    using U = decltype(exponent);
    HostTensor wide(operands[1].getElementType());
    Type type = isa<FloatType>(operands[1].getElementType())
                    ? Type(Float64Type::get(getContext()))
                    : Type(IntegerType::get(getContext(), 64));
    wide = HostTensor(type, operands[1].getShape());
    for (int64_t i = 0, e = wide.getNumElements(); i < e; ++i) {
      if constexpr (std::is_floating_point_v<U>)
        wide.as<U>()[i] = operands[1].getDouble(i);
      else
        wide.as<U>()[i] = operands[1].getInt(i);
    }
    dispatchNumber(results[0].getElementType(), [&](auto element) {
      using T = decltype(element);
      mapBinary<T, U, T>(operands[0], wide, results[0], [](auto x, auto y) { return power(x, y); });
    });
  };
  Type exponentType = operands[1].getElementType();
  if (isa<FloatType>(exponentType))
    run(double());
  else if (exponentType.isUnsignedInteger())
    run(uint64_t());
  else
    run(int64_t());
  return success();
}

LogicalResult CompareOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  dispatchElement(operands[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    auto run = [&](auto compare) {
      mapBinary<T, T, bool>(operands[0], operands[1], results[0], compare);
    };
    switch (getPredicate()) {
    case ComparePredicate::eq:
      return run([](auto x, auto y) { return x == y; });
    case ComparePredicate::ne:
      return run([](auto x, auto y) { return x != y; });
    case ComparePredicate::lt:
      return run([](auto x, auto y) { return x < y; });
    case ComparePredicate::le:
      return run([](auto x, auto y) { return x <= y; });
    case ComparePredicate::gt:
      return run([](auto x, auto y) { return x > y; });
    case ComparePredicate::ge:
      return run([](auto x, auto y) { return x >= y; });
    }
  });
  return success();
}

LogicalResult WhereOp::evaluate(ArrayRef<HostTensor> operands,
                                MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  ArrayRef<int64_t> shape = results[0].getShape();
  StridedLoop loop(shape, {getStrides(shape), getBroadcastStrides(operands[0].getShape(), shape),
                           getBroadcastStrides(operands[1].getShape(), shape),
                           getBroadcastStrides(operands[2].getShape(), shape)});
  dispatchBytes(results[0].getElementBytes(), [&](auto element) {
    using T = decltype(element);
    loop.run([&](const int64_t *offsets, const int64_t *strides, int64_t count) {
      T *out = results[0].as<T>() + offsets[0];
      const bool *condition = operands[0].as<bool>() + offsets[1];
      const T *x = operands[1].as<T>() + offsets[2];
      const T *y = operands[2].as<T>() + offsets[3];
      for (int64_t i = 0; i < count; ++i)
        out[i] = condition[i * strides[1]] ? x[i * strides[2]] : y[i * strides[3]];
    });
  });
  return success();
}
