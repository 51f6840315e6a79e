//===- Elementwise.cpp - arithmetic, comparison, logic, casts -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"
#include "compiler/import/onnx/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;

//===----------------------------------------------------------------------===//
// Unary and binary
//===----------------------------------------------------------------------===//

template <typename OpTy>
static LogicalResult buildUnary(Node &node) {
  return node.yield(node.create<OpTy>(node.getInput(0)));
}

// Before opset 7, two-operand operators broadcast only when `broadcast` is set;
// `axis` then says which dim of the left operand the right one's first dim
// meets. Without it the last dims meet, as in NumPy.
static Value alignRight(Node &node) {
  Value rhs = node.getInput(1);
  if (node.getOpset() >= 7 || !node.getFlag("broadcast"))
    return rhs;
  std::optional<int64_t> axis = node.findInt("axis");
  if (!axis)
    return rhs;
  int64_t rank = node.getRank(0), rightRank = node.getRank(1);
  int64_t start = node.normalizeAxis(*axis, std::max<int64_t>(rank, 1));
  if (start + rightRank > rank && rightRank > 0)
    (void)node.emitError("a right operand of " + Twine(rightRank) + " dims does not fit at axis " +
                         Twine(*axis) + " of a left one of " + Twine(rank));
  if (node.failed() || rightRank == 0)
    return rhs;
  Node::Ints axes;
  for (int64_t i = rightRank; i < rank - start; ++i)
    axes.push_back(i);
  return node.unsqueeze(rhs, axes);
}

// nn's verifier would say it in MLIR's words.
static LogicalResult checkSameType(Node &node) {
  Type first = node.getElementType(0);
  for (unsigned i = 1; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i) || node.getElementType(i) == first)
      continue;
    return node.emitError("inputs have different element types: " + getElementTypeName(first) +
                          " and " + getElementTypeName(node.getElementType(i)));
  }
  return success();
}

template <typename OpTy>
static LogicalResult buildBinary(Node &node) {
  if (failed(checkSameType(node)))
    return failure();
  return node.yield(node.create<OpTy>(node.getInput(0), alignRight(node)));
}

static LogicalResult buildPow(Node &node) {
  return node.yield(node.create<nn::PowOp>(node.getInput(0), alignRight(node)));
}

template <nn::ComparePredicate predicate>
static LogicalResult buildCompare(Node &node) {
  if (failed(checkSameType(node)))
    return failure();
  return node.yield(node.compare(predicate, node.getInput(0), alignRight(node)));
}

// The same op serves logic (on bool) and bits (on integers); each operator
// takes only its own.
template <typename OpTy>
static LogicalResult buildLogical(Node &node) {
  for (unsigned i = 0; i < node.getNumInputs(); ++i)
    if (!node.getElementType(i).isInteger(1))
      return node.emitError("takes tensors of bool");
  return node.yield(node.create<OpTy>(node.getInput(0), alignRight(node)));
}
template <typename OpTy>
static LogicalResult buildBitwise(Node &node) {
  if (node.getElementType(0).isInteger(1))
    return node.emitError("takes tensors of integers");
  return buildBinary<OpTy>(node);
}

static LogicalResult buildNot(Node &node) {
  if (!node.getElementType(0).isInteger(1))
    return node.emitError("takes a tensor of bool");
  return buildUnary<nn::NotOp>(node);
}
static LogicalResult buildBitwiseNot(Node &node) {
  if (node.getElementType(0).isInteger(1))
    return node.emitError("takes a tensor of integers");
  return buildUnary<nn::NotOp>(node);
}

static LogicalResult buildMod(Node &node) {
  if (failed(checkSameType(node)))
    return failure();
  node.setOutput(0,
                 node.create<nn::ModOp>(node.getInput(0), node.getInput(1), node.getFlag("fmod")));
  return node.status();
}

static LogicalResult buildBitShift(Node &node) {
  if (failed(checkSameType(node)))
    return failure();
  bool left = node.getEnum<bool>("direction", "", {{"LEFT", true}, {"RIGHT", false}});
  Value x = node.getInput(0), y = node.getInput(1);
  node.setOutput(0,
                 left ? node.create<nn::ShiftLeftOp>(x, y) : node.create<nn::ShiftRightOp>(x, y));
  return node.status();
}

static LogicalResult buildIsInf(Node &node) {
  node.setOutput(0,
                 node.create<nn::IsInfOp>(node.getInput(0), node.getFlag("detect_positive", true),
                                          node.getFlag("detect_negative", true)));
  return node.status();
}

