//===- Native.h - from LLVM IR to an object, a library, a C header --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last stage. The host program (LLVM IR), Halide's kernels (bitcode) and
// the runtime become one shared library with no dependency beyond libc and
// libm. Nothing calls an external compiler, assembler or linker.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_NATIVE_NATIVE_H
#define SINTER_TARGETS_NATIVE_NATIVE_H

#include "targets/Target.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace llvm {
class Module;
}

namespace sinter {

/// One input or output of the model, as its users see it.
struct TensorInfo {
  std::string name;
  int32_t dtype = 1;                 ///< ONNX's number: FLOAT 1, INT64 7, ...
  std::vector<int64_t> dims;         ///< -1: any size
  std::vector<std::string> dimNames; ///< "" without one; may be shorter
};

/// A call of a kernel that the library measures.
struct ProfiledCall {
  std::string kernel, nodes; ///< ONNX nodes that it does the work of
};

/// A tensor that the library makes of its weights, before the first run.
struct PreparedTensor {
  std::vector<int64_t> dims;
  int64_t elementBytes = 4;
};

struct TrainingInterface;

struct ModelInterface {
  std::string name;
  std::vector<TensorInfo> inputs, outputs;
  /// The host program's function, without `sinter_`.
  std::string function = "main";
  /// Of a training: the states that follow the inputs, and the outputs.
  std::vector<int32_t> stateInputs, stateOutputs;
  /// Of a training's train step: what its library has besides. Null otherwise.
  std::shared_ptr<const TrainingInterface> training;
};

/// One tensor of a training's state: SinterStateInfo of sinter/train.h.
struct StateInfo {
  TensorInfo tensor;
  int32_t kind = 0;
  int32_t initialization = 0;
  double a = 0, b = 0;
  uint64_t stream = 0;
  uint64_t values = 0; ///< their place in the weights
};

/// What a training library has besides its train step.
struct TrainingInterface {
  ModelInterface evalStep, forward;
  std::vector<StateInfo> states;
  std::string description; ///< JSON
};

/// Large constants: the bytes behind the symbol `sinter_weights`, which the
/// host module declares. Gaps between chunks are zero.
struct Weights {
  struct Chunk {
    uint64_t offset = 0;
    llvm::ArrayRef<char> bytes;
  };
  std::vector<Chunk> chunks;
  std::string path; ///< if not empty, the file with all bytes, and no chunks
};

enum class NativeOutput {
  LLVM,     ///< LLVM IR of host and kernels as text, before optimisation
  Assembly, ///< of host and kernels
  Object,   ///< one relocatable object with all that the library holds
  Library,  ///< the shared library
};

/// The model as it was compiled for one target. A library holds one, or several
/// of one architecture, of which the runtime takes the fastest that the CPU can.
struct NativeVariant {
  Target target;
  /// The host program; each variant's in an LLVM context of its own.
  std::unique_ptr<llvm::Module> host;
  /// Halide's kernels; the memory must outlive the call. Bitcode for text, objects that
  /// compileKernel has made for all else. Symbols of several variants must differ.
  std::vector<llvm::StringRef> kernels;
  std::vector<ProfiledCall> calls; ///< empty: nothing is measured
  /// What `main` takes after all else, and the host program's function `prepare` gives.
  std::vector<PreparedTensor> prepared;
};

struct NativeOptions {
  unsigned optLevel = 3;
  NativeOutput output = NativeOutput::Library;
  /// Threads that generate code of several variants, and of the linker; 0: all cores.
  unsigned threads = 0;
  /// If set, is told when a phase begins.
  std::function<void(llvm::StringRef)> progress;
};

/// The object of one of Halide's kernels, optimised already, that defines `symbol`. Several threads
/// may do so at once. On failure returns false and explains in `error`.
bool compileKernel(llvm::StringRef bitcode, llvm::StringRef symbol, const Target &target,
                   unsigned optLevel, std::string &object, std::string &error);

/// Writes the model to `outputPath`: complete, or not at all. "-" is the standard
/// output for text, which only a single variant has.
///
/// A host program defines `_mlir_ciface_sinter_main(results, ctx, workspace, in0, ...)`
/// (no `results` without outputs) and may define
/// `_mlir_ciface_sinter_workspace_size(in0, ...)`, which returns i64. That of a training
/// also defines `…_sinter_eval_step`, `…_sinter_forward` and
/// `…_sinter_workspace_size_eval_step` …; all take and give the states after the rest. One with
/// prepared tensors takes them last, and defines `…_sinter_prepare(results, ctx,
/// workspace)`, which gives them, and `…_sinter_workspace_size_prepare()`.
///
/// On failure returns false and explains in `error`.
bool emitNative(std::vector<NativeVariant> variants, const ModelInterface &interface,
                const Weights &weights, const NativeOptions &options, llvm::StringRef outputPath,
                std::string &error);

/// Writes the C header of the model: sinter/model.h itself, and a typed entry. Of a training
/// also sinter/train.h, and entries for all that it does.
bool writeHeader(const ModelInterface &interface, llvm::StringRef outputPath, std::string &error);

/// `name` as a C identifier: "onnx::Gemm.1" gives "onnx__Gemm_1".
std::string cIdentifier(llvm::StringRef name);

/// The C functions that a library exports beside `sinter_model`, and `sinter_training`.
std::string modelFunction(const ModelInterface &interface);
std::string trainingFunction(const ModelInterface &interface);

} // namespace sinter

#endif // SINTER_TARGETS_NATIVE_NATIVE_H
