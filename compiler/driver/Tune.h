//===- Tune.h - measures schedules on this machine --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_TUNE_H
#define SINTER_COMPILER_DRIVER_TUNE_H

#include "compiler/driver/Session.h"

namespace sinter::driver {

/// Compiles and runs the session's module, which is at stage kernel, with other schedules than the
/// cost model's for about so many seconds, and fixes in `options.tuning` those that were faster.
/// The whole model runs each time, so that a kernel meets the caches as it will; all kernels that
/// have a candidate left try it in the same run. On failure false, and `error` says why.
bool tune(Session &session, const CompileOptions &options, double seconds, std::string &error);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_TUNE_H
