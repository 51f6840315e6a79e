//===- X86.cpp - x86-64 levels, CPUs and the host -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host is detected by LLVM 22: Halide 14 takes CPUs younger than itself for
// others (a Zen 5 for a Sapphire Rapids), and its `host` is never asked.
//
//===----------------------------------------------------------------------===//

#include "targets/x86/X86.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <algorithm>
#include <sched.h>
#include <unistd.h>

using namespace sinter;

namespace {

constexpr const char *triple = "x86_64-unknown-linux-gnu";

/// Schedules count on AVX-512's full registers where LLVM's tuning for some CPUs
/// would prefer half of them.
constexpr const char *fullVectors = ",-prefer-256-bit";

/// Typical sizes of the level's CPUs, for code that is compiled elsewhere.
struct Level {
  const char *name;
  ISA isa;
  int64_t vectorBytes, vectorRegisters;
  int64_t l1Bytes, l2Bytes, l3Bytes;
  const char *halide;
};

const Level levels[] = {
    {"x86-64-v2", ISA::X86V2, 16, 16, 32 << 10, 256 << 10, 8 << 20, "x86-64-linux-sse41"},
    {"x86-64-v3", ISA::X86V3, 32, 16, 32 << 10, 512 << 10, 16 << 20,
     "x86-64-linux-sse41-avx-avx2-fma-f16c"},
    {"x86-64-v4", ISA::X86V4, 64, 32, 32 << 10, 1 << 20, 32 << 20,
     "x86-64-linux-sse41-avx-avx2-fma-f16c-avx512-avx512_skylake"},
};

bool hasAll(const llvm::StringSet<> &features, std::initializer_list<const char *> wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const char *f) { return features.contains(f); });
}

/// The highest level whose features are all there; null below x86-64-v2.
const Level *levelOf(const llvm::StringSet<> &features) {
  if (!hasAll(features, {"sse4.2", "ssse3", "popcnt"}))
    return nullptr;
  if (!hasAll(features, {"avx2", "fma", "f16c", "bmi", "bmi2"}))
    return &levels[0];
  if (!hasAll(features, {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return &levels[1];
  return &levels[2];
}

/// Sets what follows from the set of features.
bool describe(Target &target, const llvm::StringSet<> &features) {
  const Level *level = levelOf(features);
  if (!level)
    return false;
  target.family = "x86";
  target.triple = triple;
  target.isa = level->isa;
  target.vectorBytes = level->vectorBytes;
  target.vectorRegisters = level->vectorRegisters;
  target.l1Bytes = level->l1Bytes;
  target.l2Bytes = level->l2Bytes;
  target.l3Bytes = level->l3Bytes;
  target.fma = level->isa != ISA::X86V2;
  target.halfConversion = target.fma;
  target.halide = level->halide;
  if (level->isa == ISA::X86V4) {
    target.int8Dot = features.contains("avx512vnni");
    target.bfloat16 = features.contains("avx512bf16");
    // Halide knows VNNI only as a part of its Sapphire Rapids.
    if (hasAll(features, {"avx512vnni", "avx512bf16", "avx512ifma", "avx512vbmi"}))
      target.halide += "-avx512_cannonlake-avx512_sapphirerapids";
  }
  return true;
}

/// Where a core does another amount of work in a cycle than is usual for its level.
void describeCore(Target &target) {
  if (target.isa != ISA::X86V4)
    return;
  // 512-bit vectors go through 256-bit units in two halves.
  if (target.cpu == "znver4")
    target.fmaPerCycle = target.loadsPerCycle = 1;
  if (target.cpu == "znver5") {
    target.l2Bandwidth = 48;
    target.l3Bandwidth = 28;
  }
}

int64_t cacheBytes(int name, int64_t otherwise) {
  long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

bool lookupHost(Target &target) {
#if defined(__x86_64__)
  llvm::StringSet<> features;
  std::vector<std::string> list;
  for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
    list.push_back((feature.second ? "+" : "-") + feature.first().str());
    if (feature.second)
      features.insert(feature.first());
  }
  // A fixed order: the string ends in the library's code and in caches' keys.
  std::sort(list.begin(), list.end());
  if (!describe(target, features))
    return false;
  target.cpu = llvm::sys::getHostCPUName().str();
  describeCore(target);
  target.features.clear();
  for (const std::string &feature : list)
    target.features += (target.features.empty() ? "" : ",") + feature;
  if (target.isa == ISA::X86V4)
    target.features += fullVectors;
  target.l1Bytes = cacheBytes(_SC_LEVEL1_DCACHE_SIZE, target.l1Bytes);
  target.l2Bytes = cacheBytes(_SC_LEVEL2_CACHE_SIZE, target.l2Bytes);
  target.l3Bytes = cacheBytes(_SC_LEVEL3_CACHE_SIZE, target.l3Bytes);
  cpu_set_t set;
  target.cores = sched_getaffinity(0, sizeof set, &set) == 0
                     ? CPU_COUNT(&set)
                     : std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  target.isHost = true;
  return true;
#else
  (void)target;
  return false;
#endif
}

} // namespace

bool x86::lookup(const std::string &name, Target &target) {
  Target found;
  found.name = name;
  if (name == "host") {
    if (!lookupHost(found))
      return false;
    target = found;
    return true;
  }

  if (llvm::X86::parseArchX86(name, /*Only64Bit=*/true) == llvm::X86::CK_None)
    return false;
  llvm::SmallVector<llvm::StringRef> list;
  llvm::X86::getFeaturesForCPU(name, list);
  // LLVM lists only the features that imply the others.
  llvm::StringMap<bool> implied;
  for (llvm::StringRef feature : list)
    llvm::X86::updateImpliedFeatures(feature, /*Enabled=*/true, implied);
  llvm::StringSet<> features;
  for (llvm::StringRef feature : list)
    features.insert(feature);
  for (const auto &feature : implied)
    if (feature.second)
      features.insert(feature.first());
  if (!describe(found, features))
    return false;
  found.cpu = name; // which implies the features
  describeCore(found);
  if (found.isa == ISA::X86V4)
    found.features = fullVectors + 1;
  target = found;
  return true;
}

void x86::names(std::vector<std::string> &names) {
  for (const Level &level : levels)
    names.push_back(level.name);
  llvm::SmallVector<llvm::StringRef> cpus;
  llvm::X86::fillValidCPUArchList(cpus, /*Only64Bit=*/true);
  Target target;
  for (llvm::StringRef cpu : cpus)
    if (!cpu.starts_with("x86-64") && lookup(cpu.str(), target))
      names.push_back(cpu.str());
}
