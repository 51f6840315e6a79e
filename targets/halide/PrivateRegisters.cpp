//===- PrivateRegisters.cpp - a thread's part of a block's registers ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/PrivateRegisters.h"
#include "targets/halide/LinearSum.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

using namespace Halide;
using namespace Halide::Internal;
using namespace sinter::halide;

namespace {

/// The place of an access: the first element of a vector, and how many there are. Strided vectors
/// have none.
struct Place {
  Expr first;
  int lanes = 1;
};

Place placeOf(const Expr &index) {
  if (const auto *ramp = index.as<Ramp>())
    return is_const_one(ramp->stride) && ramp->base.type().is_scalar()
               ? Place{ramp->base, ramp->lanes}
               : Place{};
  return index.type().is_scalar() ? Place{index, 1} : Place{};
}

/// Finds the distances of all accesses to one allocation from the first of them.
class FindDistances : public IRVisitor {
public:
  explicit FindDistances(const std::string &name) : name(name) {}

  bool areConstant = true;
  std::set<int64_t> distances;

  std::optional<int64_t> distance(const Expr &place) {
    Expr expanded = expand(place);
    if (!origin.defined())
      origin = expanded;
    LinearSum difference;
    difference.add(expanded, 1);
    difference.add(origin, -1);
    for (const Remainder &fact : facts)
      difference.use(fact);
    return difference.constant();
  }

  /// Where a condition holds, Halide writes (x / 2) * 2 for x if that makes terms alike.
  void learn(const Expr &condition) {
    if (const auto *both = condition.as<And>()) {
      learn(both->a);
      learn(both->b);
    }
    const auto *equality = condition.as<EQ>();
    const auto *remainder = equality ? equality->a.as<Mod>() : nullptr;
    const int64_t *modulus = remainder ? as_const_int(remainder->b) : nullptr;
    const int64_t *rest = equality ? as_const_int(equality->b) : nullptr;
    if (modulus && rest)
      facts.push_back({expand(remainder->a), *modulus, *rest});
  }

  std::map<std::string, Expr> lets; ///< of the nest around, expanded
  std::vector<Remainder> facts;     ///< of the conditions around

private:
  using IRVisitor::visit;

  Expr expand(const Expr &value) { return substitute(lets, value); }

  void visit(const For *op) override {
    // What moves on within a thread is no thread's place.
    if (op->for_type != ForType::GPUThread && op->for_type != ForType::GPULane)
      serial.push(op->name);
    IRVisitor::visit(op);
  }

  void access(const Expr &index) {
    Place place = placeOf(index);
    auto at = place.first.defined() ? distance(place.first) : std::nullopt;
    if (!at || expr_uses_vars(origin, serial)) {
      areConstant = false;
      return;
    }
    for (int i = 0; i < place.lanes; ++i)
      distances.insert(*at + i);
  }

  void visit(const Load *op) override {
    IRVisitor::visit(op);
    if (op->name == name)
      access(op->index);
  }
  void visit(const Store *op) override {
    IRVisitor::visit(op);
    if (op->name == name)
      access(op->index);
  }
  void visit(const IfThenElse *op) override {
    op->condition.accept(this);
    size_t known = facts.size();
    learn(op->condition);
    op->then_case.accept(this);
    facts.resize(known);
    if (op->else_case.defined())
      op->else_case.accept(this);
  }
  void visit(const LetStmt *op) override {
    op->value.accept(this);
    lets[op->name] = expand(op->value);
    op->body.accept(this);
  }
  void visit(const Let *op) override {
    op->value.accept(this);
    lets[op->name] = expand(op->value);
    op->body.accept(this);
  }

  std::string name;
  Expr origin;
  Scope<> serial; ///< loops inside of the allocation
};

/// Renumbers the accesses to one allocation.
class Renumber : public IRMutator {
public:
  Renumber(const std::string &name, FindDistances &found) : name(name), found(found) {}

private:
  using IRMutator::visit;

  Expr renumber(const Expr &index) {
    Place place = placeOf(index);
    auto &all = found.distances;
    int number = int(std::distance(all.begin(), all.find(*found.distance(place.first))));
    return place.lanes == 1 ? Expr(number) : Ramp::make(Expr(number), Expr(1), place.lanes);
  }

  Expr visit(const Load *op) override {
    if (op->name != name)
      return IRMutator::visit(op);
    return Load::make(op->type, name, renumber(op->index), op->image, op->param,
                      mutate(op->predicate), ModulusRemainder());
  }
  Stmt visit(const Store *op) override {
    if (op->name != name)
      return IRMutator::visit(op);
    return Store::make(name, mutate(op->value), renumber(op->index), op->param,
                       mutate(op->predicate), ModulusRemainder());
  }

  Stmt visit(const IfThenElse *op) override {
    Expr condition = mutate(op->condition);
    size_t known = found.facts.size();
    found.learn(op->condition);
    Stmt then = mutate(op->then_case);
    found.facts.resize(known);
    return IfThenElse::make(condition, then, mutate(op->else_case));
  }

  std::string name;
  FindDistances &found;
};

class PrivateRegisters : public IRMutator {
  using IRMutator::visit;

  Stmt visit(const Allocate *op) override {
    if (op->memory_type != MemoryType::Register)
      return IRMutator::visit(op);
    FindDistances found(op->name);
    op->body.accept(&found);
    Stmt body = mutate(op->body);
    // Names are unique after lowering: the lets that were found stand for these.
    if (!found.areConstant || found.distances.empty())
      return Allocate::make(op->name, op->type, op->memory_type, op->extents, op->condition, body,
                            op->new_expr, op->free_function);
    return Allocate::make(op->name, op->type, op->memory_type, {int(found.distances.size())},
                          op->condition, Renumber(op->name, found).mutate(body), op->new_expr,
                          op->free_function);
  }
};

} // namespace

IRMutator *sinter::halide::createPrivateRegisters() { return new PrivateRegisters; }
