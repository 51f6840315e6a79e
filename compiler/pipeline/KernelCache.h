//===- KernelCache.h - objects of kernels, kept on disk ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel's object depends on its algorithm and schedule (the symbol holds their fingerprint), on
// the target and on the compiler: this program and the LLVM and Halide that it runs with, told
// apart by their build ids. One file holds one object. Several compilations may share the folder; a
// file is there whole or not at all, and one that is damaged counts as missing.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_PIPELINE_KERNELCACHE_H
#define SINTER_COMPILER_PIPELINE_KERNELCACHE_H

#include "targets/Target.h"
#include "targets/halide/HalideKernels.h"

#include <atomic>
#include <string>

namespace sinter {

class KernelCache : public KernelObjects {
public:
  /// Without a folder nothing is kept.
  KernelCache(llvm::StringRef folder, const Target &target, unsigned optLevel);
  /// Removes what was not used for the longest time when the folder has become too large.
  ~KernelCache() override;

  bool find(llvm::StringRef symbol, std::string &object) override;
  bool make(llvm::StringRef bitcode, llvm::StringRef symbol, std::string &object,
            std::string &error) override;

  unsigned getFound() const { return found; }
  unsigned getMade() const { return made; }

private:
  std::string path(llvm::StringRef symbol) const;

  std::string folder;
  const Target &target;
  unsigned optLevel;
  /// What all keys begin with.
  std::string setting;
  std::atomic<unsigned> found = 0, made = 0;
};

/// Where the cache is unless the user says otherwise; empty if there is no such place.
std::string defaultCacheFolder();

} // namespace sinter

#endif // SINTER_COMPILER_PIPELINE_KERNELCACHE_H
