//===- Settings.cpp - settings of losses and optimizers -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-train-step/Settings.h"
#include "llvm/ADT/SmallVector.h"

using namespace sinter;
using llvm::StringRef;

bool sinter::readSettings(StringRef text, Settings &settings, const llvm::Twine &owner,
                          std::string &error) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [key, value] = part.split('=');
    auto found = settings.find(key);
    if (found == settings.end()) {
      error = (owner + " has no setting '" + key + "'").str();
      return false;
    }
    if (value.getAsDouble(found->second)) {
      error =
          ("setting '" + key + "' of " + owner + " should be a number, not '" + value + "'").str();
      return false;
    }
  }
  return true;
}
