//===- NNDecompose.cpp - recurrent layers to loops; the pass --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Equations and gate orders are those of ONNX's RNN, LSTM and GRU. Shapes: T
// time steps, B batch, I input, H hidden, D directions, G gates.
//
//===----------------------------------------------------------------------===//

#include "passes/graph/nn-decompose/NNDecompose.h"
#include "dialects/nn/NN.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNDECOMPOSE
#include "passes/graph/nn-decompose/NNDecompose.h.inc"
} // namespace sinter

namespace {

/// What the three layers have in common.
struct Layer {
  Value input;      // T B I
  Value weights;    // D G·H I
  Value recurrence; // D G·H H
  Value bias;       // D 2·G·H, or null
  Value lengths;    // B, or null
  Value initialH;   // D B H, or null
  Value initialC;   // D B H, or null (LSTM)
  Value peepholes;  // D 3·H, or null (LSTM)
  SmallVector<StringRef> activations;
  ArrayRef<double> alpha, beta;
  std::optional<double> clip;
  nn::Direction direction;
  int64_t hidden, gates;
  bool batchMajor;
};

/// Builds nn ops at one place.
class Builder {
public:
  Builder(OpBuilder &builder, Location loc, Type element)
      : b(builder), loc(loc), element(element) {}

  Value add(Value x, Value y) { return nn::AddOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return nn::SubOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return nn::MulOp::create(b, loc, x, y); }
  Value number(double value) { return nn::createScalar(b, loc, element, value); }
  Value indices(ArrayRef<int64_t> values) { return nn::createIndexConstant(b, loc, values); }
  Value slice(Value x, int64_t axis, int64_t start, int64_t end, int64_t step = 1) {
    return nn::SliceOp::create(b, loc, x, indices({start}), indices({end}), indices({step}),
                               ArrayRef<int64_t>{axis});
  }
  Value squeeze(Value x, int64_t axis) {
    return nn::SqueezeOp::create(b, loc, x, ArrayRef<int64_t>{axis});
  }
  Value unsqueeze(Value x, int64_t axis) {
    return nn::UnsqueezeOp::create(b, loc, x, ArrayRef<int64_t>{axis});
  }
  /// Element `index` of dim 0.
  Value row(Value x, int64_t index) { return squeeze(slice(x, 0, index, index + 1), 0); }
  Value transpose(Value x, ArrayRef<int64_t> permutation) {
    return nn::TransposeOp::create(b, loc, x, permutation);
  }
  Value concat(ArrayRef<Value> values, int64_t axis) {
    if (values.size() == 1)
      return values.front();
    return nn::ConcatOp::create(b, loc, values, axis);
  }
  /// x Yᵀ
  Value product(Value x, Value y) {
    return nn::MatMulOp::create(b, loc, x, y, /*transpose_lhs=*/false,
                                /*transpose_rhs=*/true);
  }

  Value clamp(Value x, std::optional<double> limit) {
    if (!limit || *limit == 0)
      return x;
    x = nn::MinOp::create(b, loc, x, number(*limit));
    return nn::MaxOp::create(b, loc, x, number(-*limit));
  }

  /// ONNX's activation by name; null if there is none of that name.
  Value activate(StringRef name, Value x, double alpha, double beta) {
    std::string lower = name.lower();
    auto relu = [&](Value v) -> Value { return nn::ReluOp::create(b, loc, v); };
    if (lower == "sigmoid")
      return nn::SigmoidOp::create(b, loc, x);
    if (lower == "tanh")
      return nn::TanhOp::create(b, loc, x);
    if (lower == "relu")
      return relu(x);
    if (lower == "leakyrelu")
      return nn::LeakyReluOp::create(b, loc, x, b.getF64FloatAttr(alpha));
    if (lower == "elu")
      return nn::EluOp::create(b, loc, x, b.getF64FloatAttr(alpha));
    if (lower == "hardsigmoid")
      return nn::HardSigmoidOp::create(b, loc, x, b.getF64FloatAttr(alpha),
                                       b.getF64FloatAttr(beta));
    if (lower == "softsign")
      return nn::SoftsignOp::create(b, loc, x);
    if (lower == "softplus")
      return nn::SoftplusOp::create(b, loc, x);
    if (lower == "affine")
      return add(mul(x, number(alpha)), number(beta));
    if (lower == "scaledtanh")
      return mul(nn::TanhOp::create(b, loc, mul(x, number(beta))), number(alpha));
    if (lower == "thresholdedrelu") {
      Value above = nn::CompareOp::create(b, loc, x, number(alpha), nn::ComparePredicate::gt);
      return nn::WhereOp::create(b, loc, above, x, number(0));
    }
    return {};
  }

