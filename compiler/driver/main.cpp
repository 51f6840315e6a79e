//===- main.cpp - the command line of `sinter` ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Commands.h"
#include "compiler/driver/FitCommand.h"
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

using namespace sinter::driver;

// "batch=8" to a pair.
static void addSizes(CLI::App *command, const std::string &option, const std::string &help,
                     std::vector<std::pair<std::string, int64_t>> &sizes) {
  command
      ->add_option_function<std::vector<std::string>>(
          option,
          [&sizes, option](const std::vector<std::string> &texts) {
            for (const std::string &text : texts) {
              size_t equals = text.rfind('=');
              if (equals == std::string::npos || equals == 0)
                throw CLI::ValidationError(option, "'" + text + "' is not NAME=SIZE");
              int64_t size = 0;
              const char *end = text.data() + text.size();
              auto [rest, error] = std::from_chars(text.data() + equals + 1, end, size);
              if (error != std::errc() || rest != end || size < 1)
                throw CLI::ValidationError(option,
                                           "'" + text + "': the size must be a positive integer");
              sizes.emplace_back(text.substr(0, equals), size);
            }
          },
          help)
      ->type_name("NAME=SIZE");
}

static void addWeights(CLI::App *command, CompileArguments &arguments) {
  command
      ->add_option("--weights", arguments.weights,
                   "Parameters from a checkpoint (.safetensors), by their names; of several the "
                   "last one that has a parameter counts")
      ->type_name("FILE");
}

static void addCompileOptions(CLI::App *command, CompileArguments &arguments) {
  command
      ->add_option(
          "--target", arguments.target,
          "host, x86-64-v3, aarch64, a CPU's name, with features (aarch64+dotprod); several "
          "by comma: one library that chooses. sinter targets lists them")
      ->capture_default_str();
  addSizes(command, "--dim",
           "Fix a dynamic dim: NAME=SIZE, or INPUT:POSITION=SIZE for one without a name",
           arguments.dims);
  addSizes(command, "--expect",
           "Size of a dynamic dim to be fast for; all sizes stay right (default: batch 1, "
           "pictures of 224 x 224, sequences of 128)",
           arguments.expect);
  command
      ->add_option("--codegen", arguments.codegen,
                   "halide, or reference: plain loops, slow, an independent check")
      ->check(CLI::IsMember({"halide", "reference"}))
      ->capture_default_str();
  command
      ->add_option("--numerics", arguments.numerics,
                   "default, or strict: no algorithm that rounds more than the direct one")
      ->check(CLI::IsMember({"default", "strict"}))
      ->capture_default_str();
  command->add_option("-O", arguments.optLevel, "Optimisation level, 0 to 3")
      ->check(CLI::Range(0, 3))
      ->capture_default_str();
  command->add_option("--compile-threads", arguments.threads,
                      "Threads that the compiler uses (0: all cores)");
  command->add_option("--tuning", arguments.tuning,
                      "File with the schedules that compile --tune found");
  command->add_option("--cache-dir", arguments.cacheFolder,
                      "Folder for compiled kernels (default: sinter/kernels in the user's cache)");
  command->add_flag("--no-cache", arguments.noCache, "Compile all kernels anew, and keep none");
  command->add_flag("--no-fuse", arguments.noFuse, "One kernel per op");
  command->add_flag("--no-layout", arguments.noLayout, "Keep the model's tensor layouts");
  command->add_flag("--profile", arguments.profile,
                    "Measure each kernel of the model (bench --profile shows it)");
}

