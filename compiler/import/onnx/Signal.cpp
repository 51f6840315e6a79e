//===- Signal.cpp - Fourier transforms, windows, sampling grids -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes may be known at run time only, so everything is built from index
// ranges; where the sizes are constants, folding leaves constant matrices.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/onnx/Node.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
Type i64Of(Node &node) { return IntegerType::get(node.getContext(), 64); }
Type f64Of(Node &node) { return Float64Type::get(node.getContext()); }

/// Whole numbers as scalars; constants are computed at once.
class Numbers {
public:
  explicit Numbers(Node &node) : node(node) {}

  Value constant(int64_t number) {
    return nn::createIndexScalar(node.getBuilder(), node.getLoc(), number);
  }
  /// A one-element integer tensor.
  Value of(Value value) {
    if (auto known = find(value))
      return constant(*known);
    if (typeOf(value).getRank() != 0)
      value = node.reshape(value, {});
    return node.cast(value, i64Of(node));
  }
  Value dim(Value value, int64_t dim) { return of(node.dimOf(value, dim)); }
  std::optional<int64_t> find(Value value) {
    auto known = node.getConstantInts(value);
    if (known && known->size() == 1)
      return known->front();
    return std::nullopt;
  }
  template <typename Op, typename Fold>
  Value apply(Value lhs, Value rhs, Fold fold) {
    auto a = find(lhs), b = find(rhs);
    return a && b ? constant(fold(*a, *b)) : node.create<Op>(lhs, rhs);
  }
  Value add(Value lhs, int64_t rhs) {
    return apply<nn::AddOp>(lhs, constant(rhs), std::plus<int64_t>());
  }
  Value sub(Value lhs, Value rhs) { return apply<nn::SubOp>(lhs, rhs, std::minus<int64_t>()); }
  Value mul(Value lhs, int64_t rhs) {
    return apply<nn::MulOp>(lhs, constant(rhs), std::multiplies<int64_t>());
  }
  Value div(Value lhs, Value rhs) {
    return apply<nn::DivOp>(lhs, rhs, [](int64_t a, int64_t b) { return b ? a / b : 0; });
  }
  /// A scalar as 1-D of one element.
  Value vector(Value scalar) {
    if (auto known = find(scalar))
      return node.indices({*known});
    return node.reshape(scalar, {1});
  }
  /// 0, 1, … size − 1.
  Value range(Value size) { return node.create<nn::RangeOp>(constant(0), size, constant(1)); }

private:
  Node &node;
};

//===----------------------------------------------------------------------===//
// Fourier transforms
//===----------------------------------------------------------------------===//

/// cos and sin of 2πnk/N for n < rows (down), k < columns (across). nk is
/// taken modulo N as a whole number, so that large products stay exact.
std::pair<Value, Value> makeTwiddles(Node &node, Value rows, Value columns, Value length,
                                     Type type) {
  Numbers numbers(node);
  Value products = node.mul(node.unsqueeze(numbers.range(rows), {1}),
                            node.unsqueeze(numbers.range(columns), {0}));
  Value turns = node.create<nn::ModOp>(products, length, /*fmod=*/true);
  Type f64 = f64Of(node);
  Value step = node.div(node.scalar(f64, 2 * llvm::numbers::pi), node.cast(length, f64));
  Value angles = node.mul(node.cast(turns, f64), step);
  return {node.cast(node.create<nn::CosOp>(angles), type),
          node.cast(node.create<nn::SinOp>(angles), type)};
}

struct Complex {
  Value real, imaginary; ///< imaginary is null for 0
};

