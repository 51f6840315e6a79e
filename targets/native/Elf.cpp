//===- Elf.cpp - objects that no compiler writes: weights, stubs ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights go from the compiler's memory to an object file in one copy. As LLVM
// constants, or through the assembler's .incbin, hundreds of megabytes would be
// copied several times over.
//
//===----------------------------------------------------------------------===//

#include "targets/native/Internal.h"
#include "targets/native/OutputFile.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/InterfaceStub/ELFObjHandler.h"
#include "llvm/InterfaceStub/IFSStub.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>

using namespace sinter;
using namespace sinter::native;
namespace elf = llvm::ELF;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

uint64_t native::weightsSize(const Weights &weights) {
  uint64_t size = 0;
  if (!weights.path.empty())
    return llvm::sys::fs::file_size(weights.path, size) ? 0 : size;
  for (const Weights::Chunk &chunk : weights.chunks)
    size = std::max<uint64_t>(size, chunk.offset + chunk.bytes.size());
  return size;
}

namespace {

template <typename T>
void put(llvm::raw_ostream &os, const T &value) {
  os.write(reinterpret_cast<const char *>(&value), sizeof value);
}

void putZeros(llvm::raw_ostream &os, uint64_t count) {
  static const char zeros[4096] = {};
  for (; count > sizeof zeros; count -= sizeof zeros)
    os.write(zeros, sizeof zeros);
  os.write(zeros, count);
}

constexpr uint64_t weightsAlignment = 64;

} // namespace

