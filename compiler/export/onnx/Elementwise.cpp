//===- Elementwise.cpp - elementwise ops as ONNX --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/OpWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

static bool isBool(Operation *op) {
  return getElementTypeOrSelf(op->getOperand(0).getType()).isInteger(1);
}

static LogicalResult writeMod(OpWriter &writer, nn::ModOp op) {
  return writer.yield(
      {writer.node("Mod", writer.operands(), Attributes().set("fmod", int64_t(op.getFmod())))});
}

static LogicalResult writeCompare(OpWriter &writer, nn::CompareOp op) {
  auto plain = [&](StringRef type) { return writer.node(type, writer.operands()); };
  switch (op.getPredicate()) {
  case nn::ComparePredicate::eq:
    return writer.yield({plain("Equal")});
  case nn::ComparePredicate::ne:
    return writer.yield({writer.node("Not", {plain("Equal")})});
  case nn::ComparePredicate::lt:
    return writer.yield({plain("Less")});
  case nn::ComparePredicate::le:
    return writer.yield({plain("LessOrEqual")});
  case nn::ComparePredicate::gt:
    return writer.yield({plain("Greater")});
  case nn::ComparePredicate::ge:
    return writer.yield({plain("GreaterOrEqual")});
  }
  return failure();
}

// The same op is logic on bool, which ONNX has, and on bits, which it has since opset 18.
template <typename Op>
static LogicalResult writeLogical(OpWriter &writer, Op op) {
  if (!isBool(op))
    return writer.refuse("opset 17 has no logic on the bits of integers");
  StringRef type = std::is_same_v<Op, nn::AndOp>   ? "And"
                   : std::is_same_v<Op, nn::OrOp>  ? "Or"
                   : std::is_same_v<Op, nn::XorOp> ? "Xor"
                                                   : "Not";
  return writer.yield({writer.node(type, writer.operands())});
}

template <typename Op>
static LogicalResult writeShift(OpWriter &writer, Op op) {
  StringRef direction = std::is_same_v<Op, nn::ShiftLeftOp> ? "LEFT" : "RIGHT";
  auto element = dyn_cast<IntegerType>(getElementTypeOrSelf(op.getLhs().getType()));
  if (!element || !element.isUnsigned())
    return writer.refuse("ONNX shifts unsigned integers only");
  return writer.yield(
      {writer.node("BitShift", writer.operands(), Attributes().set("direction", direction))});
}

static LogicalResult writeCast(OpWriter &writer, nn::CastOp op) {
  return writer.yield(
      {writer.node("Cast", writer.operands(),
                   Attributes().set("to", int64_t(nn::getElementTypeNumber(op.getTo()))))});
}

static LogicalResult writeRsqrt(OpWriter &writer, nn::RsqrtOp) {
  return writer.yield({writer.node("Reciprocal", {writer.node("Sqrt", writer.operands())})});
}

static LogicalResult writeIsInf(OpWriter &writer, nn::IsInfOp op) {
  return writer.yield({writer.node("IsInf", writer.operands(),
                                   Attributes()
                                       .set("detect_positive", int64_t(op.getPositive()))
                                       .set("detect_negative", int64_t(op.getNegative())))});
}

template <typename Op>
static LogicalResult writeSloped(OpWriter &writer, Op op) {
  StringRef type = std::is_same_v<Op, nn::EluOp> ? "Elu" : "LeakyRelu";
  return writer.yield({writer.node(
      type, writer.operands(), Attributes().setFloat("alpha", op.getAlpha().convertToDouble()))});
}

static LogicalResult writeHardSigmoid(OpWriter &writer, nn::HardSigmoidOp op) {
  return writer.yield({writer.node("HardSigmoid", writer.operands(),
                                   Attributes()
                                       .setFloat("alpha", op.getAlpha().convertToDouble())
                                       .setFloat("beta", op.getBeta().convertToDouble()))});
}

