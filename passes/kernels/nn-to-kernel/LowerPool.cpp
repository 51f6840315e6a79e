//===- LowerPool.cpp - pools ----------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Windows read a padded stage whose border is the neutral element; the stage
// is missing when no window leaves the input.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

namespace {
/// The windows of a pooling op and where its spatial dims are.
struct Pool {
  unsigned rank, spatial, firstSpatial;
  SmallVector<Window> windows;
  SmallVector<Size> taps;
};
} // namespace

template <typename OpTy>
static Pool getPool(OpTy op, Value input, Value output, bool last, LowerContext &context) {
  nn::SymbolicShape from = context.shape(input);
  nn::SymbolicShape to = context.shape(output);
  Pool pool;
  pool.rank = from.size();
  pool.spatial = pool.rank - 2;
  pool.firstSpatial = last ? 1 : 2;
  SmallVector<AffineExpr> kernel;
  for (int64_t size : op.getKernelShape()) {
    kernel.push_back(context.constant(size));
    pool.taps.push_back(kernel.back());
  }
  pool.windows =
      getWindows(context, op.getStrides(), op.getPads(), op.getDilations(), op.getAutoPad(), kernel,
                 ArrayRef<AffineExpr>(from).slice(pool.firstSpatial, pool.spatial),
                 ArrayRef<AffineExpr>(to).slice(pool.firstSpatial, pool.spatial));
  // Rounding up may let the last window pass a dynamic end.
  if (op.getCeilMode())
    for (Window &window : pool.windows)
      if (!nn::asConstant(window.input) && !window.isPadded() && window.stride > 1)
        window.padEnd = context.constant(window.stride - 1);
  return pool;
}

template <typename OpTy>
static Pool getPool(OpTy op, bool last, LowerContext &context) {
  return getPool(op, op.getInput(), op.getOutput(), last, context);
}

template <typename OpTy>
static bool isChannelsLast(OpTy op) {
  return op.getDataLayout() == nn::DataLayout::channels_last;
}

// The windowed input over the loops of the result, then the taps.
static Input windowInput(const Pool &pool, Operand input, LowerContext &context) {
  Input result{input, context.loops(0, pool.rank)};
  for (auto [dim, window] : llvm::enumerate(pool.windows))
    result.indices[pool.firstSpatial + dim] =
        context.loop(pool.firstSpatial + dim) * window.stride +
        context.loop(pool.rank + dim) * window.dilation;
  return result;
}

/// Whether windows share nothing and do not leave the input.
static bool isDisjoint(nn::MaxPoolOp op, const Pool &pool) {
  return llvm::equal(op.getStrides(), op.getKernelShape()) &&
         llvm::all_of(pool.windows, [](const Window &window) {
           return window.dilation == 1 && !window.isPadded();
         });
}

/// Disjoint windows of what the same kernel computes: each element is made where it is
/// read, so that the window is part of a map rather than a reduction.
static void lowerPoolInKernel(nn::MaxPoolOp op, const Pool &pool, LowerContext &context) {
  ArrayRef<int64_t> kernel = op.getKernelShape();
  int64_t taps = llvm::product_of(kernel);
  SmallVector<Input> inputs;
  for (int64_t tap = 0; tap < taps; ++tap) {
    Input input{context.operand(op.getInput()), context.loops(0, pool.rank)};
    int64_t rest = tap;
    for (unsigned dim = pool.spatial; dim-- > 0; rest /= kernel[dim]) {
      AffineExpr &place = input.indices[pool.firstSpatial + dim];
      place = place * kernel[dim] + rest % kernel[dim];
    }
    inputs.push_back(input);
  }
  bool isUnsignedElement = isUnsigned(op.getInput().getType().getElementType());
  context.set(op.getOutput(), context.map(context.empty(op.getOutput()), inputs, [&](Body &body) {
    Scalar greatest = body.in.front();
    for (Scalar each : llvm::drop_begin(body.in))
      greatest = maxElement(greatest, each, isUnsignedElement);
    return greatest;
  }));
}

