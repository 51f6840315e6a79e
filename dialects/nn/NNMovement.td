//===- NNMovement.td - ops that move or shape data ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_NNMOVEMENT_TD
#define SINTER_DIALECTS_NN_NNMOVEMENT_TD

include "dialects/nn/NNElementwise.td"

def NN_ConstantOp : Op<NN_Dialect, "constant", [Pure, ConstantLike, InferTypeOpInterface,
    DeclareOpInterfaceMethods<ContentsOpInterface>]> {
  let summary = "a tensor known at compile time";
  let description = "Weights are resources; small values are dense attributes.";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = "attr-dict $value";
  let extraClassDeclaration = [{
    static ::llvm::LogicalResult inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location>, ::mlir::ValueRange,
        ::mlir::DictionaryAttr, ::mlir::OpaqueProperties, ::mlir::RegionRange,
        ::llvm::SmallVectorImpl<::mlir::Type> &);
  }];
}

//===-- Same bytes, other shape --------------------------------------------===//

def NN_ReshapeOp : NN_Op<"reshape", "view", NN_SameElementType, [NN_Contents, NN_Differentiable]> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
    In `shape` one element may be −1 (what remains); 0 copies the input's dim
    unless `allowzero`.
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$shape, UnitAttr:$allowzero);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def NN_FlattenOp : NN_Op<"flatten", "view", NN_SameElementType, [NN_Differentiable]> {
  let summary = "a matrix: dims before `axis` as rows, the others as columns";
  let arguments = (ins NN_Tensor:$input, NN_I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
}
def NN_SqueezeOp : NN_Op<"squeeze", "view", NN_SameElementType, [NN_Contents, NN_Differentiable]> {
  let summary = "drops the dims `axes` (sorted, non-negative), each of size 1";
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$axes);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
}
def NN_UnsqueezeOp : NN_Op<"unsqueeze", "view", NN_SameElementType, [NN_Contents, NN_Differentiable]> {
  let summary = "inserts dims of size 1; `axes` (sorted, non-negative) count in the result";
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$axes);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
}

//===-- Index maps ---------------------------------------------------------===//

