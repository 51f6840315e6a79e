//===- Activation.cpp - activation functions ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Those without an nn op are written out in ops that fuse into one kernel.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/onnx/Node.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

template <typename OpTy>
static LogicalResult buildUnary(Node &node) {
  return node.yield(node.create<OpTy>(node.getInput(0)));
}

static LogicalResult buildLeakyRelu(Node &node) {
  return node.yield(
      node.create<nn::LeakyReluOp>(node.getInput(0), APFloat(node.getFloat("alpha", 0.01))));
}

static LogicalResult buildElu(Node &node) {
  return node.yield(node.create<nn::EluOp>(node.getInput(0), APFloat(node.getFloat("alpha", 1))));
}

// Self-normalizing networks: gamma · elu(x, alpha).
static LogicalResult buildSelu(Node &node) {
  bool first = node.getOpset() < 6;
  double alpha = node.getFloat("alpha", first ? 1.6732 : 1.67326319217681884765625);
  double gamma = node.getFloat("gamma", first ? 1.0507 : 1.05070102214813232421875);
  Value elu = node.create<nn::EluOp>(node.getInput(0), APFloat(alpha));
  return node.yield(node.mul(elu, node.scalarLike(elu, gamma)));
}

// max(0, x) + min(0, alpha · (e^(x/alpha) − 1)).
static LogicalResult buildCelu(Node &node) {
  Value x = node.getInput(0);
  double alpha = node.getFloat("alpha", 1);
  auto like = [&](double value) { return node.scalarLike(x, value); };
  if (alpha == 1)
    return node.yield(node.create<nn::EluOp>(x, APFloat(1.0)));
  if (alpha > 0) {
    Value elu = node.create<nn::EluOp>(node.div(x, like(alpha)), APFloat(1.0));
    return node.yield(node.mul(elu, like(alpha)));
  }
  Value power = node.create<nn::ExpOp>(node.div(x, like(alpha)));
  Value below = node.mul(node.sub(power, like(1)), like(alpha));
  return node.yield(node.add(node.create<nn::ReluOp>(x), node.min(below, like(0))));
}

static LogicalResult buildHardSigmoid(Node &node) {
  return node.yield(node.create<nn::HardSigmoidOp>(node.getInput(0),
                                                   APFloat(node.getFloat("alpha", 0.2f)),
                                                   APFloat(node.getFloat("beta", 0.5))));
}

static LogicalResult buildHardSwish(Node &node) {
  Value x = node.getInput(0);
  Value gate = node.create<nn::HardSigmoidOp>(x, APFloat(1.0 / 6), APFloat(0.5));
  return node.yield(node.mul(x, gate));
}

static LogicalResult buildMish(Node &node) {
  Value x = node.getInput(0);
  Value gate = node.create<nn::TanhOp>(node.create<nn::SoftplusOp>(x));
  return node.yield(node.mul(x, gate));
}

static LogicalResult buildSwish(Node &node) {
  Value x = node.getInput(0), scaled = x;
  double alpha = node.getFloat("alpha", 1);
  if (alpha != 1)
    scaled = node.mul(x, node.scalarLike(x, alpha));
  return node.yield(node.mul(x, node.create<nn::SigmoidOp>(scaled)));
}

static LogicalResult buildThresholdedRelu(Node &node) {
  Value x = node.getInput(0);
  Value alpha = node.scalarLike(x, node.getFloat("alpha", 1));
  Value above = node.compare(nn::ComparePredicate::gt, x, alpha);
  return node.yield(node.where(above, x, node.scalarLike(x, 0)));
}

static LogicalResult buildShrink(Node &node) {
  double bias = node.getFloat("bias", 0), lambda = node.getFloat("lambd", 0.5);
  Value x = node.getInput(0);
  Type type = node.getElementType(0);
  // The bounds are fractions, for integers, too.
  if (isa<IntegerType>(type))
    x = node.cast(x, type.getIntOrFloatBitWidth() < 32 ? Type(node.getBuilder().getF32Type())
                                                       : Type(node.getBuilder().getF64Type()));
  auto like = [&](double value) { return node.scalarLike(x, value); };
  using nn::ComparePredicate;
  Value below = node.compare(ComparePredicate::lt, x, like(-lambda));
  Value above = node.compare(ComparePredicate::gt, x, like(lambda));
  Value inner = node.where(above, node.sub(x, like(bias)), like(0));
  Value result = node.where(below, node.add(x, like(bias)), inner);
  return node.yield(node.cast(result, type));
}

