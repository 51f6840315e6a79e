//===- X86.cpp - x86-64 levels, CPUs and the host -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host is detected by LLVM 22: Halide 14 takes CPUs younger than itself for
// others (a Zen 5 for a Sapphire Rapids), and its `host` is never asked.
//
//===----------------------------------------------------------------------===//

#include "targets/Family.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <algorithm>

using namespace sinter;

namespace {

/// Schedules count on AVX-512's full registers where LLVM's tuning for some CPUs
/// would prefer half of them.
constexpr const char *fullVectors = "-prefer-256-bit";

/// Typical sizes of the level's CPUs, for code that is compiled elsewhere.
struct Level {
  const char *name;
  int64_t vectorBytes, vectorRegisters;
  int64_t l1Bytes, l2Bytes, l3Bytes;
  const char *halide;
};

const Level levels[] = {
    {"x86-64-v2", 16, 16, 32 << 10, 256 << 10, 8 << 20, "x86-64-linux-sse41"},
    {"x86-64-v3", 32, 16, 32 << 10, 512 << 10, 16 << 20, "x86-64-linux-sse41-avx-avx2-fma-f16c"},
    {"x86-64-v4", 64, 32, 32 << 10, 1 << 20, 32 << 20,
     "x86-64-linux-sse41-avx-avx2-fma-f16c-avx512-avx512_skylake"},
};

/// Only the highest level has vectors of 64 bytes.
bool isV4(const Target &target) { return target.vectorBytes == 64; }

enum Word : uint32_t { EAX, EBX, ECX, EDX };

/// In the place of CPUID's leaf: XCR0, the registers that the system saves.
constexpr uint32_t extendedState = 0xffffffff;

/// What it must save for an instruction set.
constexpr uint32_t saveAVX = 0x6, saveAVX512 = 0xe6;

/// What code generation may use of an instruction set that a user can name, and
/// the bit by which CPUID tells of it. Features that only intrinsics reach are
/// not here.
const struct Feature {
  const char *name;
  uint32_t leaf, subleaf;
  Word word;
  unsigned bit;
  uint32_t state; ///< of XCR0
} features[] = {
    {"sse3", 1, 0, ECX, 0, 0},
    {"ssse3", 1, 0, ECX, 9, 0},
    {"sse4.1", 1, 0, ECX, 19, 0},
    {"sse4.2", 1, 0, ECX, 20, 0},
    {"cx16", 1, 0, ECX, 13, 0},
    {"movbe", 1, 0, ECX, 22, 0},
    {"popcnt", 1, 0, ECX, 23, 0},
    {"fma", 1, 0, ECX, 12, saveAVX},
    {"avx", 1, 0, ECX, 28, saveAVX},
    {"f16c", 1, 0, ECX, 29, saveAVX},
    {"sahf", 0x80000001, 0, ECX, 0, 0},
    {"lzcnt", 0x80000001, 0, ECX, 5, 0},
    {"sse4a", 0x80000001, 0, ECX, 6, 0},
    {"xop", 0x80000001, 0, ECX, 11, saveAVX},
    {"fma4", 0x80000001, 0, ECX, 16, saveAVX},
    {"tbm", 0x80000001, 0, ECX, 21, 0},
    {"bmi", 7, 0, EBX, 3, 0},
    {"avx2", 7, 0, EBX, 5, saveAVX},
    {"bmi2", 7, 0, EBX, 8, 0},
    {"avx512f", 7, 0, EBX, 16, saveAVX512},
    {"avx512dq", 7, 0, EBX, 17, saveAVX512},
    {"adx", 7, 0, EBX, 19, 0},
    {"avx512ifma", 7, 0, EBX, 21, saveAVX512},
    {"avx512cd", 7, 0, EBX, 28, saveAVX512},
    {"avx512bw", 7, 0, EBX, 30, saveAVX512},
    {"avx512vl", 7, 0, EBX, 31, saveAVX512},
    {"avx512vbmi", 7, 0, ECX, 1, saveAVX512},
    {"avx512vbmi2", 7, 0, ECX, 6, saveAVX512},
    {"gfni", 7, 0, ECX, 8, 0},
    {"avx512vnni", 7, 0, ECX, 11, saveAVX512},
    {"avx512bitalg", 7, 0, ECX, 12, saveAVX512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, saveAVX512},
    {"avx512fp16", 7, 0, EDX, 23, saveAVX512},
    {"avxvnni", 7, 1, EAX, 4, saveAVX},
    {"avx512bf16", 7, 1, EAX, 5, saveAVX512},
    {"avxifma", 7, 1, EAX, 23, saveAVX},
    {"avxvnniint8", 7, 1, EDX, 4, saveAVX},
    {"avxneconvert", 7, 1, EDX, 5, saveAVX},
    {"avxvnniint16", 7, 1, EDX, 10, saveAVX},
};

bool hasAll(const llvm::StringSet<> &set, std::initializer_list<const char *> wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const char *f) { return set.contains(f); });
}

