//===- NNInterfaces.td - what an nn op knows about itself -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pass never switches over op kinds: it asks the op through one of these.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_NNINTERFACES_TD
#define SINTER_DIALECTS_NN_NNINTERFACES_TD

include "mlir/IR/OpBase.td"

def ShapeOpInterface : OpInterface<"ShapeOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{
    Shape inference, written once per op over symbolic dims. The same function
    serves static type inference (a constant expression is a static dim),
    reification at run time (the expression becomes index arithmetic), and the
    evaluator (all dims are constants).

    The op class has `static LogicalResult inferShapes(ShapeContext &, Adaptor,
    SmallVectorImpl<SymbolicShape> &)`.
  }];
  let methods = [
    InterfaceMethod<[{
      Gives the shape of each result as expressions in the dims, and in the
      elements of small integer tensors, that `context` hands out. On failure an
      error has been reported through `context`.
    }], "::llvm::LogicalResult", "inferSymbolicShapes",
    (ins "::sinter::nn::ShapeContext &":$context,
         "::llvm::SmallVectorImpl<::sinter::nn::SymbolicShape> &":$shapes), [{
      return ConcreteOp::inferShapes(
          context, typename ConcreteOp::Adaptor($_op->getOperands(), $_op), shapes);
    }]>
  ];
}

def ContentsOpInterface : OpInterface<"ContentsOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{
    Shape arithmetic. An op that can say what integers its result holds, as
    expressions in dims, lets `Shape → Gather → Concat → Reshape` chains be
    understood at compile time even when the dims are dynamic.
  }];
  let methods = [
    InterfaceMethod<[{
      The elements of result 0 in row-major order, or nothing if they can't be
      told. Only asked for integer results of rank 0 or 1 with a static shape.
    }], "::std::optional<::sinter::nn::SymbolicShape>", "inferContents",
    (ins "::sinter::nn::ShapeContext &":$context)>
  ];
}

def FusibleOpInterface : OpInterface<"FusibleOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{How an op may share a kernel with its neighbours.}];
  let methods = [
    StaticInterfaceMethod<"The op's class for fusion.",
      "::sinter::nn::FusionClass", "getFusionClass">,
    StaticInterfaceMethod<[{
      Whether an operand only steers the op (a shape, positions, scales). A small
      constant there is part of the kernel's algorithm rather than its data.
    }], "bool", "isSteering", (ins "unsigned":$operand), [{}], [{ return false; }]>,
    InterfaceMethod<[{
      Whether the elements i of dim 0 of the result follow from those of the operands in `batched`, which
      are as many, and from the other operands: a batch may be computed in parts.
    }], "bool", "actsOnEach", (ins "const ::llvm::SmallBitVector &":$batched), [{}], [{
      return ConcreteOp::getFusionClass() == ::sinter::nn::FusionClass::elementwise &&
             ::sinter::nn::broadcastsBatch($_op, batched);
    }]>
  ];
}

def RuntimeOpInterface : OpInterface<"RuntimeOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{
    An op that a C function of the runtime carries out (`runtime/kernels`). If the
    size of its results depends on data, another function counts first; that
    count is then each dim that the op's shape function calls unknown.
  }];
  let methods = [
    InterfaceMethod<"The function's name, without its prefix.",
      "::llvm::StringRef", "getRuntimeKernel">,
    InterfaceMethod<"The tensors that it reads.",
      "::llvm::SmallVector<::mlir::Value>", "getRuntimeInputs", (ins), [{}],
      [{ return ::llvm::SmallVector<::mlir::Value>($_op->getOperands()); }]>,
    InterfaceMethod<"The integers that it takes.",
      "::llvm::SmallVector<int64_t>", "getRuntimeParams", (ins), [{}], [{ return {}; }]>,
    InterfaceMethod<"The function that counts, or nothing if sizes follow from shapes.",
      "::llvm::StringRef", "getCountKernel", (ins), [{}], [{ return {}; }]>,
    InterfaceMethod<"The tensors that the count needs.",
      "::llvm::SmallVector<::mlir::Value>", "getCountInputs", (ins), [{}],
      [{ return $_op.getRuntimeInputs(); }]>,
    InterfaceMethod<"The integers that the count takes.",
      "::llvm::SmallVector<int64_t>", "getCountParams", (ins), [{}],
      [{ return $_op.getRuntimeParams(); }]>
  ];
}

def ScalarOpInterface : OpInterface<"ScalarOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{
    An elementwise op: result[i] = f(operand0[i], operand1[i], …) with NumPy
    broadcasting. The op builds f out of `arith` and `math`.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds f on scalars. `arguments` are signless scalars (uiN as iN), one per
      operand, in the operand's storage type; returns the result in the result's
      signless storage type. f16 and bf16 are widened to f32 inside.
    }], "::mlir::Value", "buildScalar",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
         "::mlir::ValueRange":$arguments)>
  ];
}

def EvaluableOpInterface : OpInterface<"EvaluableOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{
    The reference evaluator: plain loops over host memory. Used to fold
    constants, to check kernels, and to bisect.
  }];
  let methods = [
    InterfaceMethod<[{
      Computes the results from `operands` (one per operand, absent optional
      operands don't count). On entry `results` holds one tensor per result,
      of the right element type, allocated at its shape if the shape follows
      from operand shapes and shape-like operands, else unallocated (null
      data): the op then allocates it. Fails, without a diagnostic, on what it
      can't evaluate.
    }], "::llvm::LogicalResult", "evaluate",
    (ins "::llvm::ArrayRef<::sinter::nn::HostTensor>":$operands,
         "::llvm::MutableArrayRef<::sinter::nn::HostTensor>":$results)>
  ];
}

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{
    Reverse-mode differentiation: the op builds its vector-Jacobian product out
    of nn ops, each result element gathered from what it depends on, so that the
    backward graph fuses and is scheduled like the forward one.
  }];
  let methods = [
    InterfaceMethod<[{
      What cotangents flow to: the operands, and what regions use from above.
    }], "::llvm::SmallVector<::mlir::Value>", "getVjpInputs", (ins), "", [{
      return ::llvm::to_vector($_op->getOperands());
    }]>,
    InterfaceMethod<[{
      Given one cotangent per result (null where none flows), builds one
      cotangent per input at `builder`'s place. It is null where the input is not
      differentiable or the derivative is zero everywhere; else its type is
      compatible with the input's. `wanted` has a bit per input: the others need
      not be built. Fails with an error on a form of the op that has no
      derivative here.
    }], "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "buildVjp",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$cotangents,
         "const ::llvm::SmallBitVector &":$wanted)>
  ];
}

#endif