static LogicalResult lowerMaxPool(nn::MaxPoolOp op, LowerContext &context) {
  Pool pool = getPool(op, isChannelsLast(op), context);
  Operation *producer = op.getInput().getDefiningOp();
  if (producer && producer->getBlock() == op->getBlock() && isDisjoint(op, pool)) {
    lowerPoolInKernel(op, pool, context);
    return success();
  }
  Type elementType = op.getInput().getType().getElementType();
  bool isUnsignedElement = isUnsigned(elementType);
  Type type = nn::getSignlessType(elementType);
  TypedAttr lowest = getLowest(type, isUnsignedElement);
  Operand input = padInput(context, op.getInput(), pool.windows, pool.firstSpatial, lowest);
  Value init = context.fill(context.empty(op.getOutput()), lowest);
  context.set(op.getOutput(),
              context.reduce(init, pool.taps, windowInput(pool, input, context), [&](Body &body) {
                return maxElement(body.out[0], body.in[0], isUnsignedElement);
              }));
  return success();
}

// How many taps of a window lie in [low, high), positions counted in the input.
static Scalar countTaps(Body &body, const Window &window, unsigned loop, Scalar low, Scalar high) {
  Scalar start = body.index(loop) * window.stride - body.size(window.padBegin);
  Scalar taps = body.size(window.kernel);
  auto before = [&](Scalar limit) {
    Scalar distance = limit - start;
    Scalar count =
        window.dilation == 1 ? distance : ceilDivide(distance, distance.like(window.dilation));
    return clamp(count, count.like(0), taps);
  };
  return before(high) - before(low);
}

static LogicalResult lowerAveragePool(nn::AveragePoolOp op, LowerContext &context) {
  Pool pool = getPool(op, isChannelsLast(op), context);
  Type elementType = op.getInput().getType().getElementType();
  Type type = getAccumulatorType(elementType);
  Operand input = padInput(context, op.getInput(), pool.windows, pool.firstSpatial,
                           cast<TypedAttr>(context.builder.getZeroAttr(elementType)));
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, pool.taps, windowInput(pool, input, context),
                             [&](Body &body) { return body.out[0] + convert(body.in[0], type); });
  // Without the pads as they were given, a window counts what it has of the
  // input; with them, what it has of the padded input.
  bool withPads = op.getCountIncludePad();
  nn::AutoPad autoPad = op.getAutoPad();
  Value mean = context.map(
      context.empty(op.getOutput()), Input{context.stage(sum), context.loops(0, pool.rank)},
      [&](Body &body) {
        Scalar count = body.constantIndex(1);
        for (auto [dim, window] : llvm::enumerate(pool.windows)) {
          Scalar low = body.constantIndex(0), high = body.size(window.input);
          if (withPads) {
            AffineExpr padEnd = window.padEnd;
            if (autoPad == nn::AutoPad::notset)
              padEnd =
                  context.constant(op.getPads().empty() ? 0 : op.getPads()[pool.spatial + dim]);
            low = low - body.size(window.padBegin);
            high = high + body.size(padEnd);
          }
          auto extent = nn::asConstant(window.extent());
          auto size = nn::asConstant(window.input);
          bool whole = !window.isPadded() && extent && size && *extent <= *size;
          count = count * (whole ? body.size(window.kernel)
                                 : countTaps(body, window, pool.firstSpatial + dim, low, high));
        }
        Scalar n = convert(max(count, count.like(1)), type);
        return convert(body.in[0] / n, elementType);
      });
  context.set(op.getOutput(), mean);
  return success();
}

static LogicalResult lowerLpPool(nn::LpPoolOp op, LowerContext &context) {
  Pool pool = getPool(op, isChannelsLast(op), context);
  Type elementType = op.getInput().getType().getElementType();
  Type type = getAccumulatorType(elementType);
  int64_t p = op.getP();
  Operand input = padInput(context, op.getInput(), pool.windows, pool.firstSpatial,
                           cast<TypedAttr>(context.builder.getZeroAttr(elementType)));
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, pool.taps, windowInput(pool, input, context), [&](Body &body) {
    Scalar x = abs(convert(body.in[0], type));
    Scalar power = p == 1 ? x : p == 2 ? x * x : pow(x, x.like(static_cast<double>(p)));
    return body.out[0] + power;
  });
  context.set(op.getOutput(),
              context.map(context.empty(op.getOutput()),
                          Input{context.stage(sum), context.loops(0, pool.rank)}, [&](Body &body) {
                            Scalar x = body.in[0];
                            Scalar root = p == 1   ? x
                                          : p == 2 ? sqrt(x)
                                                   : pow(x, x.like(1.0 / static_cast<double>(p)));
                            return convert(root, elementType);
                          }));
  return success();
}

