//===- EvaluateMovement.cpp - evaluators of reshapes and index maps -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include <cstring>

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// Views: the same memory
//===----------------------------------------------------------------------===//

static LogicalResult view(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated() || results[0].getNumElements() != operands[0].getNumElements())
    return failure();
  results[0] = operands[0].reshaped(Dims(results[0].getShape()));
  return success();
}

LogicalResult ReshapeOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  return view(operands, results);
}
LogicalResult FlattenOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  return view(operands, results);
}
LogicalResult SqueezeOp::evaluate(ArrayRef<HostTensor> operands,
                                  MutableArrayRef<HostTensor> results) {
  return view(operands, results);
}
LogicalResult UnsqueezeOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  return view(operands, results);
}

//===----------------------------------------------------------------------===//
// Strided copies
//===----------------------------------------------------------------------===//

// result = source, seen as `shape`, with its dims permuted.
static void permute(HostTensor &result, const HostTensor &source, ArrayRef<int64_t> shape,
                    ArrayRef<int64_t> permutation) {
  Dims strides = getStrides(shape), dims, permuted;
  for (int64_t dim : permutation) {
    dims.push_back(shape[dim]);
    permuted.push_back(strides[dim]);
  }
  HostTensor target = result.reshaped(dims);
  copyStrided(target, source, 0, permuted);
}

LogicalResult TransposeOp::evaluate(ArrayRef<HostTensor> operands,
                                    MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  permute(results[0], operands[0], operands[0].getShape(), getPermutation());
  return success();
}

LogicalResult DepthToSpaceOp::evaluate(ArrayRef<HostTensor> operands,
                                       MutableArrayRef<HostTensor> results) {
  ArrayRef<int64_t> shape = operands[0].getShape();
  int64_t block = getBlocksize();
  if (!results[0].isAllocated() || shape.size() != 4)
    return failure();
  int64_t depth = shape[1] / (block * block);
  if (getMode() == DepthMode::DCR)
    permute(results[0], operands[0], {shape[0], block, block, depth, shape[2], shape[3]},
            {0, 3, 4, 1, 5, 2});
  else
    permute(results[0], operands[0], {shape[0], depth, block, block, shape[2], shape[3]},
            {0, 1, 4, 2, 5, 3});
  return success();
}

LogicalResult SpaceToDepthOp::evaluate(ArrayRef<HostTensor> operands,
                                       MutableArrayRef<HostTensor> results) {
  ArrayRef<int64_t> shape = operands[0].getShape();
  int64_t block = getBlocksize();
  if (!results[0].isAllocated() || shape.size() != 4)
    return failure();
  permute(results[0], operands[0],
          {shape[0], shape[1], shape[2] / block, block, shape[3] / block, block},
          {0, 3, 5, 1, 2, 4});
  return success();
}

LogicalResult ExpandOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  copyStrided(results[0], operands[0], 0,
              getBroadcastStrides(operands[0].getShape(), results[0].getShape()));
  return success();
}

LogicalResult TileOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  // Each dim becomes (repeat, dim); a repeat stands still in the input.
  Dims shape, strides, repeats = getContents(operands[1]);
  for (auto [dim, stride, repeat] :
       llvm::zip(operands[0].getShape(), getStrides(operands[0].getShape()), repeats)) {
    shape.append({repeat, dim});
    strides.append({0, stride});
  }
  HostTensor target = results[0].reshaped(shape);
  copyStrided(target, operands[0], 0, strides);
  return success();
}

