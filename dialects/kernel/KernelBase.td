//===- KernelBase.td - the kernel dialect, its types and enums -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_KERNEL_BASE
#define SINTER_KERNEL_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def KernelDialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::sinter::kernel";
  let summary = "One kernel: the algorithm, and beside it the schedule";
  let description = [{
    A `kernel.func` holds an algorithm, written in upstream `linalg`, `tensor`, `arith` and `math` on
    tensors, and beside it a schedule: one op per Halide directive. The host program calls kernels with
    `kernel.call`, functions of the C runtime with `kernel.runtime_call`, and gives the same bytes another
    shape with `kernel.view`.

    A schedule talks about *stages* and *loops*. A stage is one `linalg` op of the algorithm, in program order;
    a `linalg.fill` is no stage of its own, it is the initial value of what it feeds. The loops of a stage are
    the iteration dimensions of its `linalg` op and are called `d0`, `d1`, ... (`d0` outermost). A stage with
    reduction dimensions has two loop nests: the initialisation, over the parallel dimensions only, and the
    update, over all of them. A directive that has the word `update` means the latter.
  }];
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"
  ];
}

class KernelType<string name, string typeMnemonic> : TypeDef<KernelDialect, name> {
  let mnemonic = typeMnemonic;
}

def StageType : KernelType<"Stage", "stage"> {
  let summary = "a stage of the algorithm, named for the schedule";
}

def TailRoundUp : I32EnumAttrCase<"RoundUp", 0, "round_up">;
def TailGuard : I32EnumAttrCase<"Guard", 1, "guard">;
def TailShift : I32EnumAttrCase<"ShiftInwards", 2, "shift_inwards">;
def TailPredicate : I32EnumAttrCase<"Predicate", 3, "predicate">;
def TailAuto : I32EnumAttrCase<"Auto", 4, "auto">;

def TailStrategyAttr : I32EnumAttr<"TailStrategy", "what happens where a split does not divide the extent",
    [TailRoundUp, TailGuard, TailShift, TailPredicate, TailAuto]> {
  let cppNamespace = "::sinter::kernel";
}

def MemoryAuto : I32EnumAttrCase<"Auto", 0, "auto">;
def MemoryHeap : I32EnumAttrCase<"Heap", 1, "heap">;
def MemoryStack : I32EnumAttrCase<"Stack", 2, "stack">;
def MemoryRegister : I32EnumAttrCase<"Register", 3, "register">;
def MemoryGPUShared : I32EnumAttrCase<"GPUShared", 4, "gpu_shared">;

def MemoryKindAttr : I32EnumAttr<"MemoryKind", "where the values of a stage are kept",
    [MemoryAuto, MemoryHeap, MemoryStack, MemoryRegister, MemoryGPUShared]> {
  let cppNamespace = "::sinter::kernel";
}

// The numbers are the runtime's (sinter_rt_require).
def NeedEqual : I32EnumAttrCase<"Equal", 0, "equal">;
def NeedBroadcast : I32EnumAttrCase<"Broadcast", 1, "broadcast">;
def NeedNonNegative : I32EnumAttrCase<"NonNegative", 2, "non_negative">;

def NeedAttr : I32EnumAttr<"Need", "what must hold of two sizes",
    [NeedEqual, NeedBroadcast, NeedNonNegative]> {
  let cppNamespace = "::sinter::kernel";
}

#endif // SINTER_KERNEL_BASE
