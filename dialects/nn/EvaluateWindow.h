//===- EvaluateWindow.h - geometry of sliding windows ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_EVALUATEWINDOW_H
#define SINTER_DIALECTS_NN_EVALUATEWINDOW_H

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"

namespace sinter::nn {

/// Windows over the spatial dims of a tensor. Result position y and window
/// position k meet input position y · stride + k · dilation − pad.
struct Window {
  /// Resolves `auto_pad`; missing strides and dilations are 1, missing pads 0.
  Window(llvm::ArrayRef<int64_t> input, llvm::ArrayRef<int64_t> output,
         llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> strides,
         llvm::ArrayRef<int64_t> pads, llvm::ArrayRef<int64_t> dilations, AutoPad autoPad);

  size_t getRank() const { return input.size(); }
  int64_t getInputPosition(size_t dim, int64_t y, int64_t k) const {
    return y * strides[dim] + k * dilations[dim] - padBegins[dim];
  }
  bool isInside(size_t dim, int64_t position) const {
    return position >= 0 && position < input[dim];
  }

  Dims input, output, kernel, strides, dilations, padBegins, padEnds;
};

/// Where the batch, the channels and the spatial dims of a tensor stand.
struct PictureLayout {
  PictureLayout(llvm::ArrayRef<int64_t> shape, DataLayout layout);

  int64_t batch, channels, batchStride, channelStride;
  Dims spatial, spatialStrides;
};

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_EVALUATEWINDOW_H
