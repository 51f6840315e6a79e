//===- KernelCheck.cpp - both roads, compared and measured ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a module of kernels, chooses schedules, compiles each by Halide and as plain loops, runs
// both on the same random data and compares. Attributes on a kernel.func say how:
//   check.sizes = [{m = 3, k = 17}, ...]   one run for each; sizes of named dynamic dimensions
//   check.dims = ["m", ""]      on an argument or result: the names of its dimensions
//   check.range = [low, high]   on an argument: its values; else [-1, 1], integers [-8, 8]
//   check.special               on an argument: some values are NaN, infinite or zero
//   check.tolerance = 1e-4      relative to the largest value of the output; else 1e-5
//   check.flops = 123           for --bench
//
//===----------------------------------------------------------------------===//

#include "Array.h"
#include "Jit.h"
#include "dialects/kernel/Buffers.h"
#include "dialects/kernel/Kernel.h"
#include "passes/kernels/kernel-tile/KernelTile.h"
#include "passes/kernels/lower-reference/LowerReference.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"

#include <chrono>
#include <cmath>

using namespace mlir;
using namespace sinter;
namespace cl = llvm::cl;

static cl::opt<std::string> input(cl::Positional, cl::init("-"));
static cl::opt<std::string> targetName("target", cl::init("host"));
static cl::opt<bool> keepSchedule("keep-schedule", cl::desc("Take the schedules that are there"));
static cl::opt<bool> candidates("candidates",
                                cl::desc("Take every candidate of every decision of a schedule"));
static cl::opt<bool> bench("bench", cl::desc("Measure Halide's road"));
static cl::opt<bool> noCheck("no-check", cl::desc("Do not run the reference road"));
static cl::opt<bool> tileOnly("tile-only",
                              cl::desc("Print the kernels with their schedules and stop"));
static cl::opt<bool> printTiled("print-tiled"), printLoops("print-loops"), printAsm("print-asm");
static cl::opt<bool> asmOnly("asm-only",
                             cl::desc("Print assembly and stop: for other processors, too"));
static cl::opt<bool> allowFallback("allow-fallback",
                                   cl::desc("A kernel without Halide is no error"));
static cl::opt<double> benchSeconds("bench-seconds", cl::init(0.5));
static cl::opt<int> defaultSize("default-size", cl::init(5),
                                cl::desc("Of dynamic dimensions without a name"));

/// Calls (context, descriptors or scalars...).
static void call(void *function, const std::vector<void *> &a) {
  using P = void *;
  auto at = [&](size_t i) { return i < a.size() ? a[i] : nullptr; };
  // Surplus arguments do no harm in C's calling convention.
  reinterpret_cast<void (*)(P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P)>(function)(
      at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10), at(11), at(12),
      at(13), at(14), at(15));
}

static DictionaryAttr attributesOf(ArrayAttr list, size_t i) {
  return list ? cast<DictionaryAttr>(list[i]) : DictionaryAttr();
}

static void *find(llvm::orc::LLJIT &jit, StringRef name) {
  auto symbol = jit.lookup(("_mlir_ciface_" + name).str());
  if (!symbol) {
    llvm::errs() << "kernel-check: " << llvm::toString(symbol.takeError()) << '\n';
    std::exit(3);
  }
  return symbol->toPtr<void *>();
}

/// Whether `actual` agrees with `expected`; says where not.
static bool compare(StringRef kernel, unsigned output, const Array &actual, const Array &expected,
                    double tolerance) {
  if (!actual.guardIntact() || !expected.guardIntact()) {
    llvm::outs() << "FAIL " << kernel << " result " << output << ": writes outside of the result\n";
    return false;
  }
  double largest = 0;
  for (int64_t i = 0; i < expected.elements; ++i)
    if (double value = std::fabs(expected.get(i)); std::isfinite(value))
      largest = std::max(largest, value);
  bool exact = !isa<FloatType>(expected.type.getElementType());
  int64_t wrong = 0, first = -1;
  for (int64_t i = 0; i < expected.elements; ++i) {
    double a = actual.get(i), e = expected.get(i);
    bool same = std::isnan(e)            ? std::isnan(a)
                : std::isinf(e) || exact ? a == e
                                         : std::fabs(a - e) <= tolerance * (largest + std::fabs(e));
    if (!same && wrong++ == 0)
      first = i;
  }
  if (wrong != 0)
    llvm::outs() << "FAIL " << kernel << " result " << output << ": " << wrong << " of "
                 << expected.elements << " differ, first at " << first << ": expected "
                 << expected.get(first) << ", got " << actual.get(first) << "\n";
  return wrong == 0;
}

