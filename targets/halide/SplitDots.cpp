//===- SplitDots.cpp - dot products in vectors of half the width ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide takes VNNI for a part of AVX-512, and its widest form where a tile has as many columns.
// AVX-VNNI has the narrower ones.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "llvm/Analysis/VectorUtils.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/IR/Module.h"

using namespace llvm;

void sinter::halide::splitDots(Module &module) {
  Function *wide = Intrinsic::getDeclarationIfExists(&module, Intrinsic::x86_avx512_vpdpbusd_512);
  if (!wide)
    return;
  Function *narrow = Intrinsic::getOrInsertDeclaration(&module, Intrinsic::x86_avx512_vpdpbusd_256);
  for (User *user : make_early_inc_range(wide->users())) {
    auto *call = cast<CallInst>(user);
    IRBuilder<> builder(call);
    Value *halves[2];
    for (unsigned half : {0, 1}) {
      SmallVector<Value *, 3> operands;
      for (Value *operand : call->args()) {
        unsigned lanes = cast<FixedVectorType>(operand->getType())->getNumElements() / 2;
        operands.push_back(builder.CreateShuffleVector(
            operand, createSequentialMask(half * lanes, lanes, /*NumUndefs=*/0)));
      }
      halves[half] = builder.CreateCall(narrow, operands);
    }
    call->replaceAllUsesWith(concatenateVectors(builder, halves));
    call->eraseFromParent();
  }
}
