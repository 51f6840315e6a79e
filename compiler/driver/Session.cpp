//===- Session.cpp - one model from file to output ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Session.h"
#include "compiler/driver/TestFault.h"
#include "compiler/driver/Weights.h"
#include "compiler/import/description/Description.h"
#include "compiler/import/onnx/Importer.h"
#include "compiler/pipeline/KernelCache.h"
#include "compiler/pipeline/TuningFile.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/autodiff/nn-train-step/NNTrainStep.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <sys/resource.h>
#include <unistd.h>

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

static DialectRegistry &registry() {
  static DialectRegistry *registry = [] {
    auto *made = new DialectRegistry;
    registerAll(*made);
    return made;
  }();
  return *registry;
}

// "node 'conv1' (Conv)" from the location that the importer gave, or file:line.
static void printLocation(Location loc, raw_ostream &os) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    os << name.getName().getValue() << ": ";
    return;
  }
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    os << file.getFilename().getValue() << ':' << file.getLine() << ':' << file.getColumn() << ": ";
    return;
  }
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    if (!fused.getLocations().empty())
      printLocation(fused.getLocations().front(), os);
    return;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    printLocation(call.getCallee(), os);
}

Session::Session(bool threading)
    : context(registry(),
              threading ? MLIRContext::Threading::ENABLED : MLIRContext::Threading::DISABLED) {
  context.loadAllAvailableDialects();
  context.printOpOnDiagnostic(false);
  handler = context.getDiagEngine().registerHandler([this](Diagnostic &diag) {
    std::string text;
    llvm::raw_string_ostream os(text);
    auto print = [&](Diagnostic &each) {
      switch (each.getSeverity()) {
      case DiagnosticSeverity::Error:
        os << "error: ";
        break;
      case DiagnosticSeverity::Warning:
        os << "warning: ";
        break;
      case DiagnosticSeverity::Note:
        os << "  note: ";
        break;
      case DiagnosticSeverity::Remark:
        os << "remark: ";
        break;
      }
      printLocation(each.getLocation(), os);
      os << each.str() << '\n';
    };
    anyError |= diag.getSeverity() == DiagnosticSeverity::Error;
    print(diag);
    for (Diagnostic &note : diag.getNotes())
      print(note);
    errors += text;
    if (!capture)
      llvm::errs() << text;
    return success();
  });
}

Session::~Session() { context.getDiagEngine().eraseHandler(handler); }

bool Session::load(const CompileArguments &arguments) {
  return read(arguments) && setAllWeights(arguments) && expectSizes(arguments) &&
         (!arguments.train || makeTrainStep(arguments));
}

bool Session::setAllWeights(const CompileArguments &arguments) {
  if (auto stage = getStage(*module); !arguments.weights.empty() && stage && *stage != Stage::NN) {
    emitError(module->getLoc()) << "--weights needs a model at stage nn, not "
                                << stringifyStage(*stage);
    return false;
  }
  return llvm::all_of(arguments.weights,
                      [&](const std::string &path) { return setWeights(*module, path); });
}

bool Session::makeTrainStep(const CompileArguments &arguments) {
  if (auto stage = getStage(*module); stage && *stage != Stage::NN) {
    emitError(module->getLoc()) << "--train needs a model at stage nn, not "
                                << stringifyStage(*stage);
    return false;
  }
  // What the command line leaves open, a description may say.
  auto described = (*module)->getAttrOfType<DictionaryAttr>("nn.compile");
  auto choose = [&](StringRef given, StringRef name, StringRef otherwise) {
    auto said = described ? described.getAs<StringAttr>(name) : StringAttr();
    return !given.empty() ? given.str() : said ? said.str() : otherwise.str();
  };
  NNTrainStepOptions options;
  options.loss = choose(arguments.loss, "loss", "sparse_categorical_crossentropy");
  options.optimizer = choose(arguments.optimizer, "optimizer", "adam");
  options.metrics = choose("", "metrics", "");
  (*module)->removeAttr("nn.compile");
  options.dataParallel = arguments.dataParallel;
  options.freeze.assign(arguments.freeze.begin(), arguments.freeze.end());
  PassManager pm(&context);
  pm.addPass(createNNTrainStep(options));
  return succeeded(pm.run(*module));
}

