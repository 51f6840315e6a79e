//===- NNCompute.td - reductions, contractions, windows, layers -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_NNCOMPUTE_TD
#define SINTER_DIALECTS_NN_NNCOMPUTE_TD

include "dialects/nn/NNElementwise.td"

//===-- Reductions ---------------------------------------------------------===//

def NN_ReduceOp : NN_Op<"reduce", "reduction", NN_SameElementType, [NN_Contents, NN_Differentiable]> {
  let summary = "reduces over `axes` (sorted, non-negative)";
  let description = "Of no elements: sum 0, prod 1, max −∞ or the least integer, min +∞ or the greatest.";
  let arguments = (ins NN_Tensor:$input, NN_ReduceKindAttr:$kind, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
  let results = (outs NN_Tensor:$output);
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_ActsOnEach);
}
def NN_ArgReduceOp : NN_Op<"arg_reduce", "reduction", NN_I64ElementType> {
  let summary = "index of the extremum along `axis`";
  let arguments = (ins NN_NumberTensor:$input, NN_ArgKindAttr:$kind, NN_I64Attr:$axis, BoolAttr:$keepdims,
                   UnitAttr:$select_last_index);
  let results = (outs NN_IndexTensor:$output);
}
def NN_CumulativeOp : NN_RuntimeOp<"cumulative", ["getRuntimeParams"], NN_SameElementType, [NN_Differentiable]> {
  let summary = "running sum or product along `axis`";
  let arguments = (ins NN_NumberTensor:$input, NN_CumulativeKindAttr:$kind, NN_I64Attr:$axis, UnitAttr:$exclusive,
                   UnitAttr:$reverse);
  let results = (outs NN_Tensor:$output);
}
def NN_AllReduceOp : NN_RuntimeOp<"all_reduce", [], NN_SameElementType, [NN_Differentiable]> {
  let summary = "mean over the samples of all processes of a data-parallel training; with one process the input";
  let description = [{
    Each process's values are means over its own samples, and count as much as it has of them. The
    derivative of a loss that is such a mean, too, is then the op itself.
  }];
  let arguments = (ins NN_FloatTensor:$input);
  let results = (outs NN_Tensor:$output);
}
def NN_AllReduceBeginOp : NN_RuntimeOp<"all_reduce_begin", []> {
  let summary = "begins an all_reduce, which goes on beside what follows; only one all_reduce_end may read the result";
  let arguments = (ins NN_FloatTensor:$input);
  let results = (outs NN_Tensor:$output);
}
def NN_AllReduceEndOp : NN_RuntimeOp<"all_reduce_end", [], NN_SameElementType, [NN_WaitsTrait]> {
  let summary = "waits for what an all_reduce_begin began, and gives its result";
  let arguments = (ins NN_FloatTensor:$input);
  let results = (outs NN_Tensor:$output);
}
def NN_SoftmaxOp : NN_Op<"softmax", "reduction", NN_SameElementType, [NN_Differentiable]> {
  let summary = "exp(x − max) / Σ exp(x − max) over `axes` (log: its logarithm)";
  let arguments = (ins NN_FloatTensor:$input, DenseI64ArrayAttr:$axes, UnitAttr:$log);
  let results = (outs NN_Tensor:$output);
}

def NN_SumToShapeOp : NN_Op<"sum_to_shape", "reduction"> {
  let summary = "sums over the dims that broadcasting `shape` to the input's shape repeats: the transpose of expand";
  let arguments = (ins NN_NumberTensor:$input, NN_IndexTensor:$shape);
  let results = (outs NN_Tensor:$output);
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_Steering);
}

//===-- Contractions -------------------------------------------------------===//

// `inferElementType` of a sum of products: of 8-bit integers it is i32, else of the element type of operand 0.
defvar NN_ProductElementType = [{
  static ::mlir::Type inferElementType(Adaptor op, unsigned) {
    return ::sinter::nn::getProductType(::mlir::getElementTypeOrSelf(op.getOperands()[0].getType()));
  }
}];

