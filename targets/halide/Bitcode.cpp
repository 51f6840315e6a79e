//===- Bitcode.cpp - Halide's bitcode, made ready for LLVM 22 -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide compiles with strict_float, so that neither it nor LLVM 14 reasons from the absence of
// NaNs. What strict_float forbids and Sinter allows is given back here: multiplication and addition
// of one op of the model may contract to FMA.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "dialects/kernel/Buffers.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;
using namespace llvm::PatternMatch;

/// Whether each lane is a call of `minusZero`, or what a call became, or nothing.
static bool isMark(Value *value, const Function &minusZero) {
  if (auto *call = dyn_cast<CallInst>(value))
    return call->getCalledFunction() == &minusZero;
  if (isa<Constant>(value))
    return isa<UndefValue>(value) || match(value, m_NegZeroFP());
  if (auto *insert = dyn_cast<InsertElementInst>(value))
    return isMark(insert->getOperand(0), minusZero) && isMark(insert->getOperand(1), minusZero);
  auto *shuffle = dyn_cast<ShuffleVectorInst>(value);
  if (!shuffle)
    return false;
  int lanes = cast<FixedVectorType>(shuffle->getOperand(0)->getType())->getNumElements();
  for (unsigned side : {0, 1}) {
    bool isRead = any_of(shuffle->getShuffleMask(),
                         [&](int lane) { return lane >= 0 && (lane >= lanes) == (side == 1); });
    if (isRead && !isMark(shuffle->getOperand(side), minusZero))
      return false;
  }
  return true;
}

/// Takes the calls of `minusZero` out, and the right to contract from the sums that they stand in
/// for. Where LLVM 14 put sums side by side of which some are with a mark and some with a number,
/// the marks stay as zeros.
static void removeMarks(Function &minusZero) {
  Constant *zero = ConstantFP::getNegativeZero(minusZero.getReturnType());
  for (User *user : make_early_inc_range(minusZero.users())) {
    auto *call = cast<CallInst>(user);
    // The calls themselves, and vectors of them.
    SmallVector<Instruction *> marks = {call};
    for (size_t i = 0; i < marks.size(); ++i)
      for (User *next : marks[i]->users())
        if (isa<InsertElementInst, ShuffleVectorInst>(next))
          marks.push_back(cast<Instruction>(next));
    for (Instruction *mark : marks)
      for (User *next : make_early_inc_range(mark->users())) {
        Value *product;
        if (!match(next, m_c_FAdd(m_Value(product), m_Specific(mark))))
          continue;
        if (auto *multiply = dyn_cast<Instruction>(product);
            multiply && match(multiply, m_FMul(m_Value(), m_Value())))
          multiply->setHasAllowContract(false);
        for (User *sum : next->users())
          if (match(sum, m_CombineOr(m_FAdd(m_Value(), m_Value()), m_FSub(m_Value(), m_Value()))))
            cast<Instruction>(sum)->setHasAllowContract(false);
        auto *addition = cast<Instruction>(next);
        if (!isMark(mark, minusZero)) {
          addition->setHasAllowContract(false);
          continue;
        }
        addition->replaceAllUsesWith(product);
        addition->eraseFromParent();
      }
    call->replaceAllUsesWith(zero);
    call->eraseFromParent();
  }
  minusZero.eraseFromParent();
}

/// Whether a value tells if `number` is a NaN, by its bits: ScalarOps' isNaN.
static bool isTestForNaN(Value *test, Value *number) {
  CmpPredicate predicate;
  const APInt *mask, *infinity;
  if (!match(test, m_ICmp(predicate, m_And(m_BitCast(m_Specific(number)), m_APInt(mask)),
                          m_APInt(infinity))))
    return false;
  const fltSemantics &semantics = number->getType()->getScalarType()->getFltSemantics();
  return (predicate == CmpInst::ICMP_SGT || predicate == CmpInst::ICMP_UGT) &&
         mask->isMaxSignedValue() && *infinity == APFloat::getInf(semantics).bitcastToAPInt();
}

/// `a < b || b is a NaN ? b : a` is one operation, which processors have or come near to; so is the
/// minimum. Signs of zeros are not told apart, as before.
static bool replaceByExtremum(Instruction &instruction) {
  Value *ordered, *test, *a, *b;
  auto *select = dyn_cast<SelectInst>(&instruction);
  if (!select || !select->getType()->isFPOrFPVectorTy() ||
      !match(select->getCondition(), m_LogicalOr(m_Value(ordered), m_Value(test))))
    return false;
  a = select->getFalseValue(), b = select->getTrueValue();
  if (!isTestForNaN(test, b))
    std::swap(ordered, test);
  auto *compare = dyn_cast<FCmpInst>(ordered);
  if (!compare || !isTestForNaN(test, b))
    return false;
  CmpInst::Predicate predicate = compare->getPredicate();
  if (compare->getOperand(0) == b && compare->getOperand(1) == a)
    predicate = CmpInst::getSwappedPredicate(predicate);
  else if (compare->getOperand(0) != a || compare->getOperand(1) != b)
    return false;
  if (predicate != CmpInst::FCMP_OLT && predicate != CmpInst::FCMP_OGT)
    return false;
  IRBuilder<> builder(select);
  FastMathFlags flags;
  flags.setNoSignedZeros(true);
  builder.setFastMathFlags(flags);
  select->replaceAllUsesWith(builder.CreateBinaryIntrinsic(
      predicate == CmpInst::FCMP_OLT ? Intrinsic::maximum : Intrinsic::minimum, b, a));
  return true;
}

void sinter::halide::finishBitcode(kernel::FuncOp kernel, const KernelRequest &request,
                                   KernelOutput &output) {
  StringRef symbol = request.symbol;
  LLVMContext context;
  Expected<std::unique_ptr<Module>> parsed =
      parseBitcodeFile(MemoryBufferRef(output.bitcode, symbol), context);
  if (!parsed) {
    output.error = "Halide's bitcode cannot be read: " + toString(parsed.takeError());
    return;
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
  for (Function &function : make_early_inc_range(module))
    if (function.getName().starts_with(minusZeroPrefix))
      removeMarks(function);
  for (Function &function : module) {
    SmallVector<WeakTrackingVH> replaced;
    for (Instruction &instruction : instructions(function))
      if (replaceByExtremum(instruction))
        replaced.push_back(&instruction);
    RecursivelyDeleteTriviallyDeadInstructionsPermissive(replaced);
  }
  if (request.vectorBytes < 64)
    splitDots(module);
  bool onDevice = kernel->hasAttr(deviceAttribute);
  if (onDevice) {
    finishDeviceCode(module);
    output.deviceCode = getDeviceCode(module);
  }
  addEntry(module, symbol, kernel::getBufferTypes(kernel), onDevice);
  std::string finished;
  raw_string_ostream os(finished);
  WriteBitcodeToFile(module, os);
  output.bitcode = std::move(finished);
}