bool Session::read(const CompileArguments &arguments) {
  auto fail = [&](const Twine &message) {
    emitError(UnknownLoc::get(&context), message);
    return false;
  };
  description::ImportOptions described;
  described.seed = arguments.seed;
  described.isTraining = arguments.train;
  for (auto &[name, size] : arguments.dims)
    described.dims[name] = size;
  llvm::sys::fs::file_status status;
  if (description::lookupBuiltIn(arguments.model) && !llvm::sys::fs::exists(arguments.model)) {
    module = description::importBuiltIn(arguments.model, context, described);
    return static_cast<bool>(module);
  }
  if (std::error_code code = llvm::sys::fs::status(arguments.model, status)) {
    bool isName = !llvm::sys::path::has_extension(arguments.model);
    return fail("can't read " + arguments.model + ": " + code.message() +
                (isName ? "; sinter models lists those built in" : ""));
  }
  if (llvm::sys::fs::is_directory(status))
    return fail(arguments.model + " is a folder; give a model file");
  if (StringRef(arguments.model).ends_with(".mlir")) {
    if (!arguments.dims.empty())
      return fail("--dim is for ONNX models; in IR the dims are what they are");
    module = parseSourceFile<ModuleOp>(arguments.model, &context);
    if (module && !getStage(*module))
      if (Attribute stage = (*module)->getAttr("sinter.stage")) {
        std::string text;
        llvm::raw_string_ostream(text) << stage;
        return fail(arguments.model + ": " + text + " is no stage");
      }
    if (module && !getStage(*module))
      return fail(arguments.model + ": the module has no attribute sinter.stage; write it with "
                                    "sinter compile --emit=STAGE");
    return static_cast<bool>(module);
  }
  if (llvm::is_contained({".json", ".yaml", ".yml"}, llvm::sys::path::extension(arguments.model))) {
    module = description::importFile(arguments.model, context, described);
    return static_cast<bool>(module);
  }
  onnx_import::ImportOptions options;
  for (auto &[name, size] : arguments.dims)
    options.dims[name] = size;
  module = onnx_import::importOnnx(arguments.model, context, options);
  return static_cast<bool>(module);
}

/// Choices that were measured on another processor are not used, and not silently.
bool Session::readTuningFor(const Target &target, StringRef path) {
  std::string cpu, error;
  if (!readTuning(path, cpu, tuning, error)) {
    emitError(UnknownLoc::get(&context), error);
    return false;
  }
  if (cpu != target.cpu) {
    tuning.clear();
    emitWarning(UnknownLoc::get(&context))
        << path << " was measured on " << cpu << " and is not used for " << target.cpu
        << "; measure there with --tune";
  }
  return true;
}

// One target, or several of one architecture by comma.
bool Session::setTargets(StringRef names, CompileOptions &options) {
  SmallVector<StringRef> list;
  names.split(list, ',');
  auto fail = [&](const Twine &message) {
    emitError(UnknownLoc::get(&context), message);
    return false;
  };
  for (StringRef name : list) {
    Target target;
    std::string error;
    if (!lookupTarget(name.str(), target, error))
      return fail(error);
    if (name == list.front())
      options.target = target;
    else if (target.triple != options.target.triple)
      return fail("--target=" + names + ": one library holds code for one architecture, and '" +
                  name + "' is another than '" + list.front() + "'");
    else
      options.alternatives.push_back(target);
  }
  return true;
}

