//===- LinearSum.cpp - sums of multiples of Halide's expressions ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/LinearSum.h"

using namespace Halide;
using namespace Halide::Internal;
using namespace sinter::halide;

void LinearSum::add(const Expr &value, int64_t factor) {
  if (const int64_t *constant = as_const_int(value)) {
    rest += *constant * factor;
  } else if (const auto *sum = value.as<Add>()) {
    add(sum->a, factor);
    add(sum->b, factor);
  } else if (const auto *difference = value.as<Sub>()) {
    add(difference->a, factor);
    add(difference->b, -factor);
  } else if (const auto *product = value.as<Mul>(); product && as_const_int(product->b)) {
    add(product->a, factor * *as_const_int(product->b));
  } else {
    for (auto &[term, multiple] : terms)
      if (equal(term, value)) {
        multiple += factor;
        return;
      }
    terms.push_back({value, factor});
  }
}

void LinearSum::use(const Remainder &fact) {
  for (size_t i = 0; i < terms.size(); ++i) {
    auto [term, multiple] = terms[i];
    const auto *quotient = term.as<Div>();
    const int64_t *divisor = quotient ? as_const_int(quotient->b) : nullptr;
    if (!divisor || *divisor != fact.modulus || multiple % fact.modulus != 0 ||
        !equal(quotient->a, fact.value))
      continue;
    terms[i].second = 0;
    add(fact.value, multiple / fact.modulus);
    rest -= multiple / fact.modulus * fact.rest;
  }
}

std::optional<int64_t> LinearSum::constant() const {
  for (const auto &[term, multiple] : terms)
    if (multiple != 0)
      return std::nullopt;
  return rest;
}

std::optional<int64_t> LinearSum::multipleOf(const std::string &variable) const {
  int64_t result = 0;
  for (const auto &[term, multiple] : terms) {
    const auto *name = term.as<Variable>();
    if (name && name->name == variable)
      result = multiple;
    else if (multiple != 0 && expr_uses_var(term, variable))
      return std::nullopt;
  }
  return result;
}

bool LinearSum::hasMultiple(int64_t factor) const {
  for (const auto &[term, multiple] : terms)
    if (multiple == factor)
      return true;
  return false;
}
