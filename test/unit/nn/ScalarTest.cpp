//===- ScalarTest.cpp - buildScalar against the evaluator -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both are written independently. The scalar functions are run by folding their
// arith and math ops one after the other.
//
//===----------------------------------------------------------------------===//

#include "Testing.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sinter::nn;

// One element as an attribute of the signless type.
static TypedAttr getAttribute(const HostTensor &tensor, int64_t index) {
  Type type = getSignlessType(tensor.getElementType());
  if (isa<FloatType>(type)) {
    uint64_t bits = 0;
    memcpy(&bits, tensor.bytes() + index * tensor.getElementBytes(), tensor.getElementBytes());
    auto floatType = cast<FloatType>(type);
    return FloatAttr::get(
        type, APFloat(floatType.getFloatSemantics(), APInt(floatType.getWidth(), bits)));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type,
                          APInt(width, static_cast<uint64_t>(tensor.getInt(index)), false, true));
}

static double getNumber(Attribute attribute, Type elementType) {
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getValueAsDouble();
  APInt bits = cast<IntegerAttr>(attribute).getValue();
  if (elementType.isUnsignedInteger() || elementType.isInteger(1))
    return bits.roundToDouble(/*isSigned=*/false);
  return bits.roundToDouble(/*isSigned=*/true);
}

// What MLIR's folders leave alone: inexact truncation, and 1/√x.
static Attribute foldByHand(Operation *op, ArrayRef<Attribute> operands) {
  auto number = operands.size() == 1 ? dyn_cast_or_null<FloatAttr>(operands[0]) : FloatAttr();
  if (!number || !isa<FloatType>(op->getResult(0).getType()))
    return {};
  auto type = dyn_cast<FloatType>(op->getResult(0).getType());
  if (isa<arith::TruncFOp>(op)) {
    APFloat value = number.getValue();
    bool losesInfo;
    value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return FloatAttr::get(type, value);
  }
  if (isa<math::RsqrtOp>(op))
    return FloatAttr::get(type, 1 / std::sqrt(number.getValueAsDouble()));
  return {};
}

// The value of an attribute after folding what `block` holds; null if an op
// doesn't fold (some math ops don't at poles).
static Attribute interpret(Block &block, Value result) {
  DenseMap<Value, Attribute> known;
  for (Operation &op : block) {
    SmallVector<Attribute> operands;
    for (Value operand : op.getOperands())
      operands.push_back(known.lookup(operand));
    SmallVector<OpFoldResult> folded;
    Attribute constant;
    if (matchPattern(&op, m_Constant(&constant))) {
      known[op.getResult(0)] = constant;
      continue;
    }
    if (Attribute result = foldByHand(&op, operands)) {
      known[op.getResult(0)] = result;
      continue;
    }
    if (failed(op.fold(operands, folded)) || folded.empty())
      continue;
    known[op.getResult(0)] = isa<Attribute>(folded[0]) ? cast<Attribute>(folded[0])
                                                       : known.lookup(cast<Value>(folded[0]));
  }
  return known.lookup(result);
}

namespace {
struct Case {
  const char *op;
  const char *attributes = "";
};
} // namespace

static const double floats[] = {0.0,   -0.0,  0.3, -0.3,     0.5,       -0.5, 1,
                                -1,    1.5,   2.5, -2.5,     3.7,       -3.7, 10,
                                -10.2, 100.5, 1e6, INFINITY, -INFINITY, NAN};
static const double integers[] = {0, 1, -1, 2, -2, 3, 5, 7, -7, 8, 31, 100, 127, -128};

static HostTensor makeInputs(StringRef element) {
  bool isFloat = isa<FloatType>(parseElement(element));
  ArrayRef<double> numbers = isFloat ? ArrayRef(floats) : ArrayRef(integers);
  HostTensor result(parseElement(element), {static_cast<int64_t>(numbers.size())});
  for (auto [i, number] : llvm::enumerate(numbers))
    result.setDouble(i, number);
  return result;
}