LogicalResult SliceOp::evaluate(ArrayRef<HostTensor> operands,
                                MutableArrayRef<HostTensor> results) {
  Dims starts = getContents(operands[1]), ends = getContents(operands[2]),
       steps = getContents(operands[3]);
  Dims shape(operands[0].getShape()), strides = getStrides(shape);
  int64_t offset = 0;
  for (auto [i, axis] : llvm::enumerate(getAxes())) {
    int64_t dim = shape[axis], step = steps[i];
    if (step == 0)
      return failure();
    // Positions are clamped to [0, dim], for negative steps to [−1, dim − 1].
    int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? dim : dim - 1;
    auto clamp = [&](int64_t position) {
      return std::clamp(wrapNegative(position, dim), lowest, highest);
    };
    int64_t start = clamp(starts[i]), end = clamp(ends[i]);
    if (step < 0 && wrapNegative(starts[i], dim) < 0)
      start = dim > 0 ? 0 : -1;
    int64_t distance = step > 0 ? end - start : start - end;
    int64_t stride = std::abs(step);
    shape[axis] = distance <= 0 ? 0 : (distance - 1) / stride + 1;
    offset += start * strides[axis];
    strides[axis] *= step;
  }
  if (!results[0].isAllocated() || results[0].getShape() != ArrayRef(shape))
    results[0].allocate(shape);
  copyStrided(results[0], operands[0], offset, strides);
  return success();
}

LogicalResult ConcatOp::evaluate(ArrayRef<HostTensor> operands,
                                 MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  AxisSplit whole(results[0].getShape(), getAxis());
  int64_t unit = whole.inner * results[0].getElementBytes();
  char *to = results[0].mutableBytes();
  for (int64_t outer = 0; outer < whole.outer; ++outer)
    for (const HostTensor &operand : operands) {
      int64_t bytes = operand.getShape()[getAxis()] * unit;
      if (bytes == 0)
        continue;
      std::memcpy(to, operand.bytes() + outer * bytes, bytes);
      to += bytes;
    }
  return success();
}

//===----------------------------------------------------------------------===//
// Padding
//===----------------------------------------------------------------------===//

// The input position that a position, counted from the input's start, reads;
// −1 for the constant.
static int64_t getSourcePosition(int64_t position, int64_t size, PadMode mode) {
  if (position >= 0 && position < size)
    return position;
  switch (mode) {
  case PadMode::constant:
    return -1;
  case PadMode::edge:
    return position < 0 ? 0 : size - 1;
  case PadMode::wrap:
    return ((position % size) + size) % size;
  case PadMode::reflect: {
    if (size == 1)
      return 0;
    int64_t period = 2 * (size - 1);
    position = ((position % period) + period) % period;
    return position < size ? position : period - position;
  }
  }
  llvm_unreachable("unknown pad mode");
}

LogicalResult PadOp::evaluate(ArrayRef<HostTensor> operands, MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  const HostTensor &input = operands[0];
  const HostTensor *value = getOptional(*this, operands, 2);
  ArrayRef<int64_t> shape = results[0].getShape();
  int64_t rank = shape.size();
  Dims pads = getContents(operands[1]), strides = getStrides(input.getShape());
  // For each dim, the input offset of each result position, or −1.
  SmallVector<Dims> offsets(rank);
  for (int64_t dim = 0; dim < rank; ++dim)
    for (int64_t i = 0; i < shape[dim]; ++i) {
      int64_t position = getSourcePosition(i - pads[dim], input.getShape()[dim], getMode());
      if (position >= 0 && input.getShape()[dim] == 0)
        return failure();
      offsets[dim].push_back(position < 0 ? -1 : position * strides[dim]);
    }
  if (rank == 0) {
    std::memcpy(results[0].mutableBytes(), input.bytes(), input.getElementBytes());
    return success();
  }
  dispatchBytes(results[0].getElementBytes(), [&](auto element) {
    using T = decltype(element);
    T fill = value ? *value->as<T>() : T(0);
    const T *in = input.as<T>();
    T *out = results[0].as<T>();
    IndexVector row(shape.drop_back());
    for (int64_t r = 0, e = product(shape.drop_back()); r < e; ++r, row.next()) {
      int64_t base = 0;
      bool isInside = true;
      for (int64_t dim = 0; dim + 1 < rank; ++dim) {
        int64_t offset = offsets[dim][row[dim]];
        isInside = isInside && offset >= 0;
        base += offset;
      }
      for (int64_t offset : offsets.back())
        *out++ = isInside && offset >= 0 ? in[base + offset] : fill;
    }
  });
  return success();
}
