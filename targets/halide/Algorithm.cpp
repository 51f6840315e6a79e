//===- Algorithm.cpp - linalg on tensors as Halide functions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide counts dimensions from the innermost: dimension i of a tensor of rank r is dimension r - 1
// - i of its buffer.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Algorithm.h"

#include "targets/halide/Internal.h"

#include "dialects/kernel/Buffers.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace sinter;
using namespace sinter::halide;
using Halide::Expr;
namespace H = Halide;

template <typename T>
static std::vector<T> reversed(std::vector<T> list) {
  return std::vector<T>(list.rbegin(), list.rend());
}

static mlir::RankedTensorType tensorType(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

Algorithm::Algorithm(kernel::FuncOp kernel, Backend backend) : kernel(kernel), backend(backend) {
  for (mlir::BlockArgument argument : kernel.getBody().getArguments())
    addArgument(argument);
  // Reductions that the schedule factors.
  llvm::DenseMap<unsigned, kernel::RFactorOp> factors;
  if (kernel.hasSchedule())
    for (auto factor : kernel.getSchedule().front().getOps<kernel::RFactorOp>())
      factors[mlir::cast<mlir::OpResult>(factor.getStage()).getResultNumber()] = factor;
  for (auto [i, op] : llvm::enumerate(kernel.getStages()))
    addStage(op, factors.lookup(i));
  addOutputs();
}

/// Fixes what is known of a buffer: it begins at 0, and is dense and row-major where no strides are
/// given. The bounds of a tuple's buffers are those of its first, `bounds`.
template <typename Buffer>
void Algorithm::describe(Buffer buffer, mlir::RankedTensorType type,
                         llvm::ArrayRef<int64_t> strides, Buffer bounds) {
  int64_t rank = type.getRank();
  Expr stride = 1;
  int64_t known = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t size = type.getDimSize(rank - 1 - i);
    bool isDynamic = mlir::ShapedType::isDynamic(size);
    if (isDynamic)
      bounds.dim(i).set_min(0);
    else
      bounds.dim(i).set_bounds(0, int32_t(size));
    known *= isDynamic ? 1 : std::max<int64_t>(size, 1);
    if (!strides.empty())
      stride = int32_t(strides[rank - 1 - i]);
    buffer.dim(i).set_stride(stride);
    stride = H::Internal::simplify(
        stride * (isDynamic ? Expr(bounds.dim(i).extent()) : Expr(int32_t(size))));
  }
  if (known > INT32_MAX)
    largeBuffers = true;
}

