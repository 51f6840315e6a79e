//===- DifferentiateMovement.cpp - derivatives of ops that move data ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Differentiate.h"

using namespace mlir;
using namespace sinter::nn;

using llvm::SmallBitVector;

// For ops whose operand 0 alone has a derivative.
template <typename OpTy>
static Vjp first(OpTy op, Value cotangent) {
  SmallVector<Value> result(op->getNumOperands());
  result[0] = cotangent;
  return result;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

template <typename OpTy>
static Vjp viewVjp(OpTy op, OpBuilder &b, ValueRange cotangents) {
  return first(op, reshapeLike(Term(b, op.getLoc(), cotangents[0]), op.getInput()));
}

Vjp ReshapeOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return viewVjp(*this, b, g);
}
Vjp FlattenOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return viewVjp(*this, b, g);
}
Vjp SqueezeOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return first(*this, UnsqueezeOp::create(b, getLoc(), g[0], getAxes()));
}
Vjp UnsqueezeOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return first(*this, SqueezeOp::create(b, getLoc(), g[0], getAxes()));
}

//===----------------------------------------------------------------------===//
// Permutations
//===----------------------------------------------------------------------===//

Vjp TransposeOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [to, from] : llvm::enumerate(getPermutation()))
    inverse[from] = to;
  return first(*this, TransposeOp::create(b, getLoc(), g[0], inverse));
}

Vjp ReverseSequenceOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return first(*this, ReverseSequenceOp::create(b, getLoc(), g[0], getSequenceLengths(),
                                                getTimeAxis(), getBatchAxis()));
}

Vjp DepthToSpaceOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  int64_t block = getBlocksize();
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  if (getMode() == DepthMode::DCR)
    return first(*this, g.apply<SpaceToDepthOp>(block));
  // CRD: channel c b² + i b + j went to pixel (h b + i, w b + j).
  Dim channels = dimOf(g, 1), height = dimOf(x, 2), width = dimOf(x, 3);
  Value split = shapeTensor(g, {dimOf(g, 0), channels, height, block, width, block});
  return first(*this, reshapeLike(g.reshape(split).transpose({0, 1, 3, 5, 2, 4}), x));
}

Vjp SpaceToDepthOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return first(*this, DepthToSpaceOp::create(b, getLoc(), g[0], getBlocksize(), DepthMode::DCR));
}

//===----------------------------------------------------------------------===//
// Parts and repetitions
//===----------------------------------------------------------------------===//

Vjp ConcatOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  Term g(b, getLoc(), cotangents[0]);
  SmallVector<Value> result(getInputs().size());
  int64_t axis = getAxis();
  Dim begin = 0;
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    Dim end = addDims(g, begin, dimOf(g.with(input), axis));
    if (wanted[i])
      result[i] = reshapeLike(slice(g, axis, begin, end), input);
    begin = end;
  }
  return result;
}

// Where a slice starts along a dim, by ONNX's clamping rules.
static Dim clampStart(Term x, Dim start, Dim size, bool backward) {
  Dim wrapped = start;
  if (!start.value) {
    if (start.size < 0)
      wrapped = addDims(x, size, start);
  } else {
    Term value = x.with(start.value);
    Term isNegative = value.compare(ComparePredicate::lt, 0);
    wrapped = Dim(select(isNegative, value + x.with(toTensor(x, size)), value).get());
  }
  if (!wrapped.value && wrapped.size == 0)
    return wrapped;
  return maxDims(x, minDims(x, wrapped, backward ? subDims(x, size, 1) : size), 0);
}

// g with the elements that a slice left out as zeros.
Vjp SliceOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  ElementsAttr stepValues = getConstant(getSteps());
  if (!stepValues)
    return emitOpError("is not differentiable with steps that are only known at run time");
  HostTensor steps = HostTensor::fromAttribute(stepValues);
  int64_t rank = x.getRank();
  SmallVector<Dim> begins(rank, 0), ends(rank, 0);
  for (auto [i, axis] : llvm::enumerate(getAxes())) {
    int64_t step = steps.getInt(i), stride = std::abs(step);
    Dim size = dimOf(x, axis), count = dimOf(g, axis);
    Dim begin = clampStart(x, elementOf(x, getStarts(), i), size, step < 0);
    if (step < 0) {
      g = flip(g, {axis});
      // The last element taken is the first one in the input.
      begin = subDims(x, begin, mulDims(x, subDims(x, count, 1), stride));
    }
    if (stride > 1) {
      // Zeros between the elements.
      SmallVector<int64_t> border(2 * (rank + 1), 0);
      border[rank + 1 + axis + 1] = stride - 1;
      Term spread = g.unsqueeze({axis + 1});
      spread =
          spread.with(PadOp::create(b, getLoc(), spread, createIndexConstant(b, getLoc(), border),
                                    Value(), PadMode::constant));
      SmallVector<Dim> dims;
      for (int64_t dim = 0; dim < rank; ++dim)
        dims.push_back(dim == axis ? mulDims(x, count, stride) : dimOf(g, dim));
      g = spread.reshape(shapeTensor(g, dims));
    }
    begins[axis] = begin;
    ends[axis] = subDims(x, subDims(x, size, begin), mulDims(x, count, stride));
  }
  llvm::append_range(begins, ends);
  Value pads = shapeTensor(x, begins);
  return first(
      *this,
      reshapeLike(g.with(PadOp::create(b, getLoc(), g, pads, Value(), PadMode::constant)), x));
}