  OpBuilder &b;
  Location loc;
  Type element;
};

/// The next state from xt = W x_t + b (B × G·H) and the state; gate g's slice
/// by `part`.
using Cell =
    function_ref<SmallVector<Value>(Builder &, Value xt, ValueRange state, int64_t direction)>;

class RecurrentLowering {
public:
  RecurrentLowering(Operation *op, const Layer &layer, PatternRewriter &rewriter)
      : op(op), layer(layer), rewriter(rewriter),
        b(rewriter, op->getLoc(), getElementTypeOrSelf(layer.input.getType())) {}

  /// Gate g of a B × G·H value.
  Value part(Builder &b, Value x, int64_t gate) {
    return b.slice(x, 1, gate * layer.hidden, (gate + 1) * layer.hidden);
  }
  Value act(Builder &b, int64_t direction, int64_t index, Value x) {
    int64_t perDirection = layer.activations.size() / directionCount();
    int64_t i = direction * perDirection + index;
    return b.activate(layer.activations[i], b.clamp(x, layer.clip),
                      i < (int64_t)layer.alpha.size() ? layer.alpha[i] : 0,
                      i < (int64_t)layer.beta.size() ? layer.beta[i] : 0);
  }
  int64_t directionCount() { return layer.direction == nn::Direction::bidirectional ? 2 : 1; }

  Value recurrence(int64_t direction) { return recurrences[direction]; }
  /// W's bias, or R's, of one direction: G·H; null without bias.
  Value biasPart(Builder &b, int64_t direction, bool recurrent) {
    if (!layer.bias)
      return {};
    int64_t size = layer.gates * layer.hidden;
    return b.slice(b.row(layer.bias, direction), 0, recurrent ? size : 0,
                   recurrent ? 2 * size : size);
  }

  /// `addRecurrentBias`: R's bias can be added outside of the loop.
  void lower(unsigned stateCount, bool addRecurrentBias, Cell cell) {
    Value x = layer.input;
    if (layer.batchMajor)
      x = b.transpose(x, {1, 0, 2});
    auto initial = [&](Value given, int64_t direction) -> Value {
      if (given && layer.batchMajor)
        given = b.transpose(given, {1, 0, 2});
      if (given)
        return b.row(given, direction);
      // Zeros, B × H, with B from the input's shape.
      Value batch = nn::ShapeOfOp::create(rewriter, op->getLoc(), x, 1, 2);
      Value shape = b.concat({batch, b.indices({layer.hidden})}, 0);
      return nn::ExpandOp::create(rewriter, op->getLoc(), b.number(0), shape);
    };
    Value steps = b.squeeze(nn::ShapeOfOp::create(rewriter, op->getLoc(), x, 0, 1), 0);

    SmallVector<Value> ys;
    SmallVector<SmallVector<Value>> finals(stateCount);
    for (int64_t d = 0; d < directionCount(); ++d) {
      bool reverse = layer.direction == nn::Direction::reverse || d == 1;
      recurrences.push_back(b.row(layer.recurrence, d));
      Value projected = b.product(x, b.row(layer.weights, d)); // T B G·H
      if (layer.bias) {
        Value bias = biasPart(b, d, false);
        if (addRecurrentBias)
          bias = b.add(bias, biasPart(b, d, true));
        projected = b.add(projected, bias);
      }
      SmallVector<Value> inits{initial(layer.initialH, d)};
      if (stateCount > 1)
        inits.push_back(initial(layer.initialC, d));
      auto loop = buildLoop(projected, steps, inits, reverse, d, cell);
      Value y = loop.getResult(stateCount); // T B H
      if (reverse)
        y = b.slice(y, 0, -1, std::numeric_limits<int64_t>::min(), -1);
      ys.push_back(b.unsqueeze(y, 1));
      for (unsigned s = 0; s < stateCount; ++s)
        finals[s].push_back(b.unsqueeze(loop.getResult(s), 0));
    }
    SmallVector<Value> results;
    Value y = b.concat(ys, 1); // T D B H
    results.push_back(layer.batchMajor ? b.transpose(y, {2, 0, 1, 3}) : y);
    for (auto &final : finals) {
      Value state = b.concat(final, 0); // D B H
      results.push_back(layer.batchMajor ? b.transpose(state, {1, 0, 2}) : state);
    }
    for (auto [result, value] : llvm::zip(op->getResults(), results))
      if (value.getType() != result.getType())
        value = refine(value, result.getType());
    rewriter.replaceOp(op, results);
  }

private:
  // The op may have been given a more static type than the parts infer.
  Value refine(Value value, Type type) {
    auto wanted = cast<RankedTensorType>(type);
    if (wanted.hasStaticShape())
      value.setType(type);
    return value;
  }