//===----------------------------------------------------------------------===//
// Any number of inputs
//===----------------------------------------------------------------------===//

template <typename OpTy>
static LogicalResult buildVariadic(Node &node) {
  if (failed(checkSameType(node)))
    return failure();
  Value result = node.getInput(0);
  for (Value input : node.getInputs().drop_front()) {
    if (!input)
      return node.emitError("an input is missing");
    result = node.create<OpTy>(result, input);
  }
  return node.yield(result);
}

static LogicalResult buildMean(Node &node) {
  if (failed(checkSameType(node)))
    return failure();
  Value sum = node.getInput(0);
  for (Value input : node.getInputs().drop_front()) {
    if (!input)
      return node.emitError("an input is missing");
    sum = node.add(sum, input);
  }
  unsigned count = node.getNumInputs();
  return node.yield(count == 1 ? sum : node.div(sum, node.scalarLike(sum, count)));
}

//===----------------------------------------------------------------------===//
// Selection and casts
//===----------------------------------------------------------------------===//

static LogicalResult buildWhere(Node &node) {
  if (!node.getElementType(0).isInteger(1))
    return node.emitError("the condition must be a tensor of bool");
  if (node.getElementType(1) != node.getElementType(2))
    return node.emitError("inputs 1 and 2 have different element types");
  return node.yield(node.where(node.getInput(0), node.getInput(1), node.getInput(2)));
}

static LogicalResult buildClip(Node &node) {
  Value x = node.getInput(0), low, high;
  if (node.getOpset() < 11) {
    if (auto min = node.findFloat("min"))
      low = node.scalarLike(x, *min);
    if (auto max = node.findFloat("max"))
      high = node.scalarLike(x, *max);
  } else {
    if (failed(checkSameType(node)))
      return failure();
    for (auto [index, bound] : {std::pair(1u, &low), std::pair(2u, &high)}) {
      if (!node.hasInput(index))
        continue;
      // Some exporters write a bound as a list of one, or of none.
      auto type = node.getInputType(index);
      if (type.hasStaticShape() && type.getNumElements() == 0)
        continue;
      *bound = node.asScalar(node.getInput(index));
    }
  }
  // In this order max wins where min > max, as ONNX says.
  if (low)
    x = node.max(x, low);
  if (high)
    x = node.min(x, high);
  return node.yield(x);
}

// Opset 1 named the type; its names are those of TensorProto.DataType.
static int64_t getDataType(StringRef name) {
  return llvm::StringSwitch<int64_t>(name.upper())
      .Case("FLOAT", 1)
      .Case("UINT8", 2)
      .Case("INT8", 3)
      .Case("UINT16", 4)
      .Case("INT16", 5)
      .Case("INT32", 6)
      .Case("INT64", 7)
      .Case("STRING", 8)
      .Case("BOOL", 9)
      .Case("FLOAT16", 10)
      .Case("DOUBLE", 11)
      .Case("UINT32", 12)
      .Case("UINT64", 13)
      .Default(0);
}

static LogicalResult buildCast(Node &node) {
  int64_t to = node.getOpset() < 6 ? getDataType(node.requireString("to")) : node.requireInt("to");
  if (node.failed())
    return failure();
  return node.yield(node.cast(node.getInput(0), node.getOnnxType(to)));
}

static LogicalResult buildCastLike(Node &node) {
  return node.yield(node.cast(node.getInput(0), node.getElementType(1)));
}

// Between integers of one width a cast keeps the bits. Other pairs are possible
// for constants only.
static LogicalResult buildBitCast(Node &node) {
  Type from = node.getElementType(0);
  Type to = node.getOnnxType(node.requireInt("to"));
  if (node.failed())
    return failure();
  // A bool takes a byte.
  auto bits = [](Type type) { return std::max(8u, type.getIntOrFloatBitWidth()); };
  if (bits(from) != bits(to))
    return node.emitError("the element types have different widths");
  Value x = node.getInput(0);
  if (from == to || (isa<IntegerType>(from) && isa<IntegerType>(to))) {
    return node.yield(node.cast(x, to));
  }
  auto known = node.getConstant(x);
  if (!known)
    return node.emitUnsupported("the bit pattern of a floating-point tensor "
                                "that is only known at run time");
  nn::HostTensor result(to, known->getShape());
  memcpy(result.mutableBytes(), known->bytes(), known->getNumElements() * known->getElementBytes());
  return node.yield(node.constant(result.toAttribute(node.getName())));
}

