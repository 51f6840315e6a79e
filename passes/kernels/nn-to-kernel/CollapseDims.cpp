//===- CollapseDims.cpp - fewer, longer loops -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pair of neighbouring dims of a tensor may merge if every op that touches
// the tensor walks the two with two loops that themselves may merge; a pair of
// loops may merge if every tensor has both side by side, or neither. The
// greatest consistent set is found by striking out until nothing changes.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/CollapseDims.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace sinter;

namespace {

class Collapser {
public:
  explicit Collapser(kernel::FuncOp kernel) : kernel(kernel) {}

  CollapsedDims run() {
    SmallVector<Value> results(kernel.getYielded());
    if (isSupported()) {
      dropUnitReductions();
      initialize();
      do {
        while (strikeOut()) {
        }
      } while (strikeOutSizes());
    }
    CollapsedDims collapsed;
    for (Value argument : kernel.getBody().getArguments())
      collapsed.arguments.push_back(groupsOf(argument));
    for (Value result : results)
      collapsed.results.push_back(groupsOf(result));
    if (!generics.empty())
      rewrite();
    return collapsed;
  }

private:
  struct Dims {
    /// merge[i]: dims i and i + 1 become one.
    SmallVector<bool> merge;
    /// drop[i]: of size 1, and no loop walks it.
    SmallVector<bool> drop;
  };

  bool isSupported() {
    for (Operation &op : kernel.getBody().front()) {
      if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
        generics.push_back(generic);
        continue;
      }
      if (isa<tensor::EmptyOp, tensor::DimOp, linalg::FillOp, kernel::YieldOp>(op))
        continue;
      bool isOpaque = llvm::any_of(op.getResultTypes(), llvm::IsaPred<TensorType>);
      for (Value value : op.getOperands())
        isOpaque |= isa<TensorType>(value.getType()) && !isa<tensor::ExtractOp>(op);
      if (isOpaque) {
        generics.clear();
        return false;
      }
    }
    return !generics.empty();
  }

  /// The dims of a tensor as they will be.
  DimGroups groupsOf(Value value) {
    DimGroups groups;
    auto type = dyn_cast<RankedTensorType>(value.getType());
    auto found = dims.find(value);
    for (int64_t d = 0, next = -1; type && d < type.getRank(); ++d) {
      if (found == dims.end()) {
        groups.push_back(d);
        continue;
      }
      const Dims &entry = found->second;
      if (entry.drop[d]) {
        groups.push_back(-1);
        continue;
      }
      if (d == 0 || !entry.merge[d - 1] || entry.drop[d - 1])
        ++next;
      groups.push_back(next);
    }
    return groups;
  }

  /// Whether a tensor is only where stages put their results.
  static bool isOnlyRoom(Value tensor) {
    return llvm::all_of(tensor.getUses(), [](OpOperand &use) {
      if (auto fill = dyn_cast<linalg::FillOp>(use.getOwner()))
        return isOnlyRoom(fill.getResult(0));
      auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
      return generic && generic.isDpsInit(&use);
    });
  }

  /// Collects the empty tensors that a size makes. False if it serves anything else, or if some of
  /// them are read.
  static bool collectRooms(Value size, SmallVectorImpl<Value> &rooms) {
    return llvm::all_of(size.getUsers(), [&](Operation *user) {
      if (isa<tensor::EmptyOp>(user)) {
        rooms.push_back(user->getResult(0));
        return isOnlyRoom(user->getResult(0));
      }
      return isa_and_nonnull<arith::ArithDialect>(user->getDialect()) &&
             user->getNumResults() == 1 && collectRooms(user->getResult(0), rooms);
    });
  }

  /// Whether dynamic dims of a tensor merge: its sizes are then others.
  bool mergesDynamicDims(Value value) {
    const Dims &entry = dimsOf(value);
    auto type = cast<RankedTensorType>(value.getType());
    for (auto [d, merged] : llvm::enumerate(entry.merge))
      if (merged && type.isDynamicDim(d))
        return true;
    return false;
  }

