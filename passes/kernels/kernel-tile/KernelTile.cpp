//===- KernelTile.cpp - chooses the schedule of each kernel ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/KernelTile.h"
#include "dialects/kernel/Fingerprint.h"
#include "passes/kernels/kernel-tile/Device.h"
#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace sinter {
#define GEN_PASS_DEF_KERNELTILE
#include "passes/kernels/kernel-tile/KernelTile.h.inc"
} // namespace sinter

using namespace mlir;
using namespace sinter;

void sinter::tileKernel(kernel::FuncOp kernel, const Target &target, Choices &choices) {
  if (target.device && tile::tileForDevice(kernel, target, choices))
    return;
  tile::prepare(kernel, target);
  tile::joinOutputs(kernel);
  if (kernel.getStages().empty())
    return;
  tile::Model model(kernel, target, choices);
  if (!tile::scheduleWinograd(model) && !tile::scheduleStrassen(model) &&
      !tile::scheduleAttention(model) && !tile::scheduleRegisterTile(model))
    tile::scheduleRows(model);
}

/// Whether some stage has a loop of no iterations: there is nothing to schedule.
static bool walksNothing(kernel::FuncOp kernel) {
  return llvm::any_of(kernel.getStages(), [](linalg::LinalgOp stage) {
    return llvm::is_contained(stage.getStaticLoopRanges(), 0);
  });
}

namespace {
struct KernelTilePass : sinter::impl::KernelTileBase<KernelTilePass> {
  using KernelTileBase::KernelTileBase;
  KernelTilePass(const Target &description, Tuning *tuning)
      : description(description), described(true), tuning(tuning) {}

  void runOnOperation() override {
    if (!described) {
      std::string error;
      if (!lookupTarget(target, description, error)) {
        getOperation().emitError(error);
        return signalPassFailure();
      }
      described = true;
    }
    for (auto kernel : getOperation().getOps<kernel::FuncOp>())
      if (!kernel.hasSchedule() && !walksNothing(kernel)) {
        Choices untuned;
        Choices &choices = tuning ? (*tuning)[kernel::fingerprint(kernel)] : untuned;
        choices.forget();
        tileKernel(kernel, description, choices);
      }
  }

  Target description;
  bool described = false;
  Tuning *tuning = nullptr;
};
} // namespace

std::unique_ptr<Pass> sinter::createKernelTile(const Target &target, Tuning *tuning) {
  return std::make_unique<KernelTilePass>(target, tuning);
}
