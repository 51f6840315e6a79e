//===- Family.h - what a family of processors defines -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A family is a folder with a family.cmake, a source that defines
// `sinter::FOLDER::family()`, and a processor.h and a start.S for the runtime.
// Nothing else knows its name. Devices, which run kernels beside a CPU, have
// `sinter::FOLDER::devices()` and a device.cmake.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_FAMILY_H
#define SINTER_TARGETS_FAMILY_H

#include "targets/Target.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace sinter {

enum class Lookup {
  Unknown, ///< no name of this family
  Found,
  Failed, ///< of this family, but wrong: the error says why
};

struct Family {
  const char *summary;
  /// Fills `target`, whose name is set, for `base` ("host", a level, a CPU) with
  /// `features` ("dotprod", "nofp16").
  Lookup (*lookup)(llvm::StringRef base, llvm::ArrayRef<llvm::StringRef> features, Target &target,
                   std::string &error);
  /// The names that it knows.
  void (*describe)(FamilyDescription &description);
  /// Registers LLVM's code generator.
  void (*initialize)();
};

#define SINTER_FAMILY(NAME)                                                                        \
  namespace NAME {                                                                                 \
  const Family &family();                                                                          \
  }
#include "targets/Families.inc"
#undef SINTER_FAMILY

struct DeviceFamily {
  const char *summary;
  /// Fills `device`, whose name is set, if it is one of this family.
  bool (*lookup)(llvm::StringRef name, Device &device);
  std::vector<std::string> (*levels)();
};

#define SINTER_DEVICES(NAME)                                                                       \
  namespace NAME {                                                                                 \
  const DeviceFamily &devices();                                                                   \
  }
#include "targets/Devices.inc"
#undef SINTER_DEVICES

/// Data caches that one core sees, as sold most often where the designer leaves the size open; a
/// cluster's cache counts as its last one.
struct CoreCaches {
  const char *cpu;
  int64_t l1Bytes, l2Bytes, l3Bytes;
};

/// Sets the caches of the target's CPU, if it is among `cores`.
void setCaches(Target &target, llvm::ArrayRef<CoreCaches> cores);

/// Adds bits to those that the CPU must have. Bits of one word are one requirement.
void require(Target &target, CpuRequirement bits);

/// What is wrong with `target`: `name` is no feature of the family, which people call `processor`.
std::string unknownFeature(const Target &target, llvm::StringRef processor, llvm::StringRef name,
                           const Family &family);

/// "; did you mean 'a', 'b'?" for those of `known` that a slip could have made
/// `name` of; empty if there is none.
std::string didYouMean(llvm::StringRef name, llvm::ArrayRef<std::string> known);

/// Sizes of the machine that runs this: caches as far as the system tells, cores.
void measureHost(Target &target);

} // namespace sinter

#endif // SINTER_TARGETS_FAMILY_H
