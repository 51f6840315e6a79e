//===- NNSplitBatch.cpp - the large layers of a batch in parts ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-split-batch/NNSplitBatch.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNSPLITBATCH
#include "passes/graph/nn-split-batch/NNSplitBatch.h.inc"
} // namespace sinter

static int64_t bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape()
             ? type.getNumElements() * nn::getElementBytes(type.getElementType())
             : 0;
}

static RankedTensorType withBatch(Type type, int64_t batch) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape.front() = batch;
  return tensor.clone(shape);
}

namespace {

/// Follows a batch from an argument of the function through its body.
class BatchSplitter {
public:
  BatchSplitter(Value source, int64_t cacheBytes) : source(source), cacheBytes(cacheBytes) {
    batched.insert(source);
  }

  /// False if nothing is gained.
  bool run() {
    Block &body = *source.getParentBlock();
    for (Operation &op : body.without_terminator()) {
      if (llvm::none_of(op.getOperands(), [&](Value each) { return batched.contains(each); }) &&
          op.getNumRegions() == 0)
        continue;
      if (!actsOnEach(op))
        break;
      layers.push_back(&op);
      batched.insert(op.getResult(0));
    }
    int64_t parts = countParts();
    if (parts < 2)
      return false;
    layers.truncate(chooseEnd(parts));
    if (layers.empty() || escapingBytes() > writtenBytes() / 2)
      return false;
    split(parts);
    return true;
  }

private:
  int64_t batch() const { return cast<RankedTensorType>(source.getType()).getDimSize(0); }

  /// A layer that is worth its parts, as others are that only move or map what it has written.
  static bool isWindowed(Operation *op) {
    nn::FusionClass kind = cast<nn::FusibleOpInterface>(op).getFusionClass();
    return kind == nn::FusionClass::contraction || kind == nn::FusionClass::window;
  }

  bool actsOnEach(Operation &op) const {
    auto fusible = dyn_cast<nn::FusibleOpInterface>(op);
    if (!fusible || op.getNumResults() != 1)
      return false;
    auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
    if (!type || !type.hasStaticShape() || type.getRank() == 0 || type.getDimSize(0) != batch())
      return false;
    llvm::SmallBitVector operands(op.getNumOperands());
    for (OpOperand &operand : op.getOpOperands())
      operands[operand.getOperandNumber()] = batched.contains(operand.get());
    return fusible.actsOnEach(operands);
  }

  /// What a layer reads and writes of the batch.
  int64_t streamedBytes(Operation *op) const {
    int64_t bytes = bytesOf(op->getResult(0));
    for (Value operand : op->getOperands())
      bytes += batched.contains(operand) ? bytesOf(operand) : 0;
    return bytes;
  }

  /// As few as keep each layer's part in the cache, if there are not too many for the program.
  int64_t countParts() const {
    constexpr int64_t most = 16;
    int64_t largest = 0;
    for (Operation *op : layers)
      largest = std::max(largest, streamedBytes(op));
    if (largest <= cacheBytes)
      return 1;
    int64_t best = 1;
    for (int64_t parts = 2; parts <= std::min(batch(), most); ++parts)
      if (batch() % parts == 0 && largest / best > cacheBytes)
        best = parts;
    return best;
  }

  /// How many layers are better done in parts: those of large tensors save bytes from memory, all
  /// read their weights anew for each part. What only moves or maps elements is done on the way.
  size_t chooseEnd(int64_t parts) const {
    int64_t gain = 0, best = 0;
    size_t end = 0;
    for (auto [i, op] : llvm::enumerate(layers)) {
      if (isWindowed(op)) {
        if (int64_t bytes = streamedBytes(op); bytes > cacheBytes)
          gain += bytes;
        for (Value operand : op->getOperands())
          if (!batched.contains(operand))
            gain -= (parts - 1) * bytesOf(operand);
      }
      // What is in between goes with what it follows.
      if (gain >= best && gain > 0) {
        best = gain;
        end = i + 1;
      }
    }
    return end;
  }

  bool escapes(Value value) const {
    return llvm::any_of(value.getUsers(),
                        [&](Operation *user) { return !llvm::is_contained(layers, user); });
  }

  int64_t escapingBytes() const {
    int64_t bytes = 0;
    for (Operation *op : layers)
      bytes += escapes(op->getResult(0)) ? bytesOf(op->getResult(0)) : 0;
    return bytes;
  }

  int64_t writtenBytes() const {
    int64_t bytes = 0;
    for (Operation *op : layers)
      bytes += bytesOf(op->getResult(0));
    return bytes;
  }

  void split(int64_t parts) {
    int64_t size = batch() / parts;
    OpBuilder builder(layers.back()->getContext());
    builder.setInsertionPointAfter(layers.back());
    Location loc = layers.front()->getLoc();
    SmallVector<Value> results;
    for (Operation *op : layers)
      if (escapes(op->getResult(0)))
        results.push_back(op->getResult(0));
    SmallVector<SmallVector<Value>> pieces(results.size());
    for (int64_t part = 0; part < parts; ++part) {
      auto constant = [&](int64_t value) { return nn::createIndexConstant(builder, loc, {value}); };
      IRMapping mapping;
      mapping.map(source,
                  nn::SliceOp::create(builder, loc, withBatch(source.getType(), size), source,
                                      constant(part * size), constant((part + 1) * size),
                                      constant(1), ArrayRef<int64_t>{0}));
      for (Operation *op : layers) {
        Operation *copy = builder.clone(*op, mapping);
        copy->getResult(0).setType(withBatch(op->getResult(0).getType(), size));
      }
      for (auto [result, piece] : llvm::zip(results, pieces))
        piece.push_back(mapping.lookup(result));
    }
    for (auto [result, piece] : llvm::zip(results, pieces)) {
      Value whole = nn::ConcatOp::create(builder, loc, result.getType(), piece, /*axis=*/0);
      result.replaceUsesWithIf(whole, [&](OpOperand &use) {
        return use.getOwner() != whole.getDefiningOp() &&
               !llvm::is_contained(layers, use.getOwner());
      });
    }
    for (Operation *op : llvm::reverse(layers))
      op->erase();
  }

  Value source;
  int64_t cacheBytes;
  DenseSet<Value> batched;
  SmallVector<Operation *> layers; ///< in program order
};

struct NNSplitBatchPass : sinter::impl::NNSplitBatchBase<NNSplitBatchPass> {
  using NNSplitBatchBase::NNSplitBatchBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    for (Value argument : getOperation().getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (type && type.hasStaticShape() && type.getRank() > 2 && type.getDimSize(0) > 1 &&
          BatchSplitter(argument, cacheBytes).run())
        return;
    }
  }
};
} // namespace
