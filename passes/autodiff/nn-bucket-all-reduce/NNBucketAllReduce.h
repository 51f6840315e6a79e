//===- NNBucketAllReduce.h - gradients travel together ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands last of the graph passes, before nn-fuse: the backward pass is in the order
// in which it will run, and nothing joins or moves its ops any more.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_AUTODIFF_NNBUCKETALLREDUCE_H
#define SINTER_PASSES_AUTODIFF_NNBUCKETALLREDUCE_H

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace sinter {

#define GEN_PASS_DECL_NNBUCKETALLREDUCE
#define GEN_PASS_REGISTRATION
#include "passes/autodiff/nn-bucket-all-reduce/NNBucketAllReduce.h.inc"

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_NNBUCKETALLREDUCE_H