bool native::writeWeightsObject(const Weights &weights, const Target &target, llvm::StringRef path,
                                std::string &error) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code) {
    error = "can't write " + path.str() + ": " + code.message();
    return false;
  }
  uint64_t size = weightsSize(weights);
  bool x86 = target.elfMachine == elf::EM_X86_64;
  // Beyond the reach of 32-bit offsets the section stands apart from the code,
  // which then uses 64-bit ones (see Emit.cpp).
  bool large = x86 && size > largeWeights;

  // File: header, data, symbols, strings, names, section headers.
  const std::string strings = std::string("\0sinter_weights\0", 16);
  const std::string sectionName = large ? ".lrodata.sinter_weights" : ".rodata.sinter_weights";
  std::string names("\0", 1);
  auto addName = [&](llvm::StringRef name) {
    uint32_t at = names.size();
    names += name;
    names += '\0';
    return at;
  };
  uint32_t dataName = addName(sectionName), symtabName = addName(".symtab"),
           strtabName = addName(".strtab"), shstrtabName = addName(".shstrtab"),
           noteName = addName(".note.GNU-stack");
  auto alignTo = [](uint64_t x, uint64_t a) { return (x + a - 1) / a * a; };
  uint64_t dataAt = alignTo(sizeof(elf::Elf64_Ehdr), weightsAlignment);
  uint64_t symtabAt = alignTo(dataAt + size, 8);
  uint64_t symtabSize = 2 * sizeof(elf::Elf64_Sym);
  uint64_t strtabAt = symtabAt + symtabSize;
  uint64_t shstrtabAt = strtabAt + strings.size();
  uint64_t sectionsAt = alignTo(shstrtabAt + names.size(), 8);

  elf::Elf64_Ehdr header = {};
  std::copy_n(elf::ElfMagic, 4, header.e_ident);
  header.e_ident[elf::EI_CLASS] = elf::ELFCLASS64;
  header.e_ident[elf::EI_DATA] = elf::ELFDATA2LSB;
  header.e_ident[elf::EI_VERSION] = elf::EV_CURRENT;
  header.e_type = elf::ET_REL;
  header.e_machine = target.elfMachine;
  header.e_version = elf::EV_CURRENT;
  header.e_flags = target.elfFlags;
  header.e_shoff = sectionsAt;
  header.e_ehsize = sizeof(elf::Elf64_Ehdr);
  header.e_shentsize = sizeof(elf::Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 4;
  put(os, header);
  putZeros(os, dataAt - sizeof header);

  if (!weights.path.empty()) {
    auto file = llvm::MemoryBuffer::getFile(weights.path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
    if (!file || (*file)->getBufferSize() != size) {
      error = "cannot read the weights '" + weights.path + "'";
      return false;
    }
    os << (*file)->getBuffer();
  } else {
    std::vector<Weights::Chunk> chunks = weights.chunks;
    std::sort(chunks.begin(), chunks.end(),
              [](const auto &a, const auto &b) { return a.offset < b.offset; });
    uint64_t at = 0;
    for (const Weights::Chunk &chunk : chunks) {
      if (chunk.offset < at) {
        error = "weights overlap at offset " + std::to_string(chunk.offset);
        return false;
      }
      putZeros(os, chunk.offset - at);
      os.write(chunk.bytes.data(), chunk.bytes.size());
      at = chunk.offset + chunk.bytes.size();
    }
  }
  putZeros(os, symtabAt - dataAt - size);

  elf::Elf64_Sym symbol = {};
  put(os, symbol); // the null symbol
  symbol.st_name = 1;
  symbol.setBindingAndType(elf::STB_GLOBAL, elf::STT_OBJECT);
  symbol.st_other = elf::STV_HIDDEN;
  symbol.st_shndx = 1;
  symbol.st_size = size;
  put(os, symbol);
  os << strings << names;
  putZeros(os, sectionsAt - shstrtabAt - names.size());

  auto putSection = [&](uint32_t name, uint32_t type, uint64_t flags, uint64_t at, uint64_t bytes,
                        uint32_t link, uint32_t info, uint64_t align, uint64_t entry) {
    elf::Elf64_Shdr section = {};
    section.sh_name = name;
    section.sh_type = type;
    section.sh_flags = flags;
    section.sh_offset = at;
    section.sh_size = bytes;
    section.sh_link = link;
    section.sh_info = info;
    section.sh_addralign = align;
    section.sh_entsize = entry;
    put(os, section);
  };
  putSection(0, elf::SHT_NULL, 0, 0, 0, 0, 0, 0, 0);
  putSection(dataName, elf::SHT_PROGBITS,
             elf::SHF_ALLOC | (large ? uint64_t(elf::SHF_X86_64_LARGE) : 0), dataAt, size, 0, 0,
             weightsAlignment, 0);
  putSection(symtabName, elf::SHT_SYMTAB, 0, symtabAt, symtabSize,
             /*link=*/3, /*info: first global=*/1, 8, sizeof(elf::Elf64_Sym));
  putSection(strtabName, elf::SHT_STRTAB, 0, strtabAt, strings.size(), 0, 0, 1, 0);
  putSection(shstrtabName, elf::SHT_STRTAB, 0, shstrtabAt, names.size(), 0, 0, 1, 0);
  putSection(noteName, elf::SHT_PROGBITS, 0, sectionsAt, 0, 0, 0, 1, 0);

  return closeOutput(os, path, error);
}

//===----------------------------------------------------------------------===//
// libc and libm
//===----------------------------------------------------------------------===//

bool native::undefinedSymbols(llvm::ArrayRef<std::string> objects, std::vector<std::string> &names,
                              std::string &error) {
  llvm::StringSet<> defined, undefined;
  for (const std::string &path : objects) {
    auto object = llvm::object::ObjectFile::createObjectFile(path);
    if (!object) {
      error = llvm::toString(object.takeError());
      return false;
    }
    for (const llvm::object::SymbolRef &symbol : object->getBinary()->symbols()) {
      auto flags = symbol.getFlags();
      auto name = symbol.getName();
      if (!flags || !name) {
        error = llvm::toString(flags ? name.takeError() : flags.takeError());
        return false;
      }
      if (name->empty() || !(*flags & llvm::object::SymbolRef::SF_Global))
        continue;
      (*flags & llvm::object::SymbolRef::SF_Undefined ? undefined : defined).insert(*name);
    }
  }
  for (const auto &entry : undefined)
    if (!defined.contains(entry.first()) && entry.first() != "_GLOBAL_OFFSET_TABLE_")
      names.push_back(entry.first().str());
  std::sort(names.begin(), names.end());
  return true;
}

/// What the runtime calls (runtime/libc.h), and what LLVM makes of loops and
/// intrinsics.
static const char *const libcSymbols[] = {
    "_setjmp",        "bcmp",
    "clock_gettime",  "free",
    "longjmp",        "madvise",
    "malloc",         "memchr",
    "memcmp",         "memcpy",
    "memmove",        "memset",
    "posix_memalign", "pthread_create",
    "pthread_join",   "pthread_sigmask",
    "realloc",        "sched_getaffinity",
    "snprintf",       "strcmp",
    "strlen",         "strncmp",
    "syscall",        "vsnprintf",
    "calloc",         "abort",
    "stpcpy",         "strcpy",
    "getauxval",      "strstr",
    "dlopen",         "dlmopen",
    "dlsym",          "dlerror",
};

/// Each also with the suffix f.
static const char *const libmSymbols[] = {
    "acos",  "acosh",     "asin",  "asinh", "atan",      "atan2",  "atanh",     "cbrt",
    "ceil",  "copysign",  "cos",   "cosh",  "erf",       "erfc",   "exp",       "exp10",
    "exp2",  "expm1",     "fabs",  "fdim",  "floor",     "fma",    "fmax",      "fmin",
    "fmod",  "frexp",     "hypot", "ldexp", "lgamma",    "llrint", "llround",   "log",
    "log10", "log1p",     "log2",  "lrint", "lround",    "modf",   "nearbyint", "nextafter",
    "pow",   "remainder", "rint",  "round", "roundeven", "scalbn", "sin",       "sincos",
    "sinh",  "sqrt",      "tan",   "tanh",  "tgamma",    "trunc",
};

bool native::writeStubs(llvm::ArrayRef<std::string> names, const Target &target,
                        llvm::StringRef directory, std::vector<std::string> &paths,
                        std::string &error) {
  llvm::StringSet<> libc, libm;
  for (const char *name : libcSymbols)
    libc.insert(name);
  for (const char *name : libmSymbols) {
    libm.insert(name);
    libm.insert(std::string(name) + "f");
  }
  llvm::ifs::IFSStub stubs[2];
  stubs[0].SoName = "libc.so.6";
  stubs[1].SoName = "libm.so.6";
  for (const std::string &name : names) {
    if (!libc.contains(name) && !libm.contains(name)) {
      error += (error.empty() ? "the compiled model needs '" : ", '") + name + "'";
      continue;
    }
    llvm::ifs::IFSSymbol symbol(name);
    symbol.Type = llvm::ifs::IFSSymbolType::Func;
    stubs[libm.contains(name)].Symbols.push_back(symbol);
  }
  if (!error.empty()) {
    error += ", which are neither in Sinter's runtime nor in libc";
    return false;
  }
  for (llvm::ifs::IFSStub &stub : stubs) {
    if (stub.Symbols.empty())
      continue;
    stub.Target.Arch = target.elfMachine;
    stub.Target.BitWidth = llvm::ifs::IFSBitWidthType::IFS64;
    stub.Target.Endianness = llvm::ifs::IFSEndiannessType::Little;
    std::string path = (directory + "/" + *stub.SoName).str();
    if (llvm::Error failure = llvm::ifs::writeBinaryStub(path, stub)) {
      error = llvm::toString(std::move(failure));
      return false;
    }
    paths.push_back(path);
  }
  return true;
}
