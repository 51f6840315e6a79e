//===- Tensor.cpp - arrays with a name ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Tensor.h"

std::string sinter::training::describeShape(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t dim : shape)
    text += (text.empty() ? "" : ",") + (dim < 0 ? std::string("?") : std::to_string(dim));
  return "[" + text + "]";
}
