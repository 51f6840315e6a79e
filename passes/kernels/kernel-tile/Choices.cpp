//===- Choices.cpp - the decisions of a schedule that can be overruled ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Choices.h"

using namespace mlir;
using namespace sinter;

size_t Choices::choose(StringRef name, ArrayRef<std::string> candidates) {
  auto wanted = fixed.find(name.str());
  auto place = wanted == fixed.end() ? candidates.begin() : llvm::find(candidates, wanted->second);
  size_t taken = place == candidates.end() ? 0 : place - candidates.begin();
  decisions.push_back({name.str(), candidates.vec(), taken});
  return taken;
}
