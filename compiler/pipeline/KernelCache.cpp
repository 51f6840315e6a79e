//===- KernelCache.cpp - objects of kernels, kept on disk -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/KernelCache.h"
#include "targets/native/Native.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"
#include <cstring>
#include <link.h>

using namespace llvm;
using namespace sinter;

/// All entries together.
static constexpr uint64_t mostBytes = uint64_t(512) << 20;

/// In front of each entry: what it is, and the hash of what follows.
static constexpr StringLiteral magic = "sinterk1";
static constexpr size_t headerBytes = magic.size() + 8;

/// llvm::pruneCache takes only files of this name for entries.
static constexpr StringLiteral prefix = "llvmcache-";

static uint64_t hashOf(StringRef text) {
  return xxh3_64bits(ArrayRef<uint8_t>(text.bytes_begin(), text.size()));
}

/// The build ids of the program and the libraries that it has loaded.
static std::string compilerVersion() {
  std::string ids;
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *result) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr) &segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_NOTE)
            continue;
          const char *at = reinterpret_cast<const char *>(info->dlpi_addr + segment.p_vaddr);
          const char *end = at + segment.p_memsz;
          while (at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note;
            std::memcpy(&note, at, sizeof note);
            const char *name = at + sizeof note, *value = name + alignTo(note.n_namesz, 4);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
                !std::memcmp(name, "GNU", 4))
              static_cast<std::string *>(result)->append(value, note.n_descsz);
            at = value + alignTo(note.n_descsz, 4);
          }
        }
        return 0;
      },
      &ids);
  return ids;
}

std::string sinter::defaultCacheFolder() {
  SmallString<128> path;
  if (!sys::path::cache_directory(path))
    return {};
  sys::path::append(path, "sinter", "kernels");
  return std::string(path);
}

KernelCache::KernelCache(StringRef folder, const Target &target, unsigned optLevel)
    : folder(folder), target(target), optLevel(optLevel) {
  if (folder.empty())
    return;
  setting = compilerVersion() + '\0' + target.triple + '\0' + target.cpu + '\0' + target.features +
            '\0' + target.halide + '\0' + target.device.halide + '\0' + std::to_string(optLevel) +
            '\0';
}

KernelCache::~KernelCache() {
  if (folder.empty() || made == 0)
    return;
  CachePruningPolicy policy;
  policy.MaxSizeBytes = mostBytes;
  pruneCache(folder, policy);
}

std::string KernelCache::path(StringRef symbol) const {
  SmallString<128> path(folder);
  sys::path::append(path, prefix + symbol + "-" +
                              utohexstr(hashOf(setting + symbol.str()), /*LowerCase=*/true, 16));
  return std::string(path);
}

bool KernelCache::find(StringRef symbol, std::string &object) {
  if (folder.empty())
    return false;
  auto file = MemoryBuffer::getFile(path(symbol), /*IsText=*/false,
                                    /*RequiresNullTerminator=*/false);
  if (!file)
    return false;
  StringRef bytes = (*file)->getBuffer();
  if (bytes.size() <= headerBytes || !bytes.starts_with(magic))
    return false;
  StringRef content = bytes.drop_front(headerBytes);
  if (support::endian::read64le(bytes.data() + magic.size()) != hashOf(content))
    return false;
  object = content.str();
  ++found;
  return true;
}

bool KernelCache::make(StringRef bitcode, StringRef symbol, std::string &object,
                       std::string &error) {
  if (!compileKernel(bitcode, symbol, target, optLevel, object, error))
    return false;
  ++made;
  // A cache that cannot be written is none: the compilation goes on.
  if (folder.empty() || sys::fs::create_directories(folder))
    return true;
  char hash[8];
  support::endian::write64le(hash, hashOf(object));
  consumeError(writeToOutput(path(symbol), [&](raw_ostream &os) {
    os << magic << StringRef(hash, sizeof hash) << object;
    return Error::success();
  }));
  return true;
}
