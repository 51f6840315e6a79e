//===- Settings.h - settings of losses and optimizers -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_AUTODIFF_SETTINGS_H
#define SINTER_PASSES_AUTODIFF_SETTINGS_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"

namespace sinter {

/// Numbers by name.
using Settings = llvm::StringMap<double>;

/// Overwrites `settings`, which has all that there are, by what "key=number,…" gives. False if
/// it can't be: `error` says why, `owner` being "optimizer 'adam'".
bool readSettings(llvm::StringRef text, Settings &settings, const llvm::Twine &owner,
                  std::string &error);

} // namespace sinter

#endif // SINTER_PASSES_AUTODIFF_SETTINGS_H
