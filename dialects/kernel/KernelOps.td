//===- KernelOps.td - functions, calls and views of the kernel dialect ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_KERNEL_OPS
#define SINTER_KERNEL_OPS

include "dialects/kernel/KernelBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ViewLikeInterface.td"

class KernelOp<string mnemonic, list<Trait> traits = []> : Op<KernelDialect, mnemonic, traits>;

def FuncOp : KernelOp<"func", [IsolatedFromAbove, Symbol, NoTerminator]> {
  let summary = "a kernel: its algorithm and, once chosen, its schedule";
  let description = [{
    ```mlir
    kernel.func @relu(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
      %init = tensor.empty() : tensor<8x64xf32>
      %y = linalg.generic {...} ins(%x) outs(%init) {...}
      kernel.yield %y : tensor<8x64xf32>
    } schedule {
      %y = kernel.stages
      kernel.split %y d1 by 16 -> c, v
      kernel.vectorize %y v
      kernel.parallel %y d0
    }
    ```
    Arguments are tensors of signless elements, or scalars. Results are tensors.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<StrAttr>:$sym_visibility, OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body, MaxSizedRegion<1>:$schedule);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type)>];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::mlir::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// The values that the algorithm yields.
    ::mlir::OperandRange getYielded();
    /// The stages that a schedule may name: every linalg op of the body but fills, in program order.
    ::llvm::SmallVector<::mlir::linalg::LinalgOp> getStages();
    bool hasSchedule() { return !getSchedule().empty(); }
  }];
}

def YieldOp : KernelOp<"yield", [Pure, Terminator, HasParent<"FuncOp">, ReturnLike]> {
  let hasVerifier = 1;
  let summary = "the results of a kernel";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

class DestinationCall<string mnemonic, list<Trait> traits = []> : KernelOp<mnemonic, !listconcat([
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>], traits)> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  code destinationDeclarations = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
}

def CallOp : DestinationCall<"call", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "calls a kernel, with the places for its results";
  let description = [{
    `kernel.call @k(%x, %n) outs(%init) : (tensor<4xf32>, index, tensor<4xf32>) -> tensor<4xf32>`

    The destinations are written, never read. On memrefs the op has no results.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$inputs, Variadic<AnyShaped>:$inits);
  let assemblyFormat = [{
    $callee `(` $inputs `)` `outs` `(` $inits `)` attr-dict `:` functional-type(operands, results)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::FlatSymbolRefAttr":$callee, "::mlir::ValueRange":$inputs, "::mlir::ValueRange":$inits)>
  ];
  let hasVerifier = 1;
  let extraClassDeclaration = destinationDeclarations;
}

def RuntimeCallOp : DestinationCall<"runtime_call"> {
  let summary = "calls the C runtime's function `sinter_k_NAME`";
  let description = [{
    `kernel.runtime_call "top_k"(%x, %k) outs(%v, %i) {params = array<i64: 1, 0>} : (...) -> (...)`

    `params` are integers that the function understands. `dtypes`, one ONNX element type per array (inputs, then
    outputs), tells signed from unsigned; without it the types follow from the operands.
  }];
  let arguments = (ins StrAttr:$callee, Variadic<AnyShaped>:$inputs, Variadic<AnyShaped>:$inits,
                       OptionalAttr<DenseI64ArrayAttr>:$params, OptionalAttr<DenseI32ArrayAttr>:$dtypes);
  let assemblyFormat = [{
    $callee `(` $inputs `)` `outs` `(` $inits `)` attr-dict `:` functional-type(operands, results)
  }];
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$callee, "::mlir::ValueRange":$inputs, "::mlir::ValueRange":$inits,
                   "::llvm::ArrayRef<int64_t>":$params, CArg<"::llvm::ArrayRef<int32_t>", "{}">:$dtypes)>
  ];
  let hasVerifier = 1;
  let extraClassDeclaration = destinationDeclarations;
}

def RequireOp : KernelOp<"require"> {
  let summary = "ends the run with a message unless two sizes fit";
  let description = [{
    `kernel.require %a, %b equal "node 'mm': the inner dims"`

    `need` is `equal`, `broadcast` (equal, or one is 1) or `non_negative` (of `lhs` alone).
  }];
  let arguments = (ins Index:$lhs, Index:$rhs, NeedAttr:$need, StrAttr:$message);
  let assemblyFormat = "$lhs `,` $rhs $need $message attr-dict";
}

def ViewOp : KernelOp<"view", [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "the same contiguous elements under another shape";
  let description = [{
    `kernel.view %t[%n, %m] : tensor<?x4xf32> to tensor<?x?xf32>`

    One size for each dynamic dimension of the result. Both sides have the same number of elements; who builds
    the op answers for it where it is not known statically. No bytes move.
  }];
  let arguments = (ins AnyRankedTensor:$source, Variadic<Index>:$sizes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source (`[` $sizes^ `]`)? attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def PartOp : KernelOp<"part", [Pure, DeclareOpInterfaceMethods<ViewLikeOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "some of the contiguous elements, under another shape";
  let description = [{
    `kernel.part %t at %offset[%n] : tensor<12x?xf32> to tensor<?xf32>`

    The elements from `offset` on, as many as the result has; who builds the op answers for it that they are there.
    One size for each dynamic dimension of the result. No bytes move. On memrefs source and result are dense.
  }];
  let arguments = (ins AnyShaped:$source, Index:$offset, Variadic<Index>:$sizes);
  let results = (outs AnyShaped:$result);
  let assemblyFormat = "$source `at` $offset (`[` $sizes^ `]`)? attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

def RoomOp : KernelOp<"room", [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "a place within a larger tensor for a result to be written to";
  let description = [{
    `kernel.room in %whole at %offset[%n] : tensor<?xf32> to tensor<4x?xf32>`

    As `kernel.part`, but its contents are undefined, and bufferization takes it for memory of its own: what is
    written there may be read in spite of writes to other rooms of `whole`. Who builds the op answers for it that the
    rooms of a tensor do not overlap, and that nothing is written in place to what has been put into one.
    `kernel.join` gives the whole.
  }];
  let arguments = (ins AnyRankedTensor:$whole, Index:$offset, Variadic<Index>:$sizes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "`in` $whole `at` $offset (`[` $sizes^ `]`)? attr-dict `:` type($whole) `to` type($result)";
  let hasVerifier = 1;
}

def JoinOp : KernelOp<"join", [Pure, AllTypesMatch<["whole", "result"]>]> {
  let summary = "a tensor all of whose rooms have been written";
  let description = [{
    `kernel.join %whole of %a, %b : tensor<8xf32> of tensor<4xf32>, tensor<4xf32>`

    `parts` are what was written to the rooms of `whole`. No bytes move. The result is not to be written in place.
  }];
  let arguments = (ins AnyRankedTensor:$whole, Variadic<AnyRankedTensor>:$parts);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$whole `of` $parts attr-dict `:` type($whole) `of` type($parts)";
}

#endif // SINTER_KERNEL_OPS
