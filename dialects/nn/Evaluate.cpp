//===- Evaluate.cpp - the reference evaluator's frame ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include <cstring>

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// f16
//===----------------------------------------------------------------------===//

Half::Half(float value) {
  uint32_t word = llvm::bit_cast<uint32_t>(value);
  uint16_t sign = (word >> 16) & 0x8000;
  uint32_t magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) { // NaN
    bits = sign | 0x7e00 | ((magnitude >> 13) & 0x3ff);
    return;
  }
  if (magnitude >= 0x477ff000) { // 65520 and above round to infinity
    bits = sign | 0x7c00;
    return;
  }
  if (magnitude < 0x38800000) { // below 2⁻¹⁴: subnormal, in units of 2⁻²⁴
    float scaled = llvm::bit_cast<float>(magnitude) * 16777216.0f;
    bits = sign | static_cast<uint16_t>(std::nearbyint(scaled));
    return;
  }
  uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  bits = sign | static_cast<uint16_t>((rounded - 0x38000000) >> 13);
}

Half::operator float() const {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  uint32_t exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 0) {
    float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  exponent = exponent == 0x1f ? 0xff : exponent + 112;
  return llvm::bit_cast<float>(sign | exponent << 23 | fraction << 13);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Dims sinter::nn::getStrides(ArrayRef<int64_t> shape) {
  Dims strides(shape.size(), 1);
  for (int64_t dim = static_cast<int64_t>(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

Dims sinter::nn::getBroadcastStrides(ArrayRef<int64_t> shape, ArrayRef<int64_t> result) {
  Dims strides = getStrides(shape);
  for (auto [dim, stride] : llvm::zip(shape, strides))
    if (dim == 1)
      stride = 0;
  strides.insert(strides.begin(), result.size() - shape.size(), 0);
  return strides;
}

Dims sinter::nn::getContents(const HostTensor &tensor) {
  Dims contents(tensor.getNumElements());
  dispatchElement(tensor.getElementType(), [&](auto element) {
    const auto *values = tensor.as<decltype(element)>();
    for (auto [i, content] : llvm::enumerate(contents))
      content = convert<int64_t>(values[i]);
  });
  return contents;
}

StridedLoop::StridedLoop(ArrayRef<int64_t> fullShape, ArrayRef<Dims> fullStrides)
    : isEmpty(product(fullShape) == 0), strides(fullStrides.size()) {
  for (size_t dim = 0; dim < fullShape.size(); ++dim) {
    if (fullShape[dim] == 1)
      continue;
    // Merge with the dim before if stepping it is running through this one.
    bool merge = !shape.empty();
    for (auto [merged, full] : llvm::zip(strides, fullStrides))
      merge = merge && merged.back() == full[dim] * fullShape[dim];
    if (merge) {
      shape.back() *= fullShape[dim];
      for (auto [merged, full] : llvm::zip(strides, fullStrides))
        merged.back() = full[dim];
      continue;
    }
    shape.push_back(fullShape[dim]);
    for (auto [merged, full] : llvm::zip(strides, fullStrides))
      merged.push_back(full[dim]);
  }
  if (shape.empty()) {
    shape.push_back(1);
    for (Dims &merged : strides)
      merged.push_back(0);
  }
}

// A transposing copy of a rows × columns plane in squares that stay in cache.
template <typename T>
static void copyPlane(T *to, const T *from, int64_t rows, int64_t rowTo, int64_t rowFrom,
                      int64_t columns, int64_t columnFrom) {
  constexpr int64_t square = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += square)
    for (int64_t c0 = 0; c0 < columns; c0 += square)
      for (int64_t r = r0, r1 = std::min(rows, r0 + square); r < r1; ++r) {
        T *target = to + r * rowTo;
        const T *source = from + r * rowFrom;
        for (int64_t c = c0, c1 = std::min(columns, c0 + square); c < c1; ++c)
          target[c] = source[c * columnFrom];
      }
}

void sinter::nn::copyStrided(HostTensor &result, const HostTensor &source, int64_t offset,
                             ArrayRef<int64_t> strides) {
  Dims resultStrides = getStrides(result.getShape());
  StridedLoop loop(result.getShape(), {resultStrides, Dims(strides.begin(), strides.end())});
  dispatchBytes(result.getElementBytes(), [&](auto element) {
    using T = decltype(element);
    T *to = result.as<T>();
    const T *from = source.as<T>() + offset;
    ArrayRef<int64_t> shape = loop.getShape(), toStrides = loop.getStrides(0),
                      fromStrides = loop.getStrides(1);
    // The dim that the source runs through fastest, when it isn't the last one.
    int64_t last = shape.size() - 1, fast = last;
    for (int64_t dim = 0; dim < last; ++dim)
      if (std::abs(fromStrides[last]) > 1 && std::abs(fromStrides[dim]) == 1)
        fast = dim;
    if (fast != last && result.getNumElements() > 0) {
      // Loop over the other dims, copying planes (fast, last).
      Dims others(shape.begin(), shape.end());
      others[fast] = others[last] = 1;
      StridedLoop planes(others, {Dims(toStrides.begin(), toStrides.end()),
                                  Dims(fromStrides.begin(), fromStrides.end())});
      planes.run([&](const int64_t *offsets, const int64_t *inner, int64_t count) {
        for (int64_t i = 0; i < count; ++i)
          copyPlane(to + offsets[0] + i * inner[0], from + offsets[1] + i * inner[1], shape[fast],
                    toStrides[fast], fromStrides[fast], shape[last], fromStrides[last]);
      });
      return;
    }
    loop.run([&](const int64_t *offsets, const int64_t *inner, int64_t count) {
      T *target = to + offsets[0];
      const T *values = from + offsets[1];
      int64_t stride = inner[1];
      if (stride == 1)
        std::memcpy(target, values, count * sizeof(T));
      else if (stride == 0)
        std::fill_n(target, count, *values);
      else
        for (int64_t i = 0; i < count; ++i)
          target[i] = values[i * stride];
    });
  });
}

//===----------------------------------------------------------------------===//
// evaluateOp
//===----------------------------------------------------------------------===//

namespace {
/// All dims are numbers here: those of the operands' tensors.
class HostShapeContext : public ShapeContext {
public:
  HostShapeContext(Operation *op, ArrayRef<HostTensor> operands)
      : ShapeContext(op->getContext()), op(op), operands(operands) {}

  SymbolicShape shape(Value value) override {
    const HostTensor *tensor = find(value);
    if (!tensor)
      return {};
    SymbolicShape result;
    for (int64_t dim : tensor->getShape())
      result.push_back(constant(dim));
    return result;
  }

  std::optional<SymbolicShape> contents(Value value) override {
    const HostTensor *tensor = find(value);
    if (!tensor || tensor->getRank() > 1 || tensor->getNumElements() > maxContents ||
        !isa<IntegerType>(tensor->getElementType()))
      return std::nullopt;
    SymbolicShape result;
    for (int64_t element : getContents(*tensor))
      result.push_back(constant(element));
    return result;
  }

  std::optional<HostTensor> constantTensor(Value value) override {
    if (const HostTensor *tensor = find(value))
      return *tensor;
    return std::nullopt;
  }

  AffineExpr unknownDim(unsigned, unsigned) override { return getAffineSymbolExpr(0, context); }

  AffineExpr apply(Function function, AffineExpr lhs, AffineExpr rhs) override {
    auto a = asConstant(lhs), b = asConstant(rhs);
    if (!a || !b)
      return getAffineSymbolExpr(0, context);
    switch (function) {
    case Function::Min:
      return constant(std::min(*a, *b));
    case Function::Max:
      return constant(std::max(*a, *b));
    case Function::WrapNegative:
      return constant(wrapNegative(*a, *b));
    case Function::Broadcast:
      return constant(*a == 1 ? *b : *a);
    case Function::IfZero:
      return constant(*a == 0 ? *b : *a);
    case Function::IfNegative:
      return constant(*a < 0 ? *b : *a);
    }
    llvm_unreachable("unknown shape function");
  }

private:
  const HostTensor *find(Value value) const {
    for (auto [operand, tensor] : llvm::zip(op->getOperands(), operands))
      if (operand == value)
        return &tensor;
    return nullptr;
  }

  Operation *op;
  ArrayRef<HostTensor> operands;
};
} // namespace

LogicalResult sinter::nn::evaluateOp(Operation *op, ArrayRef<HostTensor> operands,
                                     SmallVectorImpl<HostTensor> &results) {
  results.clear();
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    results.push_back(HostTensor::fromAttribute(constant.getValue()));
    return success(results.back().isAllocated());
  }
  auto evaluable = dyn_cast<EvaluableOpInterface>(op);
  if (!evaluable || operands.size() != op->getNumOperands())
    return failure();
  for (const HostTensor &operand : operands)
    if (!operand.isAllocated())
      return failure();

  for (Type type : op->getResultTypes())
    results.emplace_back(cast<ShapedType>(type).getElementType());

  SmallVector<SymbolicShape> shapes;
  if (auto shaped = dyn_cast<ShapeOpInterface>(op)) {
    HostShapeContext context(op, operands);
    if (failed(shaped.inferSymbolicShapes(context, shapes)))
      return failure();
  }
  for (auto [result, shape] : llvm::zip(results, shapes)) {
    Dims dims;
    for (AffineExpr dim : shape)
      if (auto size = asConstant(dim); size && *size >= 0)
        dims.push_back(*size);
    if (dims.size() == shape.size())
      result.allocate(dims);
  }

  if (failed(evaluable.evaluate(operands, results)))
    return failure();
  return success(
      llvm::all_of(results, [](const HostTensor &result) { return result.isAllocated(); }));
}
