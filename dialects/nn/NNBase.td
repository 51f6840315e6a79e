//===- NNBase.td - dialect, enums and op classes of nn --------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_NNBASE_TD
#define SINTER_DIALECTS_NN_NNBASE_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/nn/NNInterfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::sinter::nn";
  let summary = "A neural network: one op is one idea of the paper.";
  let description = [{
    Value semantics on ranked tensors with static or dynamic dims. The ops have
    ONNX's meaning, but neither its versions nor its sugar. Element types: f64
    f32 f16 bf16, i8 i16 i32 i64 (signed), ui8 ui16 ui32 ui64, i1.

    A tensor whose values only steer shapes (the target shape of `nn.reshape`,
    the starts of `nn.slice`) is an ordinary operand; when it is a constant or
    computed from dims, `ShapeAnalysis` sees through it.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def NN_Float : AnyTypeOf<[F64, F32, F16, BF16]>;
def NN_Int : AnyTypeOf<[I8, I16, I32, I64, UI8, UI16, UI32, UI64]>;
def NN_Number : AnyTypeOf<[NN_Float, NN_Int]>;
def NN_Element : AnyTypeOf<[NN_Number, I1]>;

def NN_Tensor : RankedTensorOf<[NN_Element]>;
def NN_NumberTensor : RankedTensorOf<[NN_Number]>;
def NN_FloatTensor : RankedTensorOf<[NN_Float]>;
def NN_IntTensor : RankedTensorOf<[NN_Int]>;
def NN_IntOrBoolTensor : RankedTensorOf<[NN_Int, I1]>;
def NN_BoolTensor : RankedTensorOf<[I1]>;
def NN_IndexTensor : RankedTensorOf<[I64, I32]>;

// I64Attr's getter is unsigned, and an axis that counts from the end is not.
def NN_I64Attr : TypedSignlessIntegerAttrBase<I64, "int64_t", "64-bit integer">;

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

class NN_Enum<string name, string summary, list<string> cases>
    : I32EnumAttr<name, summary,
        !foreach(i, !range(!size(cases)), I32EnumAttrCase<cases[i], i>)> {
  let cppNamespace = "::sinter::nn";
  let genSpecializedAttr = 0;
}
class NN_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<NN_Dialect, info, mnemonic>;

def NN_ComparePredicate : NN_Enum<"ComparePredicate", "comparison",
  ["eq", "ne", "lt", "le", "gt", "ge"]>;
def NN_ComparePredicateAttr : NN_EnumAttr<NN_ComparePredicate, "predicate">;

def NN_ReduceKind : NN_Enum<"ReduceKind", "what a reduction computes",
  ["sum", "mean", "max", "min", "prod", "l1", "l2", "sum_square", "log_sum", "log_sum_exp"]>;
def NN_ReduceKindAttr : NN_EnumAttr<NN_ReduceKind, "reduce_kind">;

def NN_ArgKind : NN_Enum<"ArgKind", "which extremum", ["max", "min"]>;
def NN_ArgKindAttr : NN_EnumAttr<NN_ArgKind, "arg_kind">;

def NN_CumulativeKind : NN_Enum<"CumulativeKind", "running sum or product",
  ["sum", "prod"]>;
def NN_CumulativeKindAttr : NN_EnumAttr<NN_CumulativeKind, "cumulative_kind">;

def NN_AutoPad : NN_Enum<"AutoPad", "where pads come from",
  ["notset", "same_upper", "same_lower", "valid"]>;
def NN_AutoPadAttr : NN_EnumAttr<NN_AutoPad, "auto_pad">;

def NN_DataLayout : NN_Enum<"DataLayout", "where the channel dim stands",
  ["channels_first", "channels_last"]>;
def NN_DataLayoutAttr : NN_EnumAttr<NN_DataLayout, "data_layout">;

def NN_PadMode : NN_Enum<"PadMode", "what fills the border",
  ["constant", "reflect", "edge", "wrap"]>;
def NN_PadModeAttr : NN_EnumAttr<NN_PadMode, "pad_mode">;

def NN_ScatterReduction : NN_Enum<"ScatterReduction",
  "how an update meets the value that is there", ["none", "add", "mul", "max", "min"]>;
def NN_ScatterReductionAttr : NN_EnumAttr<NN_ScatterReduction, "scatter_reduction">;

def NN_ResizeMode : NN_Enum<"ResizeMode", "interpolation",
  ["nearest", "linear", "cubic"]>;
def NN_ResizeModeAttr : NN_EnumAttr<NN_ResizeMode, "resize_mode">;

def NN_CoordinateMode : NN_Enum<"CoordinateMode",
  "maps an output coordinate to an input coordinate",
  ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
   "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"]>;
def NN_CoordinateModeAttr : NN_EnumAttr<NN_CoordinateMode, "coordinate_mode">;

def NN_NearestMode : NN_Enum<"NearestMode", "rounding of a coordinate",
  ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]>;
def NN_NearestModeAttr : NN_EnumAttr<NN_NearestMode, "nearest_mode">;

def NN_AspectRatio : NN_Enum<"AspectRatio",
  "keep_aspect_ratio_policy of Resize by sizes", ["stretch", "not_larger", "not_smaller"]>;
def NN_AspectRatioAttr : NN_EnumAttr<NN_AspectRatio, "aspect_ratio">;

def NN_Direction : NN_Enum<"Direction", "direction of a recurrent layer",
  ["forward", "reverse", "bidirectional"]>;
def NN_DirectionAttr : NN_EnumAttr<NN_Direction, "direction">;