  nn::LoopOp buildLoop(Value projected, Value steps, ArrayRef<Value> inits, bool reverse,
                       int64_t direction, Cell cell) {
    Location loc = op->getLoc();
    unsigned states = inits.size();
    auto stateType = cast<RankedTensorType>(inits.front().getType());
    // B may be static in one place and dynamic in another: the least static.
    auto projectedType = cast<RankedTensorType>(projected.getType());
    auto rowType = RankedTensorType::get({projectedType.getDimSize(1), layer.hidden}, b.element);
    if (stateType.isDynamicDim(0))
      rowType = stateType;
    SmallVector<Type> types(states, rowType);
    auto stacked = RankedTensorType::get(
        {projectedType.getDimSize(0), rowType.getDimSize(0), layer.hidden}, b.element);
    types.push_back(stacked);

    auto loop = nn::LoopOp::create(rewriter, loc, types, steps, Value(), inits);
    OpBuilder::InsertionGuard guard(rewriter);
    auto scalar = RankedTensorType::get({}, rewriter.getI64Type());
    SmallVector<Type> arguments{scalar, RankedTensorType::get({}, rewriter.getI1Type())};
    arguments.append(states, rowType);
    Block *body = rewriter.createBlock(&loop.getBody(), {}, arguments,
                                       SmallVector<Location>(arguments.size(), loc));
    Value step = body->getArgument(0);
    if (reverse) {
      Value one = nn::createIndexScalar(rewriter, loc, 1);
      step = b.sub(b.sub(steps, one), step);
    }
    Value xt = nn::GatherOp::create(rewriter, loc, projected, step, 0);
    ValueRange state = body->getArguments().drop_front(2);
    SmallVector<Value> next = cell(b, xt, state, direction);
    Value y = next.front();
    if (layer.lengths) {
      Value lengths = layer.lengths; // B
      Value position = step;
      if (getElementTypeOrSelf(lengths.getType()) != rewriter.getI64Type())
        lengths = nn::CastOp::create(rewriter, loc, lengths, TypeAttr::get(rewriter.getI64Type()));
      Value active = b.unsqueeze(
          nn::CompareOp::create(rewriter, loc, position, lengths, nn::ComparePredicate::lt), 1);
      for (auto [i, value] : llvm::enumerate(next))
        value = nn::WhereOp::create(rewriter, loc, active, value, state[i]);
      y = nn::WhereOp::create(rewriter, loc, active, y, b.number(0));
    }
    Value yes = nn::createScalar(rewriter, loc, rewriter.getI1Type(), 1);
    SmallVector<Value> yielded{yes};
    llvm::append_range(yielded, next);
    yielded.push_back(y);
    nn::YieldOp::create(rewriter, loc, yielded);
    return loop;
  }

  Operation *op;
  Layer layer;
  PatternRewriter &rewriter;
  Builder b;
  SmallVector<Value> recurrences;
};

template <typename Op>
Layer describe(Op op, int64_t gates) {
  Layer layer;
  layer.input = op.getInput();
  layer.weights = op.getWeights();
  layer.recurrence = op.getRecurrence();
  layer.bias = op.getBias();
  layer.lengths = op.getSequenceLengths();
  layer.initialH = op.getInitialH();
  for (Attribute name : op.getActivations())
    layer.activations.push_back(cast<StringAttr>(name).getValue());
  layer.alpha = op.getActivationAlpha();
  layer.beta = op.getActivationBeta();
  if (op.getClip())
    layer.clip = op.getClip()->convertToDouble();
  layer.direction = op.getDirection();
  layer.hidden = op.getHiddenSize();
  layer.gates = gates;
  layer.batchMajor = op.getBatchMajor();
  return layer;
}

// An activation that ONNX does not define.
LogicalResult checkActivations(Operation *op, Layer &layer, size_t perDirection,
                               PatternRewriter &rewriter) {
  static const StringRef known[] = {"sigmoid", "tanh",        "relu",           "leakyrelu",
                                    "elu",     "hardsigmoid", "softsign",       "softplus",
                                    "affine",  "scaledtanh",  "thresholdedrelu"};
  size_t directions = layer.direction == nn::Direction::bidirectional ? 2 : 1;
  if (layer.activations.size() != perDirection * directions)
    return op->emitOpError("has ")
           << layer.activations.size() << " activations, expected " << perDirection * directions;
  for (StringRef name : layer.activations)
    if (!llvm::is_contained(known, name.lower()))
      return op->emitOpError("activation '") << name << "' is not supported";
  return success();
}

struct LowerRNN : OpRewritePattern<nn::RNNOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::RNNOp op, PatternRewriter &rewriter) const override {
    Layer layer = describe(op, 1);
    if (failed(checkActivations(op, layer, 1, rewriter)))
      return failure();
    RecurrentLowering lowering(op, layer, rewriter);
    lowering.lower(1, true, [&](Builder &b, Value xt, ValueRange state, int64_t d) {
      // Ht = f(Xt Wᵀ + Ht−1 Rᵀ + b)
      Value z = b.add(xt, b.product(state[0], lowering.recurrence(d)));
      return SmallVector<Value>{lowering.act(b, d, 0, z)};
    });
    return success();
  }
};