  /// A size of a merged dim is not to be had any more: what needs one must itself be sized anew.
  bool strikeOutSizes() {
    bool changed = false;
    for (auto dim : kernel.getBody().getOps<tensor::DimOp>()) {
      auto position = dim.getConstantIndex();
      Dims &entry = dimsOf(dim.getSource());
      auto isMerged = [&](int64_t pair) {
        return pair >= 0 && pair < static_cast<int64_t>(entry.merge.size()) && entry.merge[pair];
      };
      if (!position || (!isMerged(*position) && !isMerged(*position - 1)))
        continue;
      SmallVector<Value> rooms;
      collectRooms(dim, rooms);
      if (llvm::all_of(rooms, [&](Value room) { return mergesDynamicDims(room); }))
        continue;
      llvm::fill(entry.merge, false);
      changed = true;
    }
    return changed;
  }

  /// Loops of one iteration that only reduce, as those of a 1×1 filter.
  void dropUnitReductions() {
    MLIRContext *context = kernel.getContext();
    for (linalg::GenericOp op : generics) {
      SmallVector<int64_t> ranges = op.getStaticLoopRanges();
      SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
      SmallVector<AffineExpr> replacement;
      SmallVector<Attribute> kept;
      unsigned next = 0;
      for (unsigned d = 0; d < ranges.size(); ++d) {
        if (ranges[d] == 1 && iterators[d] == utils::IteratorType::reduction) {
          replacement.push_back(getAffineConstantExpr(0, context));
        } else {
          replacement.push_back(getAffineDimExpr(next++, context));
          kept.push_back(op.getIteratorTypes()[d]);
        }
      }
      if (next == ranges.size() || next == 0)
        continue;
      SmallVector<AffineMap> maps;
      for (AffineMap map : op.getIndexingMapsArray())
        maps.push_back(simplifyAffineMap(map.replaceDimsAndSymbols(replacement, {}, next, 0)));
      // Every loop must still be seen as the plain index of some operand.
      if (!inversePermutation(concatAffineMaps(maps, context)))
        continue;
      renumberIndices(op, [&](unsigned d) -> std::optional<unsigned> {
        if (auto dim = dyn_cast<AffineDimExpr>(replacement[d]))
          return dim.getPosition();
        return std::nullopt;
      });
      setLoops(op, maps, kept);
    }
  }

  void renumberIndices(linalg::GenericOp op,
                       function_ref<std::optional<unsigned>(unsigned)> position) {
    SmallVector<linalg::IndexOp> indices;
    op.getBody()->walk([&](linalg::IndexOp index) { indices.push_back(index); });
    for (linalg::IndexOp index : indices) {
      OpBuilder builder(index);
      if (auto moved = position(index.getDim())) {
        index.setDim(*moved);
        continue;
      }
      Value zero = arith::ConstantIndexOp::create(builder, index.getLoc(), 0);
      index.replaceAllUsesWith(zero);
      index.erase();
    }
  }

  static void setLoops(linalg::GenericOp op, ArrayRef<AffineMap> maps,
                       ArrayRef<Attribute> iterators) {
    Builder builder(op.getContext());
    op.setIndexingMapsAttr(builder.getAffineMapArrayAttr(maps));
    op.setIteratorTypesAttr(builder.getArrayAttr(iterators));
  }

  Dims &dimsOf(Value value) {
    auto [entry, isNew] = dims.try_emplace(value);
    if (isNew) {
      auto type = cast<RankedTensorType>(value.getType());
      for (int64_t d = 0; d < type.getRank(); ++d) {
        entry->second.drop.push_back(type.getDimSize(d) == 1);
        if (d + 1 < type.getRank())
          entry->second.merge.push_back(type.isDynamicDim(d) == type.isDynamicDim(d + 1));
      }
    }
    return entry->second;
  }

