//===- EvaluateMatMul.cpp - evaluators of matmul and einsum ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include "llvm/ADT/StringExtras.h"
#include <map>
#include <vector>

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// Matrix product
//===----------------------------------------------------------------------===//

namespace {
/// Rows × columns with strides.
template <typename T>
struct Matrix {
  const T *data;
  int64_t rows, columns, rowStride, columnStride;
};
} // namespace

// out (row-major) = lhs · rhs; rhs has unit column stride. Columns go in
// panels, so that a panel of rhs stays in cache over the rows of lhs.
template <typename T>
static void multiply(Matrix<T> lhs, Matrix<Compute<T>> rhs, T *out) {
  using A = Sum<T>;
  constexpr int64_t panel = 256;
  A sums[panel];
  for (int64_t j0 = 0; j0 < rhs.columns; j0 += panel) {
    int64_t width = std::min(panel, rhs.columns - j0);
    for (int64_t i = 0; i < lhs.rows; ++i) {
      std::fill_n(sums, width, A(0));
      for (int64_t k = 0; k < lhs.columns; ++k) {
        A factor = convert<Compute<T>>(lhs.data[i * lhs.rowStride + k * lhs.columnStride]);
        const Compute<T> *row = rhs.data + k * rhs.rowStride + j0;
#pragma clang loop vectorize(enable)
        for (int64_t j = 0; j < width; ++j)
          sums[j] += factor * A(row[j]);
      }
      for (int64_t j = 0; j < width; ++j)
        out[i * rhs.columns + j0 + j] = convert<T>(sums[j]);
    }
  }
}