static LogicalResult buildGelu(Node &node) {
  bool tanh = node.getEnum<bool>("approximate", "none", {{"none", false}, {"tanh", true}});
  return node.yield(node.create<nn::GeluOp>(node.getInput(0), tanh));
}

// The slope broadcasts to x; before opset 7 it is one value, or one a channel
// (dim 1).
static LogicalResult buildPRelu(Node &node) {
  Value x = node.getInput(0), slope = node.getInput(1);
  if (node.getElementType(0) != node.getElementType(1))
    return node.emitError("x and slope have different element types");
  int64_t rank = node.getRank(0);
  auto type = node.getInputType(1);
  if (node.getOpset() < 7 && rank > 2 && type.getRank() == 1 && type.getDimSize(0) != 1) {
    Node::Ints axes;
    for (int64_t i = 1; i < rank - 1; ++i)
      axes.push_back(i);
    slope = node.unsqueeze(slope, axes);
  }
  return node.yield(node.create<nn::PReluOp>(x, slope));
}

//===----------------------------------------------------------------------===//
// Softmax and its kin
//===----------------------------------------------------------------------===//

// From opset 13 on one axis; before, all dims from `axis` on count as one.
static Node::Ints getSoftmaxAxes(Node &node) {
  int64_t rank = node.getRank(0);
  if (node.getOpset() >= 13)
    return {node.normalizeAxis(node.getInt("axis", -1), rank)};
  int64_t axis = node.getInt("axis", 1);
  axis = axis == rank ? rank : node.normalizeAxis(axis, rank);
  return llvm::to_vector(llvm::seq<int64_t>(axis, rank));
}

template <bool log>
static LogicalResult buildSoftmax(Node &node) {
  Value x = node.getInput(0);
  Node::Ints axes = node.getRank(0) ? getSoftmaxAxes(node) : Node::Ints();
  // A softmax over one element: 1, or 0 as its logarithm, NaN kept.
  if (axes.empty()) {
    Value one = node.add(node.sub(x, x), node.scalarLike(x, log ? 0 : 1));
    return node.yield(one);
  }
  return node.yield(node.create<nn::SoftmaxOp>(x, axes, log));
}

// One at the first greatest value, zero elsewhere.
static LogicalResult buildHardmax(Node &node) {
  Value x = node.getInput(0);
  Node::Ints axes = getSoftmaxAxes(node);
  if (node.failed() || axes.empty())
    return node.failed() ? failure() : node.emitUnsupported("a Hardmax over no dims");
  Value flat = x;
  int64_t axis = axes.front();
  if (axes.size() > 1) {
    flat = node.create<nn::FlattenOp>(x, axis);
    axis = 1;
  }
  Value index = node.create<nn::ArgReduceOp>(flat, nn::ArgKind::max, axis,
                                             /*keepdims=*/false,
                                             /*select_last_index=*/false);
  Value zero = node.unsqueeze(node.scalarLike(x, 0), {0});
  Value one = node.unsqueeze(node.scalarLike(x, 1), {0});
  Value result = node.create<nn::OneHotOp>(index, node.asScalar(node.dimOf(flat, axis)),
                                           node.concat({zero, one}, 0), axis);
  if (flat != x)
    result = node.create<nn::ReshapeOp>(result, node.shapeOf(x));
  return node.yield(result);
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

void sinter::onnx_import::registerActivationOperators(OperatorTable &table) {
  table.add("Relu", 1, buildUnary<nn::ReluOp>, 1);
  table.add("Sigmoid", 1, buildUnary<nn::SigmoidOp>, 1);
  table.add("Softplus", 1, buildUnary<nn::SoftplusOp>, 1);
  table.add("Softsign", 1, buildUnary<nn::SoftsignOp>, 1);
  table.add("LeakyRelu", 1, buildLeakyRelu, 1);
  table.add("Elu", 1, buildElu, 1);
  table.add("Selu", 1, buildSelu, 1);
  table.add("Celu", 12, buildCelu, 1);
  table.add("HardSigmoid", 1, buildHardSigmoid, 1);
  table.add("HardSwish", 14, buildHardSwish, 1);
  table.add("Mish", 18, buildMish, 1);
  table.add("Swish", 24, buildSwish, 1);
  // Exporters used it before it was standard.
  table.add("ThresholdedRelu", 1, buildThresholdedRelu, 1);
  table.add("Shrink", 9, buildShrink, 1);
  table.add("Gelu", 20, buildGelu, 1);
  table.add("PRelu", 1, buildPRelu, 2);
  table.add("Softmax", 1, buildSoftmax<false>, 1);
  table.add("LogSoftmax", 1, buildSoftmax<true>, 1);
  table.add("Hardmax", 1, buildHardmax, 1);
}
