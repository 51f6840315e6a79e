//===- Bytes.h - a file's bytes, unpacked -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_BYTES_H
#define SINTER_RUNTIME_TRAINING_DATA_BYTES_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sinter::training {

/// A whole file; one that gzip packed is unpacked.
std::string readBytes(const std::string &path);

/// The most that so many bytes can hold by deflate: 258 in two bits (zlib's Technical Details).
constexpr uint64_t mostInflated(uint64_t packed) { return 1032 * packed + 1032; }

/// Unpacks `packed`, which is `size` bytes without a header (raw deflate).
std::string inflateRaw(std::string_view packed, size_t size, const std::string &where);

bool isFile(const std::string &path);
bool isFolder(const std::string &path);
/// Names in a folder, sorted; those that begin with a dot are left out.
std::vector<std::string> listFolder(const std::string &path);

/// A number of `bytes` bytes.
uint64_t littleEndian(std::string_view text, size_t at, size_t bytes);
uint64_t bigEndian(std::string_view text, size_t at, size_t bytes);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_BYTES_H
