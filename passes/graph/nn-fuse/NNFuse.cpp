//===- NNFuse.cpp - which ops share a kernel ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/graph/nn-fuse/NNFuse.h"
#include "dialects/nn/NN.h"
#include "passes/graph/nn-fuse/Attention.h"
#include "passes/graph/nn-fuse/OrderOps.h"
#include "passes/graph/nn-fuse/TilePool.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNFUSE
#include "passes/graph/nn-fuse/NNFuse.h.inc"
} // namespace sinter

namespace {

/// Groups the ops of one block.
class BlockFuser {
public:
  BlockFuser(Block &block, nn::ShapeAnalysis &analysis, bool remarks)
      : block(block), analysis(analysis), remarks(remarks) {}

  void run(bool fuseElementwise) {
    if (fuseElementwise)
      for (auto softmax : block.getOps<nn::SoftmaxOp>()) {
        SmallVector<Operation *> members = findAttention(softmax, analysis);
        // Another attention, or another block, may have what this one would take.
        if (members.empty() || llvm::any_of(members, [&](Operation *member) {
              return member->getBlock() != &block || groupOf.contains(member);
            }))
          continue;
        for (Operation *member : members)
          groupOf[member] = groups.size();
        closed.insert(groups.size());
        groups.push_back(members);
      }
    for (Operation &op : block.without_terminator()) {
      if (groupOf.contains(&op))
        continue;
      auto fusible = dyn_cast<nn::FusibleOpInterface>(op);
      if (!fusible)
        continue;
      nn::FusionClass kind = fusible.getFusionClass();
      if (kind == nn::FusionClass::view || kind == nn::FusionClass::opaque || isShapeArithmetic(op))
        continue;
      if (kind == nn::FusionClass::elementwise && fuseElementwise && joinProducer(&op))
        continue;
      if (auto pool = dyn_cast<nn::MaxPoolOp>(op); pool && fuseElementwise && joinTiles(pool))
        continue;
      groupOf[&op] = groups.size();
      groups.push_back({&op});
      if (kind == nn::FusionClass::elementwise && fuseElementwise)
        absorbProducers(&op);
    }
    for (size_t i = 0; i < groups.size(); ++i) {
      if (groups[i].empty())
        continue;
      llvm::sort(groups[i], [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
      Group rest = splitContraction(groups[i]);
      if (!rest.empty())
        groups.push_back(std::move(rest));
      outline(groups[i]);
    }
    orderOps(block);
  }

private:
  using Group = SmallVector<Operation *>;

  /// An op whose few integers follow from sizes: the host computes them, without a kernel.
  bool isShapeArithmetic(Operation &op) {
    // Sizes are int64; narrower integers wrap, which the host's index arithmetic does not.
    if (!isa<nn::ContentsOpInterface>(op) || op.getNumResults() != 1 ||
        !getElementTypeOrSelf(op.getResult(0).getType()).isSignlessInteger(64))
      return false;
    auto contents = analysis.contents(op.getResult(0));
    if (!contents)
      return false;
    SmallVector<Value> sources;
    for (AffineExpr element : *contents)
      analysis.collectValues(element, sources);
    // What is not understood stands on itself.
    return !llvm::is_contained(sources, op.getResult(0));
  }

  /// Adds an elementwise op to the group of one of its operands: best to one that computes more
  /// than a map of elements, whose result then needs no memory.
  bool joinProducer(Operation *op) {
    for (bool wantsMap : {false, true})
      for (Value operand : op->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        auto found = groupOf.find(producer);
        if (found == groupOf.end() || isMap(groups[found->second]) != wantsMap ||
            refusal(op, producer, found->second))
          continue;
        unsigned group = found->second;
        groups[group].push_back(op);
        groupOf[op] = group;
        absorbProducers(op);
        return true;
      }
    return false;
  }

  /// Adds a pool to the group of a convolution that has its windows at hand.
  bool joinTiles(nn::MaxPoolOp pool) {
    Operation *producer = pool.getInput().getDefiningOp();
    auto found = groupOf.find(producer);
    if (found == groupOf.end() || !producer->hasOneUse() ||
        (isRecomputed(pool) && !isRecomputed(producer)))
      return false;
    unsigned group = found->second;
    if (llvm::none_of(groups[group],
                      [&](Operation *member) { return isPooledInTiles(member, pool, analysis); }))
      return false;
    groups[group].push_back(pool);
    groupOf[pool] = group;
    return true;
  }

  /// Whether a group only moves or maps elements.
  static bool isMap(const Group &group) {
    return llvm::all_of(group, [](Operation *member) {
      nn::FusionClass kind = cast<nn::FusibleOpInterface>(member).getFusionClass();
      return kind == nn::FusionClass::movement || kind == nn::FusionClass::elementwise;
    });
  }

  /// Whether nn-recompute has put an op there: with what it was computed from at first it would be
  /// computed at first, too.
  static bool isRecomputed(Operation *op) { return op->hasAttr("nn.recomputed"); }

  static bool isContraction(Operation *op) {
    return cast<nn::FusibleOpInterface>(op).getFusionClass() == nn::FusionClass::contraction;
  }

  /// The kernel of a contraction keeps its sums in registers for one result. Takes off, in program
  /// order, what makes there be another; gives what is left over.
  static Group splitContraction(Group &group) {
    Group rest;
    if (llvm::none_of(group, isContraction))
      return rest;
    size_t size = group.size();
    auto countResults = [&] {
      SmallPtrSet<Operation *, 8> members(group.begin(), group.begin() + size);
      return llvm::count_if(members, [&](Operation *op) {
        return llvm::any_of(op->getUsers(),
                            [&](Operation *user) { return !members.contains(user); });
      });
    };
    while (size > 1 && countResults() > 1)
      --size;
    // Without the contraction itself nothing is gained.
    if (std::none_of(group.begin(), group.begin() + size, isContraction))
      return rest;
    rest.assign(group.begin() + size, group.end());
    group.truncate(size);
    return rest;
  }

  /// Whether a value that a contraction's kernel computes has to be its result, whatever joins.
  bool isResult(Operation *producer) {
    return llvm::any_of(producer->getUsers(), [&](Operation *user) {
      auto fusible = dyn_cast<nn::FusibleOpInterface>(user);
      return user->getBlock() != &block || !fusible ||
             fusible.getFusionClass() != nn::FusionClass::elementwise ||
             analysis.shape(user->getResult(0)) != analysis.shape(producer->getResult(0));
    });
  }

  /// Takes in other operands' groups that only move or map elements for `op`: slices and transposes
  /// are then read in place. A map may have several results; anything else only one.
  void absorbProducers(Operation *op) {
    unsigned group = groupOf.lookup(op);
    for (Value operand : op->getOperands()) {
      auto found = groupOf.find(operand.getDefiningOp());
      if (found == groupOf.end() || found->second == group ||
          analysis.shape(operand) != analysis.shape(op->getResult(0)))
        continue;
      unsigned other = found->second;
      if (!isMap(groups[other]) || !isReadOnlyBy(other, group))
        continue;
      if (isRecomputed(op) && !llvm::all_of(groups[other], isRecomputed))
        continue;
      if (inputsDependOn(other, group))
        continue;
      for (Operation *member : groups[other])
        groupOf[member] = group;
      llvm::append_range(groups[group], groups[other]);
      groups[other].clear();
    }
  }

  /// Whether `group` may take `other` in for what is read of it: by nobody else, or, if both are
  /// maps over the same elements, by others too that `group` does not wait for.
  bool isReadOnlyBy(unsigned other, unsigned group) {
    bool onlyBy = llvm::all_of(groups[other], [&](Operation *member) {
      return llvm::all_of(member->getUsers(), [&](Operation *user) {
        auto of = groupOf.find(user);
        return of != groupOf.end() && (of->second == group || of->second == other);
      });
    });
    return onlyBy ||
           (isMap(groups[group]) && isOneShape(group, other) && !inputsDependOn(group, other));
  }

  /// Whether the elementwise ops of two groups have results of one shape.
  bool isOneShape(unsigned a, unsigned b) {
    std::optional<nn::SymbolicShape> common;
    for (unsigned group : {a, b})
      for (Operation *member : groups[group]) {
        nn::SymbolicShape shape = analysis.shape(member->getResult(0));
        if (common && *common != shape)
          return false;
        common = shape;
      }
    return true;
  }

  /// Whether anything that `group` reads from outside of both groups depends on `other`.
  bool inputsDependOn(unsigned group, unsigned other) {
    SmallPtrSet<Operation *, 16> visited;
    for (Operation *member : groups[group])
      for (Value input : member->getOperands()) {
        auto of = groupOf.find(input.getDefiningOp());
        bool isInside = of != groupOf.end() && (of->second == group || of->second == other);
        if (!isInside && dependsOn(input.getDefiningOp(), other, visited))
          return true;
      }
    return false;
  }

  /// True, with a remark, if `op` can't join `producer`'s group.
  bool refusal(Operation *op, Operation *producer, unsigned group) {
    auto because = [&](StringRef reason) {
      if (remarks)
        op->emitRemark() << "not fused with " << producer->getName() << ": " << reason;
      return true;
    };
    if (closed.contains(group))
      return because("attention is a kernel by itself");
    if (isRecomputed(op) && !isRecomputed(producer))
      return because("it is computed again, and only later");
    if (analysis.shape(op->getResult(0)) != analysis.shape(producer->getResult(0)))
      return because("the shapes differ");
    if (producer->getNumResults() != 1)
      return because("the producer has several results");
    if (llvm::any_of(groups[group], isContraction) && isResult(producer))
      return because("the kernel of a contraction has one result");
    for (Value operand : op->getOperands()) {
      Operation *other = operand.getDefiningOp();
      auto otherGroup = groupOf.find(other);
      if (otherGroup != groupOf.end() && otherGroup->second == group)
        continue;
      SmallPtrSet<Operation *, 16> visited;
      if (dependsOn(other, group, visited))
        return because("another operand depends on the group");
    }
    return false;
  }

  /// True if `op`, or anything its group needs, needs a member of `group`.
  bool dependsOn(Operation *op, unsigned group, SmallPtrSetImpl<Operation *> &visited) {
    if (!op)
      return false;
    // An op of an outer block comes before this block.
    op = block.findAncestorOpInBlock(*op);
    if (!op || (op->isBeforeInBlock(first(group)) && !groupOf.count(op)))
      return false;
    if (!visited.insert(op).second)
      return false;
    auto found = groupOf.find(op);
    if (found != groupOf.end()) {
      if (found->second == group)
        return true;
      for (Operation *member : groups[found->second])
        if (operandsDependOn(member, group, visited))
          return true;
      return false;
    }
    return operandsDependOn(op, group, visited);
  }

  Operation *first(unsigned group) {
    return *llvm::min_element(groups[group],
                              [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  }

  bool operandsDependOn(Operation *op, unsigned group, SmallPtrSetImpl<Operation *> &visited) {
    bool depends = false;
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        depends = depends || dependsOn(operand.getDefiningOp(), group, visited);
    });
    return depends;
  }

  /// Moves a group's ops into an nn.fused region, where its contraction stood: an optimizer's
  /// update of what a contraction gives comes at once, while its operands are at hand.
  void outline(const Group &group) {
    SmallVector<Value> results;
    SmallVector<Type> types;
    SmallVector<Location> locations;
    SmallPtrSet<Operation *, 8> members(group.begin(), group.end());
    for (Operation *op : group) {
      locations.push_back(op->getLoc());
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(),
                         [&](Operation *user) { return !members.contains(user); })) {
          results.push_back(result);
          types.push_back(result.getType());
        }
    }
    if (results.empty())
      return; // dead
    auto contraction = llvm::find_if(llvm::reverse(group), isContraction);
    OpBuilder builder(contraction == group.rend() ? group.back() : *contraction);
    auto fused = nn::FusedOp::create(builder, builder.getFusedLoc(locations), types);
    Block &body = fused.getBody().emplaceBlock();
    for (Operation *op : group)
      op->moveBefore(&body, body.end());
    builder.setInsertionPointToEnd(&body);
    nn::YieldOp::create(builder, fused.getLoc(), results);
    for (auto [inner, outer] : llvm::zip(results, fused.getResults()))
      inner.replaceUsesWithIf(outer,
                              [&](OpOperand &use) { return !fused->isAncestor(use.getOwner()); });
  }

  Block &block;
  nn::ShapeAnalysis &analysis;
  bool remarks;
  SmallVector<Group> groups;
  DenseMap<Operation *, unsigned> groupOf;
  /// Groups that take in nothing more.
  llvm::DenseSet<unsigned> closed;
};

struct NNFusePass : sinter::impl::NNFuseBase<NNFusePass> {
  using NNFuseBase::NNFuseBase;

  void runOnOperation() override {
    nn::ShapeAnalysis analysis(&getContext());
    SmallVector<Block *> blocks;
    getOperation()->walk([&](Block *block) {
      Operation *parent = block->getParentOp();
      if (parent && !isa<ModuleOp, nn::FusedOp>(parent))
        blocks.push_back(block);
    });
    for (Block *block : blocks)
      BlockFuser(*block, analysis, remarks).run(elementwise);
  }
};

} // namespace
