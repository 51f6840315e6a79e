//===- TestFault.h - a bug on demand, for tests -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `sinter compile --test-fault=KIND@STAGE` fails, at the start of the passes that
// follow STAGE, as a bug of Sinter would: `crash` aborts, `silent` fails without
// a message, `invalid` leaves IR that the verifier rejects.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_TESTFAULT_H
#define SINTER_COMPILER_DRIVER_TESTFAULT_H

#include "mlir/Pass/Pass.h"
#include <functional>

namespace sinter::driver {

/// Reads KIND@STAGE; `make` then gives the pass that fails. False if it is none.
bool parseTestFault(llvm::StringRef text, std::function<std::unique_ptr<mlir::Pass>()> &make);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_TESTFAULT_H
