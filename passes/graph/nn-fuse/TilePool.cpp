//===- TilePool.cpp - pools of what comes in tiles ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-fuse/TilePool.h"

using namespace mlir;
using namespace sinter;

bool sinter::isPooledInTiles(Operation *op, nn::MaxPoolOp pool, nn::ShapeAnalysis &analysis) {
  auto conv = dyn_cast<nn::ConvOp>(op);
  if (!conv || !conv.getWinograd())
    return false;
  ArrayRef<int64_t> window = pool.getKernelShape();
  auto is = [](int64_t value) { return [=](int64_t each) { return each == value; }; };
  return pool.getDataLayout() == nn::DataLayout::channels_last &&
         llvm::all_of(window, is(window.front())) && conv.getWinograd() % window.front() == 0 &&
         llvm::equal(pool.getStrides(), window) && llvm::all_of(pool.getDilations(), is(1)) &&
         pool.getAutoPad() == nn::AutoPad::notset && llvm::all_of(pool.getPads(), is(0)) &&
         !pool.getCeilMode() && analysis.shape(conv.getOutput()) == analysis.shape(pool.getInput());
}
