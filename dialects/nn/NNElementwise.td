//===- NNElementwise.td - elementwise ops ---------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_NNELEMENTWISE_TD
#define SINTER_DIALECTS_NN_NNELEMENTWISE_TD

include "dialects/nn/NNBase.td"

// Arithmetic that takes part in shape computations says so.
defvar NN_Contents = DeclareOpInterfaceMethods<ContentsOpInterface>;

//===-- Binary -------------------------------------------------------------===//

def NN_AddOp : NN_BinaryOp<"add", "x + y", NN_NumberTensor, NN_SameElementType, [Commutative, NN_Contents, NN_Differentiable]> { let hasFolder = 1; }
def NN_SubOp : NN_BinaryOp<"sub", "x − y", NN_NumberTensor, NN_SameElementType, [NN_Contents, NN_Differentiable]> { let hasFolder = 1; }
def NN_MulOp : NN_BinaryOp<"mul", "x · y", NN_NumberTensor, NN_SameElementType, [Commutative, NN_Contents, NN_Differentiable]> { let hasFolder = 1; }
def NN_DivOp : NN_BinaryOp<"div", "x / y; integers truncate toward zero", NN_NumberTensor, NN_SameElementType, [NN_Contents, NN_Differentiable]> { let hasFolder = 1; }
def NN_ModOp : NN_BinaryOp<"mod", "x mod y: sign of y, or of x with fmod", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]> {
  let arguments = (ins NN_NumberTensor:$lhs, NN_NumberTensor:$rhs, UnitAttr:$fmod);
}
def NN_PowOp : NN_ElementwiseOp<"pow", NN_SameElementType, [NN_Differentiable]> {
  let summary = "x to the power of y; x and y may differ in element type, the result has x's";
  let arguments = (ins NN_NumberTensor:$lhs, NN_NumberTensor:$rhs);
  let results = (outs NN_Tensor:$output);
}
def NN_MinOp : NN_BinaryOp<"min", "min(x, y); NaN wins", NN_NumberTensor, NN_SameElementType, [Commutative, NN_Contents, NN_Differentiable]>;
def NN_MaxOp : NN_BinaryOp<"max", "max(x, y); NaN wins", NN_NumberTensor, NN_SameElementType, [Commutative, NN_Contents, NN_Differentiable]>;
def NN_AndOp : NN_BinaryOp<"and", "bitwise (on i1: logical) and", NN_IntOrBoolTensor, NN_SameElementType, [Commutative]>;
def NN_OrOp : NN_BinaryOp<"or", "bitwise (on i1: logical) or", NN_IntOrBoolTensor, NN_SameElementType, [Commutative]>;
def NN_XorOp : NN_BinaryOp<"xor", "bitwise (on i1: logical) exclusive or", NN_IntOrBoolTensor, NN_SameElementType, [Commutative]>;
def NN_ShiftLeftOp : NN_BinaryOp<"shift_left", "x << y", NN_IntTensor>;
def NN_ShiftRightOp : NN_BinaryOp<"shift_right", "x >> y, arithmetic for signed types", NN_IntTensor>;
def NN_PReluOp : NN_BinaryOp<"prelu", "x if x ≥ 0, else slope · x", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]>;

def NN_CompareOp : NN_ElementwiseOp<"compare", NN_BoolElementType, [SameOperandsElementType]> {
  let summary = "x ? y for one of = ≠ < ≤ > ≥; ordered, except ≠, which is true for NaN";
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs, NN_ComparePredicateAttr:$predicate);
  let results = (outs NN_BoolTensor:$output);
}

def NN_WhereOp : NN_ElementwiseOp<"where", [{
  static ::mlir::Type inferElementType(Adaptor op, unsigned) {
    return ::mlir::getElementTypeOrSelf(op.getOperands()[1].getType());
  }
}], [NN_Differentiable]> {
  let summary = "x where the condition holds, else y";
  let arguments = (ins NN_BoolTensor:$condition, NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$output);
}

//===-- Unary --------------------------------------------------------------===//

