//===- Window.cpp - what sliding windows have in common -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Window.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

static nn::AutoPad getAutoPad(Node &node) {
  return node.getEnum<nn::AutoPad>("auto_pad", "NOTSET",
                                   {{"NOTSET", nn::AutoPad::notset},
                                    {"SAME_UPPER", nn::AutoPad::same_upper},
                                    {"SAME_LOWER", nn::AutoPad::same_lower},
                                    {"VALID", nn::AutoPad::valid}});
}

Ints sinter::onnx_import::getSpatial(Node &node, StringRef name, size_t count, int64_t fallback,
                                     int64_t least) {
  Ints values = node.getInts(name, Ints(count, fallback));
  if (values.size() != count) {
    (void)node.emitError("attribute '" + name + "' has " + Twine(values.size()) +
                         " elements; expected " + Twine(count));
    return Ints(count, std::max(fallback, least));
  }
  for (int64_t &value : values) {
    if (value >= least)
      continue;
    (void)node.emitError("attribute '" + name + "' has the element " + Twine(value) +
                         "; expected at least " + Twine(least));
    value = least;
  }
  return values;
}

std::optional<size_t> sinter::onnx_import::getSpatialRank(Node &node, int64_t least) {
  int64_t rank = node.getRank(0);
  if (rank < 2 + least) {
    (void)node.emitError("the input has rank " + Twine(rank) + "; expected at least " +
                         Twine(2 + least) + " (batch, channels, spatial dims)");
    return std::nullopt;
  }
  return rank - 2;
}

Window sinter::onnx_import::getWindow(Node &node, size_t spatial, Ints kernel) {
  Window window;
  window.kernel = std::move(kernel);
  window.strides = getSpatial(node, "strides", spatial, 1, 1);
  window.dilations = getSpatial(node, "dilations", spatial, 1, 1);
  window.autoPad = getAutoPad(node);
  window.pads = window.autoPad == nn::AutoPad::notset ? getSpatial(node, "pads", 2 * spatial, 0, 0)
                                                      : Ints(2 * spatial, 0);
  window.ceilMode = node.getFlag("ceil_mode");
  return window;
}