static LogicalResult lowerMaxPoolIndices(nn::MaxPoolIndicesOp op, LowerContext &context) {
  Pool pool = getPool(op, /*last=*/false, context);
  Operand input = context.operand(op.getInput());
  nn::SymbolicShape shape = context.shape(op.getInput());
  Type type = input.elementType;
  Value values =
      context.fill(context.empty(op.getOutput(), type), getLowest(type, input.isUnsigned));
  Value indices = context.fill(context.empty(op.getOutput()), -1.0);
  auto results = context.generic({values, indices}, pool.taps, {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(2);
    Scalar inside;
    for (auto [dim, window] : llvm::enumerate(pool.windows)) {
      Scalar position = body.index(2 + dim) * window.stride +
                        body.index(pool.rank + dim) * window.dilation - body.size(window.padBegin);
      Scalar extent = body.size(window.input);
      Scalar here = (position >= 0) & (position < extent);
      inside = inside ? inside & here : here;
      positions.push_back(clamp(position, position.like(0), extent - 1));
    }
    // N C X… flat, the spatial dims row- or column-major.
    Scalar flat = positions[0] * body.size(shape[1]) + positions[1];
    for (unsigned i = 0; i < pool.spatial; ++i) {
      unsigned dim = op.getColumnMajor() ? pool.rank - 1 - i : 2 + i;
      flat = flat * body.size(shape[dim]) + positions[dim];
    }
    Scalar x = body.read(input, positions);
    Scalar best = body.out[0], index = body.out[1];
    Scalar better = greater(x, best, input.isUnsigned);
    // The first element of the window, even if it is the least value.
    better = (better | (index < 0)) & inside;
    return SmallVector<Scalar>{select(better, x, best),
                               select(better, convert(flat, index.getType()), index)};
  });
  context.set(op.getOutput(), results[1]);
  return success();
}

// The elements of the pool's input gather from the windows that cover them:
// `term(body, positions, tap)` is what the window at these positions of the
// pool's result adds to the element that is its tap number `tap`.
template <typename Function>
static Value gatherWindows(const Pool &pool, Value result, Type type, LowerContext &context,
                           Function term) {
  Value init = context.fill(context.empty(result, type), 0.0);
  return context.reduce(init, pool.taps, {}, [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(pool.rank);
    Scalar tap = body.constantIndex(0), inside;
    for (auto [dim, window] : llvm::enumerate(pool.windows)) {
      Scalar offset = body.index(pool.rank + dim);
      auto [position, here] =
          sourcePosition(positions[pool.firstSpatial + dim], offset, body.size(window.padBegin),
                         window.stride, window.dilation, body.size(window.output));
      positions[pool.firstSpatial + dim] = position;
      tap = tap * body.size(window.kernel) + offset;
      inside = inside ? inside & here : here;
    }
    Scalar value = convert(term(body, positions, tap), type);
    return body.out[0] + select(inside, value, value.like(0));
  });
}

static LogicalResult lowerSumPoolGrad(nn::SumPoolGradOp op, LowerContext &context) {
  Pool pool = getPool(op, op.getOutput(), op.getCotangent(), isChannelsLast(op), context);
  Operand cotangent = context.operand(op.getCotangent());
  Type type = getAccumulatorType(cotangent.elementType);
  Value sum = gatherWindows(pool, op.getOutput(), type, context,
                            [&](Body &body, ArrayRef<Scalar> positions, Scalar) {
                              return body.read(cotangent, positions);
                            });
  context.set(op.getOutput(), context.narrow(sum, cotangent.elementType));
  return success();
}

