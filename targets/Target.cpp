//===- Target.cpp - finds a target by name ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/Family.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <algorithm>
#include <mutex>
#include <sched.h>
#include <unistd.h>

using namespace sinter;

namespace {

struct Entry {
  const char *name;
  const Family &(*family)();
};

const Entry families[] = {
#define SINTER_FAMILY(NAME) {#NAME, NAME::family},
#include "targets/Families.inc"
#undef SINTER_FAMILY
};

} // namespace

std::vector<FamilyDescription> sinter::describeFamilies() {
  std::vector<FamilyDescription> result;
  for (const Entry &entry : families) {
    FamilyDescription description;
    description.name = entry.name;
    description.summary = entry.family().summary;
    entry.family().describe(description);
    result.push_back(std::move(description));
  }
  return result;
}

std::string sinter::hostArchitecture() {
  return llvm::Triple(llvm::sys::getProcessTriple()).getArchName().str();
}

std::string sinter::didYouMean(llvm::StringRef name, llvm::ArrayRef<std::string> known) {
  // Two wrong letters, or a third of the name, still count as a slip.
  unsigned limit = std::max<size_t>(2, name.size() / 3) + 1;
  std::vector<std::pair<unsigned, size_t>> near; // distance, position
  for (size_t i = 0; i < known.size(); ++i) {
    unsigned distance = name.edit_distance_insensitive(known[i], true, limit);
    if (distance < limit)
      near.push_back({distance, i});
  }
  std::sort(near.begin(), near.end());
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(near.size(), 3); ++i)
    text += (i ? ", '" : "; did you mean '") + known[near[i].second] + "'";
  return text.empty() ? text : text + "?";
}

bool sinter::lookupTarget(const std::string &name, Target &target, std::string &error) {
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(name).split(parts, '+');
  llvm::StringRef base = parts.front();
  for (const Entry &entry : families) {
    Target found;
    found.name = name;
    found.family = entry.name;
    switch (entry.family().lookup(base, llvm::ArrayRef(parts).drop_front(), found, error)) {
    case Lookup::Unknown:
      continue;
    case Lookup::Found:
      target = found;
      return true;
    case Lookup::Failed:
      return false;
    }
  }

  std::vector<std::string> known = {"host"};
  std::string levels;
  for (const FamilyDescription &family : describeFamilies()) {
    known.insert(known.end(), family.levels.begin(), family.levels.end());
    known.insert(known.end(), family.cpus.begin(), family.cpus.end());
    for (const std::string &level : family.levels)
      levels += ", '" + level + "'";
  }
  error = "unknown target '" + base.str() + "'";
  std::string near = didYouMean(base, known);
  error += near.empty() ? "; known are 'host'" + levels + " and CPU names (sinter targets)" : near;
  return false;
}

void sinter::initializeCodeGenerators() {
  static std::once_flag once;
  // Those that Sinter has families for: all of LLVM's take 20 ms.
  std::call_once(once, [] {
    for (const Entry &entry : families)
      entry.family().initialize();
  });
}

static int64_t cacheBytes(int name, int64_t otherwise) {
  long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

void sinter::measureHost(Target &target) {
  target.l1Bytes = cacheBytes(_SC_LEVEL1_DCACHE_SIZE, target.l1Bytes);
  target.l2Bytes = cacheBytes(_SC_LEVEL2_CACHE_SIZE, target.l2Bytes);
  target.l3Bytes = cacheBytes(_SC_LEVEL3_CACHE_SIZE, target.l3Bytes);
  cpu_set_t set;
  target.cores = sched_getaffinity(0, sizeof set, &set) == 0
                     ? CPU_COUNT(&set)
                     : std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  target.isHost = true;
}