Vjp PadOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  int64_t rank = x.getRank();
  SmallVector<Value> result(getNumOperands());
  if (getMode() != PadMode::constant) {
    // The border repeats elements: dx = Aᵀ g along each padded dim, A what
    // padding makes of the unit matrix.
    Term dx = g;
    for (int64_t axis = 0; axis < rank; ++axis) {
      Dim begin = elementOf(x, getPads(), axis), end = elementOf(x, getPads(), rank + axis);
      if (!begin.value && !end.value && begin.size == 0 && end.size == 0)
        continue;
      Term unit = identity(x, dimOf(x, axis));
      Value pads = shapeTensor(x, {begin, Dim(0), end, Dim(0)});
      Term matrix = unit.with(PadOp::create(b, getLoc(), unit, pads, Value(), getMode()));
      dx = contractAxis(dx, axis, matrix);
    }
    result[0] = reshapeLike(dx, x);
    return result;
  }
  Value crop = NegOp::create(b, getLoc(), getPads());
  if (ElementsAttr pads = getConstant(getPads())) {
    HostTensor values = HostTensor::fromAttribute(pads);
    SmallVector<int64_t> negative;
    for (int64_t i = 0; i < 2 * rank; ++i)
      negative.push_back(-values.getInt(i));
    crop = createIndexConstant(b, getLoc(), negative);
  }
  Term dx = reshapeLike(g.with(PadOp::create(b, getLoc(), g, crop, Value(), PadMode::constant)), x);
  result[0] = dx;
  if (getValue() && wanted[2]) {
    auto total = [&](Term value) {
      return value.sum(axesRange(0, rank)).squeeze(axesRange(0, rank));
    };
    // Elements that negative pads cut off are in neither sum.
    result[2] = reshapeLike(total(g) - total(dx), getValue());
  }
  return result;
}

Vjp ExpandOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return first(*this, sumTo(Term(b, getLoc(), g[0]), getInput()));
}

Vjp TileOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  SmallVector<Dim> dims;
  SmallVector<int64_t> repeats;
  for (int64_t axis = 0; axis < x.getRank(); ++axis) {
    repeats.push_back(dims.size());
    dims.push_back(elementOf(x, getRepeats(), axis));
    dims.push_back(dimOf(x, axis));
  }
  if (repeats.empty())
    return first(*this, g);
  return first(*this, reshapeLike(g.reshape(shapeTensor(x, dims)).sum(repeats), x));
}

Vjp TriluOp::buildVjp(OpBuilder &b, ValueRange g, const SmallBitVector &) {
  return first(*this, TriluOp::create(b, getLoc(), g[0], getK(), getUpper()));
}

//===----------------------------------------------------------------------===//
// Gathers and scatters
//===----------------------------------------------------------------------===//

Vjp GatherOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  int64_t axis = getAxis() < 0 ? getAxis() + x.getRank() : getAxis();
  return first(*this, scatterRows(x, g.with(getIndices()), axis, g));
}

Vjp GatherElementsOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  return first(*this, zerosLike(x).apply<ScatterElementsOp>(getIndices(), g.get(), getAxis(),
                                                            ScatterReduction::add));
}

Vjp GatherNDOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  Term indices = g.with(getIndices());
  // Batch dims become leading coordinates of the index vectors.
  int64_t last = indices.getRank() - 1;
  SmallVector<Value> coordinates;
  for (int64_t dim = 0; dim < getBatchDims(); ++dim) {
    auto scalar = [&](Dim size) { return indices.with(toTensor(indices, size)).squeeze({0}); };
    Term positions = indices.with(
        RangeOp::create(b, getLoc(), scalar(0), scalar(dimOf(indices, dim)), scalar(1)));
    SmallVector<int64_t> others = axesRange(0, last + 1);
    others.erase(others.begin() + dim);
    SmallVector<Dim> shape;
    for (int64_t each = 0; each < last; ++each)
      shape.push_back(dimOf(indices, each));
    shape.push_back(1);
    Term column = positions.unsqueeze(others).apply<ExpandOp>(shapeTensor(indices, shape));
    if (column.getType().getElementType() != indices.getType().getElementType())
      column = column.apply<CastOp>(TypeAttr::get(indices.getType().getElementType()));
    coordinates.push_back(column);
  }
  if (!coordinates.empty()) {
    coordinates.push_back(indices);
    indices = indices.with(ConcatOp::create(b, getLoc(), coordinates, last));
  }
  return first(*this,
               zerosLike(x).apply<ScatterNDOp>(indices.get(), g.get(), ScatterReduction::add));
}

