//===- Machine.h - what this machine can do at most -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two limits of a roofline, arithmetic and bandwidth, as this machine reaches them with nothing
// in the way. They are measured once and kept in a file.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_MACHINE_H
#define SINTER_COMPILER_DRIVER_MACHINE_H

#include "llvm/Support/JSON.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sinter::driver {

/// Of a number of threads together, each on a core of its own.
struct MachineLimits {
  int32_t threads = 1;
  /// float32 operations by fused multiply-adds: bytes of a vector, GFLOP/s. Ascending.
  std::vector<std::pair<int64_t, double>> fma;
  /// GB/s: triad on memory (two reads, one write), the same with stores past the caches, and reads
  /// from the caches of each level.
  double triad = 0, streaming = 0, l1 = 0, l2 = 0, l3 = 0;
  /// Other programs ran meanwhile: what is here may be below the limits.
  bool disturbed = false;

  /// GFLOP/s with vectors of at most so many bytes.
  double peak(int64_t vectorBytes) const;
};

/// For 1, 2, ... threads up to the cores that this process may use.
struct Machine {
  std::string cpu;
  std::vector<MachineLimits> limits;

  /// For so many threads; 0: all cores.
  const MachineLimits &get(int32_t threads) const;
};

llvm::json::Object toJson(const MachineLimits &limits);

/// Measures now, some seconds a thread count, and writes the file.
Machine measureMachine();

/// What the file says, if it is this machine's, knows of as many threads and nothing disturbed it;
/// measures otherwise.
Machine knownMachine(int32_t threads);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_MACHINE_H
