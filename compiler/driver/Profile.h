//===- Profile.h - time of each kernel against the roofline -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_PROFILE_H
#define SINTER_COMPILER_DRIVER_PROFILE_H

#include "compiler/driver/Library.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace sinter::driver {

/// What a library measures of its kernels, run by run.
class Profile {
public:
  /// False if the library measures nothing.
  bool open(const Library &library);

  /// After a run: takes what it added to the totals.
  void take();

  /// Forgets the runs so far.
  void forget();

  /// Of each kernel, the nanoseconds of its fastest run.
  llvm::StringMap<double> least() const;

  /// A table, the slowest kernel first, and a summary; `median` is the run's, in ms.
  void print(const Library &library, int32_t threads, double median, llvm::raw_ostream &os) const;

  /// The same as `kernels`, and the machine's `limits` that the table holds them against.
  llvm::json::Object toJson(const Library &library, int32_t threads) const;

private:
  /// All places that call one kernel.
  struct Row {
    std::string kernel, nodes;
    double microseconds = 0;
    int64_t calls = 0, operations = 0, bytes = 0;
  };
  /// Of a run; the slowest first.
  std::vector<Row> rows() const;

  llvm::ArrayRef<SinterKernelInfo> kernels;
  const SinterKernelTotals *totals = nullptr;
  std::vector<SinterKernelTotals> before, last;
  /// For each entry, nanoseconds of each run.
  std::vector<std::vector<int64_t>> times;
};

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_PROFILE_H
