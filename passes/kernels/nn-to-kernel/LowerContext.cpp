//===- LowerContext.cpp - values, sizes and stages ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/LowerContext.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

Scalar Body::index(unsigned loop) {
  if (loopIndices.size() <= loop)
    loopIndices.resize(loop + 1);
  if (!loopIndices[loop])
    loopIndices[loop] = wrap(linalg::IndexOp::create(builder, loc, loop));
  return loopIndices[loop];
}

SmallVector<Scalar> Body::indices(unsigned count) {
  SmallVector<Scalar> result;
  for (unsigned i = 0; i < count; ++i)
    result.push_back(index(i));
  return result;
}

Scalar Body::size(AffineExpr expr) {
  if (auto constant = nn::asConstant(expr))
    return constantIndex(*constant);
  return wrap(context.size(expr));
}

Scalar Body::read(const Operand &operand, ArrayRef<Scalar> indices) {
  if (!operand.tensor)
    return constant(operand.splat);
  SmallVector<Value> positions;
  for (Scalar index : indices)
    positions.push_back(index.get());
  return wrap(tensor::ExtractOp::create(builder, loc, operand.tensor, positions));
}

Scalar Body::readWide(const Operand &operand, ArrayRef<Scalar> indices) {
  return convert(read(operand, indices), getAccumulatorType(operand.elementType));
}

//===----------------------------------------------------------------------===//
// Values of nn
//===----------------------------------------------------------------------===//

static RankedTensorType withElementType(Type type, Type elementType) {
  return RankedTensorType::get(cast<RankedTensorType>(type).getShape(), elementType);
}

// Element `index` of a constant as a signless attribute.
static TypedAttr getElement(ElementsAttr elements, int64_t index) {
  nn::HostTensor tensor = nn::HostTensor::fromAttribute(elements);
  Type type = nn::getSignlessType(elements.getElementType());
  if (isa<FloatType>(type))
    return FloatAttr::get(type, tensor.getDouble(index));
  return IntegerAttr::get(type, APInt(type.getIntOrFloatBitWidth(), tensor.getInt(index),
                                      /*isSigned=*/true,
                                      /*implicitTrunc=*/true));
}

Operand LowerContext::operand(Value value) {
  Type elementType = getElementTypeOrSelf(value.getType());
  Operand result{Value(), {}, nn::getSignlessType(elementType), isUnsigned(elementType)};
  if (ElementsAttr elements = nn::getConstant(value)) {
    bool splat = isa<DenseElementsAttr>(elements) && elements.isSplat();
    if (splat || elements.getNumElements() == 1) {
      result.splat = getElement(elements, 0);
      return result;
    }
  }
  result.tensor = tensor(value);
  return result;
}

Value LowerContext::tensor(Value value) {
  if (Value lowered = values.lookup(value))
    return lowered;
  ElementsAttr elements = nn::getConstant(value);
  assert(elements && "operand was not lowered");
  auto type = withElementType(value.getType(), nn::getSignlessType(elements.getElementType()));
  Value init = tensor::EmptyOp::create(builder, getLoc(), type, ValueRange());
  int64_t count = elements.getNumElements();
  if (count == 0)
    return values[value] = init;
  bool splat = isa<DenseElementsAttr>(elements) && elements.isSplat();
  if (splat || count == 1)
    return values[value] = fill(init, getElement(elements, 0));
  // A small table: one of its values by the position. Whoever outlines kernels
  // hands large ones in as arguments.
  Value table = map(init, {}, [&](Body &body) {
    Scalar position = body.constantIndex(0);
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      position = position * type.getDimSize(dim) + body.index(dim);
    Scalar result = body.constant(getElement(elements, count - 1));
    for (int64_t i = count - 2; i >= 0; --i)
      result = select(position == i, body.constant(getElement(elements, i)), result);
    return result;
  });
  return values[value] = table;
}

Value LowerContext::size(AffineExpr expr) {
  if (Value known = sizes.lookup(expr))
    return known;
  Value value = shapes.materialize(builder, getLoc(), expr, [&](Value v) { return tensor(v); });
  sizes[expr] = value;
  return value;
}

FailureOr<nn::SymbolicShape> LowerContext::elements(Value value) {
  if (auto known = shapes.contents(value))
    return *known;
  return fail("needs a steering tensor of static shape and at most 64 "
              "elements");
}

