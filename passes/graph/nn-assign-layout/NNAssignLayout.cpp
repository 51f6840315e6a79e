//===- NNAssignLayout.cpp - the pass --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "dialects/nn/NN.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNASSIGNLAYOUT
#include "passes/graph/nn-assign-layout/NNAssignLayout.h.inc"
} // namespace sinter

namespace {
struct NNAssignLayoutPass : sinter::impl::NNAssignLayoutBase<NNAssignLayoutPass> {
  using NNAssignLayoutBase::NNAssignLayoutBase;

  void runOnOperation() override {
    auto run = [&](auto populate) {
      RewritePatternSet patterns(&getContext());
      populate(patterns);
      return applyPatternsGreedily(getOperation(), std::move(patterns));
    };
    if (dotFactors != DotFactors::None && failed(run([&](RewritePatternSet &patterns) {
          populateNarrowProductPatterns(patterns, dotFactors == DotFactors::Unsigned);
        })))
      return signalPassFailure();
    if (failed(run([](RewritePatternSet &patterns) { populateChannelsLastPatterns(patterns); })) ||
        failed(run([](RewritePatternSet &patterns) { populateSinkTransposePatterns(patterns); })))
      return signalPassFailure();
    if (!pack)
      return;
    if (failed(run([](RewritePatternSet &patterns) { populateSplitProductPatterns(patterns); })) ||
        failed(run([&](RewritePatternSet &patterns) {
          // 64-byte vectors of which only one begins in a cycle go through units of half the width.
          populatePackWeightsPatterns(patterns, {vector, vector == 16 && fmaPerCycle <= 1});
          if (!fewerProducts)
            return;
          AlgorithmOptions options{vector, fmaPerCycle, memoryBandwidth};
          populatePackWinogradPatterns(patterns, options);
          populatePackStrassenPatterns(patterns, options);
          populateSinkRowsPatterns(patterns);
        })))
      return signalPassFailure();
  }
};
} // namespace