LogicalResult MatMulOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated() || getStrassen())
    return failure();
  Dims left(operands[0].getShape()), right(operands[1].getShape());
  int64_t block = getRhsBlock();
  // Rows of a packed rhs that lie beside each other.
  int64_t beside = block ? getDotSteps(operands[1].getElementType()) : 1;
  HostTensor factors[] = {widenFactor(operands[0], results[0].getElementType()),
                          widenFactor(operands[1], results[0].getElementType())};
  // 1-D operands are a row and a column; a packed rhs is one matrix.
  bool isRow = left.size() == 1, isColumn = !block && right.size() == 1;
  if (isRow)
    left.insert(left.begin(), 1);
  if (isColumn)
    right.push_back(1);
  bool leftTransposed = getTransposeLhs() && !isRow;
  bool rightTransposed = getTransposeRhs() && !isColumn && !block;
  size_t leftRank = left.size(), rightRank = right.size();
  int64_t rows = left[leftRank - (leftTransposed ? 1 : 2)];
  int64_t depth = left[leftRank - (leftTransposed ? 2 : 1)];
  int64_t columns = block ? getColumns() : right[rightRank - (rightTransposed ? 2 : 1)];
  int64_t rightDepth = block ? right[1] * beside : right[rightRank - (rightTransposed ? 1 : 2)];
  if (depth != rightDepth)
    return failure();

  // The batch dims broadcast.
  Dims batch(results[0].getShape());
  if (!isColumn)
    batch.pop_back();
  if (!isRow)
    batch.pop_back();
  int64_t batches = product(batch);
  Dims leftStrides = getBroadcastStrides(ArrayRef(left).drop_back(2), batch);
  Dims rightStrides(batch.size(), 0);
  if (!block)
    rightStrides = getBroadcastStrides(ArrayRef(right).drop_back(2), batch);

  dispatchNumber(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    using C = Compute<T>;
    std::vector<C> packed;
    int64_t packedPlace = -1;
    IndexVector index(batch);
    for (int64_t b = 0; b < batches; ++b, index.next()) {
      int64_t rightPlace = index.dot(rightStrides) * depth * columns;
      const T *from = factors[1].as<T>() + rightPlace;
      Matrix<C> rhs{nullptr, depth, columns, columns, 1};
      if constexpr (std::is_same_v<T, C>)
        if (!block && !rightTransposed)
          rhs.data = from;
      if (!rhs.data) {
        // Copied to plain rows, once for all batches that share it.
        if (packedPlace != rightPlace) {
          packed.resize(depth * columns);
          for (int64_t k = 0; k < depth; ++k)
            for (int64_t j = 0; j < columns; ++j) {
              int64_t source = rightTransposed ? j * depth + k : k * columns + j;
              if (block)
                source =
                    ((j / block * (depth / beside) + k / beside) * block + j % block) * beside +
                    k % beside;
              packed[k * columns + j] = convert<C>(from[source]);
            }
          packedPlace = rightPlace;
        }
        rhs.data = packed.data();
      }
      Matrix<T> lhs{factors[0].as<T>() + index.dot(leftStrides) * rows * depth, rows, depth,
                    leftTransposed ? 1 : depth, leftTransposed ? rows : 1};
      multiply<T>(lhs, rhs, results[0].as<T>() + b * rows * columns);
    }
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Einstein notation
//===----------------------------------------------------------------------===//

namespace {
/// Labels of one term: letters, and for an ellipsis the places of its dims
/// counted from the right (0 is the last), as negative numbers −1, −2 …
using Labels = SmallVector<int, 6>;
} // namespace

// Spells out a term like "b...ij" for a tensor with `ellipsisRank` dims in its
// ellipsis.
static Labels parseTerm(StringRef term, int64_t ellipsisRank) {
  Labels labels;
  while (!term.empty()) {
    if (term.consume_front("...")) {
      for (int64_t i = ellipsisRank; i > 0; --i)
        labels.push_back(-static_cast<int>(i));
      continue;
    }
    labels.push_back(term.front());
    term = term.drop_front();
  }
  return labels;
}

LogicalResult EinsumOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  std::string equation;
  for (char c : getEquation())
    if (c != ' ')
      equation += c;
  auto [inputs, output] = StringRef(equation).split("->");
  SmallVector<StringRef> terms;
  inputs.split(terms, ',');
  if (terms.size() != operands.size())
    return failure();

  // The size of each label; ellipsis dims broadcast.
  std::map<int, int64_t> sizes;
  SmallVector<Labels> labels;
  int64_t ellipsisRank = 0;
  for (auto [term, operand] : llvm::zip(terms, operands)) {
    int64_t letters = llvm::count_if(term, llvm::isAlpha);
    int64_t rank = operand.getRank() - letters;
    bool hasEllipsis = term.contains("...");
    if (rank < 0 || (!hasEllipsis && rank != 0))
      return failure();
    if (hasEllipsis)
      ellipsisRank = std::max(ellipsisRank, rank);
    labels.push_back(parseTerm(term, rank));
    for (auto [label, dim] : llvm::zip(labels.back(), operand.getShape())) {
      auto [it, isNew] = sizes.try_emplace(label, dim);
      if (it->second == 1)
        it->second = dim;
      else if (!isNew && dim != 1 && dim != it->second)
        return failure();
    }
  }
  Labels order = parseTerm(output, ellipsisRank);
  size_t kept = order.size();
  for (auto &[label, size] : sizes)
    if (!llvm::is_contained(order, label))
      order.push_back(label);

  // One loop nest over the result's labels, then the summed ones.
  Dims shape;
  for (int label : order)
    shape.push_back(sizes[label]);
  SmallVector<Dims> strides;
  for (auto [term, operand] : llvm::zip(labels, operands)) {
    Dims &own = strides.emplace_back(order.size(), 0);
    for (auto [label, dim, stride] :
         llvm::zip(term, operand.getShape(), getStrides(operand.getShape())))
      if (dim != 1)
        own[llvm::find(order, label) - order.begin()] += stride;
  }
  ArrayRef<int64_t> outer = ArrayRef(shape).take_front(kept);
  results[0].allocate(outer);
  SmallVector<Dims, 4> inner;
  for (Dims &own : strides)
    inner.push_back(Dims(ArrayRef(own).drop_front(kept)));
  StridedLoop sum(ArrayRef(shape).drop_front(kept), inner);
  dispatchNumber(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    using A = Sum<T>;
    IndexVector index(outer);
    for (int64_t i = 0, e = results[0].getNumElements(); i < e; ++i, index.next()) {
      SmallVector<const T *, 4> data;
      for (auto [operand, own] : llvm::zip(operands, strides))
        data.push_back(operand.as<T>() + index.dot(ArrayRef(own).take_front(kept)));
      A total = 0;
      sum.run([&](const int64_t *offsets, const int64_t *steps, int64_t count) {
        for (int64_t j = 0; j < count; ++j) {
          A term = 1;
          for (auto [operand, base] : llvm::enumerate(data))
            term *= A(convert<Compute<T>>(base[offsets[operand] + j * steps[operand]]));
          total += term;
        }
      });
      results[0].as<T>()[i] = convert<T>(total);
    }
  });
  return success();
}
