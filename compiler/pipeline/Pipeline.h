//===- Pipeline.h - the stages of a compilation -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each stage is a short function from module to module. A module says in its
// attribute `sinter.stage` which stage it has reached; compilation can stop at
// any of them, be printed, and go on from the text.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_PIPELINE_PIPELINE_H
#define SINTER_COMPILER_PIPELINE_PIPELINE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "passes/kernels/kernel-tile/Choices.h"
#include "targets/Target.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sinter {

/// What `--emit` names, in order.
enum class Stage { NN, NNOpt, Kernel, KernelTiled, Loops, DeviceCode, LLVM, Asm, Obj, Lib };

/// "nn", "nn-opt", "kernel", "kernel-tiled", "loops", "ptx" (or "opencl"), "llvm", "asm", "obj",
/// "lib".
llvm::StringRef stringifyStage(Stage stage);
std::optional<Stage> parseStage(llvm::StringRef name);

struct CompileOptions {
  Target target;
  /// Further targets of the same architecture whose code the library also holds.
  std::vector<Target> alternatives;
  /// 0 to 3: of LLVM's pipeline over the host program and the runtime.
  unsigned optLevel = 3;
  /// Kernels through upstream's linalg-to-loops instead of Halide.
  bool reference = false;
  /// No algorithm that rounds more than the direct one: no Winograd, no Strassen.
  bool strict = false;
  /// Threads that the compiler uses; 0: all cores.
  unsigned threads = 0;
  /// Folder with the objects of kernels that were compiled before; empty: none is kept.
  std::string cacheFolder;
  /// Fusion and layout assignment; off for bisecting.
  bool fuse = true;
  bool assignLayout = true;
  /// Segments of a training step's forward pass, whose values are computed again in the backward
  /// pass; 0: by memory; −1: all are kept.
  int64_t checkpointing = -1;
  /// The library measures each call of a kernel, for `sinter bench --profile`.
  bool profile = false;
  /// Decisions of schedules that are fixed, and, after kernel-tile, all there were; may be null.
  Tuning *tuning = nullptr;
  /// Remarks on what was not fused.
  bool remarks = false;
  /// Set up each pass manager: printing, timing, reproducers.
  std::function<void(mlir::PassManager &)> configurePasses;
  /// If set, told how many kernels were found in the cache, and how many were compiled.
  std::pair<unsigned, unsigned> *kernelCounts = nullptr;
  /// Told when a phase starts: "nn-opt", "kernels", "link" …
  std::function<void(llvm::StringRef)> progress;
};

/// Everything that Sinter's context must know.
void registerAll(mlir::DialectRegistry &registry);
/// All passes of Sinter and those of upstream that it uses, for sinter-opt.
void registerAllPasses();

/// The module's stage by its attribute; nothing if it has none.
std::optional<Stage> getStage(mlir::ModuleOp module);

/// Takes a module from its stage to `stage` (at most kernel-tiled).
mlir::LogicalResult advance(mlir::ModuleOp module, Stage stage, const CompileOptions &options);

/// What `emit` writes.
struct Output {
  Stage stage;          ///< loops, ptx, llvm, asm, obj or lib
  llvm::StringRef name; ///< the model's, a C identifier
  llvm::StringRef path;
  llvm::StringRef header; ///< the C header's path; empty: none
};

/// Takes a module from any stage up to kernel-tiled to native output.
mlir::LogicalResult emit(mlir::ModuleOp module, const Output &output,
                         const CompileOptions &options);

} // namespace sinter

#endif // SINTER_COMPILER_PIPELINE_PIPELINE_H