static LogicalResult buildIdentity(Node &node) { return node.yield(node.getInput(0)); }

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

void sinter::onnx_import::registerElementwiseOperators(OperatorTable &table) {
  using nn::ComparePredicate;
  table.add("Add", 1, buildBinary<nn::AddOp>, 2);
  table.add("Sub", 1, buildBinary<nn::SubOp>, 2);
  table.add("Mul", 1, buildBinary<nn::MulOp>, 2);
  table.add("Div", 1, buildBinary<nn::DivOp>, 2);
  table.add("Pow", 1, buildPow, 2);
  table.add("Mod", 10, buildMod, 2);
  table.add("BitShift", 11, buildBitShift, 2);
  table.add("And", 1, buildLogical<nn::AndOp>, 2);
  table.add("Or", 1, buildLogical<nn::OrOp>, 2);
  table.add("Xor", 1, buildLogical<nn::XorOp>, 2);
  table.add("Not", 1, buildNot, 1);
  table.add("BitwiseAnd", 18, buildBitwise<nn::AndOp>, 2);
  table.add("BitwiseOr", 18, buildBitwise<nn::OrOp>, 2);
  table.add("BitwiseXor", 18, buildBitwise<nn::XorOp>, 2);
  table.add("BitwiseNot", 18, buildBitwiseNot, 1);
  table.add("Equal", 1, buildCompare<ComparePredicate::eq>, 2);
  table.add("Less", 1, buildCompare<ComparePredicate::lt>, 2);
  table.add("LessOrEqual", 12, buildCompare<ComparePredicate::le>, 2);
  table.add("Greater", 1, buildCompare<ComparePredicate::gt>, 2);
  table.add("GreaterOrEqual", 12, buildCompare<ComparePredicate::ge>, 2);

  table.add("Abs", 1, buildUnary<nn::AbsOp>, 1);
  table.add("Neg", 1, buildUnary<nn::NegOp>, 1);
  table.add("Sign", 9, buildUnary<nn::SignOp>, 1);
  table.add("Ceil", 1, buildUnary<nn::CeilOp>, 1);
  table.add("Floor", 1, buildUnary<nn::FloorOp>, 1);
  table.add("Round", 11, buildUnary<nn::RoundOp>, 1);
  table.add("Sqrt", 1, buildUnary<nn::SqrtOp>, 1);
  table.add("Reciprocal", 1, buildUnary<nn::ReciprocalOp>, 1);
  table.add("Exp", 1, buildUnary<nn::ExpOp>, 1);
  table.add("Log", 1, buildUnary<nn::LogOp>, 1);
  table.add("Sin", 7, buildUnary<nn::SinOp>, 1);
  table.add("Cos", 7, buildUnary<nn::CosOp>, 1);
  table.add("Tan", 7, buildUnary<nn::TanOp>, 1);
  table.add("Asin", 7, buildUnary<nn::AsinOp>, 1);
  table.add("Acos", 7, buildUnary<nn::AcosOp>, 1);
  table.add("Atan", 7, buildUnary<nn::AtanOp>, 1);
  table.add("Sinh", 9, buildUnary<nn::SinhOp>, 1);
  table.add("Cosh", 9, buildUnary<nn::CoshOp>, 1);
  table.add("Tanh", 1, buildUnary<nn::TanhOp>, 1);
  table.add("Asinh", 9, buildUnary<nn::AsinhOp>, 1);
  table.add("Acosh", 9, buildUnary<nn::AcoshOp>, 1);
  table.add("Atanh", 9, buildUnary<nn::AtanhOp>, 1);
  table.add("Erf", 9, buildUnary<nn::ErfOp>, 1);
  table.add("IsNaN", 9, buildUnary<nn::IsNanOp>, 1);
  table.add("IsInf", 10, buildIsInf, 1);

  table.add("Sum", 1, buildVariadic<nn::AddOp>, {1, Inputs::variadic});
  table.add("Min", 1, buildVariadic<nn::MinOp>, {1, Inputs::variadic});
  table.add("Max", 1, buildVariadic<nn::MaxOp>, {1, Inputs::variadic});
  table.add("Mean", 1, buildMean, {1, Inputs::variadic});

  table.add("Where", 9, buildWhere, 3);
  table.add("Clip", 1, buildClip, {1, 3});
  table.add("Cast", 1, buildCast, 1);
  table.add("CastLike", 15, buildCastLike, 2);
  table.add("BitCast", 26, buildBitCast, 1);
  table.add("Identity", 1, buildIdentity, 1);
}
