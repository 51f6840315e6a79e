//===- Compile.cpp - sinter compile ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/BugReport.h"
#include "compiler/driver/Session.h"
#include "compiler/driver/Tune.h"
#include "compiler/import/description/Description.h"
#include "compiler/pipeline/TuningFile.h"
#include "dialects/kernel/Fingerprint.h"
#include "targets/native/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

static int fail(const Twine &message, int code) {
  llvm::errs() << "error: " << message << '\n';
  return code;
}

static int writeModule(ModuleOp module, StringRef path, bool elide) {
  OpPrintingFlags flags;
  flags.enableDebugInfo();
  if (elide)
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
  std::string error;
  if (!writeOutputFile(
          path, [&](raw_ostream &os) { module->print(os, flags); }, error))
    return fail(error, ModelFault);
  return Good;
}

// Whether the name can be the prefix of the header's functions.
static bool isIdentifier(StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

// Looks for better schedules, writes them to a file, and leaves them to the compilation.
static int tuneModel(Session &session, const CompileArguments &arguments,
                     const CompileOptions &options, StringRef output, BugReport &report) {
  if (!options.target.isHost)
    return fail("--tune measures on this machine: leave out --target", WrongUsage);
  if (options.reference)
    return fail("--tune chooses schedules, and --codegen=reference has none", WrongUsage);
  if (auto at = getStage(session.getModule()); at && *at > Stage::Kernel)
    return fail("the module has schedules already; tune it from an earlier stage", WrongUsage);
  if (failed(advance(session.getModule(), Stage::Kernel, options)))
    return report.status(session);
  llvm::StringMap<std::string> names;
  for (auto kernel : session.getModule().getOps<kernel::FuncOp>())
    names[kernel::fingerprint(kernel)] = kernel.getSymName().str();
  std::string error, path = arguments.tuning;
  if (path.empty()) {
    SmallString<128> beside(output == "-" ? StringRef(arguments.model) : output);
    llvm::sys::path::replace_extension(beside, "tuning");
    path = std::string(beside);
  }
  if (!tune(session, options, arguments.tune, error))
    return fail("can't tune: " + error, ModelFault);
  if (!writeTuning(path, options.target.cpu, session.getTuning(), names, error))
    return fail(error, ModelFault);
  return Good;
}

int sinter::driver::compile(const CompileArguments &arguments) {
  Session session;
  CompileOptions options;
  Progress progress(arguments.quiet);
  BugReport report(arguments);
  auto enter = [&](StringRef name) {
    report.enter(name);
    progress.phase(name);
  };
  options.progress = enter;
  if (!session.makeOptions(arguments, options))
    return WrongUsage;
  std::pair<unsigned, unsigned> kernelCounts;
  options.kernelCounts = &kernelCounts;
  auto stage = parseStage(arguments.emit);
  if (!stage)
    return fail("unknown stage " + arguments.emit, WrongUsage);
  if (!options.alternatives.empty() && *stage < Stage::Obj)
    return fail("--emit=" + arguments.emit + " shows one target; give --target one name",
                WrongUsage);

  if (*stage == Stage::DeviceCode &&
      options.target.device.runtime != (arguments.emit == "ptx" ? "cuda" : "opencl"))
    return fail("--emit=" + arguments.emit + " needs a target that runs it: --target=" +
                    (arguments.emit == "ptx" ? "sm_80" : "opencl"),
                WrongUsage);

  // A built-in's sizes are no part of its name.
  std::string model = arguments.model;
  if (description::lookupBuiltIn(model) && !llvm::sys::fs::exists(model))
    model = StringRef(model).split(':').first.str();
  std::string name = arguments.name.empty() ? modelName(model) : arguments.name;
  if (!isIdentifier(name))
    return fail("--name '" + name + "' is not a C identifier", WrongUsage);
  std::string output = arguments.output;
  bool text = *stage < Stage::Obj;
  if (output.empty()) {
    SmallString<128> path(llvm::sys::path::filename(model));
    llvm::sys::path::replace_extension(path, *stage == Stage::Lib ? "so" : "o");
    output = text ? "-" : std::string(path);
  }
  if (output == "-" && !text)
    return fail("a library or object can't go to the standard output; give -o FILE", WrongUsage);
  if (output != "-") {
    StringRef folder = llvm::sys::path::parent_path(output);
    if (!folder.empty() && !llvm::sys::fs::is_directory(folder))
      return fail("can't write " + output + ": there is no folder " + folder, ModelFault);
    if (llvm::sys::fs::is_directory(output))
      return fail("can't write " + output + ": it is a folder", ModelFault);
    StringRef where = folder.empty() ? StringRef(".") : folder;
    if (llvm::sys::fs::access(where, llvm::sys::fs::AccessMode::Write))
      return fail("can't write " + output + ": no permission for folder " + where, ModelFault);
  }

  if (!arguments.noBugReport)
    report.install(output == "-" ? "sinter" : output);
  enter("import");
  if (!session.load(arguments))
    return ModelFault;
  ModuleOp module = session.getModule();
  auto at = getStage(module);
  if (at && *at > *stage)
    return fail("the module is at stage " + stringifyStage(*at) + ", past " + arguments.emit,
                WrongUsage);
  if (arguments.tune > 0)
    if (int status = tuneModel(session, arguments, options, output, report); status != Good)
      return status;
  if (*stage <= Stage::KernelTiled) {
    if (failed(advance(module, *stage, options)))
      return report.status(session);
    return writeModule(module, output, arguments.elideConstants);
  }
  SmallString<128> header;
  if (*stage == Stage::Lib) {
    header = arguments.header;
    if (header.empty()) {
      header = output;
      llvm::sys::path::replace_extension(header, "h");
    }
  }
  bool emitted = succeeded(emit(module, {*stage, name, output, header}, options));
  if (header.empty())
    return emitted ? Good : report.status(session);
  llvm::sys::DontRemoveFileOnSignal(header);
  if (emitted) {
    if (arguments.timeReport)
      progress.report(kernelCounts, llvm::errs());
    return Good;
  }
  (void)llvm::sys::fs::remove(header);
  return report.status(session);
}
