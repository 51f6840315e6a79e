//===- Arm.cpp - AArch64: the base, its extensions, CPUs, the host --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedules are written for NEON, which every AArch64 CPU has. Halide 14 makes
// 4-wide code of SVE, so it stays off unless asked for.
//
//===----------------------------------------------------------------------===//

#include "targets/Family.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/Host.h"

using namespace sinter;
namespace aarch64 = llvm::AArch64;

namespace {

/// CPUs that are common where models run.
const CoreCaches cores[] = {
    {"cortex-a35", 32 << 10, 256 << 10, 256 << 10}, {"cortex-a53", 32 << 10, 512 << 10, 512 << 10},
    {"cortex-a55", 32 << 10, 128 << 10, 1 << 20},   {"cortex-a57", 32 << 10, 2 << 20, 2 << 20},
    {"cortex-a72", 32 << 10, 1 << 20, 1 << 20},     {"cortex-a73", 64 << 10, 2 << 20, 2 << 20},
    {"cortex-a75", 64 << 10, 256 << 10, 2 << 20},   {"cortex-a76", 64 << 10, 512 << 10, 2 << 20},
    {"cortex-a78", 64 << 10, 512 << 10, 4 << 20},   {"cortex-a78ae", 64 << 10, 256 << 10, 2 << 20},
    {"cortex-x1", 64 << 10, 1 << 20, 8 << 20},      {"neoverse-n1", 64 << 10, 1 << 20, 32 << 20},
    {"neoverse-n2", 64 << 10, 1 << 20, 64 << 20},   {"neoverse-v1", 64 << 10, 1 << 20, 32 << 20},
    {"neoverse-v2", 64 << 10, 2 << 20, 36 << 20},   {"apple-m1", 128 << 10, 3 << 20, 12 << 20},
    {"apple-m2", 128 << 10, 4 << 20, 16 << 20},     {"apple-m3", 128 << 10, 4 << 20, 16 << 20},
    {"apple-m4", 128 << 10, 4 << 20, 16 << 20},
};

constexpr uint32_t AT_HWCAP = 16, AT_HWCAP2 = 26; // of getauxval

/// What code generation may use beyond the base, and the bit by which Linux
/// tells of it (arch/arm64/include/uapi/asm/hwcap.h).
const struct Extension {
  aarch64::ArchExtKind kind;
  uint32_t key, mask;
} extensions[] = {
    {aarch64::AEK_CRC, AT_HWCAP, 1u << 7},
    {aarch64::AEK_LSE, AT_HWCAP, 1u << 8},
    {aarch64::AEK_FP16, AT_HWCAP, 1u << 9 | 1u << 10},
    {aarch64::AEK_RDM, AT_HWCAP, 1u << 12},
    {aarch64::AEK_JSCVT, AT_HWCAP, 1u << 13},
    {aarch64::AEK_FCMA, AT_HWCAP, 1u << 14},
    {aarch64::AEK_RCPC, AT_HWCAP, 1u << 15},
    {aarch64::AEK_SHA3, AT_HWCAP, 1u << 17},
    {aarch64::AEK_DOTPROD, AT_HWCAP, 1u << 20},
    {aarch64::AEK_SVE, AT_HWCAP, 1u << 22},
    {aarch64::AEK_FP16FML, AT_HWCAP, 1u << 23},
    {aarch64::AEK_FLAGM, AT_HWCAP, 1u << 27},
    {aarch64::AEK_SVE2, AT_HWCAP2, 1u << 1},
    {aarch64::AEK_FRINT3264, AT_HWCAP2, 1u << 8},
    {aarch64::AEK_I8MM, AT_HWCAP2, 1u << 13},
    {aarch64::AEK_BF16, AT_HWCAP2, 1u << 14},
};

void describe(Target &target, const aarch64::ExtensionSet &set) {
  target.triple = "aarch64-unknown-linux-gnu";
  target.elfMachine = llvm::ELF::EM_AARCH64;
  target.vectorBytes = 16;
  target.vectorRegisters = 32;
  target.broadcastRegisters = 4;
  target.fma = true;
  target.halfConversion = true;
  target.int8Dot = set.Enabled.test(aarch64::AEK_DOTPROD);
  target.bfloat16 = set.Enabled.test(aarch64::AEK_BF16);
  target.l2Bytes = 512 << 10;
  target.l3Bytes = 2 << 20;
  setCaches(target, cores);
  target.halide = "arm-64-linux";
  if (target.int8Dot)
    target.halide += "-arm_dot_prod";
  for (const Extension &extension : extensions)
    if (set.Enabled.test(extension.kind))
      require(target, {extension.key, 0, 0, extension.mask});
}

Lookup lookup(llvm::StringRef base, llvm::ArrayRef<llvm::StringRef> modifiers, Target &target,
              std::string &error) {
  aarch64::ExtensionSet set;
  if (base == "host") {
#if !defined(__aarch64__)
    return Lookup::Unknown;
#endif
    target.cpu = llvm::sys::getHostCPUName().str();
    set.addArchDefaults(aarch64::ARMV8A);
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      if (auto extension = aarch64::targetFeatureToExtension("+" + feature.first().str());
          extension && feature.second)
        set.enable(extension->ID);
  } else if (base == "aarch64" || base == "aarch64-linux" || base == "arm64") {
    target.cpu = "generic";
    set.addArchDefaults(aarch64::ARMV8A);
  } else {
    std::optional<aarch64::CpuInfo> cpu = aarch64::parseCpu(base);
    if (!cpu)
      return Lookup::Unknown;
    if (cpu->Arch.Profile != aarch64::AProfile) {
      error = "target '" + target.name + "': '" + base.str() + "' runs no Linux";
      return Lookup::Failed;
    }
    target.cpu = cpu->Name.str();
    set.addCPUDefaults(*cpu);
  }
  set.disable(aarch64::AEK_SVE);
  set.disable(aarch64::AEK_SME);

  for (llvm::StringRef modifier : modifiers)
    if (!set.parseModifier(modifier)) {
      llvm::StringRef name = modifier;
      name.consume_front("no");
      error = unknownFeature(target, "AArch64", name, arm::family());
      return Lookup::Failed;
    }
  std::vector<std::string> features;
  set.toLLVMFeatureList(features);
  target.features = llvm::join(features, ",");
  describe(target, set);
  if (base == "host")
    measureHost(target);
  return Lookup::Found;
}

void describeFamily(FamilyDescription &description) {
  description.arch = "aarch64";
  description.elfMachine = llvm::ELF::EM_AARCH64;
  description.emulator = "qemu-aarch64";
  description.sysroot = "/usr/aarch64-linux-gnu";
  description.packages = "qemu-user libc6-arm64-cross";
  description.levels = {"aarch64", "aarch64-linux"};
  llvm::SmallVector<llvm::StringRef> cpus;
  aarch64::fillValidCPUArchList(cpus);
  for (llvm::StringRef cpu : cpus)
    if (const auto info = aarch64::parseCpu(cpu); info && info->Arch.Profile == aarch64::AProfile)
      if (cpu != "generic")
        description.cpus.push_back(cpu.str());
  for (const Extension &extension : extensions)
    if (llvm::StringRef name = aarch64::getExtensionByID(extension.kind).UserVisibleName;
        !name.empty())
      description.features.push_back(name.str());
}

void initialize() {
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMInitializeAArch64AsmParser();
}

} // namespace

const Family &arm::family() {
  static const Family family = {"AArch64 Linux, NEON", lookup, describeFamily, initialize};
  return family;
}
