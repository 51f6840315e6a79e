//===- Fit.cpp - sinter fit -----------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles the training library and runs it. The training runtime throws: this file
// is compiled with exceptions, and sees nothing of MLIR.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/fit/Fit.h"
#include "compiler/driver/Commands.h"
#include "runtime/training/Error.h"
#include "runtime/training/fit/CompiledStep.h"
#include <cstdlib>
#include <filesystem>

using namespace sinter;
using namespace sinter::driver;

namespace {
/// A folder for the library, which goes with the run.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::error_code code;
    std::string pattern =
        (std::filesystem::temp_directory_path(code) / "sinter-fit-XXXXXX").string();
    if (mkdtemp(pattern.data()))
      path = pattern;
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  ~TemporaryFolder() {
    std::error_code code;
    if (!path.empty())
      std::filesystem::remove_all(path, code);
  }
  std::string path; ///< empty: there is none
};
} // namespace

static int fail(const std::string &message, int code) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return code;
}

static int runFit(const FitArguments &arguments, const std::string &library) {
  std::unique_ptr<training::Processes> processes = training::openProcesses();
  training::CompiledStep step(library, arguments.threads);
  std::string error;
  switch (training::fit(arguments.options, step, *processes, stdout, error)) {
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

int sinter::driver::fit(const FitArguments &arguments) {
  std::filesystem::path given = arguments.compile.model;
  TemporaryFolder folder;
  std::string library = given.string();
  if (given.extension() != ".so") {
    if (folder.path.empty())
      return fail("can't make a folder for temporary files; set TMPDIR to one that can be written",
                  ModelFault);
    CompileArguments compileArguments = arguments.compile;
    compileArguments.train = true;
    library = folder.path + "/model.so";
    compileArguments.output = library;
    if (int status = compile(compileArguments); status != Good)
      return status;
  } else {
    library = std::filesystem::absolute(given).string();
  }
  try {
    return runFit(arguments, library);
  } catch (const training::UsageError &error) {
    return fail(error.what(), WrongUsage);
  } catch (const std::exception &error) {
    return fail(error.what(), ModelFault);
  }
}
