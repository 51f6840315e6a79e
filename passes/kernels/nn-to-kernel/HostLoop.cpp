//===- HostLoop.cpp - nn.loop on the host ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop with a trip count and no condition becomes scf.for; its scan outputs
// are written in place into tensors of the full length. Any other loop becomes
// scf.while; its scan outputs grow by copying.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/nn-to-kernel/HostBuilder.h"

using namespace mlir;
using namespace sinter;

static nn::YieldOp getYield(nn::LoopOp op) {
  return ::cast<nn::YieldOp>(op.getBody().front().getTerminator());
}

static bool isTrue(Value condition) {
  auto constant = nn::getConstant(condition);
  return constant && nn::HostTensor::fromAttribute(constant).getInt(0) != 0;
}

// The condition never ends the loop: it starts true and stays what it was.
static bool neverBreaks(nn::LoopOp op) {
  if (op.getCondition() && !isTrue(op.getCondition()))
    return false;
  Value next = getYield(op).getValues().front();
  return isTrue(next) || next == op.getBody().getArgument(1);
}

LogicalResult HostBuilder::buildLoop(nn::LoopOp op) {
  unsigned carried = op.getInits().size();
  if (op.getTripCount() && neverBreaks(op)) {
    // The scan outputs' dims must be known before the loop starts.
    bool known = true;
    for (Value scan : getYield(op).getValues().drop_front(1 + carried))
      for (AffineExpr dim : analysis.shape(scan)) {
        SmallVector<Value> sources;
        analysis.collectValues(dim, sources);
        for (Value source : sources)
          known &= source && mapping.contains(source);
      }
    if (known)
      return buildCountedLoop(op, scalarIndex(get(op.getTripCount())));
  }
  return buildWhileLoop(op);
}

LogicalResult HostBuilder::buildCountedLoop(nn::LoopOp op, Value tripCount) {
  Location outer = loc;
  unsigned carried = op.getInits().size();
  nn::YieldOp yield = getYield(op);
  Value zero = constantIndex(0), one = constantIndex(1);
  tripCount = arith::MaxSIOp::create(builder, loc, tripCount, zero);

  // Carried values keep one buffer each if their shape can't change.
  SmallVector<Value> inits;
  SmallVector<Type> types;
  SmallVector<bool> inPlace;
  for (unsigned i = 0; i < carried; ++i) {
    auto type = hostType(op.getBody().getArgument(2 + i).getType());
    Value init = cast(get(op.getInits()[i]), type);
    bool fixed = analysis.shape(yield.getValues()[1 + i]) ==
                     analysis.shape(op.getBody().getArgument(2 + i)) ||
                 (type.hasStaticShape() && hostType(yield.getValues()[1 + i].getType()) == type);
    inPlace.push_back(fixed);
    // The loop's own buffer starts as a copy: the initial value may be a
    // constant, an input, or needed later.
    if (fixed) {
      SmallVector<Value> dims;
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (type.isDynamicDim(d))
          dims.push_back(tensor::DimOp::create(builder, loc, init, d));
      init = copyInto(init, empty(type, dims));
    }
    inits.push_back(init);
    types.push_back(type);
  }
  SmallVector<Value> scans(yield.getValues().drop_front(1 + carried));
  for (Value scan : scans) {
    RankedTensorType element = hostType(scan.getType());
    SmallVector<int64_t> shape{ShapedType::kDynamic};
    llvm::append_range(shape, element.getShape());
    SmallVector<Value> dims{tripCount};
    for (auto [dim, expr] : llvm::zip(element.getShape(), analysis.shape(scan)))
      if (ShapedType::isDynamic(dim))
        dims.push_back(index(expr));
    auto type = RankedTensorType::get(shape, element.getElementType());
    inits.push_back(empty(type, dims));
    types.push_back(type);
  }

  auto loop = scf::ForOp::create(builder, loc, zero, tripCount, one, inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *body = loop.getBody();
    if (!body->empty())
      body->getTerminator()->erase();
    builder.setInsertionPointToEnd(body);
    set(op.getBody().getArgument(0),
        scalarTensor(loop.getInductionVar(), hostType(op.getBody().getArgument(0).getType())));
    Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
    set(op.getBody().getArgument(1),
        scalarTensor(yes, hostType(op.getBody().getArgument(1).getType())));
    for (unsigned i = 0; i < carried; ++i)
      set(op.getBody().getArgument(2 + i), loop.getRegionIterArg(i));
    if (failed(buildBlock(op.getBody().front())))
      return failure();
    loc = outer;
    // Scan outputs first: they may read the old state.
    SmallVector<Value> yielded, stacked;
    for (auto [number, scan] : llvm::enumerate(scans)) {
      Value accumulated = loop.getRegionIterArg(carried + number);
      Value element = get(scan);
      auto type = ::cast<RankedTensorType>(element.getType());
      SmallVector<OpFoldResult> offsets{loop.getInductionVar()}, sizes{builder.getIndexAttr(1)},
          strides(type.getRank() + 1, builder.getIndexAttr(1));
      for (int64_t d = 0; d < type.getRank(); ++d) {
        offsets.push_back(builder.getIndexAttr(0));
        sizes.push_back(tensor::getMixedSize(builder, loc, element, d));
      }
      stacked.push_back(tensor::InsertSliceOp::create(builder, loc, element, accumulated, offsets,
                                                      sizes, strides));
    }
    for (unsigned i = 0; i < carried; ++i) {
      Value value = cast(get(yield.getValues()[1 + i]), types[i]);
      // A value written into the loop's own buffer doesn't escape the iteration.
      // An argument, its own or another, is passed on as it is.
      if (inPlace[i] && value.getDefiningOp() && loop->isAncestor(value.getDefiningOp()))
        value = copyInto(value, loop.getRegionIterArg(i));
      yielded.push_back(value);
    }
    llvm::append_range(yielded, stacked);
    scf::YieldOp::create(builder, loc, yielded);
  }
  for (auto [result, host] : llvm::zip(op.getResults(), loop.getResults()))
    set(result, cast(host, hostType(result.getType())));
  loc = outer;
  return success();
}