def NN_MatMulOp : NN_Op<"matmul", "contraction", NN_ProductElementType, [NN_Differentiable]> {
  let summary = "matrix product of the last two dims, the others broadcast (NumPy matmul)";
  let description = [{
    lhs …×M×K (K×M with transpose_lhs), rhs …×K×N (N×K with transpose_rhs);
    1-D operands as in NumPy. With `rhs_block` = V > 0, rhs is a matrix packed
    as ⌈N/V⌉ × K × V, zero-padded, and `columns` is N. With `strassen` besides, rhs
    holds the seven sums of its quarters that Strassen's algorithm multiplies by (Strassen.h),
    packed as 7 × N/2V × K/2 × V; N is a multiple of 2V and K is even. With `strassen` and no
    `columns`, rhs is plain, of the same batch as lhs, and the kernel makes the sums.

    Operands have one element type, or each some 8 bits, whose products are summed in i32. A packed
    rhs of 8 bits has four rows beside each other: ⌈N/V⌉ × K/4 × V × 4.
  }];
  let arguments = (ins NN_NumberTensor:$lhs, NN_NumberTensor:$rhs, UnitAttr:$transpose_lhs,
                   UnitAttr:$transpose_rhs, DefaultValuedAttr<NN_I64Attr, "0">:$rhs_block,
                   DefaultValuedAttr<NN_I64Attr, "0">:$columns, UnitAttr:$strassen);
  let results = (outs NN_Tensor:$output);
}
def NN_EinsumOp : NN_Op<"einsum", "contraction", NN_SameElementType, [SameOperandsElementType, NN_Differentiable]> {
  let summary = "sum of products by Einstein notation, explicit output, ellipses allowed";
  let arguments = (ins Variadic<NN_NumberTensor>:$inputs, StrAttr:$equation);
  let results = (outs NN_Tensor:$output);
}
def NN_ConvOp : NN_Op<"conv", "contraction", NN_ProductElementType, [NN_Differentiable]> {
  let summary = "convolution (cross-correlation) over any number of spatial dims, with groups";
  let description = [{
    channels_first: input N C X…, filter O (C/group) X…, result N O Y….
    channels_last: input N X… C, result N Y… O. With `filter_block` = V > 0, the
    filter is packed as ⌈O/V⌉ × X… × (C/group) × V, zero-padded, and
    `out_channels` is O. Depthwise in channels_last (group = C = O):
    filter X… × O, marked by `filter_block` = −1.
    With `winograd` = m > 0 (two spatial dims, 3×3, stride 1, one group) the convolution is
    F(m×m, 3×3), and the filter holds G f Gᵀ of each 3×3 filter f, packed as ⌈O/V⌉ × α × α × C × V,
    α = m + 2 (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, section 4).
    Input and filter have one element type, or each some 8 bits, whose products are summed in i32, the
    bias's type. A packed filter of 8 bits has four channels beside each other:
    ⌈O/V⌉ × X… × (C/group)/4 × V × 4.
    `pads` is [begins…, ends…]; with auto_pad ≠ notset it is ignored.
  }];
  let arguments = (ins NN_NumberTensor:$input, NN_NumberTensor:$filter, Optional<NN_NumberTensor>:$bias,
                   DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                   DefaultValuedAttr<NN_I64Attr, "1">:$group,
                   DefaultValuedAttr<NN_AutoPadAttr, "::sinter::nn::AutoPad::notset">:$auto_pad,
                   DefaultValuedAttr<NN_DataLayoutAttr, "::sinter::nn::DataLayout::channels_first">:$data_layout,
                   DefaultValuedAttr<NN_I64Attr, "0">:$filter_block, DefaultValuedAttr<NN_I64Attr, "0">:$out_channels,
                   DefaultValuedAttr<NN_I64Attr, "0">:$winograd);
  let results = (outs NN_Tensor:$output);
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_ActsOnEach, [{
    /// Of a filter that is not packed: one channel in and one out of each group.
    bool isDepthwise();
  }]);
}
def NN_ConvTransposeOp : NN_Op<"conv_transpose", "contraction", NN_SameElementType, [NN_Differentiable]> {
  let summary = "transposed convolution; input N C X…, filter C (O/group) X…";
  let description = "`output_shape` (spatial dims), when not empty, decides the pads.";
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$filter, Optional<NN_FloatTensor>:$bias,
                   DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                   DenseI64ArrayAttr:$output_padding, DenseI64ArrayAttr:$output_shape,
                   DefaultValuedAttr<NN_I64Attr, "1">:$group,
                   DefaultValuedAttr<NN_AutoPadAttr, "::sinter::nn::AutoPad::notset">:$auto_pad);
  let results = (outs NN_Tensor:$output);
}

