//===- Target.cpp - finds a target by name ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/Target.h"
#include "targets/x86/X86.h"

#include "llvm/ADT/StringRef.h"

namespace {

/// One family of processors. A new family is one more row of `families`.
struct Family {
  bool (*lookup)(const std::string &name, sinter::Target &target);
  void (*names)(std::vector<std::string> &names);
};

const Family families[] = {
    {sinter::x86::lookup, sinter::x86::names},
};

} // namespace

std::vector<std::string> sinter::targetNames() {
  std::vector<std::string> names = {"host"};
  for (const Family &family : families)
    family.names(names);
  return names;
}

bool sinter::lookupTarget(const std::string &name, Target &target, std::string &error) {
  for (const Family &family : families)
    if (family.lookup(name, target))
      return true;

  error = "unknown target '" + name + "'";
  // Two wrong letters, or a third of the name, still count as a slip.
  unsigned limit = std::max<size_t>(2, name.size() / 3) + 1;
  std::string nearest;
  for (const std::string &known : targetNames()) {
    unsigned distance = llvm::StringRef(name).edit_distance_insensitive(known, true, limit);
    if (distance < limit) {
      limit = distance;
      nearest = known;
    }
  }
  if (!nearest.empty())
    error += "; did you mean '" + nearest + "'?";
  else
    error += "; known are 'host', 'x86-64-v2', 'x86-64-v3', 'x86-64-v4' and "
             "LLVM's x86-64 CPU names such as 'znver4' or 'skylake-avx512'";
  return false;
}
