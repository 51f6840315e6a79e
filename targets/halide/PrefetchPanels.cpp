//===- PrefetchPanels.cpp - the next panel, while this one is used --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/PrefetchPanels.h"
#include "targets/halide/LinearSum.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace Halide;
using namespace Halide::Internal;
using namespace sinter::halide;

namespace {

constexpr int64_t lineBytes = 64;
/// Of shorter panels the processor fetches enough by itself.
constexpr int64_t leastPanelBytes = 8 << 10;

/// A dense vector that is read of an argument.
struct Access {
  std::string buffer;
  Expr first; ///< its place, without lets
  int64_t lanes;
  Type type;
};

/// What one step of the innermost loop reads of an argument: `elements` from `first` on.
struct Step {
  Expr first;
  LinearSum place;
  int64_t elements;
};

class PrefetchPanels : public IRMutator {
  using IRMutator::visit;

  Stmt visit(const For *op) override {
    loops.push_back(op);
    std::vector<Access> outside;
    std::swap(outside, accesses);
    hasLoop = false;
    Stmt body = mutate(op->body);
    if (!hasLoop && op->for_type == ForType::Serial)
      body = addPrefetches(*op, body);
    hasLoop = true;
    loops.pop_back();
    accesses = std::move(outside);
    return For::make(op->name, op->min, op->extent, op->for_type, op->device_api, body);
  }

  Stmt visit(const LetStmt *op) override {
    lets[op->name] = op->value;
    return IRMutator::visit(op);
  }
  Expr visit(const Let *op) override {
    lets[op->name] = op->value;
    return IRMutator::visit(op);
  }

  /// Without lets.
  Expr expand(Expr value) const {
    for (Expr before; !before.same_as(value);) {
      before = value;
      value = substitute(lets, value);
    }
    return value;
  }

  Expr visit(const Load *op) override {
    const auto *ramp = op->index.as<Ramp>();
    if (ramp && is_const_one(ramp->stride) && ramp->base.type().is_scalar() && op->param.defined())
      accesses.push_back({op->name, expand(ramp->base), ramp->lanes, op->type.element_of()});
    return IRMutator::visit(op);
  }

  Stmt addPrefetches(const For &innermost, Stmt body) {
    std::map<std::string, std::vector<Access>> buffers;
    for (const Access &access : accesses)
      buffers[access.buffer].push_back(access);
    for (const auto &[name, reads] : buffers)
      for (const Expr &place : placesToFetch(innermost, reads))
        body = Block::make(Evaluate::make(Call::make(reads.front().type, Call::prefetch,
                                                     {Variable::make(Handle(), name), place, 1, 1},
                                                     Call::Intrinsic)),
                           body);
    return body;
  }

  /// The step that reads are, if they leave no holes.
  static std::optional<Step> joinReads(const std::vector<Access> &reads) {
    std::map<int64_t, const Access *> sorted; // by the distance from the first that was found
    for (const Access &read : reads) {
      LinearSum distance;
      distance.add(read.first, 1);
      distance.add(reads.front().first, -1);
      auto at = distance.constant();
      if (!at || read.type != reads.front().type || read.lanes != reads.front().lanes)
        return std::nullopt;
      sorted.emplace(*at, &read);
    }
    int64_t end = sorted.begin()->first;
    for (const auto &[at, read] : sorted) {
      if (at != end)
        return std::nullopt;
      end += read->lanes;
    }
    Step step{sorted.begin()->second->first, {}, end - sorted.begin()->first};
    step.place.add(step.first, 1);
    return step;
  }

  /// The lines of the next panel that a step of the innermost loop is to fetch.
  std::vector<Expr> placesToFetch(const For &innermost, const std::vector<Access> &reads) {
    auto step = joinReads(reads);
    int64_t bytes = reads.front().type.bytes();
    if (!step || step->elements * bytes % lineBytes != 0 ||
        step->place.multipleOf(innermost.name) != step->elements)
      return {};
    // The panel: the innermost loop, and those around it that go on where it ends.
    size_t around = loops.size();
    int64_t panel = step->elements;
    while (around > 0 && step->place.multipleOf(loops[around - 1]->name) == panel) {
      const int64_t *extent = as_const_int(loops[--around]->extent);
      if (!extent)
        return {};
      panel *= *extent;
    }
    // The loops that go through it again and again, and the number of the present time.
    Expr pass = 0, allPasses = 1;
    int64_t passes = 1;
    bool isKnown = true;
    for (; around > 0 && loops[around - 1]->for_type == ForType::Serial &&
           step->place.multipleOf(loops[around - 1]->name) == 0;
         --around) {
      const For &loop = *loops[around - 1];
      if (isKnown)
        pass = pass + (Variable::make(Int(32), loop.name) - loop.min) * int(passes);
      const int64_t *extent = as_const_int(loop.extent);
      isKnown &= extent != nullptr;
      allPasses = allPasses * loop.extent;
      if (isKnown)
        passes *= *extent;
    }
    if (panel * bytes < leastPanelBytes || (isKnown && passes == 1))
      return {};
    Expr next = distanceToNext(around, step->place, int(panel));
    if (!next.defined())
      return {};
    int lines = int(step->elements * bytes / lineBytes);
    // Of several passes each fetches its part, the last line again and again. What is gone through
    // once streams by itself: then the place is one that the step reads.
    int most = isKnown ? int((lines + passes - 1) / passes) : (lines + 1) / 2;
    Expr each = isKnown ? Expr(most) : min((allPasses + (lines - 1)) / allPasses, most);
    std::vector<Expr> places;
    for (int i = 0; i < most; ++i) {
      Expr line = (pass * each + (isKnown ? Expr(i) : min(Expr(i), each - 1))) % lines;
      Expr ahead = next + line * int(lineBytes / bytes);
      if (!isKnown)
        ahead = select(allPasses == 1, 0, ahead);
      places.push_back(simplify(step->first + ahead));
    }
    return places;
  }

  /// From a panel to the one that is used after it: as the loop around goes, or right behind it,
  /// where panels are tasks and where the loop around starts again.
  Expr distanceToNext(size_t around, const LinearSum &place, int panel) const {
    bool isRow = place.hasMultiple(panel);
    const For *loop =
        around > 0 && loops[around - 1]->for_type == ForType::Serial ? loops[around - 1] : nullptr;
    auto multiple = loop ? place.multipleOf(loop->name) : std::nullopt;
    if (!multiple || *multiple == 0)
      return isRow ? Expr(panel) : Expr();
    int step = int(*multiple);
    const int64_t *extent = as_const_int(loop->extent);
    if (step == panel || !isRow || !extent)
      return step;
    Expr number = Variable::make(Int(32), loop->name) - loop->min;
    int last = int(*extent) - 1;
    return select(number == last, panel - last * step, step);
  }

  std::vector<const For *> loops;   ///< around, the outermost first
  std::map<std::string, Expr> lets; ///< of the nest around; names are unique
  std::vector<Access> accesses;     ///< of the present loop's body
  bool hasLoop = false;             ///< in the present loop's body
};

} // namespace

IRMutator *sinter::halide::createPrefetchPanels() { return new PrefetchPanels; }
