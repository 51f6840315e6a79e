//===- NNBucketAllReduce.td -----------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_AUTODIFF_NNBUCKETALLREDUCE_TD
#define SINTER_PASSES_AUTODIFF_NNBUCKETALLREDUCE_TD

include "mlir/Pass/PassBase.td"

def NNBucketAllReduce : Pass<"nn-bucket-all-reduce", "::mlir::func::FuncOp"> {
  let summary = "gradients are brought together in buckets, beside the rest of the backward pass";
  let description = [{
    Each nn.all_reduce becomes an nn.all_reduce_begin right after what it reads and an
    nn.all_reduce_end right before the first reader (Li et al., "PyTorch Distributed:
    Experiences on Accelerating Data Parallel Training", 2020, section 3.2). Those that
    nothing waits for before the last of them begins, which are a training step's
    gradients, are joined in the order in which they come: a bucket is the concatenation
    of as many as `bytes` hold, of which later passes make one place in memory that the
    gradients' kernels write to. A mean that batch normalization waits for stays alone.

    By default a bucket has an eighth of the bytes, so that what comes last, which nothing is
    beside, is little of the whole; but 64 KB at least, for each takes a network's latency, and
    at most 1 MB.
  }];
  let options = [
    Option<"bytes", "bytes", "int64_t", "0", "Bytes of a bucket, unless one tensor has more; 0: by their sum">
  ];
}

#endif