def NN_RoundingMode : NN_Enum<"DepthMode", "order of blocks in a depth dim",
  ["DCR", "CRD"]>;
def NN_DepthModeAttr : NN_EnumAttr<NN_RoundingMode, "depth_mode">;

def NN_GridPadding : NN_Enum<"GridPadding", "value outside the picture",
  ["zeros", "border", "reflection"]>;
def NN_GridPaddingAttr : NN_EnumAttr<NN_GridPadding, "grid_padding">;

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

// `inferElementType` of an op whose results have the element type of operand 0.
defvar NN_SameElementType = [{
  static ::mlir::Type inferElementType(Adaptor op, unsigned) {
    return ::mlir::getElementTypeOrSelf(op.getOperands()[0].getType());
  }
}];
defvar NN_BoolElementType = [{
  static ::mlir::Type inferElementType(Adaptor op, unsigned) {
    return ::mlir::IntegerType::get(op.getOperands()[0].getContext(), 1);
  }
}];
defvar NN_I64ElementType = [{
  static ::mlir::Type inferElementType(Adaptor op, unsigned) {
    return ::mlir::IntegerType::get(op.getOperands()[0].getContext(), 64);
  }
}];
// Defined in C++ beside the op.
defvar NN_CustomElementType = [{
  static ::mlir::Type inferElementType(Adaptor op, unsigned result);
}];

// The op's derivative is in Differentiate*.cpp.
defvar NN_Differentiable = DeclareOpInterfaceMethods<DifferentiableOpInterface>;
// The same for an op whose regions use values from above.
defvar NN_CapturingDifferentiable = DeclareOpInterfaceMethods<DifferentiableOpInterface, ["getVjpInputs"]>;

def NN_SymbolicShapeTrait : NativeOpTrait<"SymbolicShapeTrait"> {
  let cppNamespace = "::sinter::nn";
}
def NN_WaitsTrait : NativeOpTrait<"WaitsTrait"> {
  let cppNamespace = "::sinter::nn";
}
def NN_ElementwiseTrait : NativeOpTrait<"ElementwiseTrait"> {
  let cppNamespace = "::sinter::nn";
}

// An op without regions whose result types follow from operands and attributes.
class NN_Op<string mnemonic, string fusionClass, code elementType = NN_SameElementType,
            list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, traits # [
        Pure, InferTypeOpInterface, ShapeOpInterface, ReifyRankedShapedTypeOpInterface,
        FusibleOpInterface, DeclareOpInterfaceMethods<EvaluableOpInterface>,
        NN_SymbolicShapeTrait]> {
  // Type inference comes from SymbolicShapeTrait (Shape.h).
  code shapeDeclarations = elementType # [{
    static ::llvm::LogicalResult inferShapes(
        ::sinter::nn::ShapeContext &context, Adaptor op,
        ::llvm::SmallVectorImpl<::sinter::nn::SymbolicShape> &shapes);
    static bool isCompatibleReturnTypes(::mlir::TypeRange lhs, ::mlir::TypeRange rhs) {
      return ::sinter::nn::areCompatibleTypes(lhs, rhs);
    }
    ::llvm::LogicalResult reifyResultShapes(
        ::mlir::OpBuilder &builder, ::mlir::ReifiedRankedShapedTypeDims &dims) {
      return ::sinter::nn::reifyShapes(getOperation(), builder, dims);
    }
    static ::sinter::nn::FusionClass getFusionClass() {
      return ::sinter::nn::FusionClass::}] # fusionClass # [{;
    }
  }];
  let extraClassDeclaration = shapeDeclarations;
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// Defined in Batch.cpp.
defvar NN_ActsOnEach = [{
  bool actsOnEach(const ::llvm::SmallBitVector &batched);
}];

// All operands but the first steer.
defvar NN_Steering = [{
  static bool isSteering(unsigned operand) { return operand > 0; }
}];

// A movement of operand 0 (made from nothing: of none) that the other operands steer.
class NN_SteeredOp<string mnemonic, code elementType = NN_SameElementType, list<Trait> traits = []>
    : NN_Op<mnemonic, "movement", elementType, traits> {
  let extraClassDeclaration = !strconcat(shapeDeclarations, NN_Steering);
}

// What a function of the runtime carries out. `methods`: those of RuntimeOpInterface that the op gives itself.
class NN_RuntimeOp<string mnemonic, list<string> methods, code elementType = NN_SameElementType,
                   list<Trait> traits = []>
    : NN_Op<mnemonic, "opaque", elementType,
            traits # [DeclareOpInterfaceMethods<RuntimeOpInterface, methods>]> {}

// result[i] = f(operands[i]…), NumPy broadcasting.
class NN_ElementwiseOp<string mnemonic, code elementType = NN_SameElementType,
                       list<Trait> traits = []>
    : NN_Op<mnemonic, "elementwise", elementType,
            traits # [DeclareOpInterfaceMethods<ScalarOpInterface>,
                      NN_ElementwiseTrait]> {
  // Shapes and evaluation come from ElementwiseTrait; each op gives only its scalar function.
}

class NN_UnaryOp<string mnemonic, string summary_, Type type = NN_NumberTensor,
                 code elementType = NN_SameElementType, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, elementType, traits> {
  let summary = summary_;
  let arguments = (ins type:$input);
  let results = (outs NN_Tensor:$output);
}

class NN_BinaryOp<string mnemonic, string summary_, Type type = NN_NumberTensor,
                  code elementType = NN_SameElementType, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, elementType, traits # [SameOperandsElementType]> {
  let summary = summary_;
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs NN_Tensor:$output);
}

#endif
