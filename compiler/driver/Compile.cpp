//===- Compile.cpp - sinter compile ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Session.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

static int fail(const Twine &message, int code) {
  llvm::errs() << "error: " << message << '\n';
  return code;
}

// Prints a module as text, whole or not at all.
static int writeModule(ModuleOp module, StringRef path, bool elide) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_Text);
  if (code)
    return fail("can't write " + path + ": " + code.message(), ModelFault);
  OpPrintingFlags flags;
  flags.enableDebugInfo();
  if (elide)
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
  module->print(file.os(), flags);
  file.keep();
  return Good;
}

// The exit status of a compilation that failed. A failure that nobody explained
// is a bug: a model's faults are found, and named, by the importer.
static int failCompilation(Session &session, StringRef output) {
  if (session.hasErrors())
    return ModelFault;
  std::string reproducer = (output == "-" ? "sinter" : output).str() + ".reproducer.mlir";
  llvm::errs() << "error: the compiler failed and doesn't know why: this is a bug "
                  "in Sinter; please report it\n";
  if (writeModule(session.getModule(), reproducer, /*elide=*/false) == Good)
    llvm::errs() << "  note: the module as it was then is in " << reproducer << '\n';
  return Bug;
}

// Whether the name can be the prefix of the header's functions.
static bool isIdentifier(StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

int sinter::driver::compile(const CompileArguments &arguments) {
  Session session;
  CompileOptions options;
  Progress progress(arguments.quiet);
  options.progress = [&](StringRef name) { progress.phase(name); };
  if (!session.makeOptions(arguments, options))
    return WrongUsage;
  std::function<void(StringRef)> report = options.progress;
  auto stage = parseStage(arguments.emit);
  if (!stage)
    return fail("unknown stage " + arguments.emit, WrongUsage);

  std::string name = arguments.name.empty() ? modelName(arguments.model) : arguments.name;
  if (!isIdentifier(name))
    return fail("--name '" + name + "' is not a C identifier", WrongUsage);
  std::string output = arguments.output;
  bool text = *stage < Stage::Obj;
  if (output.empty()) {
    SmallString<128> path(llvm::sys::path::filename(arguments.model));
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

  progress.phase("import");
  if (!session.load(arguments))
    return ModelFault;
  ModuleOp module = session.getModule();
  auto at = getStage(module);
  if (at && *at > *stage)
    return fail("the module is at stage " + stringifyStage(*at) + ", past " + arguments.emit,
                WrongUsage);
  if (*stage <= Stage::KernelTiled) {
    if (failed(advance(module, *stage, options)))
      return failCompilation(session, output);
    return writeModule(module, output, arguments.elideConstants);
  }
  if (failed(advance(module, Stage::KernelTiled, options)))
    return failCompilation(session, output);
  std::string header = arguments.header;
  if (*stage == Stage::Lib) {
    if (header.empty()) {
      SmallString<128> path(output);
      llvm::sys::path::replace_extension(path, "h");
      header = std::string(path);
    }
    if (failed(emitHeader(module, name, header)))
      return failCompilation(session, output);
  }
  if (failed(emit(module, *stage, name, output, options))) {
    // A header without its library helps nobody.
    if (!header.empty())
      llvm::sys::fs::remove(header);
    return failCompilation(session, output);
  }
  return Good;
}
