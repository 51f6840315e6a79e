//===- EvaluateUnary.cpp - evaluators of the unary elementwise ops --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/EvaluateElementwise.h"
#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// Scalar functions
//===----------------------------------------------------------------------===//

template <typename T>
static T absolute(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return std::abs(x);
  else
    return x < 0 ? static_cast<T>(-static_cast<uint64_t>(x)) : x;
}
template <typename T>
static T sign(T x) {
  return x > T(0) ? T(1) : x < T(0) ? static_cast<T>(-1) : x;
}
// Each side of zero has a form without overflow.
template <typename T>
static T sigmoid(T x) {
  if (x < 0) {
    T e = std::exp(x);
    return e / (1 + e);
  }
  return 1 / (1 + std::exp(-x));
}
template <typename T>
static T softplus(T x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
// Nearest integer, ties to even, whatever the rounding mode.
template <typename T>
static T roundEven(T x) {
  T below = std::floor(x), difference = x - below;
  if (difference == T(0.5))
    return std::fmod(below, T(2)) == 0 ? std::copysign(below, x) : below + 1;
  return std::copysign(difference < T(0.5) ? below : std::ceil(x), x);
}
template <typename T>
static T gelu(T x, bool tanhApproximation) {
  if (tanhApproximation)
    return T(0.5) * x * (1 + std::tanh(T(std::sqrt(2 / M_PI)) * (x + T(0.044715) * x * x * x)));
  return T(0.5) * x * (1 + std::erf(x * T(M_SQRT1_2)));
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

template <typename F>
static LogicalResult evaluateFloats(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results, F f) {
  if (!results[0].isAllocated())
    return failure();
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    mapUnary<T, T>(operands[0], results[0], f);
  });
  return success();
}

template <typename F>
static LogicalResult evaluateNumbers(ArrayRef<HostTensor> operands,
                                     MutableArrayRef<HostTensor> results, F f) {
  if (!results[0].isAllocated())
    return failure();
  dispatchNumber(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    mapUnary<T, T>(operands[0], results[0], f);
  });
  return success();
}

#define SINTER_EVALUATE(OpTy, LOOP, EXPRESSION)                                                    \
  LogicalResult OpTy::evaluate(ArrayRef<HostTensor> operands,                                      \
                               MutableArrayRef<HostTensor> results) {                              \
    return LOOP(operands, results, [&](auto x) {                                                   \
      using T = decltype(x);                                                                       \
      return static_cast<T>(EXPRESSION);                                                           \
    });                                                                                            \
  }

SINTER_EVALUATE(AbsOp, evaluateNumbers, absolute(x))
SINTER_EVALUATE(SignOp, evaluateNumbers, sign(x))
SINTER_EVALUATE(ReluOp, evaluateNumbers, x < T(0) ? T(0) : x)
SINTER_EVALUATE(CeilOp, evaluateFloats, std::ceil(x))
SINTER_EVALUATE(FloorOp, evaluateFloats, std::floor(x))
SINTER_EVALUATE(RoundOp, evaluateFloats, roundEven(x))
SINTER_EVALUATE(SqrtOp, evaluateFloats, std::sqrt(x))
SINTER_EVALUATE(RsqrtOp, evaluateFloats, 1 / std::sqrt(x))
SINTER_EVALUATE(ReciprocalOp, evaluateFloats, 1 / x)
SINTER_EVALUATE(ExpOp, evaluateFloats, std::exp(x))
SINTER_EVALUATE(LogOp, evaluateFloats, std::log(x))
SINTER_EVALUATE(SinOp, evaluateFloats, std::sin(x))
SINTER_EVALUATE(CosOp, evaluateFloats, std::cos(x))
SINTER_EVALUATE(TanOp, evaluateFloats, std::tan(x))
SINTER_EVALUATE(AsinOp, evaluateFloats, std::asin(x))
SINTER_EVALUATE(AcosOp, evaluateFloats, std::acos(x))
SINTER_EVALUATE(AtanOp, evaluateFloats, std::atan(x))
SINTER_EVALUATE(SinhOp, evaluateFloats, std::sinh(x))
SINTER_EVALUATE(CoshOp, evaluateFloats, std::cosh(x))
SINTER_EVALUATE(TanhOp, evaluateFloats, std::tanh(x))
SINTER_EVALUATE(AsinhOp, evaluateFloats, std::asinh(x))
SINTER_EVALUATE(AcoshOp, evaluateFloats, std::acosh(x))
SINTER_EVALUATE(AtanhOp, evaluateFloats, std::atanh(x))
SINTER_EVALUATE(ErfOp, evaluateFloats, std::erf(x))
SINTER_EVALUATE(SigmoidOp, evaluateFloats, sigmoid(x))
SINTER_EVALUATE(SoftplusOp, evaluateFloats, softplus(x))
SINTER_EVALUATE(SoftsignOp, evaluateFloats, x / (1 + std::abs(x)))