/// What the kernel says, or two operations for each step of its static reductions.
static double flopsOf(kernel::FuncOp kernel) {
  if (auto flops = kernel->getAttrOfType<IntegerAttr>("check.flops"))
    return flops.getInt();
  double flops = 0;
  for (linalg::LinalgOp stage : kernel.getStages()) {
    double steps = stage.getNumReductionLoops() != 0 ? 2 : 0;
    for (int64_t extent : stage.getStaticLoopRanges())
      steps *= ShapedType::isDynamic(extent) ? int64_t(defaultSize) : extent;
    flops += steps;
  }
  return flops;
}

static double measure(void *function, const std::vector<void *> &arguments) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  Clock::time_point begin = Clock::now();
  for (int runs = 0;
       runs < 5 || std::chrono::duration<double>(Clock::now() - begin).count() < benchSeconds;
       ++runs) {
    Clock::time_point start = Clock::now();
    call(function, arguments);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

static bool runKernel(kernel::FuncOp kernel, llvm::orc::LLJIT &halide, llvm::orc::LLJIT *reference,
                      const Sizes &sizes, StringRef label) {
  std::string name = kernel.getSymName().str();
  std::mt19937 engine(1);
  std::vector<std::unique_ptr<Array>> inputs, actual, expected;
  std::vector<void *> halideArguments = {nullptr}, referenceArguments = {nullptr};
  auto both = [&](void *argument) {
    halideArguments.push_back(argument);
    referenceArguments.push_back(argument);
  };
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    DictionaryAttr attributes = attributesOf(kernel.getArgAttrsAttr(), i);
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      inputs.push_back(std::make_unique<Array>(tensor, attributes, sizes, defaultSize));
      inputs.back()->randomize(engine, attributes);
      both(inputs.back()->descriptor.data());
      continue;
    }
    int64_t value = 3;
    if (auto names = attributes ? attributes.getAs<StringAttr>("check.size") : StringAttr())
      if (auto found = sizes.find(names.str()); found != sizes.end())
        value = found->second;
    both(reinterpret_cast<void *>(value));
  }
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes())) {
    DictionaryAttr attributes = attributesOf(kernel.getResAttrsAttr(), i);
    for (auto [list, arguments] :
         {std::pair(&actual, &halideArguments), std::pair(&expected, &referenceArguments)}) {
      list->push_back(std::make_unique<Array>(cast<RankedTensorType>(type), attributes, sizes,
                                              defaultSize, kernel::getResultStrides(kernel, i)));
      arguments->push_back(list->back()->descriptor.data());
    }
  }
  void *function = find(halide, name);
  call(function, halideArguments);
  bool good = true;
  if (reference) {
    call(find(*reference, name), referenceArguments);
    double tolerance = 1e-5;
    if (auto given = kernel->getAttrOfType<FloatAttr>("check.tolerance"))
      tolerance = given.getValueAsDouble();
    for (auto [i, a, e] : llvm::enumerate(actual, expected))
      good &= compare((name + label).str(), i, *a, *e, tolerance);
  }
  if (bench) {
    double seconds = measure(function, halideArguments);
    double bytes = 0;
    for (auto *list : {&inputs, &actual})
      for (auto &array : *list)
        bytes += array->bytes;
    llvm::outs() << llvm::format("%-44s %10.2f us", (name + label).str().c_str(), seconds * 1e6);
    if (double flops = flopsOf(kernel))
      llvm::outs() << llvm::format("  %7.1f GFLOP/s", flops / seconds * 1e-9);
    llvm::outs() << llvm::format("  %6.1f GB/s\n", bytes / seconds * 1e-9);
  } else if (good) {
    llvm::outs() << "PASS " << name << label << "\n";
  }
  llvm::outs().flush();
  return good;
}

