//===- RISCV.cpp - RISC-V: rv64gc, its extensions, CPUs, the host ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every RISC-V that Linux distributions run on has rv64gc. Schedules count on
// vectors of a known length: with V that which its Zvl*b promises, 16 bytes and
// more; without it four scalars in the place of a vector.
//
//===----------------------------------------------------------------------===//

#include "targets/Family.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/RISCVISAInfo.h"
#include "llvm/TargetParser/RISCVTargetParser.h"

#include <algorithm>

using namespace sinter;

namespace {

const CoreCaches cores[] = {
    {"sifive-u54", 32 << 10, 2 << 20, 2 << 20},       {"sifive-u74", 32 << 10, 2 << 20, 2 << 20},
    {"sifive-p550", 32 << 10, 256 << 10, 4 << 20},    {"sifive-x280", 32 << 10, 512 << 10, 2 << 20},
    {"spacemit-x60", 32 << 10, 512 << 10, 512 << 10},
};

/// Where requirements look (processor.h).
constexpr uint32_t AT_HWCAP = 16, hwprobe = 258, hwprobeExtensions = 4, vlenb = 0xc22;

/// What code generation may use beyond rv64gc, and the bit by which Linux tells of it: that of
/// RISCV_HWPROBE_KEY_IMA_EXT_0 (arch/riscv/include/uapi/asm/hwprobe.h), but for V, of which
/// AT_HWCAP tells to older kernels too.
const struct Extension {
  const char *name;
  uint32_t leaf, subleaf, bit;
} extensions[] = {
    {"v", AT_HWCAP, 0, 'V' - 'A'},
    {"zba", hwprobe, hwprobeExtensions, 3},
    {"zbb", hwprobe, hwprobeExtensions, 4},
    {"zbs", hwprobe, hwprobeExtensions, 5},
    {"zbc", hwprobe, hwprobeExtensions, 7},
    {"zvbb", hwprobe, hwprobeExtensions, 17},
    {"zfh", hwprobe, hwprobeExtensions, 27},
    {"zfhmin", hwprobe, hwprobeExtensions, 28},
    {"zvfh", hwprobe, hwprobeExtensions, 30},
    {"zvfhmin", hwprobe, hwprobeExtensions, 31},
    {"zfa", hwprobe, hwprobeExtensions, 32},
    {"zicond", hwprobe, hwprobeExtensions, 35},
    {"zfbfmin", hwprobe, hwprobeExtensions, 52},
    {"zvfbfmin", hwprobe, hwprobeExtensions, 53},
};

/// Least lengths of a vector register, in bits; V's own is 128.
const char *const lengths[] = {"zvl256b", "zvl512b", "zvl1024b"};

bool isFeature(llvm::StringRef name) {
  return llvm::any_of(extensions, [&](const Extension &each) { return name == each.name; }) ||
         llvm::is_contained(lengths, name);
}

/// Extensions, with all that they imply.
using ISAInfo = std::unique_ptr<llvm::RISCVISAInfo>;

ISAInfo parse(std::vector<std::string> names) {
  // Vectors here are V's, not those of its parts for small processors.
  if (llvm::any_of(names,
                   [](llvm::StringRef name) { return isFeature(name) && name.starts_with("zv"); }))
    names.push_back("v");
  for (std::string &name : names)
    name.insert(0, "+");
  auto info = llvm::RISCVISAInfo::parseFeatures(64, names);
  if (info)
    return std::move(*info);
  llvm::consumeError(info.takeError());
  return nullptr;
}

std::vector<std::string> namesOf(const llvm::RISCVISAInfo &info) {
  std::vector<std::string> names;
  for (const auto &[name, version] : info.getExtensions())
    names.push_back(name);
  return names;
}

const std::vector<std::string> base = {"i", "m", "a", "f", "d", "c", "zicsr", "zifencei"};

/// rv64gc and those features that `info` has.
ISAInfo restrict(const llvm::RISCVISAInfo &info) {
  std::vector<std::string> names = base;
  for (std::string &name : namesOf(info))
    if (isFeature(name))
      names.push_back(std::move(name));
  return parse(names);
}

/// Without `name` and what implies it.
ISAInfo remove(const llvm::RISCVISAInfo &info, llvm::StringRef name) {
  std::vector<std::string> names = base;
  for (std::string &each : namesOf(info))
    if (isFeature(each) && !parse({"i", each})->hasExtension(name))
      names.push_back(std::move(each));
  return parse(names);
}

void describe(Target &target, const llvm::RISCVISAInfo &info) {
  target.triple = "riscv64-unknown-linux-gnu";
  target.elfMachine = llvm::ELF::EM_RISCV;
  target.elfFlags = llvm::ELF::EF_RISCV_RVC | llvm::ELF::EF_RISCV_FLOAT_ABI_DOUBLE;
  target.halide = "riscv-64-linux";
  target.fma = true;
  target.halfConversion = info.hasExtension("zvfhmin");
  target.l2Bytes = 512 << 10;
  target.l3Bytes = 2 << 20;
  setCaches(target, cores);
  if (info.hasExtension("v")) {
    target.vectorBytes = std::min(info.getMinVLen() / 8, 64u);
    target.vectorRegisters = 32;
    // Scalars are operands of vfmacc.vf; but LLVM groups the vectors of a tile by twos and fours,
    // and needs free groups to join what it has loaded.
    target.broadcastRegisters = 6;
    target.fmaPerCycle = target.loadsPerCycle = 1;
  } else {
    // 32 scalar registers, and one multiply-add in a cycle.
    target.vectorBytes = 16;
    target.vectorRegisters = 8;
    target.fmaPerCycle = target.loadsPerCycle = 0.25;
  }
  for (const Extension &each : extensions)
    if (info.hasExtension(each.name))
      require(target, {each.leaf, each.subleaf, each.bit / 32, 1u << each.bit % 32});
  if (info.getMinVLen() > 128)
    require(target, {vlenb, 0, 0, info.getMinVLen() / 8});
}

/// The extensions of a CPU, or null.
ISAInfo parseCpu(llvm::StringRef cpu) {
  if (!llvm::RISCV::parseCPU(cpu, /*IsRV64=*/true))
    return nullptr;
  auto info = llvm::RISCVISAInfo::parseArchString(llvm::RISCV::getMArchFromMcpu(cpu),
                                                  /*EnableExperimentalExtension=*/true);
  if (info)
    return std::move(*info);
  llvm::consumeError(info.takeError());
  return nullptr;
}

bool hasBase(const llvm::RISCVISAInfo &info) {
  return llvm::all_of(base, [&](llvm::StringRef name) { return info.hasExtension(name); });
}

Lookup lookup(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> modifiers, Target &target,
              std::string &error) {
  ISAInfo cpu;
  if (name == "host") {
#if !defined(__riscv) || __riscv_xlen != 64
    return Lookup::Unknown;
#endif
    target.cpu = llvm::sys::getHostCPUName().str();
    std::vector<std::string> names = base;
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      if (feature.second)
        names.push_back(feature.first().str());
    cpu = parse(names);
  } else if (name == "riscv64" || name == "riscv64-linux") {
    target.cpu = "generic-rv64";
    cpu = parse(base);
  } else {
    target.cpu = name.str();
    cpu = parseCpu(name);
  }
  if (!cpu)
    return Lookup::Unknown;
  if (!hasBase(*cpu)) {
    error = "target '" + target.name + "': Sinter needs at least rv64gc";
    return Lookup::Failed;
  }

  ISAInfo info = restrict(*cpu);
  for (llvm::StringRef modifier : modifiers) {
    llvm::StringRef feature = modifier;
    bool enable = isFeature(feature) || !feature.consume_front("no");
    if (!isFeature(feature)) {
      error = unknownFeature(target, "RISC-V", feature, riscv::family());
      return Lookup::Failed;
    }
    std::vector<std::string> names = namesOf(*info);
    names.push_back(feature.str());
    info = enable ? parse(names) : remove(*info, feature);
  }

  // What the CPU has beyond, the library does not ask of it, and so must not use.
  std::vector<std::string> features = info->toFeatures();
  for (const std::string &each : namesOf(*cpu))
    if (!info->hasExtension(each))
      features.push_back("-" + llvm::RISCVISAInfo::getTargetFeatureForExtension(each));
  target.features = llvm::join(features, ",");
  describe(target, *info);
  if (name == "host")
    measureHost(target);
  return Lookup::Found;
}

void describeFamily(FamilyDescription &description) {
  description.arch = "riscv64";
  description.elfMachine = llvm::ELF::EM_RISCV;
  description.emulator = "qemu-riscv64";
  description.emulatedCpu = "rv64,v=true,vlen=256,vext_spec=v1.0";
  description.sysroot = "/usr/riscv64-linux-gnu";
  description.packages = "qemu-user libc6-riscv64-cross";
  description.levels = {"riscv64", "riscv64-linux"};
  llvm::SmallVector<llvm::StringRef> cpus;
  llvm::RISCV::fillValidCPUArchList(cpus, /*IsRV64=*/true);
  for (llvm::StringRef cpu : cpus)
    if (ISAInfo info = parseCpu(cpu); info && hasBase(*info))
      description.cpus.push_back(cpu.str());
  for (const Extension &each : extensions)
    description.features.push_back(each.name);
  description.features.insert(description.features.end(), std::begin(lengths), std::end(lengths));
}

void initialize() {
  LLVMInitializeRISCVTargetInfo();
  LLVMInitializeRISCVTarget();
  LLVMInitializeRISCVTargetMC();
  LLVMInitializeRISCVAsmPrinter();
  LLVMInitializeRISCVAsmParser();
}

} // namespace

const Family &riscv::family() {
  static const Family family = {"RISC-V Linux, rv64gc", lookup, describeFamily, initialize};
  return family;
}