// Scatters that replace or add. `put` scatters into a tensor, `take` gathers.
template <typename OpTy, typename Put, typename Take>
static Vjp scatterVjp(OpTy op, OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted,
                      Put put, Take take) {
  ScatterReduction reduction = op.getReduction();
  if (reduction != ScatterReduction::none && reduction != ScatterReduction::add)
    return op.emitOpError("with reduction '")
           << stringifyScatterReduction(reduction) << "' is not differentiable";
  Term g(b, op.getLoc(), cotangents[0]);
  SmallVector<Value> result(3);
  if (wanted[0])
    result[0] = reduction == ScatterReduction::add ? g : put(g, zerosLike(g.with(op.getUpdates())));
  if (wanted[2])
    result[2] = take(g);
  return result;
}

Vjp ScatterElementsOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  return scatterVjp(
      *this, b, cotangents, wanted,
      [&](Term g, Term zeros) {
        return g.apply<ScatterElementsOp>(getIndices(), zeros.get(), getAxis(),
                                          ScatterReduction::none);
      },
      [&](Term g) { return g.apply<GatherElementsOp>(getIndices(), getAxis()); });
}

Vjp ScatterNDOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &wanted) {
  return scatterVjp(
      *this, b, cotangents, wanted,
      [&](Term g, Term zeros) {
        return g.apply<ScatterNDOp>(getIndices(), zeros.get(), ScatterReduction::none);
      },
      [&](Term g) { return g.apply<GatherNDOp>(getIndices(), /*batch_dims=*/0); });
}

Vjp TopKOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  return first(*this, zerosLike(x).apply<ScatterElementsOp>(getIndices(), g.get(), getAxis(),
                                                            ScatterReduction::add));
}

Vjp CompressOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  Term rows = g.with(NonZeroOp::create(b, getLoc(), getCondition())->getResult(0)).squeeze({0});
  if (auto axis = getAxis())
    return first(*this, scatterRows(x, rows, *axis < 0 ? *axis + x.getRank() : *axis, g));
  Term flat = x.reshape(createIndexConstant(b, getLoc(), {-1}));
  return first(*this, reshapeLike(scatterRows(flat, rows, 0, g), x));
}

Vjp MaxUnpoolOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  Term g(b, getLoc(), cotangents[0]);
  Term flat = g.reshape(createIndexConstant(b, getLoc(), {-1}));
  return first(*this, flat.apply<GatherOp>(getIndices(), 0));
}

//===----------------------------------------------------------------------===//
// Interpolation
//===----------------------------------------------------------------------===//

// dx = Aᵀ g along each axis, A what resizing makes of the unit matrix.
Vjp ResizeOp::buildVjp(OpBuilder &b, ValueRange cotangents, const SmallBitVector &) {
  if (getAspectRatio() != AspectRatio::stretch)
    return emitOpError("is not differentiable with an aspect ratio that is kept");
  Term g(b, getLoc(), cotangents[0]), x = g.with(getInput());
  int64_t count = getAxes().size();
  auto part = [&](Value values, int64_t position) -> Value {
    return values ? slice(x.with(values), 0, position, position + 1).get() : Value();
  };
  Term dx = g;
  for (auto [i, axis] : llvm::enumerate(getAxes())) {
    Value roi;
    if (getRoi())
      roi = ConcatOp::create(b, getLoc(), ValueRange{part(getRoi(), i), part(getRoi(), count + i)},
                             0);
    Term matrix = x.with(ResizeOp::create(
        b, getLoc(), identity(x, dimOf(x, axis)).get(), roi, part(getScales(), i),
        part(getSizes(), i), b.getDenseI64ArrayAttr({0}), getModeAttr(), getCoordinateModeAttr(),
        getNearestModeAttr(), getAspectRatioAttr(), getCubicCoefficientAttr(), b.getF64FloatAttr(0),
        getExcludeOutsideAttr(), getAntialiasAttr()));
    dx = contractAxis(dx, axis, matrix);
  }
  return first(*this, reshapeLike(dx, x));
}
