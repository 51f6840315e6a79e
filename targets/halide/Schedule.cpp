//===- Schedule.cpp - schedule ops as Halide directives -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/Algorithm.h"

using namespace sinter;
using namespace sinter::halide;
using Halide::VarOrRVar;
namespace H = Halide;

static H::TailStrategy tailOf(kernel::TailStrategy tail) {
  switch (tail) {
  case kernel::TailStrategy::RoundUp:
    return H::TailStrategy::RoundUp;
  case kernel::TailStrategy::Guard:
    return H::TailStrategy::GuardWithIf;
  case kernel::TailStrategy::ShiftInwards:
    return H::TailStrategy::ShiftInwards;
  case kernel::TailStrategy::Predicate:
    return H::TailStrategy::Predicate;
  case kernel::TailStrategy::Auto:
    break;
  }
  return H::TailStrategy::Auto;
}

static H::MemoryType memoryOf(kernel::MemoryKind memory) {
  switch (memory) {
  case kernel::MemoryKind::Heap:
    return H::MemoryType::Heap;
  case kernel::MemoryKind::Stack:
    return H::MemoryType::Stack;
  case kernel::MemoryKind::Register:
    return H::MemoryType::Register;
  case kernel::MemoryKind::GPUShared:
    return H::MemoryType::GPUShared;
  case kernel::MemoryKind::Auto:
    break;
  }
  return H::MemoryType::Auto;
}

namespace {

class Scheduler {
public:
  Scheduler(kernel::FuncOp kernel, Algorithm &algorithm) : kernel(kernel), algorithm(algorithm) {}

  void run() {
    mlir::Block &directives = kernel.getSchedule().front();
    for (mlir::Operation &op : directives)
      if (auto names = mlir::dyn_cast<kernel::StagesOp>(op)) {
        for (auto [i, value] : llvm::enumerate(names.getStages()))
          stages[value] = &algorithm.stages[i];
      } else if (auto factor =
                     mlir::dyn_cast<kernel::RFactorOp>(op)) { // Done when the algorithm was built.
        stages[factor.getPartial()] = &algorithm.partials.at(factor);
      }
    specialize(directives);
    for (mlir::Operation &op : directives)
      apply(op);
  }

  bool hasLevel(Stage &stage) const { return levels.count(&stage); }

private:
  using Nest = std::pair<Stage *, bool>;

  /// One version of a nest: where its condition holds, splits of some dimensions have other
  /// factors.
  struct Version {
    H::Stage stage;
    std::map<std::string, int64_t> factors;
  };

  /// Opens the versions of the specialised nests, before any directive is applied.
  void specialize(mlir::Block &directives) {
    std::map<Nest, std::vector<kernel::SpecializeOp>> special;
    for (mlir::Operation &op : directives)
      if (auto each = mlir::dyn_cast<kernel::SpecializeOp>(op))
        special[{stages.lookup(each.getStage()), each.getUpdate()}].push_back(each);
    for (auto &[nest, ops] : special) {
      // Every combination of the least extents, the largest first.
      std::vector<std::pair<H::Expr, std::map<std::string, int64_t>>> combinations = {{}};
      for (kernel::SpecializeOp op : ops) {
        auto extent = nest.first->extents.find(op.getDim().str());
        if (extent == nest.first->extents.end())
          throw Refusal{"specialisation on a loop that is no dimension of the algorithm"};
        auto before = std::move(combinations);
        combinations.clear();
        for (auto &[condition, factors] : before) {
          for (int64_t least : op.getLeast()) {
            H::Expr large = extent->second >= int32_t(least);
            combinations.push_back({condition.defined() ? condition && large : large, factors});
            combinations.back().second[op.getDim().str()] = least;
          }
          combinations.push_back({condition, factors});
          combinations.back().second[op.getDim().str()] = 1;
          if (mlir::DictionaryAttr otherwise = op.getOtherwiseAttr())
            for (mlir::NamedAttribute each : otherwise)
              combinations.back().second[each.getName().str()] =
                  mlir::cast<mlir::IntegerAttr>(each.getValue()).getInt();
        }
      }
      auto &versions = this->versions[nest];
      for (auto &[condition, factors] : combinations) {
        H::Stage stage = stageOf(*nest.first, nest.second);
        versions.push_back({condition.defined() ? stage.specialize(condition) : stage, factors});
      }
    }
  }

  static H::Stage stageOf(Stage &stage, bool update) {
    return update ? stage.func.update(0) : H::Stage(stage.func);
  }

