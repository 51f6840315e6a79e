//===- JoinOutputs.cpp - several results, one nest of loops ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What several results have in common, a convolution before some branches or the gates of a cell,
// is computed once for all of them if one last stage stores them side by side.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;

/// Whether two tensors of one type, made by tensor.empty, have the same dynamic sizes.
static bool haveSameSizes(Value a, Value b) {
  auto first = a.getDefiningOp<tensor::EmptyOp>(), second = b.getDefiningOp<tensor::EmptyOp>();
  return cast<RankedTensorType>(a.getType()).hasStaticShape() ||
         (first && second && llvm::equal(first.getDynamicSizes(), second.getDynamicSizes()));
}

void tile::joinOutputs(kernel::FuncOp kernel) {
  Operation *yield = kernel.getBody().front().getTerminator();
  if (yield->getNumOperands() < 2)
    return;
  SmallVector<Value> inits;
  llvm::SmallPtrSet<Operation *, 4> stages;
  for (Value value : yield->getOperands()) {
    auto stage = value.getDefiningOp<linalg::LinalgOp>();
    if (!stage || isa<linalg::FillOp>(stage) || stage.getNumReductionLoops() != 0 ||
        stage.getNumDpsInits() != 1 || !stages.insert(stage).second)
      return;
    Value init = stage.getDpsInits().front();
    auto type = cast<RankedTensorType>(init.getType());
    if (!inits.empty() &&
        (type.getShape() != cast<RankedTensorType>(inits.front().getType()).getShape() ||
         !haveSameSizes(init, inits.front())))
      return;
    inits.push_back(init);
  }
  OpBuilder builder(yield);
  unsigned rank = cast<RankedTensorType>(inits.front().getType()).getRank();
  SmallVector<AffineMap> maps(2 * inits.size(), builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  auto joined = linalg::GenericOp::create(
      builder, kernel.getLoc(), TypeRange(ValueRange(inits)), yield->getOperands(), inits, maps,
      kinds, [&](OpBuilder &builder, Location loc, ValueRange arguments) {
        linalg::YieldOp::create(builder, loc, arguments.take_front(inits.size()));
      });
  yield->setOperands(joined.getResults());
}