def NN_TransposeOp : NN_Op<"transpose", "movement", NN_SameElementType, [NN_Differentiable]> {
  let summary = "permutes dims: result dim i is input dim permutation[i]";
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs NN_Tensor:$output);
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_ActsOnEach);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def NN_ConcatOp : NN_Op<"concat", "movement", NN_SameElementType, [SameOperandsElementType, NN_Contents, NN_Differentiable]> {
  let summary = "joins tensors along `axis` (non-negative)";
  let arguments = (ins Variadic<NN_Tensor>:$inputs, NN_I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_ActsOnEach);
  let hasFolder = 1;
}
def NN_SliceOp : NN_SteeredOp<"slice", NN_SameElementType, [NN_Contents, NN_Differentiable]> {
  let summary = "input[start:end:step] along `axes`, ONNX's clamping rules";
  let description = [{
    `starts`, `ends`, `steps` are 1-D with one element per axis. Negative starts
    and ends count from the end; values out of range are clamped; steps may be
    negative.
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$starts, NN_IndexTensor:$ends,
                   NN_IndexTensor:$steps, DenseI64ArrayAttr:$axes);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
}
def NN_PadOp : NN_SteeredOp<"pad", NN_SameElementType, [NN_Differentiable]> {
  let summary = "adds a border";
  let description = [{
    `pads` is 1-D [begin of dim 0, …, begin of dim r−1, end of dim 0, …];
    negative pads crop. `value` (a scalar tensor) fills in mode constant.
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$pads, Optional<NN_Tensor>:$value,
                   NN_PadModeAttr:$mode);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
}
def NN_ExpandOp : NN_SteeredOp<"expand", NN_SameElementType, [NN_Differentiable]> {
  let summary = "broadcasts to the NumPy broadcast of the input's shape and `shape`";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$shape);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
}
def NN_TileOp : NN_SteeredOp<"tile", NN_SameElementType, [NN_Differentiable]> {
  let summary = "repeats the whole tensor `repeats[i]` times along dim i";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$repeats);
  let results = (outs NN_Tensor:$output);
}
def NN_GatherOp : NN_Op<"gather", "movement", NN_SameElementType, [NN_Contents, NN_Differentiable]> {
  let summary = "result[i…, j…, k…] = input[i…, indices[j…], k…]; i… are the dims before `axis`";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, NN_I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
}
def NN_GatherElementsOp : NN_Op<"gather_elements", "movement", NN_SameElementType, [NN_Differentiable]> {
  let summary = "result[…] = input with its index along `axis` replaced by indices[…]";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, NN_I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
}
def NN_GatherNDOp : NN_Op<"gather_nd", "movement", NN_SameElementType, [NN_Differentiable]> {
  let summary = "gathers slices by index vectors (ONNX GatherND)";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, DefaultValuedAttr<NN_I64Attr, "0">:$batch_dims);
  let results = (outs NN_Tensor:$output);
}
def NN_ScatterElementsOp : NN_RuntimeOp<"scatter_elements", ["getRuntimeParams"],
                                  NN_SameElementType, [NN_Differentiable]> {
  let summary = "a copy of the input with updates put where GatherElements would read";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, NN_Tensor:$updates, NN_I64Attr:$axis,
                   NN_ScatterReductionAttr:$reduction);
  let results = (outs NN_Tensor:$output);
}
def NN_ScatterNDOp : NN_RuntimeOp<"scatter_nd", ["getRuntimeParams"], NN_SameElementType, [NN_Differentiable]> {
  let summary = "a copy of the input with updates put where GatherND would read";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, NN_Tensor:$updates,
                   NN_ScatterReductionAttr:$reduction);
  let results = (outs NN_Tensor:$output);
}
def NN_TriluOp : NN_SteeredOp<"trilu", NN_SameElementType, [NN_Differentiable]> {
  let summary = "upper or lower triangle of the last two dims, zeros elsewhere";
  let description = "`k` (a scalar tensor) is the diagonal's offset, 0 when absent.";
  let arguments = (ins NN_Tensor:$input, Optional<NN_IndexTensor>:$k, BoolAttr:$upper);
  let results = (outs NN_Tensor:$output);
}
def NN_ReverseSequenceOp : NN_Op<"reverse_sequence", "movement", NN_SameElementType, [NN_Differentiable]> {
  let summary = "reverses the first sequence_lengths[b] elements along time_axis for each batch b";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$sequence_lengths, NN_I64Attr:$time_axis,
                   NN_I64Attr:$batch_axis);
  let results = (outs NN_Tensor:$output);
}
def NN_DepthToSpaceOp : NN_Op<"depth_to_space", "movement", NN_SameElementType, [NN_Differentiable]> {
  let summary = "NCHW: channel blocks become blocksize × blocksize pixels";
  let arguments = (ins NN_Tensor:$input, NN_I64Attr:$blocksize, NN_DepthModeAttr:$mode);
  let results = (outs NN_Tensor:$output);
}
def NN_SpaceToDepthOp : NN_Op<"space_to_depth", "movement", NN_SameElementType, [NN_Differentiable]> {
  let summary = "NCHW: blocksize × blocksize pixels become channel blocks (DCR order)";
  let arguments = (ins NN_Tensor:$input, NN_I64Attr:$blocksize);
  let results = (outs NN_Tensor:$output);
}
def NN_ResizeOp : NN_SteeredOp<"resize", NN_SameElementType, [AttrSizedOperandSegments, NN_Differentiable]> {
  let summary = "interpolates over the dims `axes` (ONNX Resize)";
  let description = [{
    Exactly one of `scales` (1-D float) and `sizes` (1-D integer) is present,
    one element per axis. `roi` (1-D, starts then ends per axis) only counts for
    tf_crop_and_resize.
  }];
  let arguments = (ins NN_Tensor:$input, Optional<NN_FloatTensor>:$roi, Optional<NN_FloatTensor>:$scales,
                   Optional<NN_IndexTensor>:$sizes, DenseI64ArrayAttr:$axes, NN_ResizeModeAttr:$mode,
                   NN_CoordinateModeAttr:$coordinate_mode, NN_NearestModeAttr:$nearest_mode,
                   NN_AspectRatioAttr:$aspect_ratio, F64Attr:$cubic_coefficient,
                   F64Attr:$extrapolation_value, UnitAttr:$exclude_outside, UnitAttr:$antialias);
  let results = (outs NN_Tensor:$output);
  let hasVerifier = 1;
}
def NN_GridSampleOp : NN_Op<"grid_sample", "movement"> {
  let summary = "samples N C D1…Dn at the grid N O1…On n of coordinates in [−1, 1]";
  let arguments = (ins NN_Tensor:$input, NN_FloatTensor:$grid, NN_ResizeModeAttr:$mode,
                   NN_GridPaddingAttr:$padding_mode, UnitAttr:$align_corners);
  let results = (outs NN_Tensor:$output);
}