// How many scalars folded to a number, and all of these agree.
static int64_t compare(StringRef op, StringRef attributes, ArrayRef<HostTensor> operands,
                       Type resultElement) {
  int64_t count = operands[0].getNumElements();
  auto type = RankedTensorType::get(operands[0].getShape(), resultElement);
  std::string text;
  llvm::raw_string_ostream(text) << type;
  auto module = parseOp(op, attributes, operands, text);
  if (!module)
    return 0;
  SmallVector<HostTensor> results;
  EXPECT_TRUE(succeeded(evaluateOp(getOp(*module), operands, results))) << op.str();
  if (results.empty())
    return 0;
  int64_t folded = 0;
  for (int64_t i = 0; i < count; ++i) {
    Location loc = UnknownLoc::get(&getTestContext());
    OwningOpRef<ModuleOp> scratch = ModuleOp::create(loc);
    Block &block = *scratch->getBody();
    OpBuilder builder = OpBuilder::atBlockEnd(&block);
    SmallVector<Value> arguments;
    for (const HostTensor &operand : operands)
      arguments.push_back(arith::ConstantOp::create(builder, loc, getAttribute(operand, i)));
    Value scalar = cast<ScalarOpInterface>(getOp(*module)).buildScalar(builder, loc, arguments);
    EXPECT_EQ(scalar.getType(), getSignlessType(resultElement)) << op.str();
    Attribute attribute = interpret(block, scalar);
    if (!attribute || !isa<FloatAttr, IntegerAttr>(attribute))
      continue;
    ++folded;
    double actual = getNumber(attribute, resultElement), expected = results[0].getDouble(i);
    std::string what = op.str() + " " + attributes.str() + " on " + typeOf(operands[0]);
    for (const HostTensor &operand : operands)
      what += " " + std::to_string(operand.getDouble(i));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(actual)) << what << " gives " << actual;
      continue;
    }
    if (std::isinf(expected) || std::isinf(actual)) {
      EXPECT_EQ(actual, expected) << what;
      continue;
    }
    // One unit of the storage type, or a few of f32, where functions differ.
    double unit = resultElement.isF16() ? 1e-3 : resultElement.isBF16() ? 8e-3 : 1e-6;
    double tolerance = isa<FloatType>(resultElement) ? unit * std::max(1.0, std::abs(expected)) : 0;
    EXPECT_NEAR(actual, expected, tolerance) << what;
  }
  return folded;
}

TEST(Scalar, UnaryAgreesWithEvaluator) {
  static const Case floatCases[] = {{"abs"},
                                    {"neg"},
                                    {"sign"},
                                    {"ceil"},
                                    {"floor"},
                                    {"round"},
                                    {"sqrt"},
                                    {"rsqrt"},
                                    {"reciprocal"},
                                    {"exp"},
                                    {"log"},
                                    {"sin"},
                                    {"cos"},
                                    {"tan"},
                                    {"asin"},
                                    {"acos"},
                                    {"atan"},
                                    {"sinh"},
                                    {"cosh"},
                                    {"tanh"},
                                    {"asinh"},
                                    {"acosh"},
                                    {"atanh"},
                                    {"erf"},
                                    {"sigmoid"},
                                    {"relu"},
                                    {"softplus"},
                                    {"softsign"},
                                    {"leaky_relu", "alpha = 0.1 : f64"},
                                    {"elu", "alpha = 1.5 : f64"},
                                    {"hard_sigmoid", "alpha = 0.2 : f64, beta = 0.5 : f64"},
                                    {"gelu"},
                                    {"gelu", "tanh_approximation"}};
  for (StringRef element : {"f32", "f64", "f16", "bf16"})
    for (const Case &c : floatCases) {
      int64_t folded = compare(c.op, c.attributes, {makeInputs(element)}, parseElement(element));
      EXPECT_GE(folded, 7) << c.op << " on " << element.str();
    }
  for (StringRef element : {"i8", "i32", "i64", "ui8", "ui32", "ui64"})
    for (StringRef op : {"abs", "neg", "sign", "relu", "not"})
      EXPECT_EQ(compare(op, "", {makeInputs(element)}, parseElement(element)), 14) << op.str();
  Type i1 = parseElement("i1");
  for (StringRef element : {"f32", "f64", "f16", "bf16"}) {
    EXPECT_EQ(compare("is_nan", "", {makeInputs(element)}, i1), 20);
    EXPECT_EQ(compare("is_inf", "", {makeInputs(element)}, i1), 20);
    EXPECT_EQ(compare("is_inf", "negative = false", {makeInputs(element)}, i1), 20);
  }
}

