//===- OrderOps.cpp - the order of a block's kernels ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-fuse/OrderOps.h"

#include "dialects/nn/NN.h"

using namespace mlir;
using namespace sinter;

static bool isNumber(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && tensor.getNumElements() == 1;
}

void sinter::orderOps(Block &block) {
  SmallPtrSet<Operation *, 32> placed;
  auto forEachMissing = [&](Operation *op, function_ref<void(Operation *)> callback) {
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *producer = operand.getDefiningOp())
          if (Operation *local = block.findAncestorOpInBlock(*producer);
              local && local != op && !placed.contains(local))
            callback(local);
    });
  };
  // Numbers (a learning rate) are no reason to wait: they are computed then.
  std::function<bool(Operation *)> isReady = [&](Operation *op) {
    bool ready = true;
    forEachMissing(op, [&](Operation *missing) {
      ready = ready && llvm::all_of(missing->getResultTypes(), isNumber) && isReady(missing);
    });
    return ready;
  };
  Operation *end = block.getTerminator();
  // Whether only the caller reads it, and what makes another of the caller's results of it.
  auto readersOf = [&](Operation *op) {
    return llvm::map_range(op->getUsers(),
                           [&](Operation *user) { return block.findAncestorOpInBlock(*user); });
  };
  auto isFinal = [&](Operation *op) {
    return !op->hasTrait<nn::WaitsTrait>() && llvm::all_of(readersOf(op), [&](Operation *reader) {
      return reader == end ||
             llvm::all_of(readersOf(reader), [&](Operation *last) { return last == end; });
    });
  };
  SmallVector<Operation *> waiting;
  for (Operation &op : llvm::reverse(block.without_terminator()))
    waiting.push_back(&op);
  while (!waiting.empty()) {
    Operation *op = waiting.back();
    size_t before = waiting.size();
    if (!placed.contains(op))
      forEachMissing(op, [&](Operation *producer) { waiting.push_back(producer); });
    if (waiting.size() > before)
      continue;
    waiting.pop_back();
    if (!placed.insert(op).second)
      continue;
    op->moveBefore(end);
    for (Operation *reader : readersOf(op))
      if (reader != end && !placed.contains(reader) && isFinal(reader) && isReady(reader))
        waiting.push_back(reader);
  }
}