int main(int argc, char **argv) {
  CLI::App app{"Sinter compiles neural networks ahead of time to native shared libraries.\n"
               "\n"
               "  sinter compile model.onnx -o model.so     compile\n"
               "  sinter run model.so -i x.npy -o out/      run what was compiled\n"
               "  sinter check model.onnx                   compare with recorded outputs\n"
               "  sinter bench model.so                     measure latency\n"
               "  sinter fit cifar10-cnn --data cifar/      train\n"
               "  sinter export cifar10-cnn --weights fit/best.safetensors -o trained.onnx\n"
               "  sinter targets                            what can be compiled for"};
  app.name("sinter");
  app.require_subcommand(1);
  app.footer(
      "\nsinter COMMAND --help says more. Exit status: 0 good, 1 the model or data is at fault,\n"
      "2 wrong usage, 3 a bug in Sinter, which leaves a reproducer.");
  app.set_version_flag("--version", "sinter 0.1.0 (LLVM 22, Halide 14)");

  CompileArguments compileArguments;
  CLI::App *compileCommand = app.add_subcommand(
      "compile", "Compile an ONNX model, or a stage printed by --emit, to a shared library");
  compileCommand
      ->add_option(
          "MODEL", compileArguments.model,
          "model.onnx, stage.mlir, a Keras configuration (.json, .yaml), or a built-in model")
      ->required();
  compileCommand->add_option(
      "-o,--output", compileArguments.output,
      "Output file; - prints text stages (default: by the model's name; text goes to -)");
  compileCommand
      ->add_option("--emit", compileArguments.emit,
                   "Stop at a stage: nn, nn-opt, kernel, kernel-tiled, loops, llvm, asm, obj, lib")
      ->check(CLI::IsMember({"nn", "nn-opt", "kernel", "kernel-tiled", "loops", "ptx", "opencl",
                             "llvm", "asm", "obj", "lib"}))
      ->capture_default_str();
  compileCommand->add_option("--header", compileArguments.header,
                             "C header of the model (default: beside the library)");
  compileCommand->add_option("--name", compileArguments.name,
                             "Name of the model in C (default: from the file's name)");
  addCompileOptions(compileCommand, compileArguments);
  addWeights(compileCommand, compileArguments);
  compileCommand->add_flag("--tune{60}", compileArguments.tune,
                           "Measure schedules on this machine for so many seconds (60), and write "
                           "those that are faster to --tuning (default: beside the library)");
  compileCommand->add_flag("--remarks", compileArguments.remarks,
                           "Say what was not fused, and why");
  compileCommand->add_flag("-q,--quiet", compileArguments.quiet, "No progress");
  compileCommand->add_flag("--time-report", compileArguments.timeReport,
                           "Report the time of each phase, and the memory");
  compileCommand->add_flag("--time-passes,--mlir-timing", compileArguments.timing,
                           "Report the time of each pass");
  compileCommand->add_flag("--mlir-print-ir-after-all", compileArguments.printAfterAll,
                           "Print the IR after each pass");
  compileCommand->add_option("--mlir-print-ir-after", compileArguments.printAfter,
                             "Print the IR after one pass, by its name");
  compileCommand->add_option("--mlir-print-ir-tree-dir", compileArguments.printTreeDir,
                             "Write the IR after each pass to files in this folder");
  compileCommand->add_flag("--elide-constants", compileArguments.elideConstants,
                           "Print large constants as ... (such text can't be compiled further)");
  compileCommand->add_flag("--train", compileArguments.train,
                           "Compile a training: a library of train_step, eval_step and forward");
  compileCommand->add_option("--loss", compileArguments.loss,
                             "Loss of the training step, and its settings: huber:delta=2 (default: "
                             "the description's, or sparse_categorical_crossentropy)");
  compileCommand->add_option("--optimizer", compileArguments.optimizer,
                             "Optimizer of the training step, and its settings: sgd:momentum=0.9 "
                             "(default: the description's, or adam)");
  compileCommand->add_option("--freeze", compileArguments.freeze,
                             "Parameters that are not trained: a pattern of their names");
  compileCommand->add_flag("--checkpointing{auto}", compileArguments.checkpointing,
                           "Keep less for the backward pass, and compute it again there: the "
                           "forward pass in so many segments (default: what takes least memory)");
  compileCommand->add_flag("--data-parallel", compileArguments.dataParallel,
                           "A step for several processes, which brings their gradients together");
  compileCommand->add_option("--seed", compileArguments.seed,
                             "Seed of a described model's parameters, when it is not trained");
  // Not for users: the empty group hides them.
  compileCommand->add_option("--test-fault", compileArguments.testFault)->group("");
  compileCommand->add_flag("--no-bug-report", compileArguments.noBugReport)->group("");

  CompileArguments exportArguments;
  CLI::App *exportCommand =
      app.add_subcommand("export", "Write a model with trained weights as ONNX");
  exportCommand
      ->add_option("MODEL", exportArguments.model,
                   "What was trained: a built-in model, a Keras configuration (.json), model.onnx")
      ->required();
  exportCommand->add_option("-o,--output", exportArguments.output,
                            "Output file (default: by the model's name)");
  addWeights(exportCommand, exportArguments);
  addSizes(exportCommand, "--dim", "Fix a dynamic dim: NAME=SIZE", exportArguments.dims);
  exportCommand->add_option("--seed", exportArguments.seed,
                            "Seed of a described model's parameters without --weights");

  bool smallModels = false;
  CLI::App *modelsCommand = app.add_subcommand("models", "List the built-in models");
  modelsCommand->add_flag("--small", smallModels, "Each with sizes that are quick to try");

  RunArguments runArguments;
  CLI::App *runCommand = app.add_subcommand("run", "Run a compiled library on .npy inputs");
  runCommand->add_option("LIBRARY", runArguments.library, "model.so")->required();
  runCommand->add_option("-i,--input", runArguments.inputs,
                         "x.npy or x.pb in the model's order, or NAME=FILE");
  runCommand->add_option("-o,--output", runArguments.outputDirectory,
                         "Folder for NAME.npy of each output (default: print a summary)");
  runCommand->add_option("--threads", runArguments.threads, "Threads (0: all cores)")
      ->check(CLI::Range(0, 4096));

  CheckArguments checkArguments;
  CLI::App *checkCommand =
      app.add_subcommand("check", "Compile and compare with a test case's recorded outputs");
  checkCommand->add_option("MODEL", checkArguments.model,
                           "model.onnx, model.so, or a folder with model.onnx and test_data_set_*");
  checkCommand->add_option("CASES", checkArguments.cases,
                           "test_data_set folders (default: those beside the model)");
  checkCommand->add_option("--batch", checkArguments.batch,
                           "File with one case folder a line; prints one verdict a line");
  checkCommand->add_option("-j,--jobs", checkArguments.jobs, "Cases at a time (0: all cores)");
  checkCommand->add_option("--timeout", checkArguments.timeout, "Seconds for one case of a batch")
      ->capture_default_str();
  checkCommand->add_option("--rtol", checkArguments.rtol,
                           "Relative tolerance (default: the case's, or 1e-3)");
  checkCommand->add_option("--atol", checkArguments.atol,
                           "Absolute tolerance (default: the case's, or 1e-7)");
  checkCommand
      ->add_option("--threads", checkArguments.threads, "Threads of the library (0: all cores)")
      ->check(CLI::Range(0, 4096));
  addCompileOptions(checkCommand, checkArguments.compile);

  BenchArguments benchArguments;
  CLI::App *benchCommand =
      app.add_subcommand("bench", "Measure the latency of a model, or what this machine can do");
  benchCommand->add_option("MODEL", benchArguments.library,
                           "model.so; or model.onnx or stage.mlir, which is compiled first");
  benchCommand->add_option("-i,--input", benchArguments.inputs,
                           ".npy or .pb inputs (default: made-up numbers)");
  addCompileOptions(benchCommand, benchArguments.compile);
  benchCommand->add_flag("--machine", benchArguments.machine,
                         "Measure this machine's arithmetic and bandwidths, and remember them");
  benchCommand->add_option("--threads", benchArguments.threads, "Threads (0: all cores)")
      ->check(CLI::Range(0, 4096));
  benchCommand->add_option("--seconds", benchArguments.seconds, "How long to measure")
      ->capture_default_str();
  benchCommand->add_flag("--json", benchArguments.json, "One JSON object on the standard output");

  FitArguments fitArguments;
  CLI::App *fitCommand = addFitCommand(app, fitArguments);
  addCompileOptions(fitCommand, fitArguments.compile);

  std::string targetName;
  CLI::App *targetsCommand =
      app.add_subcommand("targets", "List what can be compiled for, or describe one target");
  targetsCommand->add_option("NAME", targetName, "One target (default: all)");

  auto takes = [](CLI::App *command, std::initializer_list<const char *> options,
                  const char *what) {
    for (const char *option : options)
      command->get_option(option)->type_name(what);
  };
  takes(compileCommand, {"MODEL", "--output", "--header"}, "FILE");
  takes(compileCommand, {"--mlir-print-ir-tree-dir"}, "FOLDER");
  takes(compileCommand, {"--mlir-print-ir-after"}, "PASS");
  takes(compileCommand, {"--name"}, "IDENTIFIER");
  takes(exportCommand, {"MODEL", "--output"}, "FILE");
  takes(runCommand, {"LIBRARY"}, "FILE");
  takes(runCommand, {"--input"}, "FILE, NAME=FILE");
  takes(runCommand, {"--output"}, "FOLDER");
  takes(checkCommand, {"MODEL", "--batch"}, "FILE");
  takes(checkCommand, {"CASES"}, "FOLDER");
  takes(benchCommand, {"MODEL"}, "FILE");
  takes(benchCommand, {"--input"}, "FILE, NAME=FILE");
  for (CLI::App *command : {compileCommand, checkCommand, benchCommand, fitCommand})
    takes(command, {"--target"}, "CPU");
  compileCommand->footer(
      "\n  sinter compile model.onnx -o model.so          model.so and model.h\n"
      "  sinter compile model.onnx --dim batch=8        with a dim fixed\n"
      "  sinter compile model.onnx --emit=nn-opt --elide-constants   look inside");
  runCommand->footer("\n  sinter run model.so -i x.npy                   summary of the outputs\n"
                     "  sinter run model.so -i a=a.npy -i b=b.npy -o out   out/NAME.npy for each");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // CLI11 asks for a command before it looks at what was given as one.
    if (argc > 1 && argv[1][0] != '-' &&
        app.get_subcommands([&](CLI::App *each) { return each->get_name() == argv[1]; }).empty()) {
      std::fprintf(stderr, "there is no command '%s'\nRun with --help for more information.\n",
                   argv[1]);
      return WrongUsage;
    }
    int code = app.exit(error);
    return code == 0 ? Good : WrongUsage;
  }
  if (*compileCommand)
    return compile(compileArguments);
  if (*exportCommand)
    return exportModel(exportArguments);
  if (*modelsCommand)
    return listModels(smallModels);
  if (*runCommand)
    return run(runArguments);
  if (*fitCommand)
    return fit(fitArguments);
  if (*benchCommand) {
    if (benchArguments.library.empty() != benchArguments.machine) {
      std::fprintf(stderr, "sinter bench: give a model, or --machine\n");
      return WrongUsage;
    }
    return bench(benchArguments);
  }
  if (*targetsCommand)
    return targets(targetName);
  if (checkArguments.model.empty() == checkArguments.batch.empty()) {
    std::fprintf(stderr, "sinter check: give a model, or --batch FILE\n");
    return WrongUsage;
  }
  return check(checkArguments);
}
