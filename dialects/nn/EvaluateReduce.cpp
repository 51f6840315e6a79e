//===- EvaluateReduce.cpp - evaluators of reductions ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include <vector>

using namespace mlir;
using namespace sinter::nn;

// Strides of the result, seen from the input's dims: 0 along reduced ones.
static Dims getReducedStrides(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  Dims kept(shape.begin(), shape.end());
  for (int64_t axis : axes)
    kept[axis] = 1;
  Dims strides = getStrides(kept);
  for (int64_t axis : axes)
    strides[axis] = 0;
  return strides;
}

// accumulators[place(i)] = f(accumulators[place(i)], input[i]) in order.
template <typename T, typename A, typename F>
static void fold(const HostTensor &input, ArrayRef<int64_t> axes, A *accumulators, F f) {
  ArrayRef<int64_t> shape = input.getShape();
  StridedLoop loop(shape, {getStrides(shape), getReducedStrides(shape, axes)});
  loop.run([&](const int64_t *offsets, const int64_t *strides, int64_t count) {
    const T *in = input.as<T>() + offsets[0];
    A *out = accumulators + offsets[1];
    if (strides[1] == 0) {
      A value = *out;
      for (int64_t i = 0; i < count; ++i)
        value = f(value, convert<Compute<T>>(in[i * strides[0]]));
      *out = value;
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      out[i * strides[1]] = f(out[i * strides[1]], convert<Compute<T>>(in[i * strides[0]]));
  });
}

template <typename T>
static T getLowest() {
  if constexpr (std::is_floating_point_v<T>)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::lowest();
}
template <typename T>
static T getHighest() {
  if constexpr (std::is_floating_point_v<T>)
    return std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::max();
}

// A NaN, once there, stays.
template <typename A>
static A greater(A x, A y) {
  return x != x || x > y ? x : y;
}
template <typename A>
static A lesser(A x, A y) {
  return x != x || x < y ? x : y;
}

template <typename T>
static void reduce(const HostTensor &input, HostTensor &result, ReduceKind kind,
                   ArrayRef<int64_t> axes) {
  using C = Compute<T>;
  using A = Sum<T>;
  int64_t size = result.getNumElements();
  T *out = result.as<T>();
  // Folds in A from `init`, then finishes each accumulator.
  auto run = [&](auto init, auto f, auto finish) {
    using Accumulator = decltype(init);
    std::vector<Accumulator> sums(size, init);
    fold<T>(input, axes, sums.data(), f);
    for (int64_t i = 0; i < size; ++i)
      out[i] = convert<T>(finish(sums[i], i));
  };
  auto same = [](auto sum, int64_t) { return sum; };
  auto root = [](auto sum, int64_t) { return std::sqrt(static_cast<double>(sum)); };
  auto logarithm = [](auto sum, int64_t) { return std::log(static_cast<double>(sum)); };
  auto add = [](A sum, C x) { return A(sum + A(x)); };
  auto addSquare = [](A sum, C x) { return A(sum + A(x) * A(x)); };
  switch (kind) {
  case ReduceKind::sum:
    return run(A(0), add, same);
  case ReduceKind::mean: {
    int64_t count = size ? input.getNumElements() / size : 1;
    return run(A(0), add, [=](A sum, int64_t) {
      if (std::is_integral_v<A> && count == 0)
        return A(0);
      return A(sum / A(count));
    });
  }
  case ReduceKind::prod:
    return run(
        A(1), [](A sum, C x) { return A(sum * A(x)); }, same);
  case ReduceKind::max:
    return run(getLowest<C>(), greater<C>, same);
  case ReduceKind::min:
    return run(getHighest<C>(), lesser<C>, same);
  case ReduceKind::l1:
    return run(
        A(0), [](A sum, C x) { return A(x < 0 ? sum - A(x) : sum + A(x)); }, same);
  case ReduceKind::l2:
    return run(A(0), addSquare, root);
  case ReduceKind::sum_square:
    return run(A(0), addSquare, same);
  case ReduceKind::log_sum:
    return run(A(0), add, logarithm);
  case ReduceKind::log_sum_exp: {
    std::vector<double> greatest(size, -std::numeric_limits<double>::infinity());
    fold<T>(input, axes, greatest.data(), [](double max, C x) { return greater(max, double(x)); });
    for (double &max : greatest)
      if (!std::isfinite(max))
        max = 0;
    // The maxima have the accumulators' layout: fold over pairs of both.
    std::vector<std::pair<double, double>> sums(size);
    for (int64_t i = 0; i < size; ++i)
      sums[i] = {0.0, greatest[i]};
    fold<T>(input, axes, sums.data(), [](std::pair<double, double> sum, C x) {
      return std::make_pair(sum.first + std::exp(double(x) - sum.second), sum.second);
    });
    for (int64_t i = 0; i < size; ++i)
      out[i] = convert<T>(std::log(sums[i].first) + sums[i].second);
    return;
  }
  }
}

LogicalResult ReduceOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  if (results[0].getElementType().isInteger(1)) {
    // Of bools only "any" and "all" have a meaning.
    bool isMax = getKind() == ReduceKind::max;
    if (!isMax && getKind() != ReduceKind::min)
      return failure();
    bool *out = results[0].as<bool>();
    std::fill_n(out, results[0].getNumElements(), !isMax);
    fold<bool>(operands[0], getAxes(), out,
               [=](bool sum, bool x) { return isMax ? sum || x : sum && x; });
    return success();
  }
  dispatchNumber(results[0].getElementType(), [&](auto element) {
    reduce<decltype(element)>(operands[0], results[0], getKind(), getAxes());
  });
  return success();
}

