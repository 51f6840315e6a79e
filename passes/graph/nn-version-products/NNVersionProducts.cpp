//===- NNVersionProducts.cpp - products of few and of many rows -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-version-products/NNVersionProducts.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNVERSIONPRODUCTS
#include "passes/graph/nn-version-products/NNVersionProducts.h.inc"
} // namespace sinter

/// Fewer rows take the direct product.
static constexpr int64_t manyRows = 64;

/// What nn-assign-layout's PackStrassen.cpp sums up to `sums`: the panels of the right side, in
/// pairs.
static Value getPanels(Value sums) {
  Operation *op = sums.getDefiningOp();
  if (auto fused = dyn_cast_or_null<nn::FusedOp>(op))
    op = fused.getBody()
             .front()
             .getTerminator()
             ->getOperand(cast<OpResult>(sums).getResultNumber())
             .getDefiningOp();
  auto einsum = dyn_cast_or_null<nn::EinsumOp>(op);
  return einsum ? einsum.getInputs().back() : Value();
}

static void version(nn::MatMulOp product) {
  Operation *root = product;
  if (auto fused = dyn_cast<nn::FusedOp>(product->getParentOp()))
    root = fused;
  Value panels = getPanels(product.getRhs());
  int64_t rank = cast<RankedTensorType>(product.getLhs().getType()).getRank();
  if (!panels)
    return;
  OpBuilder builder(root);
  Location loc = root->getLoc();
  Value rows = nn::ShapeOfOp::create(builder, loc, product.getLhs(), rank - 2, rank - 1);
  Value condition =
      nn::CompareOp::create(builder, loc, rows, nn::createIndexConstant(builder, loc, {manyRows}),
                            nn::ComparePredicate::ge);
  auto branch = nn::IfOp::create(builder, loc, root->getResultTypes(), condition);
  for (Region *region : {&branch.getThenRegion(), &branch.getElseRegion()}) {
    Block *block = builder.createBlock(region);
    builder.setInsertionPointToStart(block);
    bool isDirect = region == &branch.getElseRegion();
    IRMapping mapping;
    Operation *copy = builder.clone(*root, mapping);
    nn::YieldOp::create(builder, loc, copy->getResults());
    if (!isDirect)
      continue;
    auto direct = cast<nn::MatMulOp>(mapping.lookup(product.getOutput()).getDefiningOp());
    auto packed = cast<RankedTensorType>(panels.getType());
    builder.setInsertionPoint(copy);
    Value shape = nn::createIndexConstant(
        builder, loc, {2 * packed.getDimSize(0), 2 * packed.getDimSize(3), packed.getDimSize(4)});
    direct.getRhsMutable().assign(
        nn::ReshapeOp::create(builder, loc, panels, shape, /*allowzero=*/false));
    direct.setStrassen(false);
  }
  root->replaceAllUsesWith(branch.getResults());
  root->erase();
}

namespace {
struct NNVersionProductsPass : sinter::impl::NNVersionProductsBase<NNVersionProductsPass> {
  using NNVersionProductsBase::NNVersionProductsBase;

  void runOnOperation() override {
    SmallVector<nn::MatMulOp> products;
    getOperation()->walk([&](nn::MatMulOp op) {
      auto lhs = cast<RankedTensorType>(op.getLhs().getType());
      if (op.getStrassen() && lhs.isDynamicDim(lhs.getRank() - 2))
        products.push_back(op);
    });
    for (nn::MatMulOp op : products)
      version(op);
  }
};
} // namespace