  /// Applies a directive to all versions of a nest.
  template <typename F>
  void forEachVersion(mlir::Value value, bool update, F apply) {
    Stage &stage = *stages.lookup(value);
    auto found = versions.find({&stage, update});
    if (found == versions.end()) {
      Version only{stageOf(stage, update), {}};
      return apply(only);
    }
    for (Version &version : found->second)
      apply(version);
  }

  VarOrRVar loop(mlir::Value value, bool update, llvm::StringRef name) {
    Stage &stage = *stages.lookup(value);
    auto found = stage.loops[update].find(name.str());
    if (found == stage.loops[update].end())
      throw Refusal{"no loop '" + name.str() + "'"};
    return found->second;
  }

  VarOrRVar make(mlir::Value value, bool update, llvm::StringRef name, bool isReduction) {
    VarOrRVar made(name.str(), isReduction);
    auto &loops = stages.lookup(value)->loops[update];
    loops.erase(name.str());
    loops.emplace(name.str(), made);
    return made;
  }

  void split(mlir::Value stage, bool update, llvm::StringRef dim, llvm::StringRef outer,
             llvm::StringRef inner, int64_t factor, kernel::TailStrategy tail) {
    VarOrRVar old = loop(stage, update, dim);
    VarOrRVar o = make(stage, update, outer, old.is_rvar),
              i = make(stage, update, inner, old.is_rvar);
    forEachVersion(stage, update, [&](Version &version) {
      auto other = version.factors.find(dim.str());
      version.stage.split(old, o, i,
                          int32_t(other != version.factors.end() ? other->second : factor),
                          tailOf(tail));
    });
  }

  std::vector<VarOrRVar> loopsOf(mlir::Value stage, bool update, mlir::ArrayAttr names) {
    std::vector<VarOrRVar> loops;
    for (llvm::StringRef name : names.getAsValueRange<mlir::StringAttr>())
      loops.push_back(loop(stage, update, name));
    return loops;
  }

  void onDevice(mlir::Value stage, bool update, mlir::ArrayAttr dims, bool blocks) {
    std::vector<VarOrRVar> loops = loopsOf(stage, update, dims);
    forEachVersion(stage, update, [&](Version &version) {
      H::Stage &nest = version.stage;
      if (loops.size() == 1)
        blocks ? nest.gpu_blocks(loops[0]) : nest.gpu_threads(loops[0]);
      else if (loops.size() == 2)
        blocks ? nest.gpu_blocks(loops[0], loops[1]) : nest.gpu_threads(loops[0], loops[1]);
      else
        blocks ? nest.gpu_blocks(loops[0], loops[1], loops[2])
               : nest.gpu_threads(loops[0], loops[1], loops[2]);
    });
  }

  /// Directives on a nest have `stage` and `update`.
  template <typename Op, typename F>
  bool on(mlir::Operation &op, F apply) {
    auto directive = mlir::dyn_cast<Op>(op);
    if (directive)
      apply(directive, directive.getStage(), directive.getUpdate());
    return bool(directive);
  }