/// Transforms the last dim. `length` is N; the inverse of a one-sided spectrum
/// is real.
Complex transform(Node &node, Complex input, Value length, bool inverse, bool oneSided) {
  Numbers numbers(node);
  Type type = typeOf(input.real).getElementType();
  int64_t axis = typeOf(input.real).getRank() - 1;
  Value half = numbers.add(numbers.div(length, numbers.constant(2)), 1);
  // What lies beyond N (or beyond the one-sided half of it) doesn't count.
  Value limit = oneSided && inverse ? half : length;
  auto crop = [&](Value value) {
    if (!value)
      return value;
    int64_t size = typeOf(value).getDimSize(axis);
    auto known = numbers.find(limit);
    if (known && !ShapedType::isDynamic(size) && size <= *known)
      return value;
    return node.create<nn::SliceOp>(value, node.indices({0}), numbers.vector(limit),
                                    node.indices({1}), ArrayRef<int64_t>{axis});
  };
  input = {crop(input.real), crop(input.imaginary)};
  if (node.failed())
    return input;
  Value rows = numbers.dim(input.real, axis);
  Value columns = oneSided && !inverse ? half : length;
  auto [cosine, sine] = makeTwiddles(node, rows, columns, length, type);
  auto times = [&](Value lhs, Value rhs) { return node.create<nn::MatMulOp>(lhs, rhs); };
  if (inverse && oneSided) {
    // Bins but the first (and the middle one of an even N) stand for two.
    Value bins = numbers.range(rows);
    auto is = [&](Value lhs, Value rhs) {
      return node.compare(nn::ComparePredicate::eq, lhs, rhs);
    };
    Value single = node.create<nn::OrOp>(is(bins, numbers.constant(0)),
                                         is(node.mul(bins, numbers.constant(2)), length));
    Value weight = node.where(single, node.scalar(type, 1), node.scalar(type, 2));
    input.real = node.mul(input.real, weight);
    if (input.imaginary)
      input.imaginary = node.mul(input.imaginary, weight);
  }
  // (a + ib)(cos ∓ i sin): minus forward, plus backward.
  Complex result;
  result.real = times(input.real, cosine);
  if (input.imaginary) {
    Value cross = times(input.imaginary, sine);
    result.real = inverse ? node.sub(result.real, cross) : node.add(result.real, cross);
  }
  if (!(inverse && oneSided)) {
    result.imaginary = times(input.real, sine);
    if (!inverse)
      result.imaginary = node.create<nn::NegOp>(result.imaginary);
    if (input.imaginary)
      result.imaginary = node.add(result.imaginary, times(input.imaginary, cosine));
  }
  if (inverse) {
    Value size = node.cast(length, type);
    result.real = node.div(result.real, size);
    if (result.imaginary)
      result.imaginary = node.div(result.imaginary, size);
  }
  return result;
}

/// The last dim (1: real, 2: real and imaginary) taken apart, at f32 or more.
Complex split(Node &node, Value value) {
  auto type = typeOf(value);
  int64_t last = type.getRank() - 1;
  if (type.getElementTypeBitWidth() < 32)
    value = node.cast(value, Float32Type::get(node.getContext()));
  int64_t parts = type.getDimSize(last);
  if (parts == 1)
    return {node.squeeze(value, {last}), Value()};
  if (parts != 2)
    (void)node.emitError("the last dim must be 1 (real) or 2 (real and "
                         "imaginary)");
  return {node.squeeze(node.slice(value, last, 0, 1), {last}),
          node.squeeze(node.slice(value, last, 1, 2), {last})};
}

Value merge(Node &node, Complex value, Type type) {
  int64_t last = typeOf(value.real).getRank();
  Value result = node.unsqueeze(value.real, {last});
  if (value.imaginary)
    result = node.concat({result, node.unsqueeze(value.imaginary, {last})}, last);
  return node.cast(result, type);
}

