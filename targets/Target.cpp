//===- Target.cpp - finds a target by name ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/Family.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
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

struct DeviceEntry {
  const char *name;
  const DeviceFamily &(*devices)();
};

const DeviceEntry devices[] = {
#define SINTER_DEVICES(NAME) {#NAME, NAME::devices},
#include "targets/Devices.inc"
#undef SINTER_DEVICES
};

bool lookupDevice(llvm::StringRef name, Device &device) {
  for (const DeviceEntry &entry : devices) {
    Device found;
    found.name = name.str();
    if (!entry.devices().lookup(name, found))
      continue;
    device = found;
    return true;
  }
  return false;
}

} // namespace

std::vector<DeviceDescription> sinter::describeDevices() {
  std::vector<DeviceDescription> result;
  for (const DeviceEntry &entry : devices)
    result.push_back({entry.name, entry.devices().summary, entry.devices().levels()});
  return result;
}

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

void sinter::setCaches(Target &target, llvm::ArrayRef<CoreCaches> cores) {
  for (const CoreCaches &core : cores)
    if (target.cpu == core.cpu) {
      target.l1Bytes = core.l1Bytes;
      target.l2Bytes = core.l2Bytes;
      target.l3Bytes = core.l3Bytes;
    }
}

void sinter::require(Target &target, CpuRequirement bits) {
  for (CpuRequirement &each : target.requirements)
    if (each.leaf == bits.leaf && each.subleaf == bits.subleaf && each.word == bits.word) {
      each.mask |= bits.mask;
      return;
    }
  target.requirements.push_back(bits);
}

std::string sinter::unknownFeature(const Target &target, llvm::StringRef processor,
                                   llvm::StringRef name, const Family &family) {
  FamilyDescription description;
  family.describe(description);
  return "target '" + target.name + "': " + processor.str() + " has no feature '" + name.str() +
         "'" + didYouMean(name, description.features);
}

bool sinter::lookupTarget(const std::string &name, Target &target, std::string &error) {
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(name).split(parts, '+');
  Device device;
  for (llvm::StringRef part : parts) {
    Device found;
    if (!lookupDevice(part, found))
      continue;
    if (device) {
      error =
          "target '" + name + "': one device, not '" + device.name + "' and '" + found.name + "'";
      return false;
    }
    device = found;
  }
  llvm::erase_if(parts, [&](llvm::StringRef part) { return device && part == device.name; });
  if (parts.empty())
    parts.push_back("host");
  llvm::StringRef base = parts.front();
  for (const Entry &entry : families) {
    Target found;
    found.name = name;
    found.family = entry.name;
    found.device = device;
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
  for (const DeviceDescription &kind : describeDevices()) {
    known.insert(known.end(), kind.levels.begin(), kind.levels.end());
    for (const std::string &level : kind.levels)
      levels += ", '" + level + "'";
  }
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

/// What the kernel says of the data cache of a level that this core reads; nothing if it does not.
static std::optional<int64_t> readCacheBytes(int level) {
  for (int index = 0; index < 8; ++index) {
    auto read = [&](const char *name) {
      auto file = llvm::MemoryBuffer::getFileAsStream(
          llvm::formatv("/sys/devices/system/cpu/cpu{0}/cache/index{1}/{2}",
                        std::max(sched_getcpu(), 0), index, name)
              .str());
      return file ? (*file)->getBuffer().trim().str() : std::string();
    };
    if (read("level") != std::to_string(level) || read("type") == "Instruction")
      continue;
    std::string size = read("size"); // "32768K"
    int64_t kibibytes = 0;
    llvm::StringRef text = size;
    if (text.consume_back("K") && !text.getAsInteger(10, kibibytes) && kibibytes > 0)
      return kibibytes << 10;
  }
  return std::nullopt;
}

/// glibc counts the last cache of all cores of an AMD package as one: the kernel's files come
/// first.
static int64_t cacheBytes(int level, int name, int64_t otherwise) {
  if (auto bytes = readCacheBytes(level))
    return *bytes;
  long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

void sinter::measureHost(Target &target) {
  target.l1Bytes = cacheBytes(1, _SC_LEVEL1_DCACHE_SIZE, target.l1Bytes);
  target.l2Bytes = cacheBytes(2, _SC_LEVEL2_CACHE_SIZE, target.l2Bytes);
  target.l3Bytes = cacheBytes(3, _SC_LEVEL3_CACHE_SIZE, target.l3Bytes);
  cpu_set_t set;
  target.cores = sched_getaffinity(0, sizeof set, &set) == 0
                     ? CPU_COUNT(&set)
                     : std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  target.isHost = true;
}
