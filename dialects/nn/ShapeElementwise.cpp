//===- ShapeElementwise.cpp - shapes and contents of elementwise ops ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All elementwise ops broadcast; those that take part in shape arithmetic also
// say what integers they compute.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter::nn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

// Each run of clang-format would move one more op to a line of its own.
// clang-format off
#define NN_ELEMENTWISE_OPS(X)                                                                      \
  X(AddOp) X(SubOp) X(MulOp) X(DivOp) X(ModOp) X(PowOp) X(MinOp) X(MaxOp) X(AndOp) X(OrOp)         \
  X(XorOp) X(ShiftLeftOp) X(ShiftRightOp) X(PReluOp) X(CompareOp) X(WhereOp) X(CastOp) X(AbsOp)    \
  X(NegOp) X(SignOp) X(NotOp) X(CeilOp) X(FloorOp) X(RoundOp) X(SqrtOp) X(RsqrtOp)                 \
  X(ReciprocalOp) X(ExpOp) X(LogOp) X(SinOp) X(CosOp) X(TanOp) X(AsinOp) X(AcosOp) X(AtanOp)       \
  X(SinhOp) X(CoshOp) X(TanhOp) X(AsinhOp) X(AcoshOp) X(AtanhOp) X(ErfOp) X(SigmoidOp) X(ReluOp)   \
  X(SoftplusOp) X(SoftsignOp) X(IsNanOp) X(IsInfOp) X(LeakyReluOp) X(EluOp) X(HardSigmoidOp)       \
  X(GeluOp)
// clang-format on

#define NN_DEFINE_SHAPES(Op)                                                                       \
  LogicalResult Op::inferShapes(ShapeContext &context, Adaptor op,                                 \
                                SmallVectorImpl<SymbolicShape> &shapes) {                          \
    return inferElementwiseShapes(context, op.getOperands(), shapes);                              \
  }
NN_ELEMENTWISE_OPS(NN_DEFINE_SHAPES)
#undef NN_DEFINE_SHAPES

Type CastOp::inferElementType(Adaptor op, unsigned) { return op.getTo(); }

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

using Combine = function_ref<std::optional<AffineExpr>(AffineExpr, AffineExpr)>;

// Elements of a binary op; the operands are scalars or 1-D, lengths equal or 1.
static std::optional<SymbolicShape> combineContents(ShapeContext &context, Value lhs, Value rhs,
                                                    Combine combine) {
  auto a = context.contents(lhs), b = context.contents(rhs);
  if (!a || !b)
    return std::nullopt;
  size_t count = a->size() == 1 ? b->size() : a->size();
  SymbolicShape result;
  for (size_t i = 0; i < count; ++i) {
    auto element = combine((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
    if (!element)
      return std::nullopt;
    result.push_back(*element);
  }
  return result;
}

std::optional<SymbolicShape> AddOp::inferContents(ShapeContext &context) {
  return combineContents(context, getLhs(), getRhs(),
                         [](AffineExpr a, AffineExpr b) { return a + b; });
}

std::optional<SymbolicShape> SubOp::inferContents(ShapeContext &context) {
  return combineContents(context, getLhs(), getRhs(),
                         [](AffineExpr a, AffineExpr b) { return a - b; });
}

std::optional<SymbolicShape> MulOp::inferContents(ShapeContext &context) {
  return combineContents(context, getLhs(), getRhs(),
                         [](AffineExpr a, AffineExpr b) { return a * b; });
}

std::optional<SymbolicShape> DivOp::inferContents(ShapeContext &context) {
  return combineContents(context, getLhs(), getRhs(),
                         [&](AffineExpr a, AffineExpr b) -> std::optional<AffineExpr> {
                           auto x = asConstant(a), y = asConstant(b);
                           if (y && *y == 0)
                             return std::nullopt;
                           if (x && y)
                             return context.constant(*x / *y);
                           // Truncation is the floor only where nothing is negative.
                           if (!context.isNonNegative(a) || !context.isNonNegative(b))
                             return std::nullopt;
                           return context.quotient(a, b);
                         });
}

std::optional<SymbolicShape> MinOp::inferContents(ShapeContext &context) {
  return combineContents(context, getLhs(), getRhs(),
                         [&](AffineExpr a, AffineExpr b) { return context.min(a, b); });
}

std::optional<SymbolicShape> MaxOp::inferContents(ShapeContext &context) {
  return combineContents(context, getLhs(), getRhs(),
                         [&](AffineExpr a, AffineExpr b) { return context.max(a, b); });
}

std::optional<SymbolicShape> NegOp::inferContents(ShapeContext &context) {
  auto elements = context.contents(getInput());
  if (elements)
    for (AffineExpr &element : *elements)
      element = -element;
  return elements;
}

std::optional<SymbolicShape> CastOp::inferContents(ShapeContext &context) {
  auto elements = context.contents(getInput());
  if (!elements)
    return std::nullopt;
  // Sizes fit any integer type of 32 bits or more; constants must be checked in the others.
  int64_t width = getTo().getIntOrFloatBitWidth();
  for (AffineExpr element : *elements) {
    auto value = asConstant(element);
    bool isUnsigned = getTo().isUnsignedInteger();
    if (width < 32 && !value)
      return std::nullopt;
    if (value && width < 64 &&
        !(isUnsigned ? *value >= 0 && llvm::isUIntN(width, *value) : llvm::isIntN(width, *value)))
      return std::nullopt;
  }
  return elements;
}
