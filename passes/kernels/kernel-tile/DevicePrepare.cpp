//===- DevicePrepare.cpp - the form that the device's schedules expect ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Device.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

/// A stage that copies all results of one that reduces, side by side.
static void copyResults(linalg::LinalgOp stage) {
  if (stage.getNumDpsInits() == 1)
    return copyBehind(stage);
  OpBuilder builder(stage->getContext());
  builder.setInsertionPointAfter(stage);
  unsigned rank = stage.getShape(stage.getDpsInitOperand(0)).size(), count = stage.getNumDpsInits();
  SmallVector<AffineMap> maps(2 * count, builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  auto copy = linalg::GenericOp::create(
      builder, stage.getLoc(), stage->getResultTypes(), stage->getResults(), stage.getDpsInits(),
      maps, kinds, [&](OpBuilder &builder, Location loc, ValueRange arguments) {
        linalg::YieldOp::create(builder, loc, arguments.take_front(count));
      });
  for (auto [old, copied] : llvm::zip(stage->getResults(), copy.getResults()))
    old.replaceUsesWithIf(copied, [&](OpOperand &use) {
      return use.getOwner() != copy && !isa<tensor::DimOp>(use.getOwner());
    });
}

/// Whether the results of a stage are those of the kernel from `first` on, in order.
static bool isYieldedWhole(Operation *stage, ValueRange yielded, unsigned first) {
  return first + stage->getNumResults() <= yielded.size() &&
         llvm::equal(stage->getResults(), yielded.slice(first, stage->getNumResults()));
}

void tile::prepareForDevice(kernel::FuncOp kernel) {
  simplifyBody(kernel);
  for (linalg::LinalgOp stage : kernel.getStages())
    if (stage.getNumReductionLoops() != 0)
      copyResults(stage);
  Operation *yield = kernel.getBody().front().getTerminator();
  OpBuilder builder(yield);
  llvm::SmallPtrSet<Operation *, 4> outputs;
  for (unsigned i = 0; i < yield->getNumOperands();) {
    Value value = yield->getOperand(i);
    auto stage = value.getDefiningOp<linalg::LinalgOp>();
    if (stage && !isa<linalg::FillOp>(stage) && isYieldedWhole(stage, yield->getOperands(), i) &&
        outputs.insert(stage).second) {
      i += stage->getNumResults();
      continue;
    }
    yield->setOperand(i, createCopy(builder, kernel.getLoc(), value, identityOf(value)));
    ++i;
  }
}
