//===- Host.h - passes of each stage, and the way from host to LLVM -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_PIPELINE_HOST_H
#define SINTER_COMPILER_PIPELINE_HOST_H

#include "compiler/pipeline/Pipeline.h"
#include "dialects/nn/HostTensor.h"
#include "targets/native/Native.h"

namespace sinter {

mlir::LogicalResult runPasses(mlir::ModuleOp module, const CompileOptions &options,
                              llvm::function_ref<void(mlir::PassManager &)> build);

/// nn → nn-opt, up to fusion.
void addGraphPasses(mlir::PassManager &pm, const CompileOptions &options);
/// kernel → kernel-tiled.
void addTilingPasses(mlir::PassManager &pm, const CompileOptions &options);
/// The host program, with lowered kernels: tensors → buffers → one workspace →
/// the LLVM dialect.
void addHostPasses(mlir::PassManager &pm, bool device);
/// The last part of that: loops over buffers → the LLVM dialect.
void addLLVMPasses(mlir::PassManager &pm);

/// Constants that the library keeps in its weights, and who owns their bytes.
struct CollectedWeights {
  Weights weights;
  std::vector<nn::HostTensor> owners;
  uint64_t bytes = 0;
  /// Where the bytes of each hash and size are.
  llvm::DenseMap<std::pair<uint64_t, uint64_t>, uint64_t> offsets;
};

/// Adds a tensor's bytes, unless they are there already; gives their place.
uint64_t addWeights(const nn::HostTensor &tensor, CollectedWeights &weights);

/// Moves the constants of at least `smallest` bytes of a module in the LLVM
/// dialect out to `weights`; equal ones once, also between the modules of a
/// library's variants.
void collectWeights(mlir::ModuleOp module, CollectedWeights &weights, int64_t smallest);

/// The calls that profile-calls numbered, in that order; none if it did not run.
std::vector<ProfiledCall> getProfiledCalls(mlir::ModuleOp module);

/// Inputs and outputs of @main, as its attributes tell. Of a training also what else its library
/// has; the values that its state begins with go to `weights`.
mlir::FailureOr<ModelInterface> getInterface(mlir::ModuleOp module, llvm::StringRef name,
                                             CollectedWeights &weights);

/// What @main takes from @prepare: of each target's module its own.
std::vector<PreparedTensor> getPrepared(mlir::ModuleOp module);

} // namespace sinter

#endif // SINTER_COMPILER_PIPELINE_HOST_H
