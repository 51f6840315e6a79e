//===- LinearSum.h - sums of multiples of Halide's expressions --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seen only by the files of this folder that are compiled with RTTI and exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_LINEARSUM_H
#define SINTER_TARGETS_HALIDE_LINEARSUM_H

#include <Halide.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sinter::halide {

/// `value % modulus == rest`, inside of a condition.
struct Remainder {
  Halide::Expr value;
  int64_t modulus, rest;
};

/// A sum of multiples of expressions that are no sums themselves. Halide's simplifier keeps the
/// products in a sum as they are, and does not see all that cancels.
class LinearSum {
public:
  void add(const Halide::Expr &value, int64_t factor);

  /// value / modulus is (value - rest) / modulus.
  void use(const Remainder &fact);

  /// Its value, if no expression is left in it.
  std::optional<int64_t> constant() const;
  /// The multiple of a variable; none if it is also inside of other expressions.
  std::optional<int64_t> multipleOf(const std::string &variable) const;
  /// Whether something is multiplied by `factor`.
  bool hasMultiple(int64_t factor) const;

private:
  std::vector<std::pair<Halide::Expr, int64_t>> terms;
  int64_t rest = 0;
};

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_LINEARSUM_H
