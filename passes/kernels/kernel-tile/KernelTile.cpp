//===- KernelTile.cpp - chooses the schedule of each kernel ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/KernelTile.h"
#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace sinter {
#define GEN_PASS_DEF_KERNELTILE
#include "passes/kernels/kernel-tile/KernelTile.h.inc"
} // namespace sinter

using namespace mlir;
using namespace sinter;

void sinter::tileKernel(kernel::FuncOp kernel, const Target &target) {
  tile::prepare(kernel, target);
  if (kernel.getStages().empty())
    return;
  tile::Model model(kernel, target);
  if (!tile::scheduleRegisterTile(model))
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
  explicit KernelTilePass(const Target &description) : description(description), described(true) {}

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
      if (!kernel.hasSchedule() && !walksNothing(kernel))
        tileKernel(kernel, description);
  }

  Target description;
  bool described = false;
};
} // namespace

std::unique_ptr<Pass> sinter::createKernelTile(const Target &target) {
  return std::make_unique<KernelTilePass>(target);
}
