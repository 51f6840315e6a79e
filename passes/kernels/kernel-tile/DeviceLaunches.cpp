//===- DeviceLaunches.cpp - what a device computes in one launch ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each stage that is kept in memory is the root of a launch. A reduction goes with the root that
// reads its copy where one of the root's blocks, or threads, needs only what it computes itself;
// else its copy is a root. Stages that do not reduce are computed again wherever they are used,
// unless that costs more than memory does.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/DeviceLaunches.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

namespace {

/// The only root that needs a stage, and the root's loop for each dimension of the stage's result;
/// -1 where that is no one loop.
struct Place {
  Stage *root = nullptr;
  SmallVector<int> loops;
};

class Planner {
public:
  explicit Planner(Model &model) : model(model) {}

  std::vector<Launch> run() {
    decide();
    // Which roots have rows is known now; what is kept depends on it.
    std::swap(before, drafts);
    isFinal = true;
    decide();
    std::vector<Launch> launches;
    for (auto &stage : model.stages)
      if (auto draft = drafts.find(stage.get()); draft != drafts.end()) {
        draft->second.root = stage->op;
        launches.push_back(std::move(draft->second));
      }
    return launches;
  }

private:
  void decide() {
    drafts.clear();
    places.clear();
    for (auto &stage : llvm::reverse(model.stages)) {
      Place place = placeOf(*stage);
      if (stage->reduces) {
        places[stage.get()] = place;
        continue;
      }
      if (Stage *reduction = copiedReduction(*stage))
        placeCopy(*stage, *reduction, place);
      else
        placeElements(*stage, place);
    }
  }

  void makeRoot(Stage &stage) {
    drafts.try_emplace(&stage);
    Place &place = places[&stage];
    place.root = &stage;
    place.loops.assign(stage.resultLoops.begin(), stage.resultLoops.end());
  }

  /// The loop of the root that a loop of a stage goes with.
  int rootLoop(Stage &stage, int loop) {
    Place &place = places[&stage];
    if (place.root == &stage)
      return loop;
    for (auto [own, with] : llvm::zip(stage.resultLoops, place.loops))
      if (own == loop)
        return with;
    return -1;
  }

  Place placeOf(Stage &stage) {
    Place place;
    if (stage.readAnywhere) {
      place.loops.assign(stage.resultLoops.size(), -1);
      for (Stage *consumer : stage.consumers) {
        Stage *root = places[consumer].root;
        if (!root || (place.root && place.root != root))
          return {nullptr, place.loops};
        place.root = root;
      }
      return place;
    }
    bool first = true;
    for (OpOperand &use : stage.op->getUses()) {
      Stage *consumer = nullptr;
      for (Stage *each : stage.consumers)
        if (each->op.getOperation() == use.getOwner())
          consumer = each;
      if (!consumer)
        continue;
      AffineMap map = consumer->op.getMatchingIndexingMap(&use);
      SmallVector<int> loops;
      for (AffineExpr result : map.getResults()) {
        auto dim = dyn_cast<AffineDimExpr>(result);
        loops.push_back(dim ? rootLoop(*consumer, dim.getPosition()) : -1);
      }
      Stage *root = places[consumer].root;
      if (!root || (!first && place.root != root))
        return {nullptr, SmallVector<int>(loops.size(), -1)};
      if (first)
        place = {root, loops};
      for (auto [known, other] : llvm::zip(place.loops, loops))
        if (known != other)
          known = -1;
      first = false;
    }
    return place;
  }

  Stage *copiedReduction(Stage &stage) const {
    for (auto &source : model.stages)
      if (source->reduces && llvm::is_contained(source->consumers, &stage))
        return source.get();
    return nullptr;
  }

  /// Whether one element of the root needs one element of the stage.
  static bool isPointwise(const Stage &stage, const Place &place) {
    return place.root && llvm::all_of(llvm::zip(stage.resultLoops, place.loops), [&](auto loops) {
             auto [own, with] = loops;
             return own < 0 || stage.extents[own] == 1 || with >= 0;
           });
  }

  //===--------------------------------------------------------------------===//
  // Reductions
  //===--------------------------------------------------------------------===//

  void placeCopy(Stage &copy, Stage &reduction, const Place &place) {
    if (std::optional<Product> product = findProduct(reduction.op)) {
      bool fits = !copy.isOutput && shares(copy, place) && !drafts[place.root].product &&
                  drafts[place.root].reductions.empty();
      Launch &launch = join(copy, fits ? place : Place());
      launch.product = std::move(product);
      launch.productCopy = {copy.op, places[&copy].loops};
      return;
    }
    if (reducesRows(reduction)) {
      bool deep = isDeep(reduction.op);
      bool fits = !copy.isOutput && isPointwise(copy, place) && isRowOf(copy, deep, place);
      Place own = {&copy, SmallVector<int>(copy.resultLoops)};
      if (fits || isRowOf(copy, deep, own)) {
        Launch &launch = join(copy, fits ? place : Place());
        launch.reductions.push_back(
            {{copy.op, places[&copy].loops}, cast<linalg::GenericOp>(reduction.op), {}});
        launch.rows = rowsOf(copy, fits ? place : own);
        launch.isDeep = deep;
        return;
      }
    }
    join(copy, !copy.isOutput && shares(copy, place) ? place : Place()).small.push_back(copy.op);
  }