/// The transform along `axis`.
Value transformAlong(Node &node, Value input, int64_t axis, Value length, bool inverse,
                     bool oneSided) {
  Complex parts = split(node, input);
  if (node.failed())
    return input;
  int64_t rank = typeOf(parts.real).getRank();
  Ints swap;
  for (int64_t i = 0; i < rank; ++i)
    swap.push_back(i);
  std::swap(swap[axis], swap[rank - 1]);
  auto move = [&](Value value) {
    return value && axis != rank - 1 ? node.transpose(value, swap) : value;
  };
  parts = {move(parts.real), move(parts.imaginary)};
  if (!length) {
    Numbers numbers(node);
    length = numbers.dim(input, axis);
    if (inverse && oneSided)
      length = numbers.mul(numbers.add(length, -1), 2);
  }
  Complex result = transform(node, parts, length, inverse, oneSided);
  if (node.failed())
    return input;
  result = {move(result.real), move(result.imaginary)};
  return merge(node, result, typeOf(input).getElementType());
}

LogicalResult buildDFT(Node &node) {
  Value input = node.getInput(0);
  bool inverse = node.getFlag("inverse"), oneSided = node.getFlag("onesided");
  int64_t rank = node.getRank(0);
  if (rank < 2)
    return node.emitError("the input must have rank 2 or more");
  Numbers numbers(node);
  Value length = node.hasInput(1) ? numbers.of(node.getInput(1)) : Value();
  std::optional<int64_t> axis;
  if (node.getOpset() < 20)
    axis = node.getInt("axis", 1);
  else if (!node.hasInput(2))
    axis = -2;
  else
    axis = numbers.find(node.getInput(2));
  if (axis) {
    int64_t normalized = node.normalizeAxis(*axis, rank);
    if (normalized == rank - 1)
      return node.emitError("the axis is that of the real and imaginary "
                            "parts");
    if (node.failed())
      return failure();
    return node.yield(transformAlong(node, input, normalized, length, inverse, oneSided));
  }
  // An axis that only the run knows: all that the declared result allows, and
  // a choice among them.
  RankedTensorType declared = node.getDeclaredOutputType(0);
  Value given = numbers.of(node.getInput(2)), result;
  for (int64_t candidate = 0; candidate < rank - 1; ++candidate) {
    Value transformed = transformAlong(node, input, candidate, length, inverse, oneSided);
    if (node.failed())
      return failure();
    auto type = typeOf(transformed);
    if (declared && failed(verifyCompatibleShape(declared, type)))
      continue;
    if (!result) {
      result = transformed;
      continue;
    }
    if (typeOf(result) != type || !type.hasStaticShape())
      return node.emitUnsupported("an axis that is no constant, where it "
                                  "changes the result's shape");
    Value chosen = node.create<nn::OrOp>(
        node.compare(nn::ComparePredicate::eq, given, numbers.constant(candidate)),
        node.compare(nn::ComparePredicate::eq, given, numbers.constant(candidate - rank)));
    result = node.where(chosen, transformed, result);
  }
  if (!result)
    return node.emitError("no axis gives the declared result");
  return node.yield(result);
}

