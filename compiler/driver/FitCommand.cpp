//===- FitCommand.cpp - the command line of sinter fit --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/FitCommand.h"
#include "runtime/training/data/Formats.h"

using namespace sinter::driver;

static void addModelOptions(CLI::App *command, CompileArguments &arguments) {
  command
      ->add_option(
          "MODEL", arguments.model,
          "A built-in model, model.onnx, a Keras configuration (.json, .yaml), or a training "
          "library (.so) that sinter compile --train made")
      ->required();
  command->add_option("--loss", arguments.loss,
                      "Loss, and its settings: huber:delta=2 (default: the description's, or "
                      "sparse_categorical_crossentropy)");
  command->add_option("--optimizer", arguments.optimizer,
                      "Optimizer, and its settings: sgd:momentum=0.9 (default: the description's, "
                      "or adam)");
  command->add_flag("--checkpointing{auto}", arguments.checkpointing,
                    "Less memory for more time: activations are computed again (compile --help)");
  command
      ->add_option("--weights", arguments.weights,
                   "Begin with the parameters of a checkpoint (.safetensors)")
      ->type_name("FILE");
  command->add_option("--freeze", arguments.freeze,
                      "Parameters that are not trained: a pattern of their names");
}

static void addDataOptions(CLI::App *command, sinter::training::FitOptions &options) {
  command->add_option("--data", options.data, "Where the samples are: see below")->required();
  command->add_option("--validation-data", options.validationData,
                      "Samples to validate with (default: the data's own test set)");
  command->add_option("--validation", options.validation,
                      "The part of the samples, 0 to 1, that is kept to validate with");
  command->add_option("--augment", options.augment, "Variations: flip,crop=PIXELS,normalize");
  command->add_flag("--autoencode", options.autoencode,
                    "The target is the input itself, whatever the data has for one");
  command->add_flag("!--no-shuffle", options.shuffle, "Samples in the order of the data");
  command
      ->add_option("--epoch-samples", options.epochSamples,
                   "Samples of an epoch of a stream (default: all)")
      ->check(CLI::PositiveNumber);
}

static void addRunOptions(CLI::App *command, FitArguments &arguments) {
  sinter::training::FitOptions &options = arguments.options;
  command->add_option("--epochs", options.epochs, "Times that all samples are seen")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--batch", options.batch, "Samples of one step, of all processes together")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--lr", options.learningRate, "Learning rate (default: the optimizer's)")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--schedule", options.schedule,
                   "Of the learning rate: constant, step:every=EPOCHS,factor=F, cosine:final=F")
      ->capture_default_str();
  command->add_option("--warmup", options.warmup, "Steps in which the learning rate rises")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--metrics", options.metrics,
                   "Of the validation, beside the model's own: topK, exact, mae, perplexity "
                   "(default: the description's)")
      ->delimiter(',');
  command
      ->add_option("--patience", options.patience,
                   "Stop after so many epochs without a better validation loss (default: never)")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", options.seed, "Seed of parameters, order and variations");
  command
      ->add_option("-o,--output", options.output,
                   "Folder for last.safetensors, best.safetensors and report.html")
      ->capture_default_str();
  command->add_option("--resume", options.resume, "Go on from a checkpoint");
  command
      ->add_option("--checkpoint-seconds", options.checkpointSeconds,
                   "Write last.safetensors this often, beside the end of each epoch")
      ->capture_default_str();
  command
      ->add_option("--checkpoint-steps", options.checkpointSteps,
                   "Write last.safetensors after each so many steps too")
      ->check(CLI::PositiveNumber);
  command->add_option("--log", options.log, "File for a line of JSON for each step and epoch");
  command->add_option("--threads", arguments.threads, "Threads (0: all cores)")
      ->check(CLI::Range(0, 4096));
  command->add_flag("-q,--quiet", options.quiet, "No progress");
}

CLI::App *sinter::driver::addFitCommand(CLI::App &app, FitArguments &arguments) {
  CLI::App *command = app.add_subcommand("fit", "Train a model on data");
  addModelOptions(command, arguments.compile);
  addDataOptions(command, arguments.options);
  addRunOptions(command, arguments);
  // Scripts give defaults, and their callers others after them.
  for (CLI::Option *option : command->get_options())
    if (option->get_expected_max() == 1)
      option->take_last();
  auto takes = [&](const char *option, const char *what) {
    command->get_option(option)->type_name(what);
  };
  takes("MODEL", "MODEL");
  takes("--data", "DATA");
  takes("--validation-data", "DATA");
  for (const char *option : {"--resume", "--log"})
    takes(option, "FILE");
  takes("--output", "FOLDER");
  command->footer("\nDATA is [FORMAT:]PATH[?SETTING=VALUE&...], with the FORMATs\n" +
                  sinter::training::describeFormats() +
                  "\n  sinter fit cifar10-cnn --data cifar-10-batches-bin --epochs 20 --batch 64\n"
                  "  mpirun -n 2 sinter fit mlp --data train.npz --batch 128     two processes");
  return command;
}