  /// The launch that computes a copy: that of its place, or if it has none the copy's own.
  Launch &join(Stage &copy, const Place &place) {
    if (place.root)
      places[&copy] = place;
    else
      makeRoot(copy);
    return drafts[places[&copy].root];
  }

  /// Whether the root's threads may compute what they need of a stage by themselves: not if many of
  /// them need the same.
  static bool shares(const Stage &stage, const Place &place) {
    constexpr double sharers = 4;
    return isPointwise(stage, place) && place.root->iterations() < sharers * stage.iterations();
  }

  /// Whether threads that share a reduction are faster than one that does it all.
  bool reducesRows(const Stage &reduction) const {
    constexpr double least = 32;
    // Of threads side by side there are enough without that.
    double enough = 2048.0 * model.target.device.multiprocessors;
    double length = 1, results = 1;
    for (auto [extent, reduces] : llvm::zip(reduction.expected, reduction.isReduction))
      (reduces ? length : results) *= ShapedType::isDynamic(extent) ? 64 : extent;
    return canSplit(reduction.op) && length >= least && (isDeep(reduction.op) || results < enough);
  }

  /// The root's loops over the elements of a copy.
  static SmallVector<int> rowsOf(const Stage &copy, const Place &place) {
    SmallVector<int> rows;
    for (int loop : place.loops)
      if (loop >= 0 && place.root->extents[loop] != 1)
        rows.push_back(loop);
    llvm::sort(rows);
    return rows;
  }

  bool isRowOf(Stage &copy, bool deep, const Place &place) {
    auto draft = drafts.find(place.root);
    SmallVector<int> rows = rowsOf(copy, place);
    if (draft != drafts.end() &&
        (draft->second.product || (!draft->second.reductions.empty() &&
                                   (draft->second.rows != rows || draft->second.isDeep != deep))))
      return false;
    if (deep)
      return true;
    // Neighbouring threads have neighbouring elements of the root and of the copy.
    int innermost = place.root->innermostLoop(), own = copy.innermostLoop();
    if (innermost < 0 || !place.root->isStatic(innermost) || own < 0)
      return false;
    for (auto [loop, with] : llvm::zip(copy.resultLoops, place.loops))
      if (loop == own)
        return with == innermost;
    return false;
  }

  //===--------------------------------------------------------------------===//
  // Others
  //===--------------------------------------------------------------------===//

  void placeElements(Stage &stage, const Place &place) {
    if (stage.isOutput)
      return makeRoot(stage);
    places[&stage] = place;
    if (!isFinal)
      return;
    if (place.root) {
      for (auto *all : {&drafts, &before}) {
        auto launch = all->find(place.root);
        if (launch == all->end() || launch->second.reductions.empty() ||
            !llvm::all_of(launch->second.rows,
                          [&](int row) { return llvm::is_contained(place.loops, row); }))
          continue;
        keepForRow(stage, place, launch->second.rows);
        return;
      }
    }
    constexpr double cheap = 8;
    if (isKept(stage) && costAgain(stage) >= cheap)
      makeRoot(stage);
    else if (isPointwise(stage, place))
      drafts[place.root].again.push_back({stage.op, place.loops});
  }

  /// A block computes it once for its row, if it is worth that.
  void keepForRow(Stage &stage, const Place &place, ArrayRef<int> rows) {
    constexpr double cheap = 5;
    bool onePerRow = llvm::all_of(llvm::zip(stage.resultLoops, place.loops), [&](auto loops) {
      auto [own, with] = loops;
      return own < 0 || stage.extents[own] == 1 || llvm::is_contained(rows, with);
    });
    if (onePerRow && stage.floatCost() >= cheap && stage.op.getNumDpsInits() == 1)
      drafts[place.root].rowStages.push_back({stage.op, place.loops});
  }

  /// Of one element, with what is computed again for it.
  double costAgain(const Stage &stage) const {
    double cost = stage.floatCost();
    for (OpOperand *operand : stage.op.getDpsInputOperands())
      if (Stage *source = model.producer(operand->get());
          source && !source->reduces && !copiedReduction(*source))
        cost += costAgain(*source);
    return cost;
  }

  Model &model;
  bool isFinal = false;
  llvm::DenseMap<Stage *, Launch> drafts, before; // of roots
  llvm::DenseMap<Stage *, Place> places;
};

} // namespace

std::vector<Launch> tile::planLaunches(kernel::FuncOp kernel, const Target &target) {
  Choices choices;
  Model model(kernel, target, choices);
  std::vector<Launch> launches = Planner(model).run();
  // The stages change before they are scheduled.
  kernel.getSchedule().front().erase();
  return launches;
}
