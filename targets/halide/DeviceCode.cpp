//===- DeviceCode.cpp - the code for a device inside the host's -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide's module holds the source or PTX of all launches of a kernel as one constant, and gives it
// to halide_opencl_initialize_kernels or halide_cuda_initialize_kernels with its size.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

using namespace llvm;

static GlobalVariable *findDeviceCode(Module &module) {
  for (GlobalVariable &global : module.globals())
    if (global.getName().contains("_gpu_source_kernels") && global.hasInitializer() &&
        isa<ConstantDataArray>(global.getInitializer()))
      return &global;
  return nullptr;
}

/// A comment for each launch that takes shared memory, of which the host says how much.
static std::string describeSharedMemory(const Module &module) {
  constexpr unsigned name = 2, sharedBytes = 9; // arguments
  std::string text;
  for (StringRef run : {"halide_opencl_run", "halide_cuda_run"}) {
    const Function *function = module.getFunction(run);
    if (!function)
      continue;
    for (const User *user : function->users()) {
      auto *call = cast<CallInst>(user);
      StringRef launch;
      auto *bytes = dyn_cast<ConstantInt>(call->getArgOperand(sharedBytes));
      if (bytes && !bytes->isZero() && getConstantStringInfo(call->getArgOperand(name), launch))
        text += ("// " + launch + ": " + Twine(bytes->getZExtValue()) + " bytes of shared memory\n")
                    .str();
    }
  }
  return text;
}

std::string sinter::halide::getDeviceCode(const Module &module) {
  GlobalVariable *code = findDeviceCode(const_cast<Module &>(module));
  if (!code)
    return {};
  return describeSharedMemory(module) +
         cast<ConstantDataArray>(code->getInitializer())->getRawDataValues().rtrim('\0').str();
}

/// Sums of products contract where the source says so, and nowhere else (DeviceMath).
static void forbidContraction(Module &module) {
  GlobalVariable *code = findDeviceCode(module);
  if (!code)
    return;
  StringRef source = cast<ConstantDataArray>(code->getInitializer())->getRawDataValues();
  constexpr StringRef comment = "/*", allowed = "#pragma OPENCL FP_CONTRACT ON\n",
                      forbidden = "#pragma OPENCL FP_CONTRACT OFF\n";
  size_t at = source.find(allowed);
  if (at == StringRef::npos || !source.starts_with(comment))
    return;
  // As long as before, as its size is an argument: the comment gives the letter.
  std::string changed = source.str();
  changed.replace(at, allowed.size(), forbidden);
  changed.erase(comment.size(), 1);
  code->setInitializer(ConstantDataArray::getString(module.getContext(), changed, false));
}

void sinter::halide::finishDeviceCode(Module &module) {
  // All buffers are where the kernel runs.
  if (Function *copy = module.getFunction("halide_copy_to_device")) {
    for (User *user : make_early_inc_range(copy->users())) {
      auto *call = cast<CallInst>(user);
      call->replaceAllUsesWith(ConstantInt::get(call->getType(), 0));
      call->eraseFromParent();
    }
    copy->eraseFromParent();
  }
  forbidContraction(module);
}
