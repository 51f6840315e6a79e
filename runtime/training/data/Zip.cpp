//===- Zip.cpp - the files of a zip archive -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PKWARE's APPNOTE.TXT: the central directory at the end tells where each file's
// local header is; sizes over 4 GiB stand in its zip64 field.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/data/Zip.h"
#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include <zlib.h>

using namespace sinter::training;

namespace {
struct Entry {
  uint64_t method, crc, packedSize, size, header;
  std::string name;
};
} // namespace

// The zip64 field (id 1) of an entry's extra data holds the sizes that did not fit.
static void readZip64(std::string_view extra, Entry &entry) {
  while (extra.size() >= 4) {
    size_t id = littleEndian(extra, 0, 2), length = littleEndian(extra, 2, 2), at = 4;
    if (extra.size() < 4 + length)
      return;
    if (id == 1)
      for (uint64_t *field : {&entry.size, &entry.packedSize, &entry.header})
        if (*field == 0xFFFFFFFF && at + 8 <= 4 + length) {
          *field = littleEndian(extra, at, 8);
          at += 8;
        }
    extra.remove_prefix(4 + length);
  }
}

std::vector<std::pair<std::string, std::string>>
sinter::training::readZip(const std::string &path) {
  std::string bytes = readBytes(path);
  std::string_view all = bytes;
  auto damaged = [&](const char *what) {
    throw Error(path + " is no whole zip archive: " + what + "; save it again");
  };
  size_t end = all.rfind("PK\5\6");
  if (end == std::string_view::npos || all.size() - end < 22)
    damaged("its directory is missing");
  size_t count = littleEndian(all, end + 10, 2);
  uint64_t at = littleEndian(all, end + 16, 4);
  std::vector<std::pair<std::string, std::string>> files;
  uint64_t packedSizes = 0;
  for (size_t i = 0; i < count; ++i) {
    if (at + 46 > all.size() || all.substr(at, 4) != "PK\1\2")
      damaged("its directory is cut");
    size_t nameSize = littleEndian(all, at + 28, 2), extraSize = littleEndian(all, at + 30, 2),
           commentSize = littleEndian(all, at + 32, 2);
    if (at + 46 + nameSize + extraSize > all.size())
      damaged("its directory is cut");
    Entry entry = {littleEndian(all, at + 10, 2), littleEndian(all, at + 16, 4),
                   littleEndian(all, at + 20, 4), littleEndian(all, at + 24, 4),
                   littleEndian(all, at + 42, 4), bytes.substr(at + 46, nameSize)};
    readZip64(all.substr(at + 46 + nameSize, extraSize), entry);
    at += 46 + nameSize + extraSize + commentSize;

    if (entry.header > all.size() || all.size() - entry.header < 30)
      damaged("a file is cut");
    uint64_t start = entry.header + 30 + littleEndian(all, entry.header + 26, 2) +
                     littleEndian(all, entry.header + 28, 2);
    if (start > all.size() || all.size() - start < entry.packedSize)
      damaged("a file is cut");
    // Files that share bytes, or that deflate cannot have made so large, only fill the memory.
    packedSizes += entry.packedSize;
    if (packedSizes > all.size() || entry.size > mostInflated(entry.packedSize))
      damaged("a file is larger than its bytes can hold");
    std::string_view packed = all.substr(start, entry.packedSize);
    std::string where = path + ": " + entry.name, content;
    if (entry.method == 0)
      content = packed;
    else if (entry.method == 8)
      content = inflateRaw(packed, entry.size, where);
    else
      throw Error(where + " is packed by a method other than deflate; save it again");
    if (crc32_z(0, reinterpret_cast<const Bytef *>(content.data()), content.size()) != entry.crc)
      throw Error(where + " is damaged: its checksum differs; save it again");
    files.emplace_back(entry.name, std::move(content));
  }
  return files;
}
