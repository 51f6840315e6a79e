//===- Commands.h - the subcommands of `sinter` as functions ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain structs: the command line is read where exceptions are on, the commands
// run where they are off.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_COMMANDS_H
#define SINTER_COMPILER_DRIVER_COMMANDS_H

#include "runtime/training/fit/FitOptions.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sinter::driver {

enum ExitCode {
  Good = 0,
  ModelFault = 1,
  WrongUsage = 2,
  Bug = 3,
  Interrupted = 130 ///< by Ctrl-C, with everything saved
};

struct CompileArguments {
  std::string model;
  std::string output; ///< empty: derived from the model's name
  std::string header; ///< empty: beside the library
  std::string target = "host";
  std::string emit = "lib";
  std::vector<std::pair<std::string, int64_t>> dims;
  std::vector<std::pair<std::string, int64_t>> expect; ///< sizes of dynamic dims to be fast for
  int64_t expectedBatch = 0; ///< of the inputs' dims 0 that `expect` says nothing of; 0: unknown
  std::string codegen = "halide";   ///< or "reference"
  std::string numerics = "default"; ///< or "strict"
  std::string name;                 ///< of the model; empty: from the file
  unsigned optLevel = 3;
  unsigned threads = 0;
  bool noFuse = false, noLayout = false, remarks = false, quiet = false;
  bool timing = false, printAfterAll = false, verifyEach = true;
  std::string tuning;      ///< file with choices of schedules
  double tune = 0;         ///< seconds to look for better ones; they go to that file
  std::string cacheFolder; ///< empty: the user's
  bool noCache = false, timeReport = false;
  bool elideConstants = false, profile = false;
  std::string printAfter, printTreeDir;
  /// Checkpoints whose parameters take the place of the model's, the later ones of the earlier.
  std::vector<std::string> weights;
  bool train = false;          ///< a training step, with these settings of nn-train-step
  std::string loss, optimizer; ///< empty: the description's, or the usual ones
  std::vector<std::string> freeze;
  /// Segments of a training step that are computed again, or "auto"; empty: none.
  std::string checkpointing;
  bool dataParallel = false; ///< a step for several processes
  uint64_t seed = 0;         ///< of a description's first values
  std::string testFault;     ///< KIND@STAGE: fail as a bug would (see TestFault.h)
  bool noBugReport = false;  ///< this process writes another's reproducer
};
int compile(const CompileArguments &arguments);

/// Writes the model, with its weights, as ONNX to the output.
int exportModel(const CompileArguments &arguments);

/// Lists the built-in models; `small`: each as a model with sizes that are quick to try.
int listModels(bool small);

struct RunArguments {
  std::string library;
  std::vector<std::string> inputs; ///< files, or NAME=FILE
  std::string outputDirectory;
  int32_t threads = 0;
};
int run(const RunArguments &arguments);

struct CheckArguments {
  std::string model; ///< model, library, or a folder with model.onnx
  std::vector<std::string> cases;
  std::string batch; ///< file with one case folder a line
  unsigned jobs = 0;
  unsigned timeout = 120;      ///< seconds for one case
  double rtol = -1, atol = -1; ///< negative: what the case says
  int32_t threads = 0;
  CompileArguments compile;
};
int check(const CheckArguments &arguments);

struct BenchArguments {
  std::string library; ///< or a model that is not compiled yet
  std::vector<std::string> inputs;
  int32_t threads = 0;
  double seconds = 2;
  bool json = false;
  bool machine = false;     ///< the limits of this machine, and no model
  CompileArguments compile; ///< dims and profile also tell how to measure
};
int bench(const BenchArguments &arguments);

struct FitArguments {
  CompileArguments compile; ///< its model may be a training library
  training::FitOptions options;
  int32_t threads = 0;
};
int fit(const FitArguments &arguments);

/// Lists all targets or, with a name, describes one.
int targets(const std::string &name);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_COMMANDS_H