void Algorithm::addArgument(mlir::BlockArgument argument) {
  std::string name = "arg" + std::to_string(argument.getArgNumber());
  if (auto type = mlir::dyn_cast<mlir::RankedTensorType>(argument.getType())) {
    H::ImageParam image(typeOf(type.getElementType()), type.getRank(), name);
    describe(image, type, {}, image);
    images[argument] = image;
    arguments.push_back(image);
    return;
  }
  H::Type type = typeOf(argument.getType());
  H::Internal::Parameter parameter(type, /*is_buffer=*/false, 0, name);
  params[argument] = H::Internal::Variable::make(type, name, parameter);
  arguments.emplace_back(name, H::Argument::InputScalar, type, 0, H::ArgumentEstimates{});
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Expr Algorithm::affine(mlir::AffineExpr expr, mlir::AffineMap map,
                       const std::vector<Expr> &operands) {
  using Kind = mlir::AffineExprKind;
  switch (expr.getKind()) {
  case Kind::Constant:
    return int32_t(mlir::cast<mlir::AffineConstantExpr>(expr).getValue());
  case Kind::DimId:
    return operands[mlir::cast<mlir::AffineDimExpr>(expr).getPosition()];
  case Kind::SymbolId:
    return operands[map.getNumDims() + mlir::cast<mlir::AffineSymbolExpr>(expr).getPosition()];
  default:
    break;
  }
  auto binary = mlir::cast<mlir::AffineBinaryOpExpr>(expr);
  Expr a = affine(binary.getLHS(), map, operands), b = affine(binary.getRHS(), map, operands);
  switch (expr.getKind()) {
  case Kind::Add:
    return a + b;
  case Kind::Mul:
    return a * b;
  case Kind::Mod: // Halide floors, as affine expressions do.
    return a % b;
  case Kind::FloorDiv:
    return a / b;
  default:
    return (a + b - 1) / b;
  }
}

/// Whether a condition depends on nothing but the position.
static bool isPositional(mlir::Value value) {
  if (!value.getType().isIndex() && !value.getType().isInteger(1))
    return false;
  mlir::Operation *op = value.getDefiningOp();
  if (!op || mlir::isa<mlir::tensor::ExtractOp>(op))
    return false;
  if (mlir::isa<mlir::linalg::IndexOp, mlir::tensor::DimOp>(op))
    return true;
  return llvm::all_of(op->getOperands(), isPositional);
}

Expr Algorithm::scalar(mlir::Value value, Scope &scope, const Loops &loops) {
  if (auto known = scope.find(value); known != scope.end())
    return known->second;
  if (auto param = params.find(value); param != params.end())
    return param->second;
  mlir::Operation *op = value.getDefiningOp();
  if (!op)
    throw Refusal{"a block argument that is no scalar"};
  Expr result;
  if (auto constant = mlir::dyn_cast<mlir::arith::ConstantOp>(op)) {
    result = constantOf(value.getType(), constant.getValue());
  } else if (auto index = mlir::dyn_cast<mlir::linalg::IndexOp>(op)) {
    result = loops.dims.at(index.getDim());
  } else if (auto dim = mlir::dyn_cast<mlir::tensor::DimOp>(op)) {
    auto number = dim.getConstantIndex();
    if (!number)
      throw Refusal{"tensor.dim of a dimension that is no constant"};
    result = extent(dim.getSource(), *number);
  } else if (auto extract = mlir::dyn_cast<mlir::tensor::ExtractOp>(op)) {
    std::vector<Expr> indices;
    for (auto [i, index] : llvm::enumerate(extract.getIndices())) {
      // The algorithm promises indices in range; Halide needs to hear it where it cannot see it.
      Expr at = coordinate(scalar(index, scope, loops));
      if (!H::Internal::is_const(at))
        at = H::Internal::Call::make(H::Int(32), H::Internal::Call::unsafe_promise_clamped,
                                     {at, Expr(0), extent(extract.getTensor(), i) - 1},
                                     H::Internal::Call::PureIntrinsic);
      indices.push_back(at);
    }
    result = element(extract.getTensor(), indices, scope, loops);
  } else if (auto apply = mlir::dyn_cast<mlir::affine::AffineApplyOp>(op)) {
    std::vector<Expr> operands;
    for (mlir::Value operand : apply.getMapOperands())
      operands.push_back(coordinate(scalar(operand, scope, loops)));
    mlir::AffineMap map = apply.getAffineMap();
    result = affine(map.getResult(0), map, operands);
  } else {
    if (op->getNumRegions() != 0)
      throw Refusal{op->getName().getStringRef().str() + " in a body"};
    std::vector<Expr> operands;
    for (mlir::Value operand : op->getOperands())
      operands.push_back(scalar(operand, scope, loops));
    // Padding: the loops are cut where the condition changes, and inside there is no test.
    if (mlir::isa<mlir::arith::SelectOp>(op) && isPositional(op->getOperand(0)))
      for (unsigned i : {1, 2})
        if (op->getOperand(i).getDefiningOp<mlir::tensor::ExtractOp>()) {
          operands[i] = H::likely(operands[i]);
          break;
        }
    if (backend != Backend::CPU)
      result = deviceOp(op, operands, backend);
    if (!result.defined())
      result = scalarOp(op, operands);
    if (!result.defined())
      throw Refusal{op->getName().getStringRef().str() + " in a body"};
  }
  scope[value] = result;
  return result;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Expr Algorithm::extent(mlir::Value tensor, unsigned dim) {
  mlir::RankedTensorType type = tensorType(tensor);
  if (!type.isDynamicDim(dim))
    return int32_t(type.getDimSize(dim));
  if (auto image = images.find(tensor); image != images.end())
    return image->second.dim(type.getRank() - 1 - dim).extent();
  mlir::Operation *op = tensor.getDefiningOp();
  if (auto empty = mlir::dyn_cast_or_null<mlir::tensor::EmptyOp>(op))
    return coordinate(scalar(empty.getDynamicSize(dim), outer, Loops{}));
  if (auto structured = mlir::dyn_cast_or_null<mlir::linalg::LinalgOp>(op))
    return extent(structured.getDpsInits()[mlir::cast<mlir::OpResult>(tensor).getResultNumber()],
                  dim);
  if (auto tensorCast = mlir::dyn_cast_or_null<mlir::tensor::CastOp>(op))
    return extent(tensorCast.getSource(), dim);
  if (auto expand = mlir::dyn_cast_or_null<mlir::tensor::ExpandShapeOp>(op)) {
    unsigned dynamic = 0;
    for (unsigned i = 0; i < dim; ++i)
      dynamic += type.isDynamicDim(i);
    return coordinate(scalar(expand.getOutputShape()[dynamic], outer, Loops{}));
  }
  if (auto collapse = mlir::dyn_cast_or_null<mlir::tensor::CollapseShapeOp>(op)) {
    Expr size = 1;
    for (int64_t i : collapse.getReassociationIndices()[dim])
      size = size * extent(collapse.getSrc(), i);
    return size;
  }
  throw Refusal{"a dynamic size that follows from nothing known"};
}

Expr Algorithm::element(mlir::Value tensor, std::vector<Expr> indices, Scope &scope,
                        const Loops &loops) {
  if (auto image = images.find(tensor); image != images.end())
    return image->second(reversed(indices));
  if (auto stage = stageOf.find(tensor); stage != stageOf.end()) {
    H::Func func = stages[stage->second].func;
    H::FuncRef call = func(reversed(indices));
    if (func.outputs() == 1)
      return call;
    return call[stages[stage->second]
                    .tupleIndex[mlir::cast<mlir::OpResult>(tensor).getResultNumber()]];
  }
  mlir::Operation *op = tensor.getDefiningOp();
  if (!op)
    throw Refusal{"a tensor that is no argument of the kernel"};
  if (auto fill = mlir::dyn_cast<mlir::linalg::FillOp>(op))
    return scalar(fill.getInputs()[0], outer, Loops{});
  mlir::Type elementType = tensorType(tensor).getElementType();
  if (mlir::isa<mlir::tensor::EmptyOp>(op))
    return H::Internal::make_zero(typeOf(elementType));
  if (auto constant = mlir::dyn_cast<mlir::arith::ConstantOp>(op)) {
    auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(constant.getValue());
    if (dense && dense.isSplat())
      return constantOf(elementType, dense.getSplatValue<mlir::Attribute>());
    // A handful of values become a chain of selects; longer tables are arguments.
    if (!dense || dense.getNumElements() > 64)
      throw Refusal{"a constant tensor of many different elements"};
    Expr position = 0;
    for (auto [i, index] : llvm::enumerate(indices))
      position = position * int32_t(tensorType(tensor).getDimSize(i)) + index;
    Expr result;
    int32_t number = 0;
    for (mlir::Attribute value : dense.getValues<mlir::Attribute>()) {
      Expr each = constantOf(elementType, value);
      result = result.defined() ? H::select(position == number, each, result) : each;
      ++number;
    }
    return result;
  }
  if (auto tensorCast = mlir::dyn_cast<mlir::tensor::CastOp>(op))
    return element(tensorCast.getSource(), indices, scope, loops);
  if (auto collapse = mlir::dyn_cast<mlir::tensor::CollapseShapeOp>(op)) {
    std::vector<Expr> inner;
    for (auto [group, index] : llvm::zip(collapse.getReassociationIndices(), indices)) {
      std::vector<Expr> digits;
      Expr rest = index;
      for (int64_t i : llvm::reverse(group)) {
        Expr size = extent(collapse.getSrc(), i);
        digits.push_back(i == group.front() ? rest : rest % size);
        rest = rest / size;
      }
      for (const Expr &digit : llvm::reverse(digits))
        inner.push_back(digit);
    }
    return element(collapse.getSrc(), inner, scope, loops);
  }
  if (auto expand = mlir::dyn_cast<mlir::tensor::ExpandShapeOp>(op)) {
    std::vector<Expr> inner;
    for (const auto &group : expand.getReassociationIndices()) {
      Expr index = 0;
      for (int64_t i : group)
        index = index * extent(tensor, i) + indices[i];
      inner.push_back(index);
    }
    return element(expand.getSrc(), inner, scope, loops);
  }
  if (auto slice = mlir::dyn_cast<mlir::tensor::ExtractSliceOp>(op)) {
    std::vector<Expr> inner;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    auto offsets = slice.getMixedOffsets(), strides = slice.getMixedStrides();
    auto expr = [&](mlir::OpFoldResult value) -> Expr {
      if (auto attribute = llvm::dyn_cast_if_present<mlir::Attribute>(value))
        return int32_t(mlir::cast<mlir::IntegerAttr>(attribute).getInt());
      return coordinate(scalar(llvm::cast<mlir::Value>(value), outer, Loops{}));
    };
    unsigned next = 0;
    for (unsigned i = 0; i < offsets.size(); ++i)
      inner.push_back(dropped[i] ? expr(offsets[i])
                                 : expr(offsets[i]) + indices[next++] * expr(strides[i]));
    return element(slice.getSource(), inner, scope, loops);
  }
  throw Refusal{op->getName().getStringRef().str()};
}

/// Halide stores the elements of a tuple one after another, and an update that reads an element
/// stored before reads the new value. So a result that another one reads comes after it.
static std::vector<unsigned> tupleOrder(mlir::linalg::LinalgOp op) {
  unsigned count = op.getNumDpsInits();
  mlir::Block *block = op.getBlock();
  // reads[i][j]: result i is computed from the value of j so far.
  std::vector<std::vector<bool>> reads(count, std::vector<bool>(count));
  for (unsigned i = 0; i < count; ++i) {
    llvm::SmallVector<mlir::Value> work = {block->getTerminator()->getOperand(i)};
    llvm::DenseSet<mlir::Value> seen;
    while (!work.empty()) {
      mlir::Value value = work.pop_back_val();
      if (!seen.insert(value).second)
        continue;
      if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(value)) {
        if (argument.getOwner() == block && argument.getArgNumber() >= op.getNumDpsInputs())
          reads[i][argument.getArgNumber() - op.getNumDpsInputs()] = true;
      } else if (value.getDefiningOp()->getBlock() == block) {
        llvm::append_range(work, value.getDefiningOp()->getOperands());
      }
    }
  }
  std::vector<unsigned> order(count);
  std::vector<bool> placed(count);
  for (unsigned position = 0; position < count; ++position) {
    unsigned next = 0;
    // A result may be stored once every other one that reads it has been.
    for (; next < count; ++next) {
      bool free = !placed[next];
      for (unsigned i = 0; i < count; ++i)
        free &= i == next || placed[i] || !reads[i][next];
      if (free)
        break;
    }
    if (next == count && op.getNumReductionLoops() != 0)
      throw Refusal{"results of a reduction that read each other in a circle"};
    if (next == count)
      next = llvm::find(placed, false) - placed.begin();
    placed[next] = true;
    order[next] = position;
  }
  return order;
}

/// Added to a product that a stage yields, keeps the sums of later stages from contracting with it:
/// each op of the model rounds its result, as the model says. finishBitcode takes it out again.
static Expr minusZero(H::Type type) {
  return H::Internal::Call::make(type, minusZeroPrefix + std::to_string(type.bits()), {},
                                 H::Internal::Call::PureExtern);
}

void Algorithm::addStage(mlir::linalg::LinalgOp op, kernel::RFactorOp factor) {
  unsigned number = stages.size();
  Stage stage;
  stage.func = H::Func("s" + std::to_string(number));
  unsigned rank = op.getNumLoops();
  llvm::SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  auto kinds = op.getIteratorTypesArray();

  // Extents: static, or the dimension of an operand that the loop runs over.
  auto extentOf = [&](unsigned loop) -> Expr {
    if (!mlir::ShapedType::isDynamic(ranges[loop]))
      return int32_t(ranges[loop]);
    for (mlir::OpOperand &operand : op->getOpOperands()) {
      mlir::AffineMap map = op.getMatchingIndexingMap(&operand);
      for (unsigned i = 0; i < map.getNumResults(); ++i)
        if (auto dim = mlir::dyn_cast<mlir::AffineDimExpr>(map.getResult(i));
            dim && dim.getPosition() == loop)
          return extent(operand.get(), i);
    }
    throw Refusal{"a loop whose extent is no operand's dimension"};
  };

  Loops loops;
  std::vector<H::Var> vars(rank);
  H::Region reduction; // innermost first
  for (unsigned i = 0; i < rank; ++i) {
    stage.extents[kernel::loopName(i)] = extentOf(i);
    vars[i] = H::Var(kernel::loopName(i));
    if (kinds[i] == mlir::utils::IteratorType::parallel)
      continue;
    if (kinds[i] != mlir::utils::IteratorType::reduction)
      throw Refusal{"an iterator that is neither parallel nor reduction"};
    stage.hasUpdate = true;
  }
  for (unsigned i = rank; i-- > 0;)
    if (kinds[i] == mlir::utils::IteratorType::reduction)
      reduction.push_back(H::Range(0, stage.extents[kernel::loopName(i)]));
  H::RDom domain;
  if (stage.hasUpdate)
    domain = H::RDom(reduction, "r");
  unsigned nextReduction = reduction.size();
  for (unsigned i = 0; i < rank; ++i) {
    std::string name = kernel::loopName(i);
    if (kinds[i] == mlir::utils::IteratorType::parallel) {
      loops.dims.push_back(vars[i]);
      stage.loops[0].emplace(name, vars[i]);
      stage.loops[1].emplace(name, vars[i]);
    } else {
      H::RVar r = domain[--nextReduction];
      loops.dims.push_back(r);
      stage.loops[1].emplace(name, r);
    }
  }

  // Where the results go: each dimension is a parallel loop, or a constant 0 of extent 1.
  mlir::AffineMap outputMap = op.getIndexingMapsArray()[op.getNumDpsInputs()];
  std::vector<H::Var> outputVars;
  llvm::SmallBitVector seen(rank);
  for (auto [i, result] : llvm::enumerate(outputMap.getResults())) {
    if (auto dim = mlir::dyn_cast<mlir::AffineDimExpr>(result)) {
      if (seen[dim.getPosition()] ||
          kinds[dim.getPosition()] != mlir::utils::IteratorType::parallel)
        throw Refusal{"a result indexed by something other than distinct parallel loops"};
      seen.set(dim.getPosition());
      outputVars.push_back(vars[dim.getPosition()]);
    } else if (mlir::isa<mlir::AffineConstantExpr>(result)) {
      outputVars.push_back(H::Var("one" + std::to_string(i)));
    } else {
      throw Refusal{"a result indexed by something other than distinct parallel loops"};
    }
  }
  for (unsigned i = 0; i < rank; ++i)
    if (kinds[i] == mlir::utils::IteratorType::parallel && !seen[i])
      throw Refusal{"a parallel loop that no result depends on"};
  for (unsigned i = 1; i < op.getNumDpsInits(); ++i)
    if (op.getIndexingMapsArray()[op.getNumDpsInputs() + i] != outputMap)
      throw Refusal{"results of one op with different indexing maps"};

  std::vector<H::Var> place = reversed(outputVars);
  std::vector<Expr> outputIndices(outputVars.begin(), outputVars.end());

  // The initial values.
  std::vector<Expr> initial;
  for (mlir::Value init : op.getDpsInits())
    initial.push_back(element(init, outputIndices, outer, Loops{}));
  stage.tupleIndex = tupleOrder(op);
  auto assign = [&](const std::vector<Expr> &values) {
    H::FuncRef target = stage.func(place);
    if (values.size() == 1) {
      target = values[0];
      return;
    }
    std::vector<Expr> tuple(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      tuple[stage.tupleIndex[i]] = values[i];
    target = H::Tuple(tuple);
  };
  if (factor) {
    defineFactored(op, stage, factor, loops, place, initial[0]);
  } else if (stage.hasUpdate) {
    assign(initial);
    std::vector<Expr> accumulators;
    for (unsigned i = 0; i < initial.size(); ++i)
      accumulators.push_back(initial.size() == 1 ? Expr(stage.func(place))
                                                 : Expr(stage.func(place)[stage.tupleIndex[i]]));
    assign(body(op, loops, accumulators));
  } else {
    std::vector<Expr> values = body(op, loops, initial);
    for (auto [value, yielded] : llvm::zip(values, op.getBlock()->getTerminator()->getOperands()))
      if (backend == Backend::CPU && yielded.getDefiningOp<mlir::arith::MulFOp>() &&
          value.type().bits() >= 32)
        value = value + minusZero(value.type());
    assign(values);
  }
  for (mlir::Value value : op->getResults())
    stageOf[value] = number;
  stages.push_back(stage);
}

/// The values that the body of `op` yields at a position, given the outputs' values so far.
std::vector<Expr> Algorithm::body(mlir::linalg::LinalgOp op, const Loops &loops,
                                  std::vector<Expr> accumulators) {
  Scope scope;
  mlir::Block *block = op.getBlock();
  for (mlir::OpOperand &operand : op->getOpOperands()) {
    mlir::Value argument = block->getArgument(operand.getOperandNumber());
    if (argument.use_empty())
      continue;
    if (op.isDpsInit(&operand)) {
      scope[argument] = accumulators[operand.getOperandNumber() - op.getNumDpsInputs()];
    } else if (!mlir::isa<mlir::RankedTensorType>(operand.get().getType())) {
      scope[argument] = scalar(operand.get(), outer, Loops{});
    } else {
      mlir::AffineMap map = op.getMatchingIndexingMap(&operand);
      std::vector<Expr> indices;
      for (mlir::AffineExpr result : map.getResults())
        indices.push_back(affine(result, map, loops.dims));
      scope[argument] = element(operand.get(), indices, scope, loops);
    }
  }
  std::vector<Expr> values;
  for (mlir::Value value : block->getTerminator()->getOperands())
    values.push_back(scalar(value, scope, loops));
  if (backend != Backend::CPU)
    for (Expr &value : values)
      value = forDevice(value, /*isRounded=*/op.getNumReductionLoops() == 0, backend);
  return values;
}

/// A reduction in interleaved partial results: see kernel.rfactor.
///   partial(p, u) = neutral;  partial(p, u) = op(partial(p, u), value(p, r * factor + u))   r <
///   extent / factor func(p) = op(initial, partial(p, 0), partial(p, 1), ...);  func(p) =
///   op(func(p), value(p, r))   for the rest
void Algorithm::defineFactored(mlir::linalg::LinalgOp op, Stage &stage, kernel::RFactorOp factor,
                               Loops loops, llvm::ArrayRef<H::Var> place, Expr initial) {
  mlir::Block *block = op.getBlock();
  mlir::Operation *combiner = kernel::getCombiner(op);
  if (!combiner)
    throw Refusal{"rfactor of a reduction that is not one associative op"};
  mlir::Value accumulator = block->getArgument(op.getNumDpsInputs());
  bool second = combiner->getOperand(1) == accumulator;
  mlir::Value element = combiner->getOperand(second ? 0 : 1);
  auto combine = [&](Expr a, Expr b) {
    std::vector<Expr> operands = {a, b};
    if (second)
      std::swap(operands[0], operands[1]);
    return scalarOp(combiner, operands);
  };
  auto valueAt = [&](const Loops &at) {
    // The body once more, with the accumulator's place taken by the neutral element; only `element`
    // is wanted.
    Scope scope;
    for (mlir::OpOperand *operand : op.getDpsInputOperands()) {
      mlir::Value argument = block->getArgument(operand->getOperandNumber());
      if (argument.use_empty())
        continue;
      if (!mlir::isa<mlir::RankedTensorType>(operand->get().getType())) {
        scope[argument] = scalar(operand->get(), outer, Loops{});
        continue;
      }
      mlir::AffineMap map = op.getMatchingIndexingMap(operand);
      std::vector<Expr> indices;
      for (mlir::AffineExpr result : map.getResults())
        indices.push_back(affine(result, map, at.dims));
      scope[argument] = this->element(operand->get(), indices, scope, at);
    }
    Expr value = scalar(element, scope, at);
    return backend == Backend::CPU ? value : forDevice(value, /*isRounded=*/false, backend);
  };

  unsigned dim = 0;
  while (kernel::loopName(dim) != factor.getDim())
    ++dim;
  int32_t lanes = factor.getFactor();
  Expr extent = stage.extents[kernel::loopName(dim)];
  Expr main = H::Internal::simplify(extent / lanes),
       rest = H::Internal::simplify(extent - extent / lanes * lanes);

  // Two domains: every loop as it is, but `dim`.
  auto domainOf = [&](Expr begin, Expr length, const char *name, Stage &nest, unsigned which) {
    Loops at = loops;
    H::Region ranges;
    std::vector<unsigned> dims;
    for (unsigned i = loops.dims.size(); i-- > 0;)
      if (op.getIteratorTypesArray()[i] == mlir::utils::IteratorType::reduction) {
        ranges.push_back(i == dim ? H::Range(begin, length)
                                  : H::Range(0, stage.extents[kernel::loopName(i)]));
        dims.push_back(i);
      }
    H::RDom domain(ranges, name);
    for (auto [k, i] : llvm::enumerate(dims)) {
      H::RVar r = domain[int(k)];
      at.dims[i] = r;
      nest.loops[1].erase(kernel::loopName(i));
      nest.loops[1].emplace(kernel::loopName(i), r);
    }
    return at;
  };

  Stage partial;
  partial.hasUpdate = true;
  partial.func = H::Func(stage.func.name() + "_partial");
  partial.loops[0] = stage.loops[0];
  partial.loops[1] = stage.loops[0];
  partial.extents = stage.extents;
  H::Var lane("u");
  partial.loops[0].emplace(factor.getLane().str(), lane);
  partial.loops[1].emplace(factor.getLane().str(), lane);
  std::vector<H::Var> lanePlace(place.begin(), place.end());
  lanePlace.insert(lanePlace.begin(), lane);
  Loops at = domainOf(0, main, "rp", partial, dim);
  at.dims[dim] = at.dims[dim] * lanes + lane;
  mlir::Type type = accumulator.getType();
  partial.func(lanePlace) = constantOf(type, *mlir::arith::getNeutralElement(combiner));
  partial.func(lanePlace) = combine(partial.func(lanePlace), valueAt(at));

  // A tree over the partial results.
  std::vector<Expr> tree;
  std::vector<Expr> indices(place.begin(), place.end());
  for (int32_t i = 0; i < lanes; ++i) {
    std::vector<Expr> at = indices;
    at.insert(at.begin(), Expr(i));
    tree.push_back(partial.func(at));
  }
  while (tree.size() > 1) {
    std::vector<Expr> next;
    size_t half = (tree.size() + 1) / 2;
    for (size_t i = 0; i < half; ++i)
      next.push_back(i + half < tree.size() ? combine(tree[i], tree[i + half]) : tree[i]);
    tree = next;
  }
  std::vector<H::Var> where(place.begin(), place.end());
  stage.func(where) = combine(initial, tree[0]);
  Loops tail = domainOf(main * lanes, rest, "r", stage, dim);
  stage.func(where) = combine(stage.func(where), valueAt(tail));
  partials.emplace(factor.getOperation(), partial);
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

void Algorithm::addOutputs() {
  auto yielded = kernel.getYielded();
  std::vector<bool> used(stages.size());
  for (unsigned i = 0; i < yielded.size();) {
    mlir::Value value = yielded[i];
    auto stage = stageOf.find(value);
    H::Func func;
    unsigned count = 1;
    if (stage != stageOf.end() && !used[stage->second]) {
      // All results of the op, one after another, are the buffers of one function.
      func = stages[stage->second].func;
      count = func.outputs();
      for (unsigned k = 0; k < count; ++k)
        if (i + k >= yielded.size() || yielded[i + k] != value.getDefiningOp()->getResult(k) ||
            stages[stage->second].tupleIndex[k] != k)
          func = H::Func();
    }
    if (func.defined()) {
      used[stage->second] = true;
    } else {
      // Anything else is copied.
      count = 1;
      func = H::Func("copy" + std::to_string(i));
      std::vector<H::Var> vars;
      for (int64_t d = 0; d < tensorType(value).getRank(); ++d)
        vars.push_back(H::Var("d" + std::to_string(d)));
      func(reversed(vars)) =
          element(value, std::vector<Expr>(vars.begin(), vars.end()), outer, Loops{});
      if (stage != stageOf.end())
        stages[stage->second].func.compute_root();
    }
    for (unsigned k = 0; k < count; ++k)
      describe(func.output_buffers()[k], tensorType(yielded[i + k]),
               kernel::getResultStrides(kernel, i + k), func.output_buffers()[0]);
    outputs.push_back(func);
    i += count;
  }
}