/// The highest level whose features are all there; null below x86-64-v2.
const Level *levelOf(const llvm::StringSet<> &set) {
  if (!hasAll(set, {"sse4.2", "ssse3", "popcnt"}))
    return nullptr;
  if (!hasAll(set, {"avx2", "fma", "f16c", "bmi", "bmi2"}))
    return &levels[0];
  if (!hasAll(set, {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return &levels[1];
  return &levels[2];
}

/// Sets what follows from the set of features.
bool describe(Target &target, const llvm::StringSet<> &set) {
  const Level *level = levelOf(set);
  if (!level)
    return false;
  target.triple = "x86_64-unknown-linux-gnu";
  target.elfMachine = llvm::ELF::EM_X86_64;
  target.vectorBytes = level->vectorBytes;
  target.vectorRegisters = level->vectorRegisters;
  target.l1Bytes = level->l1Bytes;
  target.l2Bytes = level->l2Bytes;
  target.l3Bytes = level->l3Bytes;
  target.fma = level != &levels[0];
  target.halfConversion = target.fma;
  target.halide = level->halide;
  // With vectors of 64 bytes only AVX-512's is as wide.
  target.int8Dot = target.unsignedDot = set.contains(isV4(target) ? "avx512vnni" : "avxvnni");
  target.bfloat16 = isV4(target) && set.contains("avx512bf16");
  // Halide knows VNNI only as a part of its Sapphire Rapids. All that it emits for that beside is
  // bfloat16's conversion, which kernels of such products have not.
  if (target.int8Dot) {
    const char *sapphireRapids = "-avx512_cannonlake-avx512_sapphirerapids";
    if (hasAll(set, {"avx512vnni", "avx512bf16", "avx512ifma", "avx512vbmi"}))
      target.halide += sapphireRapids;
    else if (isV4(target))
      target.halideDot = sapphireRapids;
    else
      target.halideDot = std::string("-avx512-avx512_skylake") + sapphireRapids;
  }
  for (const Feature &feature : features)
    if (set.contains(feature.name)) {
      require(target, {feature.leaf, feature.subleaf, feature.word, 1u << feature.bit});
      if (feature.state)
        require(target, {extendedState, 0, 0, feature.state});
    }
  return true;
}

/// Where a core does another amount of work in a cycle than is usual for its level.
void describeCore(Target &target) {
  if (!isV4(target))
    return;
  // 512-bit vectors go through 256-bit units in two halves.
  if (target.cpu == "znver4")
    target.fmaPerCycle = target.loadsPerCycle = 1;
  if (target.cpu == "znver5") {
    target.l2Bandwidth = 48;
    target.l3Bandwidth = 28;
  }
}

/// What a feature brings with it or, if it goes, takes along.
void apply(llvm::StringRef feature, bool enable, llvm::StringSet<> &set) {
  llvm::StringMap<bool> implied;
  implied[feature] = enable;
  llvm::X86::updateImpliedFeatures(feature, enable, implied);
  for (const auto &each : implied)
    each.second ? (void)set.insert(each.first()) : (void)set.erase(each.first());
}

void addToList(Target &target, const std::string &feature) {
  target.features += (target.features.empty() ? "" : ",") + feature;
}

Lookup lookup(llvm::StringRef base, llvm::ArrayRef<llvm::StringRef> modifiers, Target &target,
              std::string &error) {
  llvm::StringSet<> set;
  if (base == "host") {
#if !defined(__x86_64__)
    return Lookup::Unknown;
#endif
    std::vector<std::string> list;
    for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
      list.push_back((feature.second ? "+" : "-") + feature.first().str());
      if (feature.second)
        set.insert(feature.first());
    }
    // A fixed order: the string ends in the library's code and in caches' keys.
    std::sort(list.begin(), list.end());
    for (const std::string &feature : list)
      addToList(target, feature);
    target.cpu = llvm::sys::getHostCPUName().str();
  } else {
    if (base == "x86-64" || base == "x86_64")
      base = levels[0].name;
    if (llvm::X86::parseArchX86(base, /*Only64Bit=*/true) == llvm::X86::CK_None)
      return Lookup::Unknown;
    llvm::SmallVector<llvm::StringRef> list;
    llvm::X86::getFeaturesForCPU(base, list);
    // LLVM lists only the features that imply the others.
    for (llvm::StringRef feature : list)
      apply(feature, true, set);
    target.cpu = base.str(); // which implies the features
  }

  for (llvm::StringRef modifier : modifiers) {
    llvm::StringRef name = modifier;
    auto known = [&] {
      return llvm::any_of(features, [&](const Feature &each) { return name == each.name; });
    };
    bool enable = known() || !name.consume_front("no");
    if (!known()) {
      error = unknownFeature(target, "x86-64", name, x86::family());
      return Lookup::Failed;
    }
    apply(name, enable, set);
    addToList(target, (enable ? "+" : "-") + name.str());
  }

  if (!describe(target, set)) {
    error = "target '" + target.name + "': Sinter needs at least x86-64-v2 (SSE4.2, POPCNT)";
    return Lookup::Failed;
  }
  describeCore(target);
  if (isV4(target))
    addToList(target, fullVectors);
  if (base == "host")
    measureHost(target);
  return Lookup::Found;
}

void describeFamily(FamilyDescription &description) {
  description.arch = "x86_64";
  description.elfMachine = llvm::ELF::EM_X86_64;
  description.emulator = "qemu-x86_64";
  description.sysroot = "/usr/x86_64-linux-gnu";
  description.packages = "qemu-user libc6-amd64-cross";
  for (const Level &level : levels)
    description.levels.push_back(level.name);
  llvm::SmallVector<llvm::StringRef> cpus;
  llvm::X86::fillValidCPUArchList(cpus, /*Only64Bit=*/true);
  for (llvm::StringRef cpu : cpus) {
    Target target;
    std::string error;
    if (!cpu.starts_with("x86-64") && lookup(cpu, {}, target, error) == Lookup::Found)
      description.cpus.push_back(cpu.str());
  }
  for (const Feature &feature : features)
    description.features.push_back(feature.name);
}

void initialize() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
}

} // namespace

const Family &x86::family() {
  static const Family family = {"x86-64 Linux", lookup, describeFamily, initialize};
  return family;
}
