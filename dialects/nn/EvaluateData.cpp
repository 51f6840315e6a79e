//===- EvaluateData.cpp - evaluators of data-dependent results ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

using namespace mlir;
using namespace sinter::nn;

LogicalResult TopKOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  const HostTensor &input = operands[0];
  int64_t k = operands[1].getInt(0);
  int64_t axis = wrapNegative(getAxis(), input.getRank());
  AxisSplit split(input.getShape(), axis);
  if (k < 0 || k > split.size)
    return failure();
  Dims shape(input.getShape());
  shape[axis] = k;
  results[0].allocate(shape);
  results[1].allocate(shape);
  bool largest = getLargest();
  dispatchNumber(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    using C = Compute<T>;
    std::vector<std::pair<C, int64_t>> row(split.size);
    // Equal values keep the lower index first; a NaN counts as the greatest.
    auto before = [=](const auto &a, const auto &b) {
      bool aIsNan = a.first != a.first, bIsNan = b.first != b.first;
      if (aIsNan != bIsNan)
        return aIsNan == largest;
      if (a.first == b.first || aIsNan)
        return a.second < b.second;
      return largest ? a.first > b.first : a.first < b.first;
    };
    for (int64_t outer = 0; outer < split.outer; ++outer)
      for (int64_t inner = 0; inner < split.inner; ++inner) {
        int64_t start = outer * split.size * split.inner + inner;
        for (int64_t i = 0; i < split.size; ++i)
          row[i] = {convert<C>(input.as<T>()[start + i * split.inner]), i};
        std::partial_sort(row.begin(), row.begin() + k, row.end(), before);
        for (int64_t i = 0; i < k; ++i) {
          int64_t place = (outer * k + i) * split.inner + inner;
          results[0].as<T>()[place] = convert<T>(row[i].first);
          results[1].setInt(place, row[i].second);
        }
      }
  });
  return success();
}

LogicalResult NonZeroOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  const HostTensor &input = operands[0];
  std::vector<int64_t> places;
  dispatchElement(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
      if (convert<bool>(input.as<T>()[i]))
        places.push_back(i);
  });
  int64_t count = places.size(), rank = input.getRank();
  Dims strides = getStrides(input.getShape());
  results[0].allocate({rank, count});
  for (int64_t i = 0; i < count; ++i)
    for (int64_t dim = 0, rest = places[i]; dim < rank; ++dim) {
      results[0].as<int64_t>()[dim * count + i] = rest / strides[dim];
      rest %= strides[dim];
    }
  return success();
}

LogicalResult CompressOp::evaluate(ArrayRef<HostTensor> operands,
                                   MutableArrayRef<HostTensor> results) {
  HostTensor input = operands[0];
  if (!getAxis())
    input = input.reshaped({input.getNumElements()});
  int64_t axis = wrapNegative(getAxis().value_or(0), input.getRank());
  AxisSplit split(input.getShape(), axis);
  // The condition may be shorter than the dim.
  int64_t length = std::min(split.size, operands[1].getNumElements());
  const bool *condition = operands[1].as<bool>();
  int64_t count = std::count(condition, condition + length, true);
  Dims shape(input.getShape());
  shape[axis] = count;
  results[0].allocate(shape);
  int64_t bytes = split.inner * input.getElementBytes();
  char *to = results[0].mutableBytes();
  for (int64_t outer = 0; outer < split.outer; ++outer)
    for (int64_t i = 0; i < length; ++i)
      if (condition[i]) {
        std::memcpy(to, input.bytes() + (outer * split.size + i) * bytes, bytes);
        to += bytes;
      }
  return success();
}

//===----------------------------------------------------------------------===//
// non_max_suppression
//===----------------------------------------------------------------------===//

namespace {
struct Box {
  double y0, x0, y1, x1;
  double getArea() const { return (y1 - y0) * (x1 - x0); }
};
} // namespace

static Box getBox(const HostTensor &boxes, int64_t index, bool isCenterPoint) {
  double a = boxes.getDouble(index * 4), b = boxes.getDouble(index * 4 + 1);
  double c = boxes.getDouble(index * 4 + 2), d = boxes.getDouble(index * 4 + 3);
  if (isCenterPoint) // x, y, width, height
    return {b - d / 2, a - c / 2, b + d / 2, a + c / 2};
  // Any two opposite corners.
  return {std::min(a, c), std::min(b, d), std::max(a, c), std::max(b, d)};
}

static double getIntersectionOverUnion(const Box &a, const Box &b) {
  double height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (height <= 0 || width <= 0 || a.getArea() <= 0 || b.getArea() <= 0)
    return 0;
  double intersection = height * width;
  return intersection / (a.getArea() + b.getArea() - intersection);
}