/// Signal B × L × (1 or 2); frames of `length`, `step` apart.
LogicalResult buildSTFT(Node &node) {
  Numbers numbers(node);
  bool oneSided = node.getFlag("onesided", true);
  if (node.getRank(0) != 3)
    return node.emitError("the signal has rank " + Twine(node.getRank(0)) +
                          "; expected 3 (batch, samples, 1 or 2)");
  if (!node.hasInput(2) && !node.hasInput(3))
    return node.emitError("needs a window or a frame_length");
  if (node.hasInput(2) && node.getRank(2) != 1)
    return node.emitError("the window must have rank 1");
  Value signal = node.getInput(0), step = numbers.of(node.getInput(1));
  Value window = node.getInput(2);
  Value length = node.hasInput(3) ? numbers.of(node.getInput(3)) : numbers.dim(window, 0);
  Complex parts = split(node, signal);
  if (node.failed())
    return failure();
  Value frames = numbers.add(numbers.div(numbers.sub(numbers.dim(signal, 1), length), step), 1);
  Value indices = node.add(node.unsqueeze(node.mul(numbers.range(frames), step), {1}),
                           node.unsqueeze(numbers.range(length), {0}));
  Type type = typeOf(parts.real).getElementType();
  auto frame = [&](Value samples) {
    if (!samples)
      return samples;
    Value framed = node.create<nn::GatherOp>(samples, indices, 1);
    return window ? node.mul(framed, node.cast(window, type)) : framed;
  };
  parts = {frame(parts.real), frame(parts.imaginary)};
  if (node.failed())
    return failure();
  Complex result = transform(node, parts, length, /*inverse=*/false, oneSided);
  if (node.failed())
    return failure();
  return node.yield(merge(node, result, node.getElementType(0)));
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// a − b·cos(2πn/N) + c·cos(4πn/N).
LogicalResult buildWindow(Node &node, double a, double b, double c) {
  Numbers numbers(node);
  Type type = node.getOnnxType(node.getInt("output_datatype", 1));
  bool periodic = node.getFlag("periodic", true);
  Value size = numbers.of(node.getInput(0));
  if (node.failed())
    return failure();
  Type f64 = f64Of(node);
  Value period = periodic ? size : numbers.add(size, -1);
  Value phase = node.div(
      node.mul(node.cast(numbers.range(size), f64), node.scalar(f64, 2 * llvm::numbers::pi)),
      node.cast(period, f64));
  Value result =
      node.sub(node.scalar(f64, a), node.mul(node.create<nn::CosOp>(phase), node.scalar(f64, b)));
  if (c != 0) {
    Value twice = node.mul(phase, node.scalar(f64, 2));
    result = node.add(result, node.mul(node.create<nn::CosOp>(twice), node.scalar(f64, c)));
  }
  return node.yield(node.cast(result, type));
}

LogicalResult buildHannWindow(Node &node) { return buildWindow(node, 0.5, 0.5, 0); }
LogicalResult buildHammingWindow(Node &node) { return buildWindow(node, 25.0 / 46, 21.0 / 46, 0); }
LogicalResult buildBlackmanWindow(Node &node) { return buildWindow(node, 0.42, 0.5, 0.08); }

/// Triangles between neighbouring centres on the mel scale, as a matrix of
/// spectrogram bins × mel bins.
LogicalResult buildMelWeightMatrix(Node &node) {
  Numbers numbers(node);
  Type type = node.getOnnxType(node.getInt("output_datatype", 1));
  Type f64 = f64Of(node), i64 = i64Of(node);
  Value bins = numbers.of(node.getInput(0));
  Value length = numbers.of(node.getInput(1));
  Value rate = node.cast(numbers.of(node.getInput(2)), f64);
  if (node.failed())
    return failure();
  auto number = [&](double value) { return node.scalar(f64, value); };
  auto toMel = [&](unsigned input) { // 2595 · log10(1 + f/700)
    Value hertz = node.cast(node.reshape(node.getInput(input), {}), f64);
    Value ratio = node.add(node.div(hertz, number(700)), number(1));
    return node.mul(node.create<nn::LogOp>(ratio), number(2595 / llvm::numbers::ln10));
  };
  Value low = toMel(3), high = toMel(4);
  Value step = node.div(node.sub(high, low), node.cast(numbers.add(bins, 2), f64));
  // The spectrogram bin of mel edge i: ⌊(length + 1) · hertz / rate⌋.
  auto edge = [&](int64_t offset) {
    Value index = node.add(numbers.range(bins), numbers.constant(offset));
    Value mel = node.add(node.mul(node.cast(index, f64), step), low);
    Value power = node.create<nn::PowOp>(number(10), node.div(mel, number(2595)));
    Value hertz = node.mul(node.sub(power, number(1)), number(700));
    Value scaled = node.mul(hertz, node.cast(numbers.add(length, 1), f64));
    Value bin = node.create<nn::FloorOp>(node.div(scaled, rate));
    return node.cast(bin, i64);
  };
  Value lower = edge(0), center = edge(1), upper = edge(2);
  Value rows =
      node.unsqueeze(numbers.range(numbers.add(numbers.div(length, numbers.constant(2)), 1)), {1});
  auto is = [&](nn::ComparePredicate predicate, Value lhs, Value rhs) {
    return node.compare(predicate, lhs, rhs);
  };
  auto both = [&](Value lhs, Value rhs) { return node.create<nn::AndOp>(lhs, rhs); };
  Value one = numbers.constant(1);
  auto slope = [&](Value numerator, Value denominator) {
    return node.div(node.cast(numerator, f64), node.cast(node.max(denominator, one), f64));
  };
  using P = nn::ComparePredicate;
  Value rising = node.where(is(P::eq, center, lower), number(1),
                            slope(node.sub(rows, lower), node.sub(center, lower)));
  Value falling = slope(node.sub(upper, rows), node.sub(upper, center));
  Value result = node.where(
      both(is(P::ge, rows, center), is(P::lt, rows, upper)), falling,
      node.where(both(is(P::ge, rows, lower), is(P::le, rows, center)), rising, number(0)));
  return node.yield(node.cast(result, type));
}

//===----------------------------------------------------------------------===//
// AffineGrid
//===----------------------------------------------------------------------===//

/// theta N × D × (D + 1) applied to every point of a regular grid over
/// [−1, 1]ᴰ: N × sizes… × D, coordinates in the order x, y(, z).
LogicalResult buildAffineGrid(Node &node) {
  Numbers numbers(node);
  bool alignCorners = node.getFlag("align_corners");
  Value theta = node.getInput(0), size = node.getInput(1);
  Type type = node.getElementType(0);
  auto sizeType = node.getInputType(1);
  if (sizeType.getRank() != 1 || sizeType.isDynamicDim(0) || sizeType.getDimSize(0) < 4 ||
      sizeType.getDimSize(0) > 5)
    return node.emitError("'size' must have 4 or 5 elements");
  if (node.getRank(0) != 3)
    return node.emitError("'theta' must have rank 3");
  int64_t spatial = sizeType.getDimSize(0) - 2;
  Type compute =
      type.getIntOrFloatBitWidth() < 32 ? Type(Float32Type::get(node.getContext())) : type;
  theta = node.cast(theta, compute);
  // Column j of theta as N × 1… × D.
  Ints middle;
  for (int64_t i = 1; i <= spatial; ++i)
    middle.push_back(i);
  auto column = [&](int64_t j) {
    return node.unsqueeze(node.squeeze(node.slice(theta, 2, j, j + 1), {2}), middle);
  };
  Value result = column(spatial);
  for (int64_t j = 0; j < spatial; ++j) {
    int64_t dim = spatial - j; // in the result; x is the last spatial dim
    Value extent = numbers.of(node.slice(size, 0, dim + 1, dim + 2));
    Value index = node.cast(numbers.range(extent), compute);
    Value length = node.cast(extent, compute);
    Value one = node.scalar(compute, 1), two = node.scalar(compute, 2);
    Value points;
    if (alignCorners) {
      Value gaps = node.max(node.sub(length, one), one);
      points = node.sub(node.div(node.mul(index, two), gaps), one);
    } else {
      Value odd = node.add(node.mul(index, two), one);
      points = node.sub(node.div(odd, length), one);
    }
    Ints axes;
    for (int64_t i = 0; i < spatial + 2; ++i)
      if (i != dim)
        axes.push_back(i);
    result = node.add(result, node.mul(node.unsqueeze(points, axes), column(j)));
  }
  return node.yield(node.cast(result, type));
}

} // namespace

void sinter::onnx_import::registerSignalOperators(OperatorTable &table) {
  table.add("DFT", 17, buildDFT, {1, 3});
  table.add("STFT", 17, buildSTFT, {2, 4});
  table.add("HannWindow", 17, buildHannWindow, 1);
  table.add("HammingWindow", 17, buildHammingWindow, 1);
  table.add("BlackmanWindow", 17, buildBlackmanWindow, 1);
  table.add("MelWeightMatrix", 17, buildMelWeightMatrix, 5);
  table.add("AffineGrid", 20, buildAffineGrid, 2);
}
