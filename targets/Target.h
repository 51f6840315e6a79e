//===- Target.h - what the compiler knows of the machine it compiles for --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plain description: schedules are chosen from it, code is generated for it.
// Each family (x86, arm, ...) fills it in its own folder (Family.h);
// `lookupTarget` asks them in turn. No LLVM or MLIR header is needed to use it.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_TARGET_H
#define SINTER_TARGETS_TARGET_H

#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

/// Bits that a CPU's identification must have for it to run the code. The
/// runtime (runtime/cpu.c) compares them before it runs any.
struct CpuRequirement {
  /// Where the bits are: a leaf of CPUID, a key of getauxval, ..., as the family's processor.h
  /// reads it.
  uint32_t leaf, subleaf;
  uint32_t word; ///< which 32 of them, the least significant first
  uint32_t mask; ///< all of which must be set
};

/// A GPU, or what is programmed like one.
struct Device {
  std::string name;    ///< as the user wrote it: "opencl", "sm_80"; empty: none
  std::string runtime; ///< how it is driven: "opencl", "cuda"
  /// Halide's features for code on it, after those of the CPU: "cuda-cuda_capability_80".
  std::string halide;
  int64_t capability = 0; ///< CUDA's compute capability times ten

  int64_t warp = 32;              ///< threads that run in step
  int64_t threadsPerBlock = 1024; ///< at most
  int64_t sharedBytes = 48 << 10; ///< of a block
  int64_t registers = 64 << 10;   ///< of 32 bits, of all threads of a multiprocessor
  int64_t registersPerThread = 255;
  int64_t multiprocessors = 1;
  bool float64 = false, float16 = false; ///< kernels may compute with these

  explicit operator bool() const { return !name.empty(); }
};

struct Target {
  std::string name;   ///< as the user wrote it: "host", "x86-64-v3", "cortex-a76+fp16"
  std::string family; ///< "x86", "arm", ...: the folder of targets/
  std::string triple; ///< LLVM's, e.g. "x86_64-unknown-linux-gnu"
  /// LLVM's name of the CPU. With `features` it says exactly what code generation may use.
  std::string cpu;
  std::string features; ///< LLVM's, e.g. "+avx2,+fma,-avx512f"
  /// Halide's target string without the kernel flags (no_runtime, ...).
  std::string halide;
  uint16_t elfMachine = 0; ///< of its object files, e.g. EM_AARCH64
  uint32_t elfFlags = 0;   ///< that all of a library's object files have in common
  std::vector<CpuRequirement> requirements;

  int64_t vectorBytes = 16;     ///< bytes of one vector register
  int64_t vectorRegisters = 16; ///< number of vector registers
  /// Vector registers that the scalars of a register tile's multiply-adds take: one where they are
  /// memory operands, more where each is loaded before, some ahead of their use.
  int64_t broadcastRegisters = 1;
  bool fma = false;         ///< fused multiply-add on float32
  bool int8Dot = false;     ///< 4-wide int8 dot product (VNNI, udot/sdot)
  bool unsignedDot = false; ///< it multiplies unsigned integers by signed ones, as VNNI does
  /// Halide's features for kernels with such products, after `halide`.
  std::string halideDot;
  bool halfConversion = false; ///< float16 <-> float32 in vector registers
  bool bfloat16 = false;       ///< bfloat16 dot product

  double fmaPerCycle = 2;   ///< vector multiply-adds that a core begins in a cycle
  double loadsPerCycle = 2; ///< vector loads; of scalars it always begins two

  int64_t l1Bytes = 32 << 10;  ///< data cache of one core
  int64_t l2Bytes = 512 << 10; ///< of one core
  int64_t l3Bytes = 16 << 20;  ///< shared
  /// Bytes that one core reads in a cycle from its second cache, from the shared one, from memory.
  double l2Bandwidth = 32, l3Bandwidth = 10, memoryBandwidth = 8;
  int64_t cores = 1; ///< that threads may run on; 1 if unknown

  bool isHost = false; ///< what is compiled for it runs on this machine

  /// What runs kernels beside this CPU; its name is empty where there is none.
  Device device;

  /// Number of `bytes`-wide elements in one vector register.
  int64_t lanes(int64_t bytes) const { return vectorBytes / bytes; }
};

/// Fills `target` for "host", a level ("x86-64-v3", "aarch64") or a CPU's name
/// as LLVM spells it ("znver4", "cortex-a76"), each with features after it:
/// "aarch64+dotprod", "x86-64-v4+avx512vnni", "cortex-a76+nofp16". A device may
/// stand among the features, "aarch64+sm_87", or alone: beside this machine's CPU. On failure
/// returns false and says in `error` what was wrong and which known names are
/// nearest.
bool lookupTarget(const std::string &name, Target &target, std::string &error);

/// What the folder of one family offers, for people.
struct FamilyDescription {
  std::string name;                  ///< "arm"
  std::string summary;               ///< "AArch64 Linux, NEON"
  std::string arch;                  ///< as in a triple: "aarch64"
  uint16_t elfMachine = 0;           ///< of its object files
  std::string emulator;              ///< runs its programs elsewhere: "qemu-aarch64"
  std::string emulatedCpu;           ///< that it plays; empty: its own choice
  std::string sysroot;               ///< where the emulator finds its libc
  std::string packages;              ///< Debian's, of both
  std::vector<std::string> levels;   ///< generic targets, least first
  std::vector<std::string> cpus;     ///< names of CPUs
  std::vector<std::string> features; ///< that may follow a name
};
std::vector<FamilyDescription> describeFamilies();

/// What the folder of one kind of devices offers.
struct DeviceDescription {
  std::string name;                ///< "nvptx"
  std::string summary;             ///< "NVIDIA GPUs, as PTX"
  std::vector<std::string> levels; ///< names of devices
};
std::vector<DeviceDescription> describeDevices();

/// The architecture that this program runs on, as in a triple: "x86_64".
std::string hostArchitecture();

/// Registers LLVM's code generators of all families. May be called again.
void initializeCodeGenerators();

} // namespace sinter

#endif // SINTER_TARGETS_TARGET_H
