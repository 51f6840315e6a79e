//===- NativeTest.cpp - targets, outputs and headers ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/runtime/Model.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include "gtest/gtest.h"

#include <algorithm>

using namespace sinter;
using namespace sinter::test;

static ModelInterface interface(const std::string &name) {
  return {name, {test::vector("x", "n")}, {test::vector("y", "n")}};
}

static Target hostTarget() {
  Target target;
  std::string error;
  EXPECT_TRUE(lookupTarget("host", target, error)) << error;
  return target;
}

static std::string contents(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

static std::string emit(const std::string &name, NativeOutput output,
                        std::vector<llvm::StringRef> kernels = {}) {
  NativeOptions options;
  options.output = output;
  std::string path = temporaryFile(name + ".out"), error;
  EXPECT_TRUE(emitNative(single(readHost(name), hostTarget(), kernels), interface(name), {},
                         options, path, error))
      << error;
  return path;
}

TEST(Targets, Levels) {
  Target target;
  std::string error;
  ASSERT_TRUE(lookupTarget("x86-64-v3", target, error));
  EXPECT_EQ(target.vectorBytes, 32);
  EXPECT_EQ(target.lanes(4), 8);
  EXPECT_TRUE(target.fma);
  EXPECT_EQ(target.halide, "x86-64-linux-sse41-avx-avx2-fma-f16c");
  ASSERT_TRUE(lookupTarget("znver4", target, error));
  EXPECT_EQ(target.vectorBytes, 64);
  EXPECT_EQ(target.vectorRegisters, 32);
  EXPECT_TRUE(target.int8Dot && target.unsignedDot);
  EXPECT_TRUE(target.halideDot.empty());
  ASSERT_TRUE(lookupTarget("skylake-avx512", target, error));
  EXPECT_FALSE(target.int8Dot);
  // No bfloat16, no AVX-512: what Halide needs for VNNI beyond that is for such kernels only.
  ASSERT_TRUE(lookupTarget("icelake-server", target, error));
  EXPECT_TRUE(target.int8Dot);
  EXPECT_EQ(target.halide.find("sapphirerapids"), std::string::npos);
  EXPECT_NE(target.halideDot.find("sapphirerapids"), std::string::npos);
  // AVX-VNNI's vectors are shorter than those of the code.
  ASSERT_TRUE(lookupTarget("x86-64-v4+avxvnni", target, error));
  EXPECT_FALSE(target.int8Dot);
  ASSERT_TRUE(lookupTarget("alderlake", target, error));
  EXPECT_TRUE(target.int8Dot);
  EXPECT_EQ(target.vectorBytes, 32);
  ASSERT_TRUE(lookupTarget("nehalem", target, error));
  EXPECT_FALSE(target.fma);
  EXPECT_GE(hostTarget().cores, 1);
  EXPECT_TRUE(hostTarget().isHost);
}

TEST(Targets, AArch64) {
  Target target;
  std::string error;
  ASSERT_TRUE(lookupTarget("aarch64-linux", target, error)) << error;
  EXPECT_EQ(target.vectorBytes, 16);
  EXPECT_EQ(target.vectorRegisters, 32);
  EXPECT_FALSE(target.int8Dot);
  EXPECT_TRUE(target.requirements.empty());
  ASSERT_TRUE(lookupTarget("aarch64+dotprod+fp16", target, error)) << error;
  EXPECT_TRUE(target.int8Dot);
  EXPECT_FALSE(target.unsignedDot);
  EXPECT_EQ(target.halide, "arm-64-linux-arm_dot_prod");
  EXPECT_NE(target.features.find("+fullfp16"), std::string::npos);
  ASSERT_TRUE(lookupTarget("cortex-a53", target, error)) << error;
  EXPECT_FALSE(target.int8Dot);
  ASSERT_TRUE(lookupTarget("neoverse-n1", target, error)) << error;
  EXPECT_TRUE(target.int8Dot);
  EXPECT_EQ(target.l2Bytes, 1 << 20);
  ASSERT_TRUE(lookupTarget("neoverse-n1+nodotprod", target, error)) << error;
  EXPECT_FALSE(target.int8Dot);
  EXPECT_FALSE(lookupTarget("cortex-r82", target, error));
}

TEST(Targets, RISCV) {
  Target target;
  std::string error;
  ASSERT_TRUE(lookupTarget("riscv64-linux", target, error)) << error;
  EXPECT_EQ(target.vectorBytes * target.vectorRegisters, 32 * 4); // the scalar registers
  EXPECT_TRUE(target.requirements.empty());
  ASSERT_TRUE(lookupTarget("riscv64+v", target, error)) << error;
  EXPECT_EQ(target.vectorBytes, 16);
  EXPECT_EQ(target.vectorRegisters, 32);
  ASSERT_EQ(target.requirements.size(), 1u); // AT_HWCAP's bit V
  EXPECT_EQ(target.requirements[0].mask, 1u << 21);
  // A longer vector is asked of the register that has its length.
  ASSERT_TRUE(lookupTarget("riscv64+zvl256b+v", target, error)) << error;
  EXPECT_EQ(target.vectorBytes, 32);
  ASSERT_EQ(target.requirements.size(), 2u);
  EXPECT_EQ(target.requirements[1].mask, 32u);
  ASSERT_TRUE(lookupTarget("spacemit-x60", target, error)) << error;
  EXPECT_EQ(target.vectorBytes, 32);
  // What the library can't ask of the processor is off, and so is what goes with a feature.
  EXPECT_NE(target.features.find("-xsmtvdot"), std::string::npos) << target.features;
  ASSERT_TRUE(lookupTarget("spacemit-x60+nov", target, error)) << error;
  EXPECT_EQ(target.vectorBytes, 16);
  EXPECT_NE(target.features.find("-zvfh"), std::string::npos) << target.features;
  ASSERT_TRUE(lookupTarget("sifive-u74", target, error)) << error;
  EXPECT_EQ(target.l2Bytes, 2 << 20);
  EXPECT_FALSE(lookupTarget("sifive-s51", target, error));
  EXPECT_EQ(error, "target 'sifive-s51': Sinter needs at least rv64gc");
  EXPECT_FALSE(lookupTarget("riscv64+zbd", target, error));
  EXPECT_EQ(error.find("target 'riscv64+zbd': RISC-V has no feature 'zbd'; did you mean 'zb"), 0u)
      << error;
}

TEST(Targets, Features) {
  Target target;
  std::string error;
  ASSERT_TRUE(lookupTarget("x86-64-v4+avx512vnni", target, error)) << error;
  EXPECT_TRUE(target.int8Dot);
  ASSERT_TRUE(lookupTarget("skylake-avx512+noavx512f", target, error)) << error;
  EXPECT_EQ(target.vectorBytes, 32);
  // What a level needs is asked of the CPU before its code runs: AVX2 is leaf 7, EBX, bit 5.
  bool asked = false;
  for (const CpuRequirement &each : target.requirements)
    asked |= each.leaf == 7 && each.word == 1 && each.mask >> 5 & 1;
  EXPECT_TRUE(asked);
}

TEST(Targets, UnknownNamesAreCorrected) {
  Target target;
  std::string error;
  EXPECT_FALSE(lookupTarget("x86-64-v5", target, error));
  EXPECT_EQ(error.find("unknown target 'x86-64-v5'; did you mean 'x86-64-v"), 0u) << error;
  EXPECT_FALSE(lookupTarget("znver44", target, error));
  EXPECT_EQ(error.find("unknown target 'znver44'; did you mean 'znver4'"), 0u) << error;
  EXPECT_FALSE(lookupTarget("cortex-a67", target, error));
  EXPECT_NE(error.find("did you mean 'cortex-a"), std::string::npos) << error;
  EXPECT_FALSE(lookupTarget("toaster", target, error));
  EXPECT_NE(error.find("known are 'host'"), std::string::npos);
  EXPECT_FALSE(lookupTarget("aarch64+dotproduct", target, error));
  EXPECT_NE(error.find("no feature 'dotproduct'; did you mean 'dotprod'"), std::string::npos)
      << error;
  EXPECT_FALSE(lookupTarget("x86-64-v3+avx512", target, error));
  EXPECT_NE(error.find("no feature 'avx512'; did you mean 'avx512"), std::string::npos) << error;
  // Too old to have SSE4.2.
  EXPECT_FALSE(lookupTarget("k8", target, error));
  EXPECT_NE(error.find("at least x86-64-v2"), std::string::npos) << error;
}

TEST(Native, LibraryNeedsOnlyLibcAndExportsOnlyTheTable) {
  std::string path = emit("parallel", NativeOutput::Library);
  auto object = llvm::object::ObjectFile::createObjectFile(path);
  ASSERT_TRUE(bool(object));
  auto *elf = llvm::dyn_cast<llvm::object::ELF64LEObjectFile>(object->getBinary());
  ASSERT_TRUE(elf);
  std::vector<std::string> defined;
  for (const auto &symbol : elf->getDynamicSymbolIterators())
    if (!(llvm::cantFail(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined))
      defined.push_back(llvm::cantFail(symbol.getName()).str());
  std::sort(defined.begin(), defined.end());
  EXPECT_EQ(defined, (std::vector<std::string>{"parallel_model", "sinter_model"}));

  // DT_NEEDED, by reading the dynamic section.
  std::vector<std::string> needed;
  const auto &file = elf->getELFFile();
  auto entries = llvm::cantFail(file.dynamicEntries());
  llvm::StringRef strings;
  for (const auto &section : llvm::cantFail(file.sections()))
    if (section.sh_type == llvm::ELF::SHT_DYNSYM)
      strings = llvm::cantFail(file.getStringTableForSymtab(section));
  for (const auto &entry : entries)
    if (entry.d_tag == llvm::ELF::DT_NEEDED)
      needed.push_back(strings.data() + entry.d_un.d_val);
  EXPECT_EQ(needed, (std::vector<std::string>{"libc.so.6"}));
}

TEST(Native, TextOutputs) {
  std::string first = modelFile("kernel_first"), second = modelFile("kernel_second");
  std::string ir = contents(emit("kernel_host", NativeOutput::LLVM, {first, second}));
  EXPECT_NE(ir.find("define"), std::string::npos);
  EXPECT_NE(ir.find("@kernel_2("), std::string::npos);
  EXPECT_EQ(ir.find("nnan"), std::string::npos);
  EXPECT_EQ(ir.find("sinterRun"), std::string::npos);
  std::string assembly = contents(emit("kernel_host", NativeOutput::Assembly, {first, second}));
  EXPECT_NE(assembly.find("kernel_1:"), std::string::npos);
}

TEST(Native, ObjectIsRelocatable) {
  auto object = llvm::object::ObjectFile::createObjectFile(emit("parallel", NativeOutput::Object));
  ASSERT_TRUE(bool(object));
  EXPECT_TRUE(object->getBinary()->isRelocatableObject());
}

TEST(Native, FailuresLeaveNoFile) {
  std::string error, path = temporaryFile("broken.so");
  // The kernels that the host calls are missing.
  EXPECT_FALSE(emitNative(single(readHost("kernel_host"), hostTarget()), interface("broken"), {},
                          {}, path, error));
  EXPECT_EQ(error, "the compiled model needs 'kernel_1', 'kernel_2', which are "
                   "neither in Sinter's runtime nor in libc");
  EXPECT_FALSE(llvm::sys::fs::exists(path));

  std::string object;
  EXPECT_FALSE(compileKernel("this is no bitcode", "kernel", hostTarget(), 3, object, error));
  EXPECT_EQ(error.find("cannot read a kernel's bitcode"), 0u) << error;

  EXPECT_FALSE(emitNative(single(readHost("add_one"), hostTarget()), interface("broken"), {}, {},
                          "/nowhere/model.so", error));
  EXPECT_EQ(error.find("can't write"), 0u) << error;

  auto context = std::make_unique<llvm::LLVMContext>();
  EXPECT_FALSE(emitNative(single(std::make_unique<llvm::Module>("empty", *context), hostTarget()),
                          interface("broken"), {}, {}, path, error));
  EXPECT_EQ(error, "the host program does not define '_mlir_ciface_sinter_main'");
}

TEST(Native, EveryFamilyLinks) {
  const char bytes[] = "weights";
  Weights weights;
  weights.chunks.push_back({0, bytes});
  for (const FamilyDescription &family : describeFamilies()) {
    Target target;
    std::string error, path = temporaryFile(family.name + ".so");
    ASSERT_TRUE(lookupTarget(family.levels.front(), target, error)) << error;
    ASSERT_TRUE(emitNative(single(readHost("add_one"), target), interface(family.name), weights, {},
                           path, error))
        << error;
    auto object = llvm::object::ObjectFile::createObjectFile(path);
    ASSERT_TRUE(bool(object));
    EXPECT_EQ(object->getBinary()->getArch(), llvm::Triple(target.triple).getArch());
  }
}

/// The generated header in a C and a C++ program, linked with two libraries.
TEST(Header, TypedEntry) {
  auto build = [](const std::string &host, const ModelInterface &interface) {
    std::string error;
    std::string stem = temporaryFile(cIdentifier(interface.name));
    EXPECT_TRUE(
        emitNative(single(readHost(host), hostTarget()), interface, {}, {}, stem + ".so", error))
        << error;
    EXPECT_TRUE(writeHeader(interface, stem + ".h", error)) << error;
    return stem;
  };
  std::string one = build("add_one", interface("model.one"));
  std::string two = build("nonzero", [] {
    ModelInterface nonzero = interface("two");
    nonzero.outputs[0].dims = {1, -1};
    nonzero.outputs[0].dimNames = {};
    nonzero.outputs[0].dtype = 7;
    return nonzero;
  }());
  for (const std::string language : {"c", "c++"}) {
    std::string program = temporaryFile("program");
    std::string folder = temporaryFile(""), source = SINTER_TEST_SOURCES "/typed.c";
    std::string include = "-I" + folder, rpath = "-Wl,-rpath," + folder;
    std::string first = one + ".so", second = two + ".so";
    const char *standard = language == "c" ? "-std=c99" : "-std=c++11";
    EXPECT_EQ(llvm::sys::ExecuteAndWait(SINTER_TEST_CLANG,
                                        {SINTER_TEST_CLANG, "-x", language, standard, "-Wall",
                                         "-Wextra", "-Werror", include, source, "-x", "none", first,
                                         second, rpath, "-o", program}),
              0);
    EXPECT_EQ(llvm::sys::ExecuteAndWait(program, {program}), 0);
  }
}
