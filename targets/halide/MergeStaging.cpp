//===- MergeStaging.cpp - one wait for several stages in shared memory ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/MergeStaging.h"

using namespace Halide;
using namespace Halide::Internal;

namespace {

bool isBarrier(const Stmt &statement) {
  const auto *evaluate = statement.as<Evaluate>();
  const auto *call = evaluate ? evaluate->value.as<Call>() : nullptr;
  return call && call->is_intrinsic(Call::gpu_thread_barrier);
}

/// The loops of a stage, if a statement is nothing else; or if `mayGoOn`, if it begins with them.
const ProducerConsumer *stageAt(Stmt statement, bool mayGoOn) {
  while (true) {
    const auto *part = statement.as<ProducerConsumer>();
    if (part && part->is_producer)
      return part;
    if (const auto *let = statement.as<LetStmt>())
      statement = let->body;
    else if (const auto *block = statement.as<Block>(); block && mayGoOn)
      statement = block->first;
    else if (const auto *allocate = statement.as<Allocate>(); allocate && mayGoOn)
      statement = allocate->body;
    else if (part && mayGoOn)
      statement = part->body;
    else
      return nullptr;
  }
}

/// Whether all that is stored goes to shared memory, of which nothing is read.
class OnlyFillsShared : public IRVisitor {
public:
  explicit OnlyFillsShared(const Scope<> &shared) : shared(shared) {}
  bool result = true;

private:
  using IRVisitor::visit;

  void visit(const Load *op) override {
    result &= !shared.contains(op->name);
    IRVisitor::visit(op);
  }
  void visit(const Store *op) override {
    result &= shared.contains(op->name);
    IRVisitor::visit(op);
  }
  void visit(const Allocate *) override { result = false; }
  void visit(const Evaluate *) override { result = false; }

  const Scope<> &shared;
};

class MergeStaging : public IRMutator {
  using IRMutator::visit;

  Stmt visit(const Allocate *op) override {
    if (op->memory_type != MemoryType::GPUShared)
      return IRMutator::visit(op);
    ScopedBinding<> bind(shared, op->name);
    return IRMutator::visit(op);
  }

  Stmt visit(const Block *op) override {
    const auto *rest = op->rest.as<Block>();
    // Stages that are both still needed lie apart, though allocations are merged by now.
    if (rest && isBarrier(rest->first) && isStaging(stageAt(op->first, false)) &&
        isStaging(stageAt(rest->rest, true)))
      return Block::make(mutate(op->first), mutate(rest->rest));
    return IRMutator::visit(op);
  }

  bool isStaging(const ProducerConsumer *stage) const {
    if (!stage)
      return false;
    OnlyFillsShared fills(shared);
    stage->body.accept(&fills);
    return fills.result;
  }

  Scope<> shared;
};

} // namespace

IRMutator *sinter::halide::createMergeStaging() { return new MergeStaging; }