LogicalResult ArgReduceOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  AxisSplit split(operands[0].getShape(), getAxis());
  bool isMax = getKind() == ArgKind::max, last = getSelectLastIndex();
  if (split.size == 0)
    return failure();
  dispatchNumber(operands[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    using C = Compute<T>;
    for (int64_t outer = 0; outer < split.outer; ++outer)
      for (int64_t inner = 0; inner < split.inner; ++inner) {
        const T *in = operands[0].as<T>() + outer * split.size * split.inner + inner;
        int64_t best = 0;
        C bestValue = convert<C>(in[0]);
        for (int64_t i = 1; i < split.size; ++i) {
          C value = convert<C>(in[i * split.inner]);
          // The first NaN is the extremum, as in numpy.
          bool better = isMax ? value > bestValue : value < bestValue;
          better |= value != value && bestValue == bestValue;
          if (better || (last && value == bestValue)) {
            best = i;
            bestValue = value;
          }
        }
        results[0].as<int64_t>()[outer * split.inner + inner] = best;
      }
  });
  return success();
}

LogicalResult CumulativeOp::evaluate(ArrayRef<HostTensor> operands,
                                     MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  AxisSplit split(operands[0].getShape(), getAxis());
  bool isSum = getKind() == CumulativeKind::sum;
  dispatchNumber(operands[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    using A = Sum<T>;
    for (int64_t outer = 0; outer < split.outer; ++outer)
      for (int64_t inner = 0; inner < split.inner; ++inner) {
        int64_t start = outer * split.size * split.inner + inner;
        A running = isSum ? A(0) : A(1);
        for (int64_t i = 0; i < split.size; ++i) {
          int64_t place = start + (getReverse() ? split.size - 1 - i : i) * split.inner;
          A value = convert<A>(operands[0].as<T>()[place]);
          A next = isSum ? running + value : running * value;
          results[0].as<T>()[place] = convert<T>(getExclusive() ? running : next);
          running = next;
        }
      }
  });
  return success();
}

LogicalResult AllReduceOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  results[0] = operands[0];
  return success();
}

LogicalResult AllReduceBeginOp::evaluate(ArrayRef<HostTensor> operands,
                                         MutableArrayRef<HostTensor> results) {
  results[0] = operands[0];
  return success();
}

LogicalResult AllReduceEndOp::evaluate(ArrayRef<HostTensor> operands,
                                       MutableArrayRef<HostTensor> results) {
  results[0] = operands[0];
  return success();
}

LogicalResult SoftmaxOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  const HostTensor &input = operands[0];
  ArrayRef<int64_t> shape = input.getShape();
  Dims reduced = getReducedStrides(shape, getAxes());
  int64_t size = input.getNumElements();
  for (int64_t axis : getAxes())
    size = shape[axis] ? size / shape[axis] : 0;
  dispatchFloat(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    using C = Compute<T>;
    std::vector<C> greatest(size, getLowest<C>());
    fold<T>(input, getAxes(), greatest.data(), greater<C>);
    std::vector<double> sums(size, 0.0);
    StridedLoop loop(shape, {getStrides(shape), reduced});
    auto forEach = [&](auto f) {
      loop.run([&](const int64_t *offsets, const int64_t *strides, int64_t count) {
        for (int64_t i = 0; i < count; ++i)
          f(offsets[0] + i * strides[0], offsets[1] + i * strides[1]);
      });
    };
    auto shifted = [&](int64_t i, int64_t j) {
      return static_cast<double>(convert<C>(input.as<T>()[i]) - greatest[j]);
    };
    forEach([&](int64_t i, int64_t j) { sums[j] += std::exp(shifted(i, j)); });
    forEach([&](int64_t i, int64_t j) {
      double value =
          getLog() ? shifted(i, j) - std::log(sums[j]) : std::exp(shifted(i, j)) / sums[j];
      results[0].as<T>()[i] = convert<T>(value);
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// sum_to_shape
//===----------------------------------------------------------------------===//

LogicalResult SumToShapeOp::evaluate(ArrayRef<HostTensor> operands,
                                     MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  ArrayRef<int64_t> shape = operands[0].getShape();
  StridedLoop loop(
      shape, {sinter::nn::getStrides(shape), getBroadcastStrides(results[0].getShape(), shape)});
  dispatchNumber(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    const T *input = operands[0].as<T>();
    std::vector<Sum<T>> sums(results[0].getNumElements());
    loop.run([&](const int64_t *offsets, const int64_t *strides, int64_t count) {
      for (int64_t i = 0; i < count; ++i)
        sums[offsets[1] + i * strides[1]] +=
            convert<Compute<T>>(input[offsets[0] + i * strides[0]]);
    });
    for (auto [i, sum] : llvm::enumerate(sums))
      results[0].as<T>()[i] = convert<T>(sum);
  });
  return success();
}
