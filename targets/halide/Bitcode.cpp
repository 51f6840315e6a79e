//===- Bitcode.cpp - Halide's bitcode, made ready for LLVM 22 -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide compiles with strict_float, so that neither it nor LLVM 14 reasons from the absence of
// NaNs. What strict_float forbids and Sinter allows is given back here: multiplication and addition
// may contract to FMA.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

std::string sinter::halide::finishBitcode(StringRef bitcode, StringRef symbol, std::string &error) {
  LLVMContext context;
  Expected<std::unique_ptr<Module>> parsed =
      parseBitcodeFile(MemoryBufferRef(bitcode, symbol), context);
  if (!parsed) {
    error = "Halide's bitcode cannot be read: " + toString(parsed.takeError());
    return {};
  }
  Module &module = **parsed;
  // The argv variant and the metadata are for Halide's own tools.
  for (const char *suffix : {"_argv", "_metadata"})
    if (Function *function = module.getFunction((symbol + suffix).str());
        function && function->use_empty())
      function->eraseFromParent();
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (isa<FPMathOperator>(instruction)) {
        instruction.setHasNoNaNs(false);
        instruction.setHasNoInfs(false);
        instruction.setHasAllowContract(true);
      }
  std::string result;
  raw_string_ostream os(result);
  WriteBitcodeToFile(module, os);
  return result;
}