def NN_CastOp : NN_ElementwiseOp<"cast", NN_CustomElementType, [NN_Contents, NN_Differentiable]> {
  let summary = "converts the element type";
  let description = [{
    Float to integer truncates toward zero; float to bool is `≠ 0`; float to a
    narrower float rounds to nearest even. Integer to a narrower integer wraps.
  }];
  let arguments = (ins NN_Tensor:$input, TypeAttr:$to);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
}

def NN_AbsOp : NN_UnaryOp<"abs", "|x|", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_NegOp : NN_UnaryOp<"neg", "−x", NN_NumberTensor, NN_SameElementType, [NN_Contents, NN_Differentiable]>;
def NN_SignOp : NN_UnaryOp<"sign", "−1, 0 or 1", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_NotOp : NN_UnaryOp<"not", "bitwise (on i1: logical) complement", NN_IntOrBoolTensor>;
def NN_CeilOp : NN_UnaryOp<"ceil", "⌈x⌉", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_FloorOp : NN_UnaryOp<"floor", "⌊x⌋", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_RoundOp : NN_UnaryOp<"round", "nearest integer, ties to even", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_SqrtOp : NN_UnaryOp<"sqrt", "√x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_RsqrtOp : NN_UnaryOp<"rsqrt", "1/√x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_ReciprocalOp : NN_UnaryOp<"reciprocal", "1/x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_ExpOp : NN_UnaryOp<"exp", "eˣ", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_LogOp : NN_UnaryOp<"log", "ln x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_SinOp : NN_UnaryOp<"sin", "sin x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_CosOp : NN_UnaryOp<"cos", "cos x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_TanOp : NN_UnaryOp<"tan", "tan x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_AsinOp : NN_UnaryOp<"asin", "arcsin x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_AcosOp : NN_UnaryOp<"acos", "arccos x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_AtanOp : NN_UnaryOp<"atan", "arctan x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_SinhOp : NN_UnaryOp<"sinh", "sinh x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_CoshOp : NN_UnaryOp<"cosh", "cosh x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_TanhOp : NN_UnaryOp<"tanh", "tanh x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_AsinhOp : NN_UnaryOp<"asinh", "arsinh x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_AcoshOp : NN_UnaryOp<"acosh", "arcosh x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_AtanhOp : NN_UnaryOp<"atanh", "artanh x", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_ErfOp : NN_UnaryOp<"erf", "error function", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", "1/(1+e⁻ˣ)", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_ReluOp : NN_UnaryOp<"relu", "max(x, 0)", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_SoftplusOp : NN_UnaryOp<"softplus", "ln(1+eˣ)", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_SoftsignOp : NN_UnaryOp<"softsign", "x/(1+|x|)", NN_FloatTensor, NN_SameElementType, [NN_Differentiable]>;
def NN_IsNanOp : NN_UnaryOp<"is_nan", "x is NaN", NN_FloatTensor, NN_BoolElementType>;

def NN_IsInfOp : NN_UnaryOp<"is_inf", "x is +∞ (positive) or −∞ (negative)", NN_FloatTensor, NN_BoolElementType> {
  let arguments = (ins NN_FloatTensor:$input, DefaultValuedAttr<BoolAttr, "true">:$positive,
                   DefaultValuedAttr<BoolAttr, "true">:$negative);
}
def NN_LeakyReluOp : NN_UnaryOp<"leaky_relu", "x if x ≥ 0, else alpha · x", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]> {
  let arguments = (ins NN_FloatTensor:$input, F64Attr:$alpha);
}
def NN_EluOp : NN_UnaryOp<"elu", "x if x ≥ 0, else alpha · (eˣ − 1)", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]> {
  let arguments = (ins NN_FloatTensor:$input, F64Attr:$alpha);
}
def NN_HardSigmoidOp : NN_UnaryOp<"hard_sigmoid", "max(0, min(1, alpha · x + beta))", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]> {
  let arguments = (ins NN_FloatTensor:$input, F64Attr:$alpha, F64Attr:$beta);
}
def NN_GeluOp : NN_UnaryOp<"gelu", "x Φ(x), exact by erf or the tanh approximation", NN_NumberTensor, NN_SameElementType, [NN_Differentiable]> {
  let arguments = (ins NN_FloatTensor:$input, UnitAttr:$tanh_approximation);
}

#endif