LogicalResult HostBuilder::buildWhileLoop(nn::LoopOp op) {
  Location outer = loc;
  unsigned carried = op.getInits().size();
  nn::YieldOp yield = getYield(op);
  Value zero = constantIndex(0), one = constantIndex(1);
  Value limit;
  if (op.getTripCount())
    limit = scalarIndex(get(op.getTripCount()));

  // State: iteration, condition, carried values, scan outputs so far.
  Value start = op.getCondition() ? scalar(get(op.getCondition()))
                                  : arith::ConstantIntOp::create(builder, loc, 1, 1);
  SmallVector<Value> inits{zero, start};
  for (auto [i, init] : llvm::enumerate(op.getInits()))
    inits.push_back(cast(get(init), hostType(op.getBody().getArgument(2 + i).getType())));
  SmallVector<Value> scans(yield.getValues().drop_front(1 + carried));
  SmallVector<RankedTensorType> scanTypes;
  for (Value scan : scans) {
    RankedTensorType element = hostType(scan.getType());
    SmallVector<int64_t> shape{ShapedType::kDynamic};
    llvm::append_range(shape, element.getShape());
    auto type = RankedTensorType::get(shape, element.getElementType());
    scanTypes.push_back(type);
    SmallVector<Value> dims(type.getNumDynamicDims(), zero);
    inits.push_back(empty(type, dims));
  }
  SmallVector<Type> types;
  for (Value init : inits)
    types.push_back(init.getType());

  bool ok = true;
  auto before = [&](OpBuilder &, Location, ValueRange state) {
    Value more = state[1];
    if (limit) {
      Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, state[0], limit);
      more = arith::AndIOp::create(builder, loc, more, below);
    }
    scf::ConditionOp::create(builder, loc, more, state);
  };
  auto after = [&](OpBuilder &, Location, ValueRange state) {
    set(op.getBody().getArgument(0),
        scalarTensor(state[0], hostType(op.getBody().getArgument(0).getType())));
    set(op.getBody().getArgument(1),
        scalarTensor(state[1], hostType(op.getBody().getArgument(1).getType())));
    for (unsigned i = 0; i < carried; ++i)
      set(op.getBody().getArgument(2 + i), state[2 + i]);
    if (failed(buildBlock(op.getBody().front()))) {
      ok = false;
      scf::YieldOp::create(builder, loc, state);
      return;
    }
    loc = outer;
    SmallVector<Value> next;
    next.push_back(arith::AddIOp::create(builder, loc, state[0], one));
    next.push_back(scalar(get(yield.getValues()[0])));
    for (unsigned i = 0; i < carried; ++i)
      next.push_back(cast(get(yield.getValues()[1 + i]), types[2 + i]));
    for (auto [number, scan] : llvm::enumerate(scans)) {
      Value old = state[2 + carried + number];
      Value element = get(scan);
      auto type = scanTypes[number];
      Value count = state[0];
      Value longer = arith::AddIOp::create(builder, loc, count, one);
      SmallVector<Value> dims{longer};
      SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)),
          sizes{OpFoldResult(count)}, strides(type.getRank(), builder.getIndexAttr(1));
      for (int64_t d = 1; d < type.getRank(); ++d) {
        OpFoldResult size = tensor::getMixedSize(builder, loc, element, d - 1);
        sizes.push_back(size);
        if (type.isDynamicDim(d))
          dims.push_back(getValueOrCreateConstantIndexOp(builder, loc, size));
      }
      Value grown = empty(type, dims);
      // Before the first iteration there are no rows, whatever the other dims say.
      Value resized = kernel::ViewOp::create(builder, loc, type, old, [&] {
        SmallVector<Value> viewDims(dims);
        viewDims[0] = count;
        return viewDims;
      }());
      grown = tensor::InsertSliceOp::create(builder, loc, resized, grown, offsets, sizes, strides);
      offsets[0] = OpFoldResult(count);
      sizes[0] = builder.getIndexAttr(1);
      grown = tensor::InsertSliceOp::create(builder, loc, element, grown, offsets, sizes, strides);
      next.push_back(grown);
    }
    scf::YieldOp::create(builder, loc, next);
  };

  auto loop = scf::WhileOp::create(builder, loc, types, inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    SmallVector<Location> locations(types.size(), loc);
    Block *first = builder.createBlock(&loop.getBefore(), {}, types, locations);
    before(builder, loc, first->getArguments());
    Block *second = builder.createBlock(&loop.getAfter(), {}, types, locations);
    after(builder, loc, second->getArguments());
  }
  if (!ok)
    return failure();
  for (auto [number, result] : llvm::enumerate(op.getResults()))
    set(result, cast(loop.getResult(2 + number), hostType(result.getType())));
  loc = outer;
  return success();
}