LogicalResult NonMaxSuppressionOp::evaluate(ArrayRef<HostTensor> operands,
                                            MutableArrayRef<HostTensor> results) {
  const HostTensor &boxes = operands[0], &scores = operands[1];
  int64_t limit = operands[2].getInt(0);
  double iouThreshold = operands[3].getDouble(0);
  const HostTensor *score = operands.size() > 4 ? &operands[4] : nullptr;
  int64_t batches = scores.getShape()[0], classes = scores.getShape()[1],
          count = scores.getShape()[2];
  std::vector<int64_t> kept;
  for (int64_t batch = 0; batch < batches; ++batch)
    for (int64_t c = 0; c < classes; ++c) {
      auto getScore = [&](int64_t i) {
        return scores.getDouble((batch * classes + c) * count + i);
      };
      std::vector<int64_t> order;
      for (int64_t i = 0; i < count; ++i)
        if (!score || getScore(i) > score->getDouble(0))
          order.push_back(i);
      // Equal scores keep the lower index first.
      llvm::sort(order, [&](int64_t a, int64_t b) {
        double x = getScore(a), y = getScore(b);
        return x > y || (x == y && a < b);
      });
      std::vector<Box> chosen;
      for (int64_t i : order) {
        if (static_cast<int64_t>(chosen.size()) >= limit)
          break;
        Box box = getBox(boxes, batch * count + i, getCenterPointBox());
        if (llvm::any_of(chosen, [&](const Box &other) {
              return getIntersectionOverUnion(box, other) > iouThreshold;
            }))
          continue;
        chosen.push_back(box);
        kept.insert(kept.end(), {batch, c, i});
      }
    }
  results[0].allocate({static_cast<int64_t>(kept.size() / 3), 3});
  llvm::copy(kept, results[0].as<int64_t>());
  return success();
}

//===----------------------------------------------------------------------===//
// unique
//===----------------------------------------------------------------------===//

LogicalResult UniqueOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  HostTensor input = operands[0];
  if (!getAxis())
    input = input.reshaped({input.getNumElements()});
  int64_t axis = wrapNegative(getAxis().value_or(0), input.getRank());
  AxisSplit split(input.getShape(), axis);
  int64_t size = split.outer * split.inner;

  // Slices as rows of doubles would lose 64-bit integers: compare elements.
  std::vector<int64_t> order(split.size), firsts, counts, inverse(split.size);
  std::iota(order.begin(), order.end(), 0);
  dispatchElement(input.getElementType(), [&](auto element) {
    using T = decltype(element);
    using C = Compute<T>;
    auto at = [&](int64_t slice, int64_t i) {
      return convert<C>(
          input.as<T>()[(i / split.inner * split.size + slice) * split.inner + i % split.inner]);
    };
    auto compare = [&](int64_t a, int64_t b) {
      for (int64_t i = 0; i < size; ++i) {
        C x = at(a, i), y = at(b, i);
        if (x < y)
          return -1;
        if (x > y)
          return 1;
        if ((x != x) != (y != y)) // NaN comes last
          return x != x ? 1 : -1;
      }
      return 0;
    };
    llvm::sort(order, [&](int64_t a, int64_t b) {
      int order = compare(a, b);
      return order < 0 || (order == 0 && a < b);
    });
    for (int64_t i = 0; i < split.size; ++i) {
      if (i == 0 || compare(order[i - 1], order[i]) != 0) {
        firsts.push_back(order[i]);
        counts.push_back(0);
      }
      ++counts.back();
      inverse[order[i]] = firsts.size() - 1;
    }
  });

  int64_t count = firsts.size();
  if (!getSorted()) {
    // In the order of first occurrence.
    std::vector<int64_t> rank(count), position(count);
    std::iota(rank.begin(), rank.end(), 0);
    llvm::sort(rank, [&](int64_t a, int64_t b) { return firsts[a] < firsts[b]; });
    std::vector<int64_t> newFirsts, newCounts;
    for (int64_t i = 0; i < count; ++i) {
      position[rank[i]] = i;
      newFirsts.push_back(firsts[rank[i]]);
      newCounts.push_back(counts[rank[i]]);
    }
    firsts = newFirsts;
    counts = newCounts;
    for (int64_t &i : inverse)
      i = position[i];
  }

  Dims shape(input.getShape());
  shape[axis] = count;
  results[0].allocate(shape);
  int64_t bytes = split.inner * input.getElementBytes();
  char *to = results[0].mutableBytes();
  for (int64_t outer = 0; outer < split.outer; ++outer)
    for (int64_t first : firsts) {
      std::memcpy(to, input.bytes() + (outer * split.size + first) * bytes, bytes);
      to += bytes;
    }
  results[1].allocate({count});
  results[2].allocate({split.size});
  results[3].allocate({count});
  llvm::copy(firsts, results[1].as<int64_t>());
  llvm::copy(inverse, results[2].as<int64_t>());
  llvm::copy(counts, results[3].as<int64_t>());
  return success();
}

//===----------------------------------------------------------------------===//
// det
//===----------------------------------------------------------------------===//

// By Gaussian elimination with partial pivoting.
static double getDeterminant(std::vector<double> matrix, int64_t n) {
  double determinant = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::abs(matrix[i * n + k]) > std::abs(matrix[pivot * n + k]))
        pivot = i;
    if (matrix[pivot * n + k] == 0)
      return 0;
    if (pivot != k) {
      std::swap_ranges(&matrix[pivot * n], &matrix[pivot * n] + n, &matrix[k * n]);
      determinant = -determinant;
    }
    determinant *= matrix[k * n + k];
    for (int64_t i = k + 1; i < n; ++i) {
      double factor = matrix[i * n + k] / matrix[k * n + k];
      for (int64_t j = k; j < n; ++j)
        matrix[i * n + j] -= factor * matrix[k * n + j];
    }
  }
  return determinant;
}

LogicalResult DetOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  int64_t n = operands[0].getShape().back();
  std::vector<double> matrix(n * n);
  for (int64_t i = 0, e = results[0].getNumElements(); i < e; ++i) {
    for (int64_t j = 0; j < n * n; ++j)
      matrix[j] = operands[0].getDouble(i * n * n + j);
    results[0].setDouble(i, getDeterminant(matrix, n));
  }
  return success();
}