def NN_ConvFilterGradOp : NN_Op<"conv_filter_grad", "contraction", NN_SameElementType, [SameOperandsElementType]> {
  let summary = "the cotangent of a convolution's filter: Σ over batch and positions of input · cotangent";
  let description = [{
    Attributes are those of the convolution, `kernel_shape` its filter's spatial
    dims. channels_first: input N C X…, cotangent N O Y…, result O (C/group)
    kernel…. channels_last: N X… C, N Y… O, result kernel… (C/group) O.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$cotangent, DenseI64ArrayAttr:$kernel_shape,
                   DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                   DefaultValuedAttr<NN_I64Attr, "1">:$group,
                   DefaultValuedAttr<NN_AutoPadAttr, "::sinter::nn::AutoPad::notset">:$auto_pad,
                   DefaultValuedAttr<NN_DataLayoutAttr, "::sinter::nn::DataLayout::channels_first">:$data_layout);
  let results = (outs NN_Tensor:$output);
}

//===-- Windows ------------------------------------------------------------===//

class NN_PoolOp<string mnemonic, Type type, dag extra> : NN_Op<mnemonic, "window", NN_SameElementType, [NN_Differentiable]> {
  dag common = (ins type:$input, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
                DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, UnitAttr:$ceil_mode,
                DefaultValuedAttr<NN_AutoPadAttr, "::sinter::nn::AutoPad::notset">:$auto_pad,
                DefaultValuedAttr<NN_DataLayoutAttr, "::sinter::nn::DataLayout::channels_first">:$data_layout);
  let arguments = !con(common, extra);
  let results = (outs NN_Tensor:$output);
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_ActsOnEach);
}
def NN_MaxPoolOp : NN_PoolOp<"max_pool", NN_NumberTensor, (ins)> {
  let summary = "greatest value in each window";
}
def NN_AveragePoolOp : NN_PoolOp<"average_pool", NN_FloatTensor, (ins UnitAttr:$count_include_pad)> {
  let summary = "mean of each window";
}
def NN_LpPoolOp : NN_PoolOp<"lp_pool", NN_FloatTensor, (ins NN_I64Attr:$p)> {
  let summary = "(Σ|x|ᵖ)^(1/p) of each window";
}
def NN_MaxPoolIndicesOp : NN_Op<"max_pool_indices", "window", NN_I64ElementType> {
  let summary = "flat index, in the whole N C X… input, of the greatest value in each window";
  let description = "`column_major` (storage_order 1) counts the spatial dims with the first one fastest.";
  let arguments = (ins NN_NumberTensor:$input, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
                   DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, UnitAttr:$ceil_mode,
                   DefaultValuedAttr<NN_AutoPadAttr, "::sinter::nn::AutoPad::notset">:$auto_pad,
                   UnitAttr:$column_major);
  let results = (outs NN_IndexTensor:$output);
}
def NN_MaxUnpoolOp : NN_RuntimeOp<"max_unpool", ["getRuntimeInputs", "getRuntimeParams"],
                                NN_SameElementType, [NN_Differentiable]> {
  let summary = "puts values at the flat indices of `output_shape` (all dims), zeros elsewhere";
  let description = [{
    Indices are flat in the shape that the pooling's attributes give. With an
    `output_shape` the result has that shape, and the indices count in it.
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, Optional<NN_IndexTensor>:$output_shape,
                   DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads);
  let results = (outs NN_Tensor:$output);
}
// The backward halves of pools: each element of the input gathers from the windows that cover it.
class NN_PoolGradOp<string mnemonic, dag operands_> : NN_Op<mnemonic, "window"> {
  dag common = (ins DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
                DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, UnitAttr:$ceil_mode,
                DefaultValuedAttr<NN_AutoPadAttr, "::sinter::nn::AutoPad::notset">:$auto_pad,
                DefaultValuedAttr<NN_DataLayoutAttr, "::sinter::nn::DataLayout::channels_first">:$data_layout);
  let arguments = !con(operands_, common);
  let results = (outs NN_Tensor:$output);
}
def NN_MaxPoolGradOp : NN_PoolGradOp<"max_pool_grad", (ins NN_FloatTensor:$input, NN_FloatTensor:$cotangent)> {
  let summary = "each window's cotangent at the window's greatest input, the first of equal ones; zeros elsewhere";
}
def NN_SumPoolGradOp : NN_PoolGradOp<"sum_pool_grad", (ins NN_FloatTensor:$cotangent, NN_IndexTensor:$shape)> {
  let summary = "the sum of the cotangents of the windows that cover an element; `shape` is the pool's input's";
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_Steering);
}
def NN_Col2ImOp : NN_Op<"col2im", "movement", NN_SameElementType, [NN_Differentiable]> {
  let summary = "sums sliding blocks N (C·Πkernel) L into pictures N C image_shape…";
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$image_shape, DenseI64ArrayAttr:$block_shape,
                   DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations);
  let results = (outs NN_Tensor:$output);
}
def NN_RoiAlignOp : NN_Op<"roi_align", "movement"> {
  let summary = "pools each region of interest to a fixed size by bilinear sampling (Mask R-CNN, 3)";
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$rois, NN_IndexTensor:$batch_indices,
                   NN_I64Attr:$output_height, NN_I64Attr:$output_width, NN_I64Attr:$sampling_ratio,
                   F64Attr:$spatial_scale, UnitAttr:$max_mode, UnitAttr:$half_pixel);
  let results = (outs NN_Tensor:$output);
}

