//===- ScheduleOps.td - one op per Halide directive -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_KERNEL_SCHEDULE_OPS
#define SINTER_KERNEL_SCHEDULE_OPS

include "dialects/kernel/KernelOps.td"

class ScheduleOp<string mnemonic, list<Trait> traits = []>
    : KernelOp<mnemonic, !listconcat([HasParent<"FuncOp">], traits)>;

def StagesOp : ScheduleOp<"stages"> {
  let summary = "names the stages of the algorithm, in program order";
  let results = (outs Variadic<StageType>:$stages);
  let hasCustomAssemblyFormat = 1;
}

/// A directive about one loop nest of a stage: the initialisation, or with `update` the reduction.
class Directive<string mnemonic, dag moreArguments, string format> : ScheduleOp<mnemonic> {
  let arguments = !con((ins StageType:$stage, UnitAttr:$update), moreArguments);
  let assemblyFormat = "$stage (`update` $update^)? " # format # " attr-dict";
}

def SplitOp : Directive<"split",
    (ins StrAttr:$dim, StrAttr:$outer, StrAttr:$inner, I64Attr:$factor,
         DefaultValuedAttr<TailStrategyAttr, "::sinter::kernel::TailStrategy::Auto">:$tail,
         OptionalAttr<I64Attr>:$even),
    "custom<Dim>($dim) `by` $factor (`even` $even^)? `->` custom<Dim>($outer) `,` custom<Dim>($inner) (`tail` `(` $tail^ `)`)?"> {
  let summary = "makes two loops of one: `dim = outer * factor + inner`";
  let description = [{
    `kernel.split %s d1 by 56 even 4 -> d1_o, d1_i`: the factor follows from the extent when the kernel runs. There are as many parts as
    56 would make, as equal as multiples of 4 can be.
  }];
}

def TileOp : Directive<"tile",
    (ins StrArrayAttr:$dims, DenseI64ArrayAttr:$factors, StrArrayAttr:$results,
         DefaultValuedAttr<TailStrategyAttr, "::sinter::kernel::TailStrategy::Auto">:$tail),
    "custom<Dims>($dims) `by` $factors `->` custom<Dims>($results) (`tail` `(` $tail^ `)`)?"> {
  let summary = "splits n loops and puts the n inner ones inside";
  let description = [{
    `kernel.tile %s [c, x] by [32, 14] -> [co, xo, ci, xi]`: the first n results are the outer loops, the last n the
    inner ones, both in the order of `dims`, innermost first.
  }];
}

def FuseOp : Directive<"fuse", (ins StrAttr:$outer, StrAttr:$inner, StrAttr:$fused),
    "custom<Dim>($outer) `,` custom<Dim>($inner) `->` custom<Dim>($fused)"> {
  let summary = "makes one loop of two";
}

def ReorderOp : Directive<"reorder", (ins StrArrayAttr:$dims), "custom<Dims>($dims)"> {
  let summary = "orders loops, the innermost first";
}

def VectorizeOp : Directive<"vectorize", (ins StrAttr:$dim), "custom<Dim>($dim)"> {
  let summary = "runs a loop of constant extent as vectors";
}

def UnrollOp : Directive<"unroll", (ins StrAttr:$dim), "custom<Dim>($dim)"> {
  let summary = "unrolls a loop of constant extent";
}

def ParallelOp : Directive<"parallel", (ins StrAttr:$dim), "custom<Dim>($dim)"> {
  let summary = "runs a loop on the thread pool";
}

def GPUBlocksOp : Directive<"gpu_blocks", (ins StrArrayAttr:$dims), "custom<Dims>($dims)"> {
  let summary = "runs loops as the blocks of a device, x first";
}

def GPUThreadsOp : Directive<"gpu_threads", (ins StrArrayAttr:$dims), "custom<Dims>($dims)"> {
  let summary = "runs loops as the threads of a device's block, x first";
}

def GPUBlockOp : Directive<"gpu_block", (ins StrAttr:$block), "`->` custom<Dim>($block)"> {
  let summary = "runs a nest as one block of a device: a loop of one iteration around all others";
}

def AtomicOp : Directive<"atomic", (ins), ""> {
  let summary = "allows vector reductions of an associative update";
}

