//===- ShapeExpect.h - sizes to expect --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_SHAPEEXPECT_H
#define SINTER_DIALECTS_NN_SHAPEEXPECT_H

#include <cstdint>

namespace sinter::nn {

/// The size to expect of a model's input along a dynamic dim when nobody says: a batch of 1,
/// pictures of 224 × 224, sequences of 128.
int64_t expectInputDim(int64_t rank, int64_t dim);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_SHAPEEXPECT_H