//===-- Making data --------------------------------------------------------===//

def NN_ShapeOfOp : NN_Op<"shape_of", "opaque", NN_I64ElementType, [NN_Contents]> {
  let summary = "the dims [start, end) of the input, as 1-D i64";
  let arguments = (ins NN_Tensor:$input, NN_I64Attr:$start, NN_I64Attr:$end);
  let results = (outs NN_IndexTensor:$output);
}
def NN_SizeOfOp : NN_Op<"size_of", "opaque", NN_I64ElementType, [NN_Contents]> {
  let summary = "the number of elements, as a scalar i64";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_IndexTensor:$output);
}
def NN_RangeOp : NN_SteeredOp<"range", NN_SameElementType, [SameOperandsElementType]> {
  let summary = "start, start + delta, … up to limit (exclusive); operands are scalar tensors";
  let arguments = (ins NN_NumberTensor:$start, NN_NumberTensor:$limit, NN_NumberTensor:$delta);
  let results = (outs NN_Tensor:$output);
}
def NN_EyeOp : NN_Op<"eye", "movement", NN_CustomElementType> {
  let summary = "ones on the diagonal j = i + k, of the input's shape";
  let arguments = (ins NN_Tensor:$input, NN_I64Attr:$k, TypeAttr:$to);
  let results = (outs NN_Tensor:$output);
}
def NN_OneHotOp : NN_SteeredOp<"one_hot", NN_CustomElementType> {
  let summary = "values[1] where the index along the new `axis` equals indices, else values[0]";
  let description = "`depth` is a scalar tensor; negative indices count from the end.";
  let arguments = (ins NN_NumberTensor:$indices, NN_NumberTensor:$depth, NN_Tensor:$values, NN_I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
}

def NN_RandomUniformOp : NN_SteeredOp<"random_uniform", NN_CustomElementType> {
  let summary = "numbers in [0, 1) by Philox 4x32-10 (Salmon et al., SC11), the same on every machine";
  let description = [{
    `key` (two elements of i64, or three) is the generator's key, the seed, and the
    stream within it, such as the number of a training step; `layer` tells apart
    several ops that share them. The third element is the number of the first row:
    of a tensor whose other rows other processes hold. Element i of the tensor from
    row 0 on is word i mod 4 of the block whose counter is
    (⌊i/4⌋, layer, stream); its upper 24 bits are scaled to [0, 1).
  }];
  let arguments = (ins NN_IndexTensor:$key, NN_IndexTensor:$shape, NN_I64Attr:$layer, TypeAttr:$to);
  let results = (outs NN_Tensor:$output);
}

#endif