LogicalResult NegOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  return evaluateNumbers(operands, results, [](auto x) {
    using T = decltype(x);
    if constexpr (std::is_floating_point_v<T>)
      return -x;
    else
      return static_cast<T>(-static_cast<uint64_t>(x));
  });
}

LogicalResult NotOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  if (results[0].getElementType().isInteger(1)) {
    mapUnary<bool, bool>(operands[0], results[0], [](bool x) { return !x; });
    return success();
  }
  dispatchInteger(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    mapUnary<T, T>(operands[0], results[0], [](T x) { return static_cast<T>(~x); });
  });
  return success();
}

LogicalResult LeakyReluOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  double alpha = getAlpha().convertToDouble();
  return evaluateFloats(operands, results, [=](auto x) {
    using T = decltype(x);
    return x >= 0 ? x : T(alpha) * x;
  });
}

LogicalResult EluOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  double alpha = getAlpha().convertToDouble();
  return evaluateFloats(operands, results, [=](auto x) {
    using T = decltype(x);
    return x >= 0 ? x : T(alpha) * std::expm1(x);
  });
}

LogicalResult HardSigmoidOp::evaluate(ArrayRef<HostTensor> operands,
                                      MutableArrayRef<HostTensor> results) {
  double alpha = getAlpha().convertToDouble();
  double beta = getBeta().convertToDouble();
  return evaluateFloats(operands, results, [=](auto x) {
    using T = decltype(x);
    T y = T(alpha) * x + T(beta);
    return y < 0 ? T(0) : y > 1 ? T(1) : y;
  });
}

LogicalResult GeluOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  return evaluateFloats(operands, results,
                        [this](auto x) { return gelu(x, getTanhApproximation()); });
}

template <typename F>
static LogicalResult evaluateTest(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results, F f) {
  if (!results[0].isAllocated())
    return failure();
  dispatchFloat(operands[0].getElementType(), [&](auto element) {
    mapUnary<decltype(element), bool>(operands[0], results[0], f);
  });
  return success();
}

LogicalResult IsNanOp::evaluate(ArrayRef<HostTensor> operands,
                                MutableArrayRef<HostTensor> results) {
  return evaluateTest(operands, results, [](auto x) { return std::isnan(x); });
}

LogicalResult IsInfOp::evaluate(ArrayRef<HostTensor> operands,
                                MutableArrayRef<HostTensor> results) {
  bool positive = getPositive(), negative = getNegative();
  return evaluateTest(operands, results,
                      [=](auto x) { return std::isinf(x) && (x > 0 ? positive : negative); });
}

LogicalResult CastOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  if (operands[0].getElementType() == results[0].getElementType()) {
    results[0] = operands[0];
    return success();
  }
  dispatchElement(operands[0].getElementType(), [&](auto from) {
    using From = decltype(from);
    dispatchElement(results[0].getElementType(), [&](auto to) {
      using To = decltype(to);
      const From *in = operands[0].as<From>();
      To *out = results[0].as<To>();
      for (int64_t i = 0, e = results[0].getNumElements(); i < e; ++i)
        out[i] = convert<To>(in[i]);
    });
  });
  return success();
}
