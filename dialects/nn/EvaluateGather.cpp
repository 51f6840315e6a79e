//===- EvaluateGather.cpp - evaluators of gathers, scatters and makers ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include <cstring>

using namespace mlir;
using namespace sinter::nn;

// Wraps and checks all indices into a dim of `size`.
static LogicalResult normalizeIndices(MutableArrayRef<int64_t> indices, int64_t size) {
  for (int64_t &index : indices) {
    index = wrapNegative(index, size);
    if (index < 0 || index >= size)
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Gathers
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  AxisSplit split(operands[0].getShape(), getAxis());
  Dims indices = getContents(operands[1]);
  if (failed(normalizeIndices(indices, split.size)))
    return failure();
  int64_t bytes = split.inner * results[0].getElementBytes();
  char *to = results[0].mutableBytes();
  for (int64_t outer = 0; outer < split.outer; ++outer)
    for (int64_t index : indices) {
      std::memcpy(to, operands[0].bytes() + (outer * split.size + index) * bytes, bytes);
      to += bytes;
    }
  return success();
}

// For each element of `indices`, its place in a tensor of `shape` after its
// index along `axis` has been replaced.
static FailureOr<Dims> getElementPlaces(const HostTensor &indices, ArrayRef<int64_t> shape,
                                        int64_t axis) {
  Dims places = getContents(indices), strides = getStrides(shape);
  if (failed(normalizeIndices(places, shape[axis])))
    return failure();
  int64_t axisStride = strides[axis];
  strides[axis] = 0;
  IndexVector index(indices.getShape());
  for (int64_t &place : places) {
    place = place * axisStride + index.dot(strides);
    index.next();
  }
  return places;
}

LogicalResult GatherElementsOp::evaluate(ArrayRef<HostTensor> operands,
                                         MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  auto places = getElementPlaces(operands[1], operands[0].getShape(), getAxis());
  if (failed(places))
    return failure();
  dispatchBytes(results[0].getElementBytes(), [&](auto element) {
    using T = decltype(element);
    for (auto [i, place] : llvm::enumerate(*places))
      results[0].as<T>()[i] = operands[0].as<T>()[place];
  });
  return success();
}

// For each index vector (last dim of `indices`), the place of the slice of
// `shape` that it names, and the slice's size.
static FailureOr<std::pair<Dims, int64_t>>
getSlicePlaces(const HostTensor &indices, ArrayRef<int64_t> shape, int64_t batchDims) {
  int64_t length = indices.getShape().back();
  int64_t batches = product(shape.take_front(batchDims));
  int64_t slice = product(shape.drop_front(batchDims + length));
  Dims strides = getStrides(shape), contents = getContents(indices), places;
  int64_t count = product(indices.getShape().drop_back());
  int64_t batchSize = product(shape.drop_front(batchDims));
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = batches ? i / (count / batches) * batchSize : 0;
    for (int64_t j = 0; j < length; ++j) {
      int64_t size = shape[batchDims + j];
      int64_t index = wrapNegative(contents[i * length + j], size);
      if (index < 0 || index >= size)
        return failure();
      place += index * strides[batchDims + j];
    }
    places.push_back(place);
  }
  return std::make_pair(places, slice);
}