//===-- Normalization ------------------------------------------------------===//

def NN_BatchNormOp : NN_Op<"batch_norm", "elementwise", NN_SameElementType, [NN_Differentiable]> {
  let summary = "(x − mean) · scale/√(variance + epsilon) + bias per channel (dim 1)";
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, NN_FloatTensor:$bias, NN_FloatTensor:$mean,
                   NN_FloatTensor:$variance, F64Attr:$epsilon,
                   DefaultValuedAttr<NN_DataLayoutAttr, "::sinter::nn::DataLayout::channels_first">:$data_layout);
  let results = (outs NN_Tensor:$output);
}
def NN_InstanceNormOp : NN_Op<"instance_norm", "reduction", NN_SameElementType, [NN_Differentiable]> {
  let summary = "normalizes each channel of each picture over its spatial dims; N C X…";
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, NN_FloatTensor:$bias, F64Attr:$epsilon);
  let results = (outs NN_Tensor:$output);
}
def NN_GroupNormOp : NN_Op<"group_norm", "reduction", NN_SameElementType, [NN_Differentiable]> {
  let summary = "normalizes groups of channels over their spatial dims; scale and bias have C elements";
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, NN_FloatTensor:$bias, NN_I64Attr:$num_groups,
                   F64Attr:$epsilon);
  let results = (outs NN_Tensor:$output);
}
def NN_LayerNormOp : NN_Op<"layer_norm", "reduction", NN_SameElementType, [NN_Differentiable]> {
  let summary = "normalizes over the dims from `axis` on; scale and bias broadcast to them";
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, Optional<NN_FloatTensor>:$bias, NN_I64Attr:$axis,
                   F64Attr:$epsilon);
  let results = (outs NN_Tensor:$output);
}
def NN_RMSNormOp : NN_Op<"rms_norm", "reduction", NN_SameElementType, [NN_Differentiable]> {
  let summary = "x/√(mean(x²) + epsilon) · scale over the dims from `axis` on";
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, NN_I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs NN_Tensor:$output);
}
def NN_LRNOp : NN_Op<"lrn", "window", NN_SameElementType, [NN_Differentiable]> {
  let summary = "x/(bias + alpha/size · Σ x²)^beta over `size` neighbouring channels (AlexNet, 3.3)";
  let arguments = (ins NN_FloatTensor:$input, F64Attr:$alpha, F64Attr:$beta, F64Attr:$bias, NN_I64Attr:$size,
                   DefaultValuedAttr<NN_DataLayoutAttr, "::sinter::nn::DataLayout::channels_first">:$data_layout);
  let results = (outs NN_Tensor:$output);
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_ActsOnEach);
}

//===-- Data-dependent results ---------------------------------------------===//