// Hendrycks & Gimpel, 2016: x Φ(x), Φ(x) = (1 + erf(x/√2))/2 or (1 + tanh(√(2/π)(x + 0.044715
// x³)))/2; Gelu itself came with opset 20.
static LogicalResult writeGelu(OpWriter &writer, nn::GeluOp op) {
  Name x = writer.operand(op.getInput());
  auto number = [&](double value) { return writer.number(op.getInput(), value); };
  auto mul = [&](const Name &a, const Name &b) { return writer.node("Mul", {a, b}); };
  auto add = [&](const Name &a, const Name &b) { return writer.node("Add", {a, b}); };
  Name bent;
  if (op.getTanhApproximation()) {
    Name cubed = mul(mul(mul(x, x), x), number(0.044715));
    bent = writer.node("Tanh", {mul(add(x, cubed), number(0.79788456080286535588))});
  } else {
    bent = writer.node("Erf", {mul(x, number(0.70710678118654752440))});
  }
  return writer.yield({mul(mul(x, add(bent, number(1))), number(0.5))});
}

void sinter::onnx_export::registerElementwiseWriters(WriterTable &table) {
  table.addPlain<nn::AddOp>("Add");
  table.addPlain<nn::SubOp>("Sub");
  table.addPlain<nn::MulOp>("Mul");
  table.addPlain<nn::DivOp>("Div");
  table.addPlain<nn::PowOp>("Pow");
  table.addPlain<nn::MinOp>("Min");
  table.addPlain<nn::MaxOp>("Max");
  table.addPlain<nn::PReluOp>("PRelu");
  table.addPlain<nn::WhereOp>("Where");
  table.add(writeMod);
  table.add(writeCompare);
  table.add(writeLogical<nn::AndOp>);
  table.add(writeLogical<nn::OrOp>);
  table.add(writeLogical<nn::XorOp>);
  table.add(writeLogical<nn::NotOp>);
  table.add(writeShift<nn::ShiftLeftOp>);
  table.add(writeShift<nn::ShiftRightOp>);

  table.add(writeCast);
  table.addPlain<nn::AbsOp>("Abs");
  table.addPlain<nn::NegOp>("Neg");
  table.addPlain<nn::SignOp>("Sign");
  table.addPlain<nn::CeilOp>("Ceil");
  table.addPlain<nn::FloorOp>("Floor");
  table.addPlain<nn::RoundOp>("Round");
  table.addPlain<nn::SqrtOp>("Sqrt");
  table.add(writeRsqrt);
  table.addPlain<nn::ReciprocalOp>("Reciprocal");
  table.addPlain<nn::ExpOp>("Exp");
  table.addPlain<nn::LogOp>("Log");
  table.addPlain<nn::SinOp>("Sin");
  table.addPlain<nn::CosOp>("Cos");
  table.addPlain<nn::TanOp>("Tan");
  table.addPlain<nn::AsinOp>("Asin");
  table.addPlain<nn::AcosOp>("Acos");
  table.addPlain<nn::AtanOp>("Atan");
  table.addPlain<nn::SinhOp>("Sinh");
  table.addPlain<nn::CoshOp>("Cosh");
  table.addPlain<nn::TanhOp>("Tanh");
  table.addPlain<nn::AsinhOp>("Asinh");
  table.addPlain<nn::AcoshOp>("Acosh");
  table.addPlain<nn::AtanhOp>("Atanh");
  table.addPlain<nn::ErfOp>("Erf");
  table.addPlain<nn::SigmoidOp>("Sigmoid");
  table.addPlain<nn::ReluOp>("Relu");
  table.addPlain<nn::SoftplusOp>("Softplus");
  table.addPlain<nn::SoftsignOp>("Softsign");
  table.addPlain<nn::IsNanOp>("IsNaN");
  table.add(writeIsInf);
  table.add(writeSloped<nn::LeakyReluOp>);
  table.add(writeSloped<nn::EluOp>);
  table.add(writeHardSigmoid);
  table.add(writeGelu);
}