struct LowerLSTM : OpRewritePattern<nn::LSTMOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::LSTMOp op, PatternRewriter &rewriter) const override {
    Layer layer = describe(op, 4);
    layer.initialC = op.getInitialC();
    layer.peepholes = op.getPeepholes();
    bool coupled = op.getInputForget();
    if (failed(checkActivations(op, layer, 3, rewriter)))
      return failure();
    RecurrentLowering lowering(op, layer, rewriter);
    lowering.lower(2, true, [&](Builder &b, Value xt, ValueRange state, int64_t d) {
      Value h = state[0], c = state[1];
      Value z = b.add(xt, b.product(h, lowering.recurrence(d)));
      // Peepholes lie in the order i o f.
      auto peep = [&](Value gate, int64_t index, Value cell) {
        if (!layer.peepholes)
          return gate;
        Value p =
            b.slice(b.row(layer.peepholes, d), 0, index * layer.hidden, (index + 1) * layer.hidden);
        return b.add(gate, b.mul(p, cell));
      };
      Value i = lowering.act(b, d, 0, peep(lowering.part(b, z, 0), 0, c));
      Value f = coupled ? b.sub(b.number(1), i)
                        : lowering.act(b, d, 0, peep(lowering.part(b, z, 2), 2, c));
      Value candidate = lowering.act(b, d, 1, lowering.part(b, z, 3));
      Value next = b.add(b.mul(f, c), b.mul(i, candidate));
      Value o = lowering.act(b, d, 0, peep(lowering.part(b, z, 1), 1, next));
      // The cell's output is not clipped.
      int64_t k = d * (layer.activations.size() / lowering.directionCount()) + 2;
      Value squashed = b.activate(layer.activations[k], next,
                                  k < (int64_t)layer.alpha.size() ? layer.alpha[k] : 0,
                                  k < (int64_t)layer.beta.size() ? layer.beta[k] : 0);
      return SmallVector<Value>{b.mul(o, squashed), next};
    });
    return success();
  }
};

struct LowerGRU : OpRewritePattern<nn::GRUOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::GRUOp op, PatternRewriter &rewriter) const override {
    Layer layer = describe(op, 3);
    bool linear = op.getLinearBeforeReset();
    if (failed(checkActivations(op, layer, 2, rewriter)))
      return failure();
    RecurrentLowering lowering(op, layer, rewriter);
    lowering.lower(
        1, /*addRecurrentBias=*/!linear, [&](Builder &b, Value xt, ValueRange state, int64_t d) {
          Value h = state[0], r = lowering.recurrence(d);
          int64_t hidden = layer.hidden;
          Value bias = linear ? lowering.biasPart(b, d, true) : Value();
          // Gates z and r together, then the candidate.
          Value zr = b.product(h, b.slice(r, 0, 0, 2 * hidden));
          if (bias)
            zr = b.add(zr, b.slice(bias, 0, 0, 2 * hidden));
          zr = b.add(zr, b.slice(xt, 1, 0, 2 * hidden));
          Value update = lowering.act(b, d, 0, lowering.part(b, zr, 0));
          Value reset = lowering.act(b, d, 0, lowering.part(b, zr, 1));
          Value rh = b.slice(r, 0, 2 * hidden, 3 * hidden);
          Value candidate;
          if (linear) {
            candidate = b.product(h, rh);
            if (bias)
              candidate = b.add(candidate, b.slice(bias, 0, 2 * hidden, 3 * hidden));
            candidate = b.mul(reset, candidate);
          } else {
            candidate = b.product(b.mul(reset, h), rh);
          }
          candidate = b.add(candidate, lowering.part(b, xt, 2));
          candidate = lowering.act(b, d, 1, candidate);
          // Ht = (1 − z) h̃ + z Ht−1
          Value next = b.add(b.mul(b.sub(b.number(1), update), candidate), b.mul(update, h));
          return SmallVector<Value>{next};
        });
    return success();
  }
};

struct NNDecomposePass : sinter::impl::NNDecomposeBase<NNDecomposePass> {
  using NNDecomposeBase::NNDecomposeBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerRNN, LowerLSTM, LowerGRU>(&getContext());
    populateSplitSumPatterns(patterns);
    populatePhasePatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    // What refused has said why.
    WalkResult left = getOperation()->walk([](Operation *op) {
      return isa<nn::RNNOp, nn::LSTMOp, nn::GRUOp>(op) ? WalkResult::interrupt()
                                                       : WalkResult::advance();
    });
    if (left.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