/// Adds a copy of each kernel for each candidate of its schedule that is not the scheduler's own,
/// with an attribute that says which.
static void addCandidates(ModuleOp module, const Target &target) {
  for (auto kernel : llvm::to_vector(module.getOps<kernel::FuncOp>())) {
    Choices choices;
    OwningOpRef<kernel::FuncOp> probe = kernel.clone();
    tileKernel(*probe, target, choices);
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    for (const Choices::Decision &decision : choices.getDecisions())
      for (const std::string &candidate : ArrayRef(decision.candidates).drop_front()) {
        auto copy = cast<kernel::FuncOp>(builder.clone(*kernel));
        copy.setSymName((kernel.getSymName() + "/" + decision.name + "/" + candidate).str());
        copy->setAttr("check.choice", builder.getStrArrayAttr({decision.name, candidate}));
      }
  }
}

/// Schedules the copies that addCandidates has made.
static void tileCandidates(ModuleOp module, const Target &target) {
  for (auto kernel : module.getOps<kernel::FuncOp>())
    if (auto choice = kernel->getAttrOfType<ArrayAttr>("check.choice")) {
      Choices choices;
      choices.fix(cast<StringAttr>(choice[0]).getValue(), cast<StringAttr>(choice[1]).getValue());
      tileKernel(kernel, target, choices);
    }
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "compares and measures kernels\n");
  DialectRegistry registry;
  registry.insert<kernel::KernelDialect, affine::AffineDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, cf::ControlFlowDialect, func::FuncDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect>();
  registerReferenceInterfaces(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  context.allowUnregisteredDialects();

  Target target;
  std::string error;
  if (!lookupTarget(targetName, target, error)) {
    llvm::errs() << "kernel-check: " << error << '\n';
    return 2;
  }
  context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
    llvm::errs() << diagnostic << '\n'; // remarks too
    return success();
  });
  auto module = parseSourceFile<ModuleOp>(input, &context);
  if (!module)
    return 1;
  // The host program is not run here.
  for (Operation &op : llvm::make_early_inc_range(*module->getBody()))
    if (!isa<kernel::FuncOp>(op))
      op.erase();
  if (candidates)
    addCandidates(*module, target);
  OwningOpRef<ModuleOp> plain = module->clone(), tiled = module->clone();
  if (!keepSchedule) {
    tileCandidates(*tiled, target);
    PassManager pm(&context);
    pm.addPass(createKernelTile(target));
    if (failed(pm.run(*tiled)))
      return 3;
  }
  if (printTiled || tileOnly)
    tiled->print(llvm::outs());
  if (tileOnly)
    return 0;
  std::string text;
  if (printLoops && succeeded(printHalideLoops(*tiled, target, text)))
    llvm::outs() << text;
  auto start = std::chrono::steady_clock::now();
  std::vector<KernelCode> kernels;
  if (failed(lowerKernelsToHalide(*tiled, target, 1, kernels)))
    return 3;
  if (bench)
    llvm::outs() << llvm::format(
        "Halide took %.0f ms\n",
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() * 1e3);
  if (printAsm || asmOnly)
    printAssembly(kernels, target);
  if (asmOnly)
    return 0;
  bool fallback = !tiled->getOps<kernel::FuncOp>().empty();
  for (auto left : tiled->getOps<kernel::FuncOp>())
    llvm::outs() << (allowFallback ? "NOTE " : "FAIL ") << left.getSymName()
                 << " is not Halide's\n";
  PassManager reference(&context);
  reference.addPass(createLowerKernelsReference());
  if (failed(reference.run(*tiled)))
    return 3;
  auto halide = compileForHost(*tiled, kernels, target);
  std::unique_ptr<llvm::orc::LLJIT> loops;
  if (!noCheck) {
    if (failed(reference.run(*plain)))
      return 3;
    loops = compileForHost(*plain, {}, target);
  }
  if (!halide || (!noCheck && !loops))
    return 3;
  bool good = allowFallback || !fallback;
  for (auto kernel : module->getOps<kernel::FuncOp>()) {
    auto runs = kernel->getAttrOfType<ArrayAttr>("check.sizes");
    if (!runs) {
      good &= runKernel(kernel, *halide, loops.get(), {}, "");
      continue;
    }
    for (auto run : runs.getAsRange<DictionaryAttr>()) {
      Sizes sizes;
      std::string label;
      for (NamedAttribute size : run) {
        sizes[size.getName().str()] = cast<IntegerAttr>(size.getValue()).getInt();
        label +=
            (" " + size.getName().getValue() + "=" + std::to_string(sizes[size.getName().str()]))
                .str();
      }
      good &= runKernel(kernel, *halide, loops.get(), sizes, label);
    }
  }
  return good ? 0 : 1;
}
