//===- FitCommand.h - the command line of sinter fit ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_FITCOMMAND_H
#define SINTER_COMPILER_DRIVER_FITCOMMAND_H

#include "compiler/driver/Commands.h"
#include <CLI/CLI.hpp>

namespace sinter::driver {

/// Adds `fit` with the options that are its own.
CLI::App *addFitCommand(CLI::App &app, FitArguments &arguments);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_FITCOMMAND_H
