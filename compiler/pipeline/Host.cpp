//===- Host.cpp - the host program to the LLVM dialect --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/Host.h"
#include "dialects/kernel/Kernel.h"
#include "dialects/nn/NN.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "passes/host/lower-calls/LowerCalls.h"
#include "passes/host/place-on-device/PlaceOnDevice.h"
#include "passes/host/plan-memory/PlanMemory.h"
#include "passes/host/profile-calls/ProfileCalls.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace sinter;

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

namespace {
/// A copy between layouts that aren't both contiguous becomes loops: upstream
/// would call a library function.
struct StridedCopy : OpRewritePattern<memref::CopyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(memref::CopyOp op, PatternRewriter &rewriter) const override {
    auto contiguous = [](Value value) {
      auto type = dyn_cast<MemRefType>(value.getType());
      return type && type.getLayout().isIdentity();
    };
    if (contiguous(op.getSource()) && contiguous(op.getTarget()))
      return rewriter.notifyMatchFailure(op, "a plain copy of bytes");
    linalg::makeMemRefCopyOp(rewriter, op.getLoc(), op.getSource(), op.getTarget());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerStridedCopiesPass : PassWrapper<LowerStridedCopiesPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerStridedCopiesPass)
  StringRef getArgument() const override { return "lower-strided-copies"; }
  StringRef getDescription() const override {
    return "memref.copy between strided layouts as linalg";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<linalg::LinalgDialect>();
  }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<StridedCopy>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void sinter::addHostPasses(PassManager &pm, bool device) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // No elimination of empty tensors: kernels take contiguous buffers, and it
  // would hand them strided views of larger ones.
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  bufferize.allowReturnAllocsFromLoops = true;
  bufferize.bufferAlignment = 64;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addPass(createCSEPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createPlaceOnDevice({device}));
  pm.addPass(createPlanMemory());
  pm.addPass(createLowerCalls());
  pm.addPass(std::make_unique<LowerStridedCopiesPass>());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  addLLVMPasses(pm);
}

void sinter::addLLVMPasses(PassManager &pm) {
  pm.addPass(memref::createExpandOpsPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

uint64_t sinter::addWeights(const nn::HostTensor &tensor, CollectedWeights &collected) {
  uint64_t size = tensor.getNumElements() * tensor.getElementBytes();
  ArrayRef<char> bytes(tensor.bytes(), size);
  uint64_t hash =
      llvm::xxh3_64bits(ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(bytes.data()), size));
  auto [entry, isNew] = collected.offsets.try_emplace({hash, size}, collected.bytes);
  if (isNew) {
    collected.weights.chunks.push_back({collected.bytes, bytes});
    collected.owners.push_back(tensor);
    collected.bytes = llvm::alignTo(collected.bytes + size, 64);
  }
  return entry->second;
}

void sinter::collectWeights(ModuleOp module, CollectedWeights &collected, int64_t smallest) {
  SymbolTableCollection tables;
  OpBuilder builder(module.getContext());
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i8 = builder.getI8Type();

  llvm::StringMap<uint64_t> places;
  for (auto global : llvm::make_early_inc_range(module.getOps<LLVM::GlobalOp>())) {
    auto value = dyn_cast_or_null<ElementsAttr>(global.getValueOrNull());
    if (!value || !global.getConstant() || isa<StringAttr>(value))
      continue;
    nn::HostTensor tensor = nn::HostTensor::fromAttribute(value);
    if (tensor.getNumElements() * tensor.getElementBytes() < smallest)
      continue;
    places[global.getSymName()] = addWeights(tensor, collected);
    global.erase();
  }
  if (places.empty())
    return;

  builder.setInsertionPointToStart(module.getBody());
  auto blob = LLVM::GlobalOp::create(builder, module.getLoc(), LLVM::LLVMArrayType::get(i8, 0),
                                     /*isConstant=*/true, LLVM::Linkage::External, "sinter_weights",
                                     Attribute(), /*alignment=*/64);
  blob.setVisibility_(LLVM::Visibility::Hidden);
  module.walk([&](LLVM::AddressOfOp address) {
    auto place = places.find(address.getGlobalName());
    if (place == places.end())
      return;
    builder.setInsertionPoint(address);
    Value base = LLVM::AddressOfOp::create(builder, address.getLoc(), pointer, "sinter_weights");
    LLVM::GEPArg offset(LLVM::ConstantOp::create(builder, address.getLoc(), builder.getI64Type(),
                                                 static_cast<int64_t>(place->second)));
    Value moved = LLVM::GEPOp::create(builder, address.getLoc(), pointer, i8, base, offset);
    address.replaceAllUsesWith(moved);
    address.erase();
  });
}

std::vector<ProfiledCall> sinter::getProfiledCalls(ModuleOp module) {
  std::vector<ProfiledCall> result;
  if (auto calls = module->getAttrOfType<ArrayAttr>(profileAttribute))
    for (auto call : calls.getAsRange<ArrayAttr>())
      result.push_back({cast<StringAttr>(call[0]).str(), cast<StringAttr>(call[1]).str()});
  return result;
}
