//===- Fit.cpp - sinter fit -----------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles the training library into the output folder and runs it. The training runtime throws:
// this file is compiled with exceptions, and sees nothing of MLIR.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/fit/Fit.h"
#include "compiler/driver/Commands.h"
#include "runtime/training/Error.h"
#include "runtime/training/fit/CompiledStep.h"
#include <cstdio>
#include <filesystem>

using namespace sinter;
using namespace sinter::driver;

static int fail(const std::string &message, int code) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return code;
}

static int train(const FitArguments &arguments, training::Processes &processes,
                 const std::string &library) {
  training::CompiledStep step(library, arguments.threads);
  std::string error;
  switch (training::fit(arguments.options, step, processes, stdout, error)) {
  case training::FitStatus::Done:
    return Good;
  case training::FitStatus::Interrupted:
    return Interrupted;
  case training::FitStatus::WrongUsage:
    return fail(error, WrongUsage);
  case training::FitStatus::Fault:
    break;
  }
  return fail(error, ModelFault);
}

// The first process compiles, the others wait and load what it made.
static int compileLibrary(const FitArguments &arguments, training::Processes &processes,
                          const std::string &library) {
  double status = Good;
  if (processes.getRank() == 0) {
    CompileArguments compiling = arguments.compile;
    compiling.train = true;
    compiling.dataParallel = processes.getCount() > 1;
    compiling.expectedBatch = arguments.options.batch / processes.getCount();
    compiling.output = library;
    compiling.quiet = arguments.options.quiet;
    status = compile(compiling);
  }
  processes.sum(&status, 1);
  return static_cast<int>(status);
}

static int fitWith(const FitArguments &arguments, training::Processes &processes) {
  std::filesystem::path given = arguments.compile.model;
  if (given.extension() == ".so")
    return train(arguments, processes, std::filesystem::absolute(given).string());
  std::filesystem::path folder = arguments.options.output;
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code)
    return fail("can't make folder " + folder.string() + ": " + code.message(), ModelFault);
  std::string library = std::filesystem::absolute(folder / "model.so").string();
  if (int status = compileLibrary(arguments, processes, library); status != Good)
    return status;
  return train(arguments, processes, library);
}

// What `run` returns; or, if it throws, the status of what was thrown, which is told.
template <typename Run>
static int withoutExceptions(Run run) {
  try {
    return run();
  } catch (const training::UsageError &error) {
    return fail(error.what(), WrongUsage);
  } catch (const std::exception &error) {
    return fail(error.what(), ModelFault);
  }
}

int sinter::driver::fit(const FitArguments &arguments) {
  return withoutExceptions([&] {
    std::unique_ptr<training::Processes> processes = training::openProcesses();
    int status = withoutExceptions([&] { return fitWith(arguments, *processes); });
    if (status != Good && status != Interrupted)
      processes->abort(status);
    return status;
  });
}
