//===- Targets.cpp - sinter targets -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Commands.h"
#include "targets/Target.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace sinter;
using namespace sinter::driver;

// "16 B × 32, FMA, int8 dot"
static std::string abilities(const Target &target) {
  std::string text = llvm::formatv("{0} B x {1}", target.vectorBytes, target.vectorRegisters).str();
  for (auto [has, name] : {std::pair(target.fma, "FMA"),
                           {target.int8Dot, "int8 dot"},
                           {target.halfConversion, "float16 conversion"},
                           {target.bfloat16, "bfloat16 dot"}})
    if (has)
      text += std::string(", ") + name;
  return text;
}

// Words in lines of at most 100 columns.
static void printList(llvm::StringRef title, const std::vector<std::string> &words) {
  std::string line = "  " + title.str();
  for (const std::string &word : words) {
    if (line.size() + word.size() + 1 > 100) {
      llvm::outs() << line << '\n';
      line = "   ";
    }
    line += " " + word;
  }
  llvm::outs() << line << '\n';
}

static void printLevel(const std::string &name) {
  Target target;
  std::string error;
  if (lookupTarget(name, target, error))
    llvm::outs() << llvm::formatv("  {0,-16} {1}\n", name, abilities(target));
}

// "blocks of 1024 threads and 48 KiB, float16, float64"
static std::string abilities(const Device &device) {
  std::string text = llvm::formatv("blocks of {0} threads and {1} KiB", device.threadsPerBlock,
                                   device.sharedBytes >> 10)
                         .str();
  for (auto [has, name] : {std::pair(device.float16, "float16"), {device.float64, "float64"}})
    if (has)
      text += std::string(", ") + name;
  return text;
}

static void printDevices() {
  for (const DeviceDescription &kind : describeDevices()) {
    llvm::outs() << '\n' << kind.summary << "; alone beside this machine's CPU, or CPU+DEVICE\n";
    for (const std::string &level : kind.levels) {
      Target target;
      std::string error;
      if (lookupTarget(level, target, error))
        llvm::outs() << llvm::formatv("  {0,-16} {1}\n", level, abilities(target.device));
    }
  }
}

static void printFamilies() {
  llvm::outs() << "vectors: bytes x registers\n";
  printLevel("host");
  for (const FamilyDescription &family : describeFamilies()) {
    llvm::outs() << '\n' << family.summary << "; runs ";
    if (family.arch == hostArchitecture())
      llvm::outs() << "here\n";
    else if (auto program = llvm::sys::findProgramByName(family.emulator))
      llvm::outs() << "here under " << family.emulator << '\n';
    else
      llvm::outs() << "elsewhere (here under " << family.emulator << ", with " << family.packages
                   << ")\n";
    for (const std::string &level : family.levels)
      printLevel(level);
    printList("or a CPU:", family.cpus);
    printList("with features, +NAME or +noNAME:", family.features);
  }
  printDevices();
  llvm::outs() << "\nNames of one architecture by comma: one library that takes, where it is "
                  "loaded, what fits best.\n";
}

static int printTarget(const std::string &name) {
  Target target;
  std::string error;
  if (!lookupTarget(name, target, error)) {
    llvm::errs() << "error: " << error << '\n';
    return WrongUsage;
  }
  llvm::outs() << "target    " << target.name << " (" << target.family << ")\n"
               << "triple    " << target.triple << "\n"
               << "cpu       " << target.cpu << "\n"
               << "features  " << target.features << "\n"
               << "vectors   " << abilities(target) << "\n"
               << llvm::formatv("caches    L1 {0} KiB, L2 {1} KiB of a core, L3 {2} KiB shared\n",
                                target.l1Bytes >> 10, target.l2Bytes >> 10, target.l3Bytes >> 10);
  if (target.device)
    llvm::outs() << "device    " << target.device.runtime << ", " << abilities(target.device)
                 << "\n";
  if (target.isHost)
    llvm::outs() << "cores     " << target.cores << "\n";
  return Good;
}

int sinter::driver::targets(const std::string &name) {
  if (!name.empty())
    return printTarget(name);
  printFamilies();
  return Good;
}
