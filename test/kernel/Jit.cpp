//===- Jit.cpp - runs lowered kernels in this process ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands in for the runtime too: allocation is malloc's, parallel loops run one iteration after
// another.
//
//===----------------------------------------------------------------------===//

#include "Jit.h"

#include "Device.h"
#include "compiler/pipeline/Host.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

#include <cmath>
#include <cstdlib>

using namespace mlir;
using namespace sinter;

extern "C" {
static void *checkMalloc(void *, size_t bytes) {
  return std::aligned_alloc(128, (bytes + 255) / 128 * 128);
}
static void checkFree(void *, void *pointer) { std::free(pointer); }
static void *checkAlloc(void *, int64_t bytes) {
  return std::aligned_alloc(64, (bytes + 127) / 64 * 64);
}
static int checkParFor(void *context, int (*body)(void *, int, uint8_t *), int min, int size,
                       uint8_t *closure) {
  for (int i = min; i < min + size; ++i)
    body(context, i, closure);
  return 0;
}
}

static LogicalResult lowerToLLVM(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>())
    if (!func.isDeclaration()) {
      func.setPublic();
      func->setAttr("llvm.emit_c_interface", UnitAttr::get(module.getContext()));
    }
  PassManager pm(module.getContext());
  addLLVMPasses(pm);
  return pm.run(module);
}

static void retarget(llvm::Module &module, const Target &target) {
  for (llvm::Function &function : module) {
    function.removeFnAttr("target-cpu");
    function.removeFnAttr("target-features");
    function.removeFnAttr("tune-cpu");
    function.removeFnAttr("reciprocal-estimates");
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
  }
}

template <typename T>
static T check(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  llvm::errs() << "kernel-check: " << llvm::toString(value.takeError()) << '\n';
  std::exit(3);
}

static void check(llvm::Error error) {
  if (!error)
    return;
  llvm::errs() << "kernel-check: " << llvm::toString(std::move(error)) << '\n';
  std::exit(3);
}

static void initialize() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
}

std::unique_ptr<llvm::orc::LLJIT> sinter::compileForHost(ModuleOp module,
                                                         const std::vector<KernelCode> &kernels,
                                                         const Target &target) {
  initialize();
  if (failed(lowerToLLVM(module)))
    return nullptr;
  auto jit = check(llvm::orc::LLJITBuilder().create());
  // `make` builds a part in the context that it is given.
  auto add = [&](llvm::function_ref<std::unique_ptr<llvm::Module>(llvm::LLVMContext &)> make) {
    auto context = std::make_unique<llvm::LLVMContext>();
    std::unique_ptr<llvm::Module> part = make(*context);
    if (!part)
      return false;
    part->setDataLayout(jit->getDataLayout());
    part->setTargetTriple(jit->getTargetTriple());
    retarget(*part, target);
    check(jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(part), std::move(context))));
    return true;
  };
  if (!add([&](llvm::LLVMContext &context) { return translateModuleToLLVMIR(module, context); }))
    return nullptr;
  for (const KernelCode &kernel : kernels)
    add([&](llvm::LLVMContext &context) {
      llvm::MemoryBufferRef bitcode(kernel.bitcode, kernel.name);
      return check(llvm::parseBitcodeFile(bitcode, context));
    });
  llvm::orc::SymbolMap symbols;
  auto define = [&](const char *name, void *address) {
    symbols[jit->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                                           llvm::JITSymbolFlags::Exported};
  };
  define("halide_malloc", reinterpret_cast<void *>(checkMalloc));
  define("halide_free", reinterpret_cast<void *>(checkFree));
  define("halide_do_par_for", reinterpret_cast<void *>(checkParFor));
  define("sinter_rt_alloc", reinterpret_cast<void *>(checkAlloc));
  for (auto [name, address] : openclFunctions())
    define(name, address);
  check(jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(symbols)));
  return jit;
}

void sinter::printAssembly(const std::vector<KernelCode> &kernels, const Target &target) {
  initializeCodeGenerators();
  for (const KernelCode &kernel : kernels) {
    llvm::LLVMContext context;
    auto module =
        check(llvm::parseBitcodeFile(llvm::MemoryBufferRef(kernel.bitcode, kernel.name), context));
    std::string error;
    llvm::Triple triple(target.triple);
    const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
    std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
        triple, target.cpu, target.features, llvm::TargetOptions(), llvm::Reloc::PIC_));
    retarget(*module, target);
    module->setDataLayout(machine->createDataLayout());
    llvm::SmallString<0> text;
    llvm::raw_svector_ostream os(text);
    llvm::legacy::PassManager passes;
    machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::AssemblyFile);
    passes.run(*module);
    llvm::outs() << text;
  }
}
