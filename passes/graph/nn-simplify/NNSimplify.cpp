//===- NNSimplify.cpp - the pass ------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-simplify/NNSimplify.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/graph/nn-fold-constants/NNFoldConstants.h"
#include "passes/graph/nn-infer-shapes/NNInferShapes.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNSIMPLIFY
#include "passes/graph/nn-simplify/NNSimplify.h.inc"
} // namespace sinter

namespace {
struct NNSimplifyPass : sinter::impl::NNSimplifyBase<NNSimplifyPass> {
  using NNSimplifyBase::NNSimplifyBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet owned(context);
    for (RegisteredOperationName name : context->getRegisteredOperations())
      if (name.getDialectNamespace() == nn::NNDialect::getDialectNamespace())
        name.getCanonicalizationPatterns(owned, context);
    populateInlineBranchesPatterns(owned);
    populateFoldAffinePatterns(owned);
    populateSimplifyArithmeticPatterns(owned);
    populateSimplifyWindowsPatterns(owned);
    populateSimplifyConcatPatterns(owned);
    populateSimplifyGatherPatterns(owned);
    populateSimplifyPadsPatterns(owned);
    populateSimplifyMatMulPatterns(owned);
    populateRecognizeLayersPatterns(owned);
    patterns = std::move(owned);
    return success();
  }

  void runOnOperation() override {
    WalkResult result = getOperation()->walk([&](func::FuncOp function) {
      return function.isExternal() || succeeded(simplify(function)) ? WalkResult::advance()
                                                                    : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult simplify(func::FuncOp function) {
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    constexpr int64_t small = 1 << 16; // not worth the room before the first run
    bool isPrepared = leaveGrowth && function.getName() == "main" &&
                      !function->getParentOp()->hasAttr("nn.training");
    int64_t limit = isPrepared ? std::min<int64_t>(small, maxConstantBytes) : maxConstantBytes;
    for (int64_t round = 0; round < maxRounds; ++round) {
      bool changed = refineShapes(function);
      changed |= foldConstants(function, limit);
      bool rewritten = false;
      if (failed(applyPatternsGreedily(function, patterns, config, &rewritten)))
        return function.emitError("nn-simplify: the patterns find no end; this is a bug in Sinter");
      updateResultTypes(function);
      DominanceInfo dominance(function);
      IRRewriter rewriter(function.getContext());
      bool joined = false;
      eliminateCommonSubExpressions(rewriter, dominance, function, &joined);
      // What is joined changes nothing that the next round could use by itself,
      // but equal operands may.
      if (!changed && !rewritten && !joined)
        break;
    }
    return success();
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
