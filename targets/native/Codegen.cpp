//===- Codegen.cpp - LLVM's optimiser and code generator ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/native/Internal.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace sinter;
using namespace sinter::native;

std::unique_ptr<llvm::TargetMachine>
native::createTargetMachine(const Target &target, unsigned optLevel, std::string &error) {
  initializeCodeGenerators();
  llvm::Triple triple(target.triple);
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return nullptr;
  llvm::TargetOptions options;
  // The linker drops what is not used; `contract` flags alone allow FMA.
  options.FunctionSections = true;
  options.DataSections = true;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  auto level = llvm::CodeGenOpt::getLevel(int(std::min(optLevel, 3u)));
  std::unique_ptr<llvm::TargetMachine> machine(
      found->createTargetMachine(triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
                                 llvm::CodeModel::Small, *level));
  if (!machine)
    error = "LLVM has no code generator for '" + target.triple + "'";
  return machine;
}

void native::retarget(llvm::Module &module, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  module.setModuleFlag(llvm::Module::Min, "PIC Level", llvm::PICLevel::BigPIC);
  for (llvm::Function &function : module) {
    for (const char *name :
         {"target-cpu", "target-features", "tune-cpu", "prefer-vector-width",
          "min-legal-vector-width", "frame-pointer", "no-nans-fp-math", "no-infs-fp-math",
          "no-signed-zeros-fp-math", "unsafe-fp-math", "approx-func-fp-math", "use-soft-float"})
      function.removeFnAttr(name);
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("reciprocal-estimates", "none");
    if (!machine.getTargetFeatureString().empty())
      function.addFnAttr("target-features", machine.getTargetFeatureString());
  }
}

void native::honorNonFinite(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (llvm::isa<llvm::FPMathOperator>(instruction)) {
        instruction.setHasNoNaNs(false);
        instruction.setHasNoInfs(false);
        instruction.setHasApproxFunc(false);
      }
}

void native::keepOnly(llvm::Module &module, const llvm::StringSet<> &names) {
  llvm::internalizeModule(
      module, [&](const llvm::GlobalValue &value) { return names.contains(value.getName()); });
  llvm::ModuleAnalysisManager analyses;
  llvm::GlobalDCEPass().run(module, analyses);
}

void native::optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = optLevel > 1;
  tuning.LoopUnrolling = optLevel > 1;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1, llvm::OptimizationLevel::O2,
      llvm::OptimizationLevel::O3};
  llvm::OptimizationLevel level = levels[std::min(optLevel, 3u)];
  llvm::ModulePassManager passes = optLevel == 0 ? builder.buildO0DefaultPipeline(level)
                                                 : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

bool native::generateCode(llvm::Module &module, llvm::TargetMachine &machine, bool assembly,
                          llvm::raw_pwrite_stream &os, std::string &error) {
  llvm::legacy::PassManager passes;
  llvm::TargetLibraryInfoImpl libraryInfo(machine.getTargetTriple());
  passes.add(new llvm::TargetLibraryInfoWrapperPass(libraryInfo));
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  assembly ? llvm::CodeGenFileType::AssemblyFile
                                           : llvm::CodeGenFileType::ObjectFile,
                                  /*DisableVerify=*/true)) {
    error = "LLVM's code generator for '" + machine.getTargetTriple().str() +
            "' cannot write this output";
    return false;
  }
  passes.run(module);
  return error.empty();
}

namespace {

struct ErrorCapture : llvm::DiagnosticHandler {
  explicit ErrorCapture(std::string &error) : error(error) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() == llvm::DS_Error && error.empty()) {
      llvm::raw_string_ostream os(error);
      llvm::DiagnosticPrinterRawOStream printer(os);
      info.print(printer);
    }
    return true; // warnings and remarks are not for the model's author
  }
  std::string &error;
};

} // namespace

void native::captureErrors(llvm::LLVMContext &context, std::string &error) {
  context.setDiagnosticHandler(std::make_unique<ErrorCapture>(error));
}
