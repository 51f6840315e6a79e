//===- NNControl.td - regions: branches, loops, fused groups --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_NNCONTROL_TD
#define SINTER_DIALECTS_NN_NNCONTROL_TD

include "dialects/nn/NNBase.td"

def NN_YieldOp : Op<NN_Dialect, "yield", [Pure, Terminator, ReturnLike,
    ParentOneOf<["IfOp", "LoopOp", "FusedOp"]>]> {
  let summary = "ends a region and gives its results";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def NN_IfOp : Op<NN_Dialect, "if", [RecursiveMemoryEffects, NN_CapturingDifferentiable,
    SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments]> {
  let summary = "one of two regions, by a condition of one element";
  let description = [{
    A result's type is compatible with what both regions yield (dims that differ are dynamic).
  }];
  let arguments = (ins NN_BoolTensor:$condition);
  let regions = (region SizedRegion<1>:$thenRegion, SizedRegion<1>:$elseRegion);
  let results = (outs Variadic<NN_Tensor>:$outputs);
  let assemblyFormat = [{
    $condition attr-dict `:` functional-type(operands, results) $thenRegion `else` $elseRegion
  }];
  let hasVerifier = 1;
}

def NN_LoopOp : Op<NN_Dialect, "loop", [RecursiveMemoryEffects, NN_CapturingDifferentiable, AttrSizedOperandSegments,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "ONNX Loop: while (i < trip_count && condition) { … }";
  let description = [{
    Body arguments: the iteration number (scalar i64), the condition (scalar i1),
    then the carried values. It yields the next condition, the carried values,
    and the scan outputs; the latter are stacked along a new dim 0 in the
    results, which are [carried…, stacked scans…]. Absent `trip_count`: unbounded.
    Absent `condition`: true.
  }];
  let arguments = (ins Optional<NN_IndexTensor>:$trip_count, Optional<NN_BoolTensor>:$condition,
                   Variadic<NN_Tensor>:$inits);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<NN_Tensor>:$outputs);
  let assemblyFormat = [{
    (`trip_count` `(` $trip_count^ `:` type($trip_count) `)`)?
    (`while` `(` $condition^ `:` type($condition) `)`)?
    `(` $inits `)` attr-dict `:` functional-type($inits, $outputs) $body
  }];
  let hasVerifier = 1;
}

def NN_FusedOp : Op<NN_Dialect, "fused", [Pure, SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments]> {
  let summary = "a group of ops that becomes one kernel";
  let description = "The region uses values from above directly; what it yields are the results.";
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<NN_Tensor>:$outputs);
  let assemblyFormat = "attr-dict `:` type($outputs) $body";
  let hasVerifier = 1;
}

def NN_GradientOp : Op<NN_Dialect, "gradient", [Pure, AttrSizedOperandSegments]> {
  let summary = "the derivative of outputs with respect to inputs; nn-autodiff builds it";
  let description = [{
    Σ over outputs of the cotangent times the output's derivative by each input,
    an input being any value that outputs depend on. Without cotangents they are
    all ones. Inputs that no output depends on give zeros.
  }];
  let arguments = (ins Variadic<NN_FloatTensor>:$outputs, Variadic<NN_FloatTensor>:$cotangents,
                   Variadic<NN_FloatTensor>:$inputs);
  let results = (outs Variadic<NN_FloatTensor>:$gradients);
  let assemblyFormat = [{
    $outputs (`seeded` `(` $cotangents^ `:` type($cotangents) `)`)? `by` $inputs attr-dict
    `:` type($outputs) `by` type($inputs) `->` type($gradients)
  }];
  let hasVerifier = 1;
}

#endif
