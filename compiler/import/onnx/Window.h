//===- Window.h - what sliding windows have in common -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_ONNX_WINDOW_H
#define SINTER_COMPILER_IMPORT_ONNX_WINDOW_H

#include "compiler/import/onnx/Node.h"

namespace sinter::onnx_import {

/// The attributes that sliding windows share, one element per spatial dim.
struct Window {
  Node::Ints kernel, strides, pads, dilations;
  nn::AutoPad autoPad = nn::AutoPad::notset;
  bool ceilMode = false;
};

/// An attribute of `count` elements, each at least `least`.
Node::Ints getSpatial(Node &node, mlir::StringRef name, size_t count, int64_t fallback,
                      int64_t least);

/// The number of spatial dims of input 0 (N C X…), or nothing and an error.
std::optional<size_t> getSpatialRank(Node &node, int64_t least = 1);

Window getWindow(Node &node, size_t spatial, Node::Ints kernel);

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_WINDOW_H