// All pairs of the inputs.
static SmallVector<HostTensor> makePairs(StringRef lhs, StringRef rhs) {
  HostTensor x = makeInputs(lhs), y = makeInputs(rhs);
  int64_t rows = x.getNumElements(), columns = y.getNumElements();
  HostTensor xs(x.getElementType(), {rows * columns}), ys(y.getElementType(), {rows * columns});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      if (isa<FloatType>(x.getElementType()))
        xs.setDouble(i * columns + j, x.getDouble(i));
      else
        xs.setInt(i * columns + j, x.getInt(i));
      if (isa<FloatType>(y.getElementType()))
        ys.setDouble(i * columns + j, y.getDouble(j));
      else
        ys.setInt(i * columns + j, y.getInt(j));
    }
  return {xs, ys};
}

TEST(Scalar, BinaryAgreesWithEvaluator) {
  for (StringRef element :
       {"f32", "f64", "f16", "bf16", "i8", "i16", "i32", "ui8", "ui16", "ui32"}) {
    Type type = parseElement(element);
    auto pairs = makePairs(element, element);
    for (StringRef op : {"add", "sub", "mul", "div", "min", "max", "prelu", "mod"})
      EXPECT_GE(compare(op, "", pairs, type), 100) << op.str() << " on " << element.str();
    EXPECT_GE(compare("mod", "fmod", pairs, type), 100) << element.str();
    for (StringRef predicate : {"eq", "ne", "lt", "le", "gt", "ge"})
      EXPECT_GE(compare("compare", ("predicate = #nn<predicate " + predicate + ">").str(), pairs,
                        parseElement("i1")),
                100);
    if (isa<FloatType>(type))
      continue;
    for (StringRef op : {"and", "or", "xor", "shift_left", "shift_right"})
      EXPECT_GE(compare(op, "", pairs, type), 100) << op.str() << " on " << element.str();
  }
}

TEST(Scalar, PowersAgreeWithEvaluator) {
  for (auto [base, exponent] :
       {std::pair("f32", "f32"), std::pair("f32", "i32"), std::pair("f64", "i64"),
        std::pair("i32", "i32"), std::pair("ui8", "ui8"), std::pair("i64", "i8")}) {
    auto pairs = makePairs(base, exponent);
    // Overflowing integer powers are open: keep small exponents.
    if (!isa<FloatType>(parseElement(base)))
      for (int64_t i = 0, e = pairs[1].getNumElements(); i < e; ++i)
        pairs[1].setInt(i, pairs[1].getInt(i) % 9);
    EXPECT_GE(compare("pow", "", pairs, parseElement(base)), 80) << base << " ^ " << exponent;
  }
}

TEST(Scalar, CastsAgreeWithEvaluator) {
  StringRef types[] = {"f32", "f64", "f16",  "bf16", "i8",   "i16", "i32",
                       "i64", "ui8", "ui16", "ui32", "ui64", "i1"};
  for (StringRef from : types)
    for (StringRef to : types) {
      HostTensor input = makeInputs(from);
      // Infinity and NaN to integer are open.
      if (isa<FloatType>(parseElement(from)) && !isa<FloatType>(parseElement(to)) && to != "i1")
        for (int64_t i = 17; i < 20; ++i)
          input.setDouble(i, 4);
      EXPECT_GE(compare("cast", ("to = " + to).str(), {input}, parseElement(to)),
                from == to ? 0 : 10)
          << from.str() << " to " << to.str();
    }
}