LogicalResult GatherNDOp::evaluate(ArrayRef<HostTensor> operands,
                                   MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  auto slices = getSlicePlaces(operands[1], operands[0].getShape(), getBatchDims());
  if (failed(slices))
    return failure();
  int64_t elementBytes = results[0].getElementBytes();
  int64_t bytes = slices->second * elementBytes;
  char *to = results[0].mutableBytes();
  for (int64_t place : slices->first) {
    std::memcpy(to, operands[0].bytes() + place * elementBytes, bytes);
    to += bytes;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Scatters
//===----------------------------------------------------------------------===//

template <typename T>
static T combine(T oldValue, T update, ScatterReduction reduction) {
  using C = Compute<T>;
  C x = convert<C>(oldValue), y = convert<C>(update);
  switch (reduction) {
  case ScatterReduction::none:
    return update;
  case ScatterReduction::add:
    return convert<T>(static_cast<C>(x + y));
  case ScatterReduction::mul:
    return convert<T>(static_cast<C>(x * y));
  case ScatterReduction::max:
    return x != x || x > y ? oldValue : update;
  case ScatterReduction::min:
    return x != x || x < y ? oldValue : update;
  }
  llvm_unreachable("unknown scatter reduction");
}

// result = input; then each slice of updates meets the one at its place.
static void scatter(HostTensor &result, const HostTensor &input, const HostTensor &updates,
                    ArrayRef<int64_t> places, int64_t slice, ScatterReduction reduction) {
  std::memcpy(result.mutableBytes(), input.bytes(),
              input.getNumElements() * input.getElementBytes());
  dispatchElement(result.getElementType(), [&](auto element) {
    using T = decltype(element);
    const T *from = updates.as<T>();
    for (int64_t place : places)
      for (int64_t i = 0; i < slice; ++i) {
        T &target = result.as<T>()[place + i];
        target = combine(target, *from++, reduction);
      }
  });
}

LogicalResult ScatterElementsOp::evaluate(ArrayRef<HostTensor> operands,
                                          MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  auto places = getElementPlaces(operands[1], operands[0].getShape(), getAxis());
  if (failed(places))
    return failure();
  scatter(results[0], operands[0], operands[2], *places, 1, getReduction());
  return success();
}

LogicalResult ScatterNDOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  auto slices = getSlicePlaces(operands[1], operands[0].getShape(), 0);
  if (failed(slices))
    return failure();
  scatter(results[0], operands[0], operands[2], slices->first, slices->second, getReduction());
  return success();
}

//===----------------------------------------------------------------------===//
// Places by rule
//===----------------------------------------------------------------------===//

LogicalResult TriluOp::evaluate(ArrayRef<HostTensor> operands,
                                MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  const HostTensor *diagonal = getOptional(*this, operands, 1);
  int64_t k = diagonal ? diagonal->getInt(0) : 0;
  ArrayRef<int64_t> shape = operands[0].getShape();
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  dispatchBytes(results[0].getElementBytes(), [&](auto element) {
    using T = decltype(element);
    const T *in = operands[0].as<T>();
    T *out = results[0].as<T>();
    for (int64_t i = 0, e = operands[0].getNumElements(); i < e; ++i) {
      int64_t column = i % columns, row = i / columns % rows;
      bool keep = getUpper() ? column - row >= k : column - row <= k;
      out[i] = keep ? in[i] : T(0);
    }
  });
  return success();
}

LogicalResult ReverseSequenceOp::evaluate(ArrayRef<HostTensor> operands,
                                          MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  ArrayRef<int64_t> shape = operands[0].getShape();
  Dims strides = getStrides(shape), lengths = getContents(operands[1]);
  int64_t time = getTimeAxis(), batch = getBatchAxis();
  dispatchBytes(results[0].getElementBytes(), [&](auto element) {
    using T = decltype(element);
    IndexVector index(shape);
    for (int64_t i = 0, e = operands[0].getNumElements(); i < e; ++i, index.next()) {
      int64_t length = lengths[index[batch]], step = index[time];
      int64_t source = step < length ? length - 1 - step : step;
      results[0].as<T>()[i] = operands[0].as<T>()[i + (source - step) * strides[time]];
    }
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Making data
//===----------------------------------------------------------------------===//

LogicalResult ShapeOfOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  int64_t rank = operands[0].getRank();
  int64_t start = std::clamp<int64_t>(getStart(), 0, rank);
  int64_t end = std::clamp<int64_t>(getEnd(), start, rank);
  results[0].allocate({end - start});
  llvm::copy(operands[0].getShape().slice(start, end - start), results[0].as<int64_t>());
  return success();
}

LogicalResult SizeOfOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  results[0].allocate({});
  results[0].as<int64_t>()[0] = operands[0].getNumElements();
  return success();
}

LogicalResult RangeOp::evaluate(ArrayRef<HostTensor> operands,
                                MutableArrayRef<HostTensor> results) {
  return dispatchNumber(results[0].getElementType(), [&](auto element) -> LogicalResult {
    using T = decltype(element);
    auto start = convert<Compute<T>>(operands[0].as<T>()[0]);
    auto limit = convert<Compute<T>>(operands[1].as<T>()[0]);
    auto delta = convert<Compute<T>>(operands[2].as<T>()[0]);
    if (delta == 0)
      return failure();
    double span = static_cast<double>(limit) - static_cast<double>(start);
    int64_t count = std::max<int64_t>(0, std::ceil(span / static_cast<double>(delta)));
    results[0].allocate({count});
    for (int64_t i = 0; i < count; ++i)
      results[0].as<T>()[i] =
          convert<T>(static_cast<Compute<T>>(start + static_cast<Compute<T>>(i) * delta));
    return success();
  });
}

LogicalResult EyeOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  ArrayRef<int64_t> shape = operands[0].getShape();
  if (shape.size() != 2)
    return failure();
  results[0].allocate(shape);
  for (int64_t i = 0; i < shape[0]; ++i)
    if (int64_t j = i + getK(); j >= 0 && j < shape[1])
      results[0].setInt(i * shape[1] + j, 1);
  return success();
}

LogicalResult OneHotOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  const HostTensor &values = operands[2];
  int64_t depth = operands[1].getInt(0);
  Dims shape(operands[0].getShape()), indices = getContents(operands[0]);
  int64_t axis = wrapNegative(getAxis(), shape.size() + 1);
  shape.insert(shape.begin() + axis, depth);
  results[0].allocate(shape);
  AxisSplit split(shape, axis);
  dispatchBytes(results[0].getElementBytes(), [&](auto element) {
    using T = decltype(element);
    T off = values.as<T>()[0], on = values.as<T>()[1];
    T *out = results[0].as<T>();
    std::fill_n(out, results[0].getNumElements(), off);
    for (int64_t outer = 0; outer < split.outer; ++outer)
      for (int64_t inner = 0; inner < split.inner; ++inner) {
        int64_t index = wrapNegative(indices[outer * split.inner + inner], depth);
        if (index >= 0 && index < depth)
          out[(outer * depth + index) * split.inner + inner] = on;
      }
  });
  return success();
}