Scalar LowerContext::element(Value value, int64_t position) {
  auto wrap = [&](Value scalar) { return Scalar(builder, getLoc(), scalar); };
  if (ElementsAttr elements = nn::getConstant(value))
    return wrap(arith::ConstantOp::create(builder, getLoc(), getElement(elements, position)));
  SmallVector<Value> indices;
  if (cast<RankedTensorType>(value.getType()).getRank() == 1)
    indices.push_back(arith::ConstantIndexOp::create(builder, getLoc(), position));
  return wrap(tensor::ExtractOp::create(builder, getLoc(), tensor(value), indices));
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

Value LowerContext::empty(Value like, Type elementType) {
  auto type = cast<RankedTensorType>(like.getType());
  if (!elementType)
    elementType = nn::getSignlessType(type.getElementType());
  nn::SymbolicShape dims = shape(like);
  SmallVector<Value> dynamic;
  for (auto [dim, expr] : llvm::zip(type.getShape(), dims))
    if (ShapedType::isDynamic(dim))
      dynamic.push_back(size(expr));
  return tensor::EmptyOp::create(builder, getLoc(), withElementType(type, elementType), dynamic);
}

Value LowerContext::empty(ArrayRef<AffineExpr> shape, Type elementType) {
  SmallVector<Value> dynamic;
  for (AffineExpr expr : shape)
    if (!nn::asConstant(expr))
      dynamic.push_back(size(expr));
  return tensor::EmptyOp::create(builder, getLoc(), nn::getTensorType(shape, elementType), dynamic);
}

Value LowerContext::fill(Value init, TypedAttr value) {
  Value scalar = arith::ConstantOp::create(builder, getLoc(), value);
  return linalg::FillOp::create(builder, getLoc(), scalar, init).getResult(0);
}

Value LowerContext::fill(Value init, double value) {
  Value scalar =
      constantScalar(builder, getLoc(), getElementTypeOrSelf(init.getType()), value).get();
  return linalg::FillOp::create(builder, getLoc(), scalar, init).getResult(0);
}

Value LowerContext::map(Value init, ArrayRef<Input> inputs, BodyFunction body) {
  return reduce(init, {}, inputs, body);
}

Value LowerContext::reduce(Value init, ArrayRef<Size> reductions, ArrayRef<Input> inputs,
                           BodyFunction body) {
  return generic(init, reductions, inputs,
                 [&](Body &b) { return SmallVector<Scalar>{body(b)}; })[0];
}

SmallVector<Value> LowerContext::generic(ValueRange inits, ArrayRef<Size> reductions,
                                         ArrayRef<Input> inputs, BodiesFunction body) {
  MLIRContext *context = builder.getContext();
  unsigned rank = cast<RankedTensorType>(inits[0].getType()).getRank();
  unsigned loopCount = rank + reductions.size();

  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  SmallVector<bool> seen(loopCount, false);
  for (const Input &input : inputs) {
    if (!input.operand.tensor)
      continue;
    operands.push_back(input.operand.tensor);
    maps.push_back(AffineMap::get(loopCount, 0, input.indices, context));
    for (AffineExpr expr : input.indices)
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        seen[dim.getPosition()] = true;
  }
  unsigned readCount = operands.size();

  // Loops that no operand shows get an operand that is only a shape.
  SmallVector<AffineExpr> hidden;
  SmallVector<int64_t> hiddenDims;
  SmallVector<Value> hiddenSizes;
  for (unsigned i = rank; i < loopCount; ++i) {
    if (seen[i])
      continue;
    const Size &extent = reductions[i - rank];
    hidden.push_back(loop(i));
    auto constant = extent.expr ? nn::asConstant(extent.expr) : std::optional<int64_t>();
    if (!extent.expr)
      constant = getConstantIntValue(extent.value);
    hiddenDims.push_back(constant.value_or(ShapedType::kDynamic));
    if (!constant)
      hiddenSizes.push_back(extent.expr ? size(extent.expr) : extent.value);
  }
  if (!hidden.empty()) {
    operands.push_back(tensor::EmptyOp::create(
        builder, getLoc(),
        RankedTensorType::get(hiddenDims, getElementTypeOrSelf(inits[0].getType())), hiddenSizes));
    maps.push_back(AffineMap::get(loopCount, 0, hidden, context));
  }

  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.resize(loopCount, utils::IteratorType::reduction);
  for (size_t i = 0; i < inits.size(); ++i)
    maps.push_back(AffineMap::get(loopCount, 0, loops(0, rank), context));

  // The body may still compute sizes: those come before the op, through
  // `builder`, which therefore must not be the one that builds the op.
  OpBuilder stage(builder);
  auto generic = linalg::GenericOp::create(
      stage, getLoc(), TypeRange(inits), operands, inits, maps, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange arguments) {
        Body state(*this, inner, loc);
        unsigned next = 0;
        for (const Input &input : inputs)
          state.in.push_back(input.operand.tensor ? state.wrap(arguments[next++])
                                                  : state.constant(input.operand.splat));
        assert(next == readCount && "inputs and arguments disagree");
        for (Value argument : arguments.take_back(inits.size()))
          state.out.push_back(state.wrap(argument));
        SmallVector<Value> yielded;
        for (Scalar result : body(state))
          yielded.push_back(result.get());
        linalg::YieldOp::create(inner, loc, yielded);
      });
  return llvm::to_vector_of<Value>(generic.getResults());
}

Value LowerContext::narrow(Value tensor, Type elementType) {
  auto type = cast<RankedTensorType>(tensor.getType());
  elementType = nn::getSignlessType(elementType);
  if (type.getElementType() == elementType)
    return tensor;
  SmallVector<Value> dynamic;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      dynamic.push_back(builder.createOrFold<tensor::DimOp>(getLoc(), tensor, dim));
  Value init =
      tensor::EmptyOp::create(builder, getLoc(), withElementType(type, elementType), dynamic);
  return map(init, Input{stage(tensor), loops(0, type.getRank())},
             [&](Body &body) { return convert(body.in[0], elementType); });
}

//===----------------------------------------------------------------------===//
// Indexing maps
//===----------------------------------------------------------------------===//

SmallVector<AffineExpr, 4> LowerContext::loops(unsigned begin, unsigned end) {
  SmallVector<AffineExpr, 4> result;
  for (unsigned i = begin; i < end; ++i)
    result.push_back(loop(i));
  return result;
}

Input LowerContext::broadcast(Value value, RankedTensorType result) {
  auto type = cast<RankedTensorType>(value.getType());
  Input input{operand(value), {}};
  int64_t offset = result.getRank() - type.getRank();
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    bool repeated = type.getDimSize(dim) == 1 && result.getDimSize(dim + offset) != 1;
    input.indices.push_back(repeated ? zero() : loop(dim + offset));
  }
  return input;
}
