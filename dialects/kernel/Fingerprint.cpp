//===- Fingerprint.cpp - a name for what a kernel is ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/kernel/Fingerprint.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

std::string sinter::kernel::fingerprint(FuncOp kernel) {
  OwningOpRef<FuncOp> copy = cast<FuncOp>(kernel->clone());
  copy->setSymName("kernel");
  std::string text;
  llvm::raw_string_ostream os(text);
  (*copy)->print(os, OpPrintingFlags().useLocalScope());
  auto hash = llvm::xxh3_128bits(
      ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(text.data()), text.size()));
  std::string digits;
  for (uint64_t half : {hash.high64, hash.low64})
    for (int shift = 60; shift >= 0; shift -= 4)
      digits += llvm::hexdigit(half >> shift & 15, /*LowerCase=*/true);
  return digits;
}