  void initialize() {
    for (BlockArgument argument : kernel.getBody().getArguments())
      if (isa<RankedTensorType>(argument.getType()))
        dimsOf(argument);
    kernel.getBody().walk([&](Operation *op) {
      for (Value result : op->getResults())
        if (isa<RankedTensorType>(result.getType()))
          dimsOf(result);
    });
    // What is read at computed places stays as it is.
    kernel.getBody().walk([&](Operation *op) {
      Value source;
      if (auto extract = dyn_cast<tensor::ExtractOp>(op))
        source = extract.getTensor();
      else if (auto dim = dyn_cast<tensor::DimOp>(op)) {
        SmallVector<Value> rooms;
        if (!dim.getConstantIndex() || !collectRooms(dim, rooms))
          source = dim.getSource();
      } else if (isa<tensor::EmptyOp, linalg::FillOp>(op) && !isOnlyRoom(op->getResult(0))) {
        source = op->getResult(0);
        if (cast<RankedTensorType>(source.getType()).hasStaticShape())
          return;
      }
      if (!source)
        return;
      Dims &entry = dimsOf(source);
      llvm::fill(entry.merge, false);
      llvm::fill(entry.drop, false);
    });
    for (linalg::GenericOp op : generics) {
      SmallVector<bool> pairs(op.getNumLoops() > 0 ? op.getNumLoops() - 1 : 0, true);
      auto iterators = op.getIteratorTypesArray();
      for (unsigned d = 0; d < pairs.size(); ++d)
        pairs[d] = iterators[d] == iterators[d + 1];
      op.getBody()->walk([&](linalg::IndexOp index) {
        unsigned d = index.getDim();
        if (d < pairs.size())
          pairs[d] = false;
        if (d > 0)
          pairs[d - 1] = false;
      });
      loopPairs[op] = pairs;
    }
  }