// First which tap of each window is its greatest, then the sum over windows.
static LogicalResult lowerMaxPoolGrad(nn::MaxPoolGradOp op, LowerContext &context) {
  Pool pool = getPool(op, op.getOutput(), op.getCotangent(), isChannelsLast(op), context);
  Operand input = context.operand(op.getInput()), cotangent = context.operand(op.getCotangent());
  Type type = input.elementType, tapType = context.builder.getI32Type();
  // A window's element, its tap's number, and whether it is one of the picture's.
  struct Element {
    Scalar value, tap, inside;
  };
  auto element = [&](Body &body) {
    SmallVector<Scalar> positions = body.indices(pool.rank);
    Element result{{}, body.constantIndex(0), {}};
    for (auto [dim, window] : llvm::enumerate(pool.windows)) {
      Scalar offset = body.index(pool.rank + dim), extent = body.size(window.input);
      Scalar position = positions[pool.firstSpatial + dim] * window.stride +
                        offset * window.dilation - body.size(window.padBegin);
      Scalar here = (position >= 0) & (position < extent);
      positions[pool.firstSpatial + dim] = clamp(position, position.like(0), extent - 1);
      result.tap = result.tap * body.size(window.kernel) + offset;
      result.inside = result.inside ? result.inside & here : here;
    }
    result.value = body.read(input, positions);
    return result;
  };
  // More than any tap. Halide ends loops where `tap < first` does, and adds to this for it.
  constexpr int32_t none = 1 << 30;
  Value greatest = context.fill(context.empty(op.getCotangent(), type), getLowest(type, false));
  Value winners = context.fill(context.empty(op.getCotangent(), tapType), none);
  ArrayRef<int64_t> spatialDims = op.getCotangent().getType().getShape();
  spatialDims = spatialDims.slice(pool.firstSpatial, pool.spatial);
  if (llvm::none_of(spatialDims, ShapedType::isDynamic)) {
    // One result a reduction: two that read each other are no kernel of Halide's.
    greatest = context.reduce(greatest, pool.taps, {}, [&](Body &body) {
      Element each = element(body);
      return select(each.inside & (body.out[0] < each.value), each.value, body.out[0]);
    });
    Input best{context.stage(greatest), context.loops(0, pool.rank)};
    winners = context.reduce(winners, pool.taps, {best}, [&](Body &body) {
      Element each = element(body);
      Scalar tap = convert(each.tap, tapType), first = body.out[0];
      return select(each.inside & (body.in[0] <= each.value) & (tap < first), tap, first);
    });
  } else {
    // Nor does it find the bounds of what is read at positions that sizes of the run decide.
    winners = context.generic({greatest, winners}, pool.taps, {}, [&](Body &body) {
      Element each = element(body);
      Scalar best = body.out[0], first = body.out[1];
      Scalar better = each.inside & ((best < each.value) | (first == first.like(none)));
      return SmallVector<Scalar>{select(better, each.value, best),
                                 select(better, convert(each.tap, tapType), first)};
    })[1];
  }
  Type sumType = getAccumulatorType(type);
  Value sum = gatherWindows(pool, op.getOutput(), sumType, context,
                            [&](Body &body, ArrayRef<Scalar> positions, Scalar tap) {
                              Scalar g = body.read(cotangent, positions);
                              Scalar isWinner = body.read(context.stage(winners), positions) ==
                                                convert(tap, tapType);
                              return select(isWinner, g, g.like(0));
                            });
  context.set(op.getOutput(), context.narrow(sum, type));
  return success();
}

void sinter::addPoolLowerings(LoweringTable &table) {
  table.add<nn::MaxPoolOp, lowerMaxPool>();
  table.add<nn::AveragePoolOp, lowerAveragePool>();
  table.add<nn::LpPoolOp, lowerLpPool>();
  table.add<nn::MaxPoolIndicesOp, lowerMaxPoolIndices>();
  table.add<nn::MaxPoolGradOp, lowerMaxPoolGrad>();
  table.add<nn::SumPoolGradOp, lowerSumPoolGrad>();
}
