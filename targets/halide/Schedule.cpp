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
    openVersions(directives);
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

  /// The factors of splits where a condition holds; the last of several stands where none does.
  struct Choice {
    H::Expr condition;
    std::map<std::string, int64_t> factors;
  };
  using Choices = std::vector<Choice>;

  /// Opens the versions of the nests, every combination of choices, before any directive is
  /// applied.
  void openVersions(mlir::Block &directives) {
    std::map<Nest, std::vector<Choices>> choices;
    for (mlir::Operation &op : directives)
      if (auto each = mlir::dyn_cast<kernel::SpecializeOp>(op))
        choices[{stages.lookup(each.getStage()), each.getUpdate()}].push_back(choicesOf(each));
      else if (auto each = mlir::dyn_cast<kernel::VersionsOp>(op))
        choices[{stages.lookup(each.getStage()), each.getUpdate()}].push_back(choicesOf(each));
    for (auto &[nest, ofNest] : choices) {
      Choices combinations = {{}};
      for (const Choices &each : ofNest) {
        Choices before = std::move(combinations);
        combinations.clear();
        for (const Choice &outer : before)
          for (const Choice &inner : each) {
            combinations.push_back(outer);
            Choice &both = combinations.back();
            if (inner.condition.defined())
              both.condition =
                  outer.condition.defined() ? outer.condition && inner.condition : inner.condition;
            for (const auto &[dim, factor] : inner.factors)
              both.factors[dim] = factor;
          }
      }
      auto &versions = this->versions[nest];
      for (auto &[condition, factors] : combinations) {
        H::Stage stage = stageOf(*nest.first, nest.second);
        versions.push_back({condition.defined() ? stage.specialize(condition) : stage, factors});
      }
    }
  }

  Choices choicesOf(kernel::SpecializeOp op) {
    H::Expr extent = extentOf(op.getStage(), op.getDim());
    std::string dim = op.getDim().str();
    Choices choices;
    for (int64_t least : op.getLeast())
      choices.push_back({extent >= int32_t(least), {{dim, least}}});
    choices.push_back({{}, {{dim, 1}}});
    return choices;
  }

  Choices choicesOf(kernel::VersionsOp op) {
    const std::map<std::string, H::Expr> &extents = stages.lookup(op.getStage())->extents;
    Choices choices;
    for (auto factors : op.getFactors().getAsRange<mlir::DictionaryAttr>())
      choices.push_back({{}, factorsOf(factors)});
    auto parts = op.getParts() ? factorsOf(*op.getParts()) : std::map<std::string, int64_t>();
    std::vector<H::Expr> costs;
    const float never = std::numeric_limits<float>::max();
    H::Expr least = never;
    for (auto [choice, each] : llvm::zip(choices, op.getCosts())) {
      H::Expr cost = float(each), fits = H::Internal::const_true();
      for (const auto &[dim, factor] : choice.factors) {
        auto known = extents.find(dim);
        if (known == extents.end()) // a loop of a split: only the factor counts
          continue;
        const H::Expr &extent = known->second;
        auto most = parts.find(dim);
        H::Expr part = most == parts.end() ? extent : evenPart(extent, most->second);
        // Of the last part there may be less.
        H::Expr tiles = ceilDiv(part, int32_t(factor)) * (extent / part) +
                        ceilDiv(extent % part, int32_t(factor));
        cost *= H::cast<float>(tiles);
        fits = fits && extent >= int32_t(factor);
      }
      costs.push_back(op.getFitting() ? H::select(fits, cost, never) : cost);
      least = H::min(least, costs.back());
    }
    for (size_t i = 0; i + 1 < choices.size(); ++i)
      choices[i].condition = H::Internal::simplify(costs[i] <= least);
    return choices;
  }

  static std::map<std::string, int64_t> factorsOf(mlir::DictionaryAttr dictionary) {
    std::map<std::string, int64_t> factors;
    for (mlir::NamedAttribute each : dictionary)
      factors[each.getName().str()] = mlir::cast<mlir::IntegerAttr>(each.getValue()).getInt();
    return factors;
  }

  H::Expr extentOf(mlir::Value stage, llvm::StringRef dim) {
    auto &extents = stages.lookup(stage)->extents;
    auto extent = extents.find(dim.str());
    if (extent == extents.end())
      throw Refusal{"'" + dim.str() + "' is no dimension of the algorithm"};
    return extent->second;
  }

  static H::Expr ceilDiv(const H::Expr &extent, const H::Expr &factor) {
    return (extent + factor - 1) / factor;
  }

  /// The length of even parts, none longer than `most`.
  static H::Expr evenPart(const H::Expr &extent, int64_t most) {
    return ceilDiv(extent, ceilDiv(extent, int32_t(most)));
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
             llvm::StringRef inner, H::Expr factor, kernel::TailStrategy tail) {
    VarOrRVar old = loop(stage, update, dim);
    VarOrRVar o = make(stage, update, outer, old.is_rvar),
              i = make(stage, update, inner, old.is_rvar);
    forEachVersion(stage, update, [&](Version &version) {
      auto other = version.factors.find(dim.str());
      version.stage.split(old, o, i,
                          other != version.factors.end() ? int32_t(other->second) : factor,
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
        on<kernel::SplitOp>(
            op,
            [&](kernel::SplitOp op, Value stage, bool update) {
              H::Expr factor = int32_t(op.getFactor());
              if (auto even = op.getEven())
                factor = evenPart(ceilDiv(extentOf(stage, op.getDim()), int32_t(*even)),
                                  op.getFactor() / *even) *
                         int32_t(*even);
              split(stage, update, op.getDim(), op.getOuter(), op.getInner(), factor, op.getTail());
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
                      name(op.getResults(), n + i), int32_t(op.getFactors()[i]), op.getTail());
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