  static std::optional<unsigned> plainDim(AffineExpr expr) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return dim.getPosition();
    return std::nullopt;
  }

  bool strikeOut() {
    bool changed = false;
    auto strike = [&](bool &flag) {
      changed |= flag;
      flag = false;
    };
    auto meet = [&](Dims &a, Dims &b) {
      for (auto [x, y] : llvm::zip(a.merge, b.merge))
        if (x != y) {
          strike(x);
          strike(y);
        }
      for (auto [x, y] : llvm::zip(a.drop, b.drop))
        if (x != y) {
          strike(x);
          strike(y);
        }
    };
    for (linalg::GenericOp op : generics) {
      SmallVector<bool> &pairs = loopPairs[op];
      auto visit = [&](Value value, AffineMap map) {
        auto type = dyn_cast<RankedTensorType>(value.getType());
        if (!type)
          return;
        Dims &entry = dimsOf(value);
        SmallVector<bool> seen(op.getNumLoops(), false);
        for (auto [i, expr] : llvm::enumerate(map.getResults())) {
          // A dim that a loop walks is not dropped.
          if (!isa<AffineConstantExpr>(expr) && entry.drop[i])
            strike(entry.drop[i]);
          bool isPlain = isa<AffineDimExpr>(expr);
          expr.walk([&](AffineExpr part) {
            auto dim = plainDim(part);
            if (!dim)
              return;
            bool again = seen[*dim];
            seen[*dim] = true;
            if (again || !isPlain) {
              // Part of a sum, or a diagonal: no merging with neighbours.
              if (*dim < pairs.size())
                strike(pairs[*dim]);
              if (*dim > 0)
                strike(pairs[*dim - 1]);
            }
          });
        }
        // Neighbours in the tensor: dropped dims between them don't count as
        // neighbours, to keep this simple.
        for (unsigned i = 0; i + 1 < map.getNumResults(); ++i) {
          auto a = plainDim(map.getResult(i)), b = plainDim(map.getResult(i + 1));
          bool together = a && b && *b == *a + 1 && pairs[*a];
          if (!together && entry.merge[i])
            strike(entry.merge[i]);
        }
        for (unsigned d = 0; d < pairs.size(); ++d) {
          if (!pairs[d])
            continue;
          bool hasFirst = false, hasSecond = false, merged = false;
          for (unsigned i = 0; i < map.getNumResults(); ++i) {
            auto dim = plainDim(map.getResult(i));
            if (!dim)
              continue;
            hasFirst |= *dim == d;
            hasSecond |= *dim == d + 1;
            if (*dim == d && i + 1 < map.getNumResults() && plainDim(map.getResult(i + 1)) == d + 1)
              merged = entry.merge[i];
          }
          if ((hasFirst || hasSecond) && !merged)
            strike(pairs[d]);
        }
      };
      auto maps = op.getIndexingMapsArray();
      for (auto [value, map] : llvm::zip(op->getOperands(), maps))
        visit(value, map);
      for (auto [init, result] : llvm::zip(op.getDpsInits(), op->getResults()))
        meet(dimsOf(init), dimsOf(result));
    }
    kernel.getBody().walk([&](linalg::FillOp fill) {
      for (auto [init, result] : llvm::zip(fill.getDpsInits(), fill->getResults()))
        meet(dimsOf(init), dimsOf(result));
    });
    // A result that is sized anew takes its sizes from what is read.
    for (linalg::GenericOp op : generics)
      for (Value result : op->getResults())
        if (mergesDynamicDims(result) && !showsAllSizes(op))
          for (bool &merged : dimsOf(result).merge)
            strike(merged);
    return changed;
  }

  /// Whether each loop of dynamic size is plain to see in an input.
  static bool showsAllSizes(linalg::GenericOp op) {
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    for (unsigned loop = 0; loop < ranges.size(); ++loop)
      if (ShapedType::isDynamic(ranges[loop]) && !findReader(op, loop))
        return false;
    return true;
  }

  /// An input whose dim a loop walks, and the dim.
  static std::optional<std::pair<Value, unsigned>> findReader(linalg::GenericOp op, unsigned loop) {
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (!isa<BlockArgument>(input->get()) && !input->get().getDefiningOp<linalg::GenericOp>())
        continue;
      for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(input).getResults()))
        if (plainDim(expr) == loop)
          return std::pair(input->get(), unsigned(i));
    }
    return std::nullopt;
  }

  /// The size of a collapsed tensor's dim; of a stage's result by what the stage reads.
  Value sizeOf(OpBuilder &builder, Location loc, Value tensor, unsigned dim) {
    if (auto op = tensor.getDefiningOp<linalg::GenericOp>()) {
      unsigned result = cast<OpResult>(tensor).getResultNumber();
      AffineMap map = op.getIndexingMapsArray()[op.getNumDpsInputs() + result];
      auto reader = findReader(op, *plainDim(map.getResult(dim)));
      return sizeOf(builder, loc, reader->first, reader->second);
    }
    return tensor::DimOp::create(builder, loc, tensor, dim);
  }

  /// New places, of the right sizes, for the results whose dynamic dims were merged.
  void makeRoom(linalg::GenericOp op) {
    for (OpOperand &init : op.getDpsInitsMutable()) {
      Value old = init.get();
      if (!resized.contains(op->getResult(op.getTiedOpResult(&init).getResultNumber())))
        continue;
      OpBuilder builder(op);
      Location loc = op.getLoc();
      auto type = cast<RankedTensorType>(old.getType());
      AffineMap map = op.getMatchingIndexingMap(&init);
      SmallVector<Value> sizes;
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (type.isDynamicDim(d)) {
          auto reader = findReader(op, *plainDim(map.getResult(d)));
          sizes.push_back(sizeOf(builder, loc, reader->first, reader->second));
        }
      Value room = tensor::EmptyOp::create(builder, loc, type, sizes);
      if (auto fill = old.getDefiningOp<linalg::FillOp>())
        room = linalg::FillOp::create(builder, loc, fill.getInputs(), room).getResult(0);
      init.set(room);
    }
  }

  RankedTensorType newType(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    const Dims &entry = dims.find(value)->second;
    SmallVector<int64_t> shape;
    bool open = false; // the last dim of `shape` goes on
    for (int64_t d = 0; d < type.getRank(); ++d) {
      if (entry.drop[d]) {
        open = false;
        continue;
      }
      if (open && !type.isDynamicDim(d))
        shape.back() *= type.getDimSize(d);
      else if (!open)
        shape.push_back(type.getDimSize(d));
      open = d + 1 < type.getRank() && entry.merge[d] && !entry.drop[d + 1];
    }
    return RankedTensorType::get(shape, type.getElementType());
  }

  void rewrite() {
    MLIRContext *context = kernel.getContext();
    for (linalg::GenericOp op : generics) {
      const SmallVector<bool> &pairs = loopPairs[op];
      SmallVector<unsigned> position; // of each old loop
      SmallVector<Attribute> iterators;
      for (unsigned d = 0; d < op.getNumLoops(); ++d) {
        if (d == 0 || !pairs[d - 1])
          iterators.push_back(op.getIteratorTypes()[d]);
        position.push_back(iterators.size() - 1);
      }
      SmallVector<AffineExpr> replacement;
      for (unsigned p : position)
        replacement.push_back(getAffineDimExpr(p, context));
      SmallVector<AffineMap> maps;
      for (auto [value, map] : llvm::zip(op->getOperands(), op.getIndexingMapsArray())) {
        SmallVector<AffineExpr> results;
        if (isa<RankedTensorType>(value.getType())) {
          const Dims &entry = dims.find(value)->second;
          for (unsigned i = 0; i < map.getNumResults(); ++i) {
            if (entry.drop[i] || (i > 0 && entry.merge[i - 1] && !entry.drop[i - 1]))
              continue;
            results.push_back(map.getResult(i).replaceDims(replacement));
          }
        }
        maps.push_back(AffineMap::get(iterators.size(), 0, results, context));
      }
      renumberIndices(op, [&](unsigned d) -> std::optional<unsigned> { return position[d]; });
      setLoops(op, maps, iterators);
    }
    for (auto dim : kernel.getBody().getOps<tensor::DimOp>()) {
      // Of merged dims no size is asked for any more; those that are left may have moved.
      OpBuilder builder(dim);
      int64_t moved = std::max<int64_t>(groupsOf(dim.getSource())[*dim.getConstantIndex()], 0);
      dim.getIndexMutable().assign(arith::ConstantIndexOp::create(builder, dim.getLoc(), moved));
    }
    for (linalg::GenericOp op : generics)
      for (Value result : op->getResults())
        if (mergesDynamicDims(result))
          resized.insert(result);
    SmallVector<std::pair<Value, RankedTensorType>> types;
    for (auto &[value, entry] : dims)
      types.push_back({value, newType(value)});
    for (auto &[value, type] : types)
      value.setType(type);
    for (linalg::GenericOp op : generics)
      makeRoom(op);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(kernel.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
    kernel.setFunctionType(
        FunctionType::get(context, kernel.getBody().getArgumentTypes(),
                          kernel.getBody().front().getTerminator()->getOperandTypes()));
  }

  kernel::FuncOp kernel;
  SmallVector<linalg::GenericOp> generics;
  llvm::MapVector<Value, Dims> dims;
  DenseMap<Operation *, SmallVector<bool>> loopPairs;
  /// Results whose dynamic dims were merged.
  llvm::DenseSet<Value> resized;
};

} // namespace

CollapsedDims sinter::collapseDims(kernel::FuncOp kernel) { return Collapser(kernel).run(); }