  void apply(mlir::Operation &op) {
    using mlir::Value;
    bool done =
        on<kernel::SplitOp>(op,
                            [&](kernel::SplitOp op, Value stage, bool update) {
                              split(stage, update, op.getDim(), op.getOuter(), op.getInner(),
                                    op.getFactor(), op.getTail());
                            }) ||
        on<kernel::TileOp>(
            op,
            [&](kernel::TileOp op, Value stage, bool update) {
              size_t n = op.getDims().size();
              std::vector<VarOrRVar> order;
              auto name = [&](mlir::ArrayAttr names, size_t i) {
                return mlir::cast<mlir::StringAttr>(names[i]).getValue();
              };
              for (size_t i = 0; i < n; ++i)
                split(stage, update, name(op.getDims(), i), name(op.getResults(), i),
                      name(op.getResults(), n + i), op.getFactors()[i], op.getTail());
              for (size_t i = 0; i < 2 * n; ++i)
                order.push_back(loop(stage, update, name(op.getResults(), (i + n) % (2 * n))));
              forEachVersion(stage, update,
                             [&](Version &version) { version.stage.reorder(order); });
            }) ||
        on<kernel::FuseOp>(op,
                           [&](kernel::FuseOp op, Value stage, bool update) {
                             VarOrRVar outer = loop(stage, update, op.getOuter()),
                                       inner = loop(stage, update, op.getInner());
                             VarOrRVar fused = make(stage, update, op.getFused(), inner.is_rvar);
                             forEachVersion(stage, update, [&](Version &version) {
                               version.stage.fuse(inner, outer, fused);
                             });
                           }) ||
        on<kernel::ReorderOp>(op,
                              [&](kernel::ReorderOp op, Value stage, bool update) {
                                forEachVersion(stage, update, [&](Version &version) {
                                  version.stage.reorder(loopsOf(stage, update, op.getDims()));
                                });
                              }) ||
        on<kernel::VectorizeOp>(op,
                                [&](kernel::VectorizeOp op, Value stage, bool update) {
                                  forEachVersion(stage, update, [&](Version &version) {
                                    version.stage.vectorize(loop(stage, update, op.getDim()));
                                  });
                                }) ||
        on<kernel::UnrollOp>(op,
                             [&](kernel::UnrollOp op, Value stage, bool update) {
                               forEachVersion(stage, update, [&](Version &version) {
                                 version.stage.unroll(loop(stage, update, op.getDim()));
                               });
                             }) ||
        on<kernel::ParallelOp>(op,
                               [&](kernel::ParallelOp op, Value stage, bool update) {
                                 forEachVersion(stage, update, [&](Version &version) {
                                   version.stage.parallel(loop(stage, update, op.getDim()));
                                 });
                               }) ||
        on<kernel::GPUBlocksOp>(op,
                                [&](kernel::GPUBlocksOp op, Value stage, bool update) {
                                  onDevice(stage, update, op.getDims(), /*blocks=*/true);
                                }) ||
        on<kernel::GPUThreadsOp>(op,
                                 [&](kernel::GPUThreadsOp op, Value stage, bool update) {
                                   onDevice(stage, update, op.getDims(), /*blocks=*/false);
                                 }) ||
        on<kernel::GPUBlockOp>(op,
                               [&](kernel::GPUBlockOp op, Value stage, bool update) {
                                 VarOrRVar block = make(stage, update, op.getBlock(), false);
                                 forEachVersion(stage, update, [&](Version &version) {
                                   version.stage
                                       .split(H::Var::outermost(), H::Var::outermost(), block, 1)
                                       .gpu_blocks(block);
                                 });
                               }) ||
        on<kernel::AtomicOp>(op, [&](kernel::AtomicOp op, Value stage, bool update) {
          forEachVersion(stage, update, [&](Version &version) {
            version.stage.atomic(/*override_associativity_test=*/true);
          });
        });
    if (!done)
      applyToStage(op);
  }

  void applyToStage(mlir::Operation &op) {
    auto func = [&](mlir::Value value) -> H::Func & { return stages.lookup(value)->func; };
    auto level = [&](auto op) {
      // Halide finds the loop by its name, in whichever nest of the consumer uses the stage.
      return H::LoopLevel(func(op.getConsumer()),
                          loop(op.getConsumer(), op.getUpdate(), op.getDim()));
    };
    auto dimension = [&](auto op) { return loop(op.getStage(), false, op.getDim()).var; };
    if (auto at = mlir::dyn_cast<kernel::ComputeAtOp>(op)) {
      func(at.getStage()).compute_at(level(at));
      levels.insert(stages.lookup(at.getStage()));
    } else if (auto at = mlir::dyn_cast<kernel::StoreAtOp>(op)) {
      func(at.getStage()).store_at(level(at));
    } else if (auto root = mlir::dyn_cast<kernel::ComputeRootOp>(op)) {
      func(root.getStage()).compute_root();
      levels.insert(stages.lookup(root.getStage()));
    } else if (auto store = mlir::dyn_cast<kernel::StoreInOp>(op)) {
      func(store.getStage()).store_in(memoryOf(store.getMemory()));
    } else if (auto bound = mlir::dyn_cast<kernel::BoundOp>(op)) {
      func(bound.getStage()).bound_extent(dimension(bound), int32_t(bound.getExtent()));
    } else if (auto align = mlir::dyn_cast<kernel::AlignStorageOp>(op)) {
      func(align.getStage()).align_storage(dimension(align), int32_t(align.getMultiple()));
    }
  }

  kernel::FuncOp kernel;
  Algorithm &algorithm;
  llvm::DenseMap<mlir::Value, Stage *> stages;
  std::map<Nest, std::vector<Version>> versions;
  std::set<const Stage *> levels;
};

} // namespace

void sinter::halide::applySchedule(kernel::FuncOp kernel, Algorithm &algorithm) {
  Scheduler scheduler(kernel, algorithm);
  if (kernel.hasSchedule() && !kernel.getSchedule().front().empty())
    scheduler.run();
  // What has no place is computed where it is used; a reduction cannot be.
  for (Stage &stage : algorithm.stages)
    if (stage.hasUpdate && !scheduler.hasLevel(stage))
      stage.func.compute_root();
  for (auto &[op, partial] : algorithm.partials)
    if (!scheduler.hasLevel(partial))
      partial.func.compute_root();
}