def NN_TopKOp : NN_RuntimeOp<"top_k", ["getRuntimeInputs", "getRuntimeParams"], NN_CustomElementType, [NN_Differentiable]> {
  let summary = "the k (a tensor of one element) greatest or least values along `axis`, and their indices";
  let arguments = (ins NN_NumberTensor:$input, NN_IndexTensor:$k, NN_I64Attr:$axis, BoolAttr:$largest, BoolAttr:$sorted);
  let results = (outs NN_Tensor:$values, NN_IndexTensor:$indices);
}
def NN_NonZeroOp : NN_RuntimeOp<"non_zero", ["getCountKernel"], NN_I64ElementType> {
  let summary = "indices of the non-zero elements, rank × count, row-major order";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_IndexTensor:$output);
}
def NN_CompressOp : NN_RuntimeOp<"compress", ["getRuntimeParams", "getCountKernel", "getCountInputs", "getCountParams"],
                                NN_SameElementType, [NN_Differentiable]> {
  let summary = "slices along `axis` (of the flattened input when absent) where the condition holds";
  let arguments = (ins NN_Tensor:$input, NN_BoolTensor:$condition, OptionalAttr<NN_I64Attr>:$axis);
  let results = (outs NN_Tensor:$output);
}
def NN_NonMaxSuppressionOp : NN_RuntimeOp<"non_max_suppression", ["getRuntimeParams", "getCountKernel"], NN_I64ElementType> {
  let summary = "indices [batch, class, box] of the boxes kept, count × 3";
  let arguments = (ins NN_FloatTensor:$boxes, NN_FloatTensor:$scores, NN_IndexTensor:$max_output_boxes_per_class,
                   NN_FloatTensor:$iou_threshold, Optional<NN_FloatTensor>:$score_threshold,
                   UnitAttr:$center_point_box);
  let results = (outs NN_IndexTensor:$output);
}
def NN_UniqueOp : NN_RuntimeOp<"unique", ["getRuntimeParams", "getCountKernel"], NN_CustomElementType> {
  let summary = "distinct elements (or slices along `axis`), first indices, inverse indices, counts";
  let arguments = (ins NN_Tensor:$input, OptionalAttr<NN_I64Attr>:$axis, BoolAttr:$sorted);
  let results = (outs NN_Tensor:$output, NN_IndexTensor:$indices, NN_IndexTensor:$inverse_indices,
                 NN_IndexTensor:$counts);
}
def NN_DetOp : NN_RuntimeOp<"det", []> {
  let summary = "determinant of the last two dims";
  let arguments = (ins NN_FloatTensor:$input);
  let results = (outs NN_Tensor:$output);
}

//===-- Recurrent layers ---------------------------------------------------===//

class NN_RecurrentOp<string mnemonic, dag operands_, dag attributes> :
    NN_Op<mnemonic, "opaque", NN_SameElementType, [AttrSizedOperandSegments]> {
  // direction count D is 2 for bidirectional; activations hold one entry per gate function and direction.
  let arguments = !con(operands_, attributes, (ins
      StrArrayAttr:$activations, DenseF64ArrayAttr:$activation_alpha, DenseF64ArrayAttr:$activation_beta,
      OptionalAttr<F64Attr>:$clip, NN_DirectionAttr:$direction, NN_I64Attr:$hidden_size, UnitAttr:$batch_major));
}
defvar NN_RecurrentOperands = (ins
    NN_FloatTensor:$input, NN_FloatTensor:$weights, NN_FloatTensor:$recurrence, Optional<NN_FloatTensor>:$bias,
    Optional<NN_IndexTensor>:$sequence_lengths, Optional<NN_FloatTensor>:$initial_h);

def NN_RNNOp : NN_RecurrentOp<"rnn", NN_RecurrentOperands, (ins)> {
  let summary = "Elman network; T×B×I → Y T×D×B×H, Y_h D×B×H (batch_major: B×T×I → B×T×D×H, B×D×H)";
  let results = (outs NN_Tensor:$y, NN_Tensor:$y_h);
}
def NN_GRUOp : NN_RecurrentOp<"gru", NN_RecurrentOperands, (ins UnitAttr:$linear_before_reset)> {
  let summary = "gated recurrent unit, gate order z r h; shapes as in nn.rnn";
  let results = (outs NN_Tensor:$y, NN_Tensor:$y_h);
}
def NN_LSTMOp : NN_RecurrentOp<"lstm",
    !con(NN_RecurrentOperands, (ins Optional<NN_FloatTensor>:$initial_c, Optional<NN_FloatTensor>:$peepholes)),
    (ins UnitAttr:$input_forget)> {
  let summary = "long short-term memory, gate order i o f c; shapes as in nn.rnn";
  let results = (outs NN_Tensor:$y, NN_Tensor:$y_h, NN_Tensor:$y_c);
}

#endif