bool Session::makeOptions(const CompileArguments &arguments, CompileOptions &options) {
  if (!setTargets(arguments.target, options))
    return false;
  std::function<std::unique_ptr<Pass>()> fault;
  if (!arguments.testFault.empty() && !parseTestFault(arguments.testFault, fault)) {
    emitError(UnknownLoc::get(&context), "--test-fault " + arguments.testFault + " is none");
    return false;
  }
  if (arguments.checkpointing == "auto") {
    options.checkpointing = 0;
  } else if (!arguments.checkpointing.empty() &&
             (StringRef(arguments.checkpointing).getAsInteger(10, options.checkpointing) ||
              options.checkpointing < 2)) {
    emitError(UnknownLoc::get(&context))
        << "--checkpointing=" << arguments.checkpointing << ": give 2 segments or more, or auto";
    return false;
  }
  options.optLevel = arguments.optLevel;
  options.reference = arguments.codegen == "reference";
  options.strict = arguments.numerics == "strict";
  options.threads = arguments.threads;
  options.fuse = !arguments.noFuse;
  options.assignLayout = !arguments.noLayout;
  options.tuning = &tuning;
  // When tuning, the file is written; measuring goes on from what it says.
  if (!arguments.tuning.empty() &&
      (arguments.tune == 0 || llvm::sys::fs::exists(arguments.tuning)) &&
      !readTuningFor(options.target, arguments.tuning))
    return false;
  if (!arguments.noCache)
    options.cacheFolder =
        arguments.cacheFolder.empty() ? defaultCacheFolder() : arguments.cacheFolder;
  options.remarks = arguments.remarks;
  options.profile = arguments.profile;
  options.configurePasses = [arguments, fault](PassManager &pm) {
    if (fault)
      pm.addPass(fault());
    pm.enableVerifier(arguments.verifyEach);
    if (arguments.timing)
      pm.enableTiming();
    OpPrintingFlags flags;
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
    bool printing = arguments.printAfterAll || !arguments.printAfter.empty();
    if (printing) {
      pm.getContext()->disableMultithreading();
      pm.enableIRPrinting(
          /*shouldPrintBefore=*/nullptr,
          [arguments](Pass *pass, Operation *) {
            return arguments.printAfterAll || pass->getArgument() == arguments.printAfter;
          },
          /*printModuleScope=*/false, /*printAfterOnlyOnChange=*/true,
          /*printAfterOnlyOnFailure=*/false, llvm::errs(), flags);
    } else if (!arguments.printTreeDir.empty()) {
      pm.getContext()->disableMultithreading();
      pm.enableIRPrintingToFileTree(
          /*shouldPrintBefore=*/nullptr, [](Pass *, Operation *) { return true; },
          /*printModuleScope=*/false, /*printAfterOnlyOnChange=*/true,
          /*printAfterOnlyOnFailure=*/false, arguments.printTreeDir, flags);
    }
  };
  return true;
}

std::string sinter::driver::modelName(const std::string &path) {
  std::string name = llvm::sys::path::stem(path).str();
  if (name == "model") {
    // model.onnx of a test case: the folder tells more.
    StringRef folder = llvm::sys::path::filename(llvm::sys::path::parent_path(path));
    if (!folder.empty() && folder != "." && folder != "..")
      name = folder.str();
  }
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name = "model_" + name;
  return name;
}

//===----------------------------------------------------------------------===//
// Progress
//===----------------------------------------------------------------------===//

Progress::Progress(bool quiet)
    : quiet(quiet), terminal(isatty(2)), start(std::chrono::steady_clock::now()) {}

void Progress::report(std::pair<unsigned, unsigned> kernels, raw_ostream &os) const {
  auto now = std::chrono::steady_clock::now();
  auto line = [&](StringRef name, std::chrono::steady_clock::duration time) {
    os << llvm::format("%9.3f s  ", std::chrono::duration<double>(time).count()) << name << '\n';
  };
  for (size_t i = 0; i < phases.size(); ++i)
    line(phases[i].first, (i + 1 < phases.size() ? phases[i + 1].second : now) - phases[i].second);
  line("all", now - start);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  os << llvm::formatv("kernels: {0} compiled, {1} from the cache; memory: {2} MiB\n",
                      kernels.second, kernels.first, usage.ru_maxrss / 1024);
}

void Progress::phase(llvm::StringRef name) {
  phases.emplace_back(name.str(), std::chrono::steady_clock::now());
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (quiet || (seconds < 2 && !terminal))
    return;
  if (terminal)
    llvm::errs() << "\r\033[K";
  llvm::errs() << llvm::format("[%5.1f s] ", seconds) << name;
  if (!terminal)
    llvm::errs() << '\n';
  shown = true;
}

Progress::~Progress() {
  if (shown && terminal)
    llvm::errs() << "\r\033[K";
}
