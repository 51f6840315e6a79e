//===- KernelObject.cpp - one of Halide's kernels as an object ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/native/Internal.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

using namespace sinter;
using namespace sinter::native;

bool sinter::compileKernel(llvm::StringRef bitcode, llvm::StringRef symbol, const Target &target,
                           unsigned optLevel, std::string &object, std::string &error) {
  llvm::LLVMContext context;
  captureErrors(context, error);
  auto module = llvm::parseBitcodeFile(llvm::MemoryBufferRef(bitcode, symbol), context);
  if (!module) {
    error = "cannot read a kernel's bitcode: " + llvm::toString(module.takeError());
    return false;
  }
  auto machine = createTargetMachine(target, optLevel, error);
  if (!machine)
    return false;
  retarget(**module, *machine);
  honorNonFinite(**module);
  llvm::StringSet<> kept;
  kept.insert(symbol);
  keepOnly(**module, kept);
  llvm::SmallString<0> code;
  llvm::raw_svector_ostream os(code);
  if (!generateCode(**module, *machine, /*assembly=*/false, os, error))
    return false;
  object.assign(code.begin(), code.end());
  return true;
}
