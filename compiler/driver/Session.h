//===- Session.h - one model from file to output ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_SESSION_H
#define SINTER_COMPILER_DRIVER_SESSION_H

#include "compiler/driver/Commands.h"
#include "compiler/pipeline/Pipeline.h"
#include "mlir/IR/MLIRContext.h"
#include <chrono>

namespace sinter::driver {

/// A context with Sinter's dialects, diagnostics printed as a compiler prints
/// them, and the module that is being compiled.
class Session {
public:
  explicit Session(bool threading = true);
  ~Session();

  /// Reads an .onnx, .mlir, .json or .yaml file or a built-in model and its weights, and makes its
  /// training step where the arguments ask for it; on failure what was wrong has been printed.
  bool load(const CompileArguments &arguments);

  /// Options as the arguments ask; false, with a message, if the target is unknown.
  bool makeOptions(const CompileArguments &arguments, CompileOptions &options);

  Tuning &getTuning() { return tuning; }
  mlir::MLIRContext &getContext() { return context; }
  mlir::ModuleOp getModule() { return *module; }
  /// Text of all diagnostics so far.
  const std::string &getErrors() const { return errors; }
  /// Keeps diagnostics instead of printing them.
  void captureErrors() { capture = true; }
  /// Whether any error was reported.
  bool hasErrors() const { return anyError; }

private:
  bool read(const CompileArguments &arguments);
  bool setAllWeights(const CompileArguments &arguments);
  /// Notes the sizes to expect at the model's inputs.
  bool expectSizes(const CompileArguments &arguments);
  bool makeTrainStep(const CompileArguments &arguments);
  bool readTuningFor(const Target &target, llvm::StringRef path);
  bool setTargets(llvm::StringRef names, CompileOptions &options);

  mlir::MLIRContext context;
  Tuning tuning;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::DiagnosticEngine::HandlerID handler;
  bool capture = false, anyError = false;
  std::string errors;
};

/// The model's name for C, from its path.
std::string modelName(const std::string &path);

/// Says on the standard error what the compiler does, once it takes long.
class Progress {
public:
  explicit Progress(bool quiet);
  ~Progress();
  void phase(llvm::StringRef name);
  /// The time of each phase so far; `kernels`: found in the cache, and compiled.
  void report(std::pair<unsigned, unsigned> kernels, llvm::raw_ostream &os) const;

private:
  using Time = std::chrono::steady_clock::time_point;
  bool quiet, terminal, shown = false;
  Time start;
  std::vector<std::pair<std::string, Time>> phases; ///< with their beginnings
};

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_SESSION_H