def RFactorOp : ScheduleOp<"rfactor"> {
  let summary = "reduces in interleaved partial results";
  let description = [{
    `%p = kernel.rfactor %s d1 by 16 -> u`: the new stage `%p` has a loop `u` of 16 and for each the partial result of
    every 16th value along `d1`, which its update runs over `extent / 16` times. The initialisation of `%s` then
    combines the partial results, and its update takes the rest of `d1`. The body of `%s` must combine the result so
    far with a value that does not depend on it, by an op that is associative.
  }];
  let arguments = (ins StageType:$stage, StrAttr:$dim, I64Attr:$factor, StrAttr:$lane);
  let results = (outs StageType:$partial);
  let assemblyFormat = "$stage custom<Dim>($dim) `by` $factor `->` custom<Dim>($lane) attr-dict";
}

def ComputeAtOp : ScheduleOp<"compute_at"> {
  let summary = "computes what is needed of a stage at a loop of its consumer";
  let arguments = (ins StageType:$stage, StageType:$consumer, UnitAttr:$update, StrAttr:$dim);
  let assemblyFormat = "$stage `in` $consumer (`update` $update^)? `at` custom<Dim>($dim) attr-dict";
}

def StoreAtOp : ScheduleOp<"store_at"> {
  let summary = "keeps the values of a stage from this loop of its consumer on";
  let arguments = (ins StageType:$stage, StageType:$consumer, UnitAttr:$update, StrAttr:$dim);
  let assemblyFormat = "$stage `in` $consumer (`update` $update^)? `at` custom<Dim>($dim) attr-dict";
}

def ComputeRootOp : ScheduleOp<"compute_root"> {
  let summary = "computes all of a stage before its consumers";
  let arguments = (ins StageType:$stage);
  let assemblyFormat = "$stage attr-dict";
}

def StoreInOp : ScheduleOp<"store_in"> {
  let summary = "where the values of a stage are kept";
  let arguments = (ins StageType:$stage, MemoryKindAttr:$memory);
  let assemblyFormat = "$stage $memory attr-dict";
}

def SpecializeOp : ScheduleOp<"specialize"> {
  let summary = "versions of a nest for large and for small extents";
  let description = [{
    `kernel.specialize %s when d1 at_least 14, 4`: where the extent of `d1` is at least 14, splits of `d1` by 14 stand; else,
    where it is at least 4, they are by 4; and else by 1. So a tile never reaches beyond a small dynamic extent.
  }];
  let arguments = (ins StageType:$stage, UnitAttr:$update, StrAttr:$dim, DenseI64ArrayAttr:$least);
  let assemblyFormat = "$stage (`update` $update^)? `when` custom<Dim>($dim) `at_least` $least attr-dict";
}

def VersionsOp : Directive<"versions",
    (ins DictArrayAttr:$factors, DenseI64ArrayAttr:$costs, UnitAttr:$fitting, OptionalAttr<DictionaryAttr>:$parts),
    "$factors `cost` $costs (`fitting` $fitting^)? (`of` $parts^)?"> {
  let summary = "versions of a nest with other factors of splits: the cheapest for the extents at hand runs";
  let description = [{
    `kernel.versions %s [ {d1 = 7, d2 = 1}, {d1 = 2, d2 = 4} ] cost [14, 17]`: a version for each list of factors. It costs its number for
    each tile of that many `d1` and `d2`, the last ones rounded up; of equal ones the first runs. `fitting`: a tile never reaches beyond
    the end; the last version runs where no other fits. `of {d1 = 14}`: the nest is one of the even parts, of at most 14, into which
    `d1` is split.
  }];
}

def BoundOp : ScheduleOp<"bound"> {
  let summary = "promises the extent of a dimension of a stage's values";
  let arguments = (ins StageType:$stage, StrAttr:$dim, I64Attr:$extent);
  let assemblyFormat = "$stage custom<Dim>($dim) `extent` $extent attr-dict";
}

def AlignStorageOp : ScheduleOp<"align_storage"> {
  let summary = "rounds the extent that a dimension takes in memory up to a multiple";
  let arguments = (ins StageType:$stage, StrAttr:$dim, I64Attr:$multiple);
  let assemblyFormat = "$stage custom<Dim>($dim) `to` $multiple attr-dict";
}

#endif // SINTER_KERNEL_SCHEDULE_OPS
