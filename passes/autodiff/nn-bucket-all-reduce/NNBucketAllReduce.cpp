//===- NNBucketAllReduce.cpp - gradients travel together ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-bucket-all-reduce/NNBucketAllReduce.h"
#include "dialects/nn/Term.h"

using namespace mlir;
using namespace sinter;
using nn::Term;

namespace sinter {
#define GEN_PASS_DEF_NNBUCKETALLREDUCE
#include "passes/autodiff/nn-bucket-all-reduce/NNBucketAllReduce.h.inc"
} // namespace sinter

namespace {
using Bucket = SmallVector<nn::AllReduceOp>;

class BlockBuckets {
public:
  /// `limit`: of a bucket's bytes; 0: by their sum.
  BlockBuckets(Block &block, int64_t limit) : block(block), limit(limit) {}
  void run();

private:
  /// What computes an op's input; null: an argument.
  static Operation *producerOf(nn::AllReduceOp op) { return op.getInput().getDefiningOp(); }
  static bool comesBefore(Operation *a, Operation *b) { return b && (!a || a->isBeforeInBlock(b)); }
  Operation *firstReaderOf(nn::AllReduceOp op) const;
  SmallVector<Bucket> choose(ArrayRef<nn::AllReduceOp> ops) const;
  void build(MutableArrayRef<nn::AllReduceOp> bucket) const;

  Block &block;
  int64_t limit;
};
} // namespace

Operation *BlockBuckets::firstReaderOf(nn::AllReduceOp op) const {
  Operation *first = block.getTerminator();
  for (Operation *user : op->getUsers())
    if (Operation *reader = block.findAncestorOpInBlock(*user); comesBefore(reader, first))
      first = reader;
  return first;
}

static std::optional<int64_t> bytesOf(nn::AllReduceOp op) {
  RankedTensorType type = op.getInput().getType();
  if (!type.hasStaticShape())
    return std::nullopt;
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

// `ops` in the order in which their inputs come.
SmallVector<Bucket> BlockBuckets::choose(ArrayRef<nn::AllReduceOp> ops) const {
  Operation *last = producerOf(ops.back());
  auto mayWait = [&](nn::AllReduceOp op) {
    return bytesOf(op) && comesBefore(last, firstReaderOf(op));
  };
  int64_t most = limit;
  if (!most) {
    for (nn::AllReduceOp op : ops)
      most += mayWait(op) ? *bytesOf(op) / 8 : 0;
    most = std::clamp<int64_t>(most, 64 << 10, 1 << 20);
  }
  SmallVector<Bucket> buckets;
  std::optional<unsigned> open;
  int64_t bytes = 0;
  for (nn::AllReduceOp op : ops) {
    if (!mayWait(op)) {
      buckets.push_back({op});
      continue;
    }
    int64_t size = *bytesOf(op);
    if (!open || bytes + size > most ||
        getElementTypeOrSelf(op) != getElementTypeOrSelf(buckets[*open].front())) {
      open = buckets.size();
      buckets.emplace_back();
      bytes = 0;
    }
    buckets[*open].push_back(op);
    bytes += size;
  }
  return buckets;
}

void BlockBuckets::build(MutableArrayRef<nn::AllReduceOp> bucket) const {
  Operation *last = producerOf(bucket.back()), *reader = firstReaderOf(bucket.front());
  for (nn::AllReduceOp op : bucket.drop_front())
    if (Operation *other = firstReaderOf(op); comesBefore(other, reader))
      reader = other;

  OpBuilder builder = last ? OpBuilder(last->getBlock(), std::next(Block::iterator(last)))
                           : OpBuilder::atBlockBegin(&block);
  Location loc = bucket.front().getLoc();
  auto flat = [&](Term x) {
    return x.reshape(nn::shapeTensor(x, {nn::Dim(x.getType().getNumElements())}));
  };
  SmallVector<Value> parts;
  for (nn::AllReduceOp op : bucket) {
    Term input(builder, loc, op.getInput());
    parts.push_back(bucket.size() == 1 ? input : flat(input));
  }
  Term whole(builder, loc, parts.front());
  if (bucket.size() > 1)
    whole = whole.with(nn::ConcatOp::create(builder, loc, parts, 0));
  whole = whole.apply<nn::AllReduceBeginOp>();

  builder.setInsertionPoint(reader);
  whole = whole.apply<nn::AllReduceEndOp>();
  int64_t offset = 0;
  for (nn::AllReduceOp op : bucket) {
    Term mean = whole;
    if (bucket.size() > 1) {
      int64_t size = op.getInput().getType().getNumElements();
      mean = nn::slice(whole, 0, offset, offset + size);
      mean = nn::reshapeLike(mean, op.getInput());
      offset += size;
    }
    op.replaceAllUsesWith(mean.get());
    op.erase();
  }
}

void BlockBuckets::run() {
  auto ops = llvm::to_vector(block.getOps<nn::AllReduceOp>());
  if (ops.empty())
    return;
  llvm::sort(ops, [](nn::AllReduceOp a, nn::AllReduceOp b) {
    Operation *first = producerOf(a), *second = producerOf(b);
    return first == second ? a->isBeforeInBlock(b) : comesBefore(first, second);
  });
  SmallVector<Bucket> buckets = choose(ops);
  for (Bucket &bucket : buckets)
    build(bucket);
}

namespace {
struct NNBucketAllReducePass : sinter::impl::NNBucketAllReduceBase<NNBucketAllReducePass> {
  using NNBucketAllReduceBase::NNBucketAllReduceBase;

  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      BlockBuckets(block, bytes).run();
  }
};
} // namespace
