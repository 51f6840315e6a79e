//===- Bytes.cpp - a file's bytes, unpacked -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Bytes.h"
#include "runtime/training/Error.h"
#include <algorithm>
#include <dirent.h>
#include <sys/stat.h>
#include <zlib.h>

using namespace sinter::training;

std::string sinter::training::readBytes(const std::string &path) {
  if (isFolder(path))
    throw Error("can't read " + path + ": it is a folder");
  // zlib passes files through that are not packed.
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file)
    failOnFile("read", path);
  std::string bytes;
  std::vector<char> buffer(1 << 18);
  int got = 0;
  while ((got = gzread(file, buffer.data(), buffer.size())) > 0)
    bytes.append(buffer.data(), got);
  int code = 0;
  std::string why = gzerror(file, &code);
  gzclose_r(file);
  if (got < 0 || code != Z_OK)
    throw Error("can't unpack " + path + ": " + (code == Z_BUF_ERROR ? "it ends too early" : why) +
                "; fetch the file again");
  return bytes;
}

std::string sinter::training::inflateRaw(std::string_view packed, size_t size,
                                         const std::string &where) {
  std::string bytes(size, '\0');
  z_stream stream = {};
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.avail_in = packed.size();
  stream.next_out = reinterpret_cast<Bytef *>(bytes.data());
  stream.avail_out = size;
  int code = inflateInit2(&stream, -MAX_WBITS);
  if (code == Z_OK)
    code = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (code != Z_STREAM_END || stream.avail_out != 0)
    throw Error("can't unpack " + where + ": it is damaged; write the file again");
  return bytes;
}

bool sinter::training::isFile(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool sinter::training::isFolder(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> sinter::training::listFolder(const std::string &path) {
  DIR *folder = opendir(path.c_str());
  if (!folder)
    failOnFile("read", path);
  std::vector<std::string> names;
  while (const dirent *entry = readdir(folder))
    if (entry->d_name[0] != '.')
      names.emplace_back(entry->d_name);
  closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

uint64_t sinter::training::littleEndian(std::string_view text, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;)
    value = value << 8 | static_cast<uint8_t>(text[at + i]);
  return value;
}

uint64_t sinter::training::bigEndian(std::string_view text, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<uint8_t>(text[at + i]);
  return value;
}
